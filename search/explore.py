"""`explore`: a study of designs for networks, from names to the best design."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from apollo.arch.accelerator import Accelerator, design_text, lane_presets, load_design
from apollo.arch.area import area_of
from apollo.arch.space import accelerator_at
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.network import Network
from apollo.search.evaluate import EvaluatePoint
from apollo.search.measure import Measurement, evaluator_version, measure
from apollo.search.objective import Objective
from apollo.search.progress import Progress
from apollo.search.store import Store, canonical_json, content_key
from apollo.search.studies import database_path, export_study
from apollo.search.study import Study, StudyResult, run_study
from apollo.search.trial import Evaluation, EvaluationKey
from apollo.workloads.catalogue import load_model
from apollo.workloads.sparsity import masks_at

DEFAULT_BASELINE = "edge_tpu_v3"


@dataclass(frozen=True)
class Task:
    """What is asked of a design: networks, a budget, and the design that has reward 1."""

    networks: Mapping[str, Network]
    baseline: Accelerator
    max_area_mm2: float | None = None

    def objective(self) -> Objective:
        """The reward.

        Raises `ValueError` when the baseline itself cannot run one of the networks.
        """
        throughput = {}
        for name, network in self.networks.items():
            try:
                throughput[name] = measure(network, self.baseline).metrics.throughput_per_s
            except DoesNotFit as error:
                raise ValueError(
                    f"Baseline '{self.baseline.name}' cannot run {name}, so no reward is relative "
                    f"to it: {error}"
                ) from None
        area_mm2 = area_of(self.baseline).total_mm2
        return Objective(self.baseline.name, area_mm2, throughput, self.max_area_mm2)

    def evaluate(self, network: str, accelerator: Accelerator) -> Evaluation:
        """One network on one design, feasible or not."""
        try:
            metrics = measure(self.networks[network], accelerator).metrics
        except DoesNotFit as error:
            return Evaluation(False, {}, error.resource, str(error))
        return Evaluation(True, metrics.scalars())


@dataclass(frozen=True)
class Candidate:
    """A design beside others: its reward on the task, or why it has none."""

    accelerator: Accelerator
    area_mm2: float
    reward: float
    reason: str | None
    measurements: Mapping[str, Measurement]


@dataclass(frozen=True)
class Exploration:
    """A finished, or interrupted, study of designs."""

    study: str
    folder: Path
    task: Task
    result: StudyResult
    best: Candidate | None
    presets: tuple[Candidate, ...]


def make_task(
    networks: Sequence[str],
    baseline: str,
    max_area_mm2: float | None,
    batch: int = 1,
    sparsity: float | None = None,
) -> Task:
    """Load what the names mean, pruned if a sparsity is given.

    Raises `ValueError`, one sentence, for what does not exist.
    """
    if not networks:
        raise ValueError("An exploration must have at least one network.")
    lowered = {}
    for name in networks:
        model = load_model(name, batch)
        masks = None if sparsity is None else masks_at(model, sparsity)
        lowered[name] = lower(model.graph, masks=masks)
    return Task(lowered, load_design(baseline), max_area_mm2)


def explore(
    networks: Sequence[str],
    *,
    optimizer: str = "evolutionary",
    trials: int = 2000,
    max_area_mm2: float | None = None,
    seed: int = 0,
    baseline: str = DEFAULT_BASELINE,
    batch: int = 1,
    sparsity: float | None = None,
    study: str | None = None,
    output: Path = Path("results"),
    progress: Progress | None = None,
) -> Exploration:
    """Search the space for the design with the greatest reward.

    The same `study` resumes. Raises `ValueError`, one sentence, for wrong input.
    """
    if trials < 1:
        raise ValueError(f"An exploration must have at least 1 trial, not {trials}.")
    task = make_task(networks, baseline, max_area_mm2, batch, sparsity)
    objective = task.objective()
    name = study
    if name is None:
        name = default_study(networks, optimizer, max_area_mm2, seed, sparsity)
    database = database_path(output, name)
    keys = _Keys(task, batch)
    options = {
        "networks": list(networks),
        "baseline": baseline,
        "max_area_mm2": max_area_mm2,
        "images": batch,
        "sparsity": sparsity,
        # A file may be edited, so what it holds is of the identity too.
        "content": {**keys.networks, baseline: _design_key(task.baseline)},
    }
    definition = Study(name, optimizer, seed, evaluator_version(), options=options)
    database.parent.mkdir(parents=True, exist_ok=True)
    with Store(database) as store:
        evaluate = EvaluatePoint(
            objective,
            area_mm2=lambda index: area_of(accelerator_at(index)).total_mm2,
            measure=lambda index, network: task.evaluate(network, accelerator_at(index)),
            key=keys,
            cache=store,
        )
        result = run_study(store, definition, evaluate, trials, progress)
        row = store.study(name)
        if row is not None:
            export_study(row, result.trials, database.parent)
    best = None
    if result.best is not None:
        best = candidate(task, objective, result.best.index)
        text = f"# Best of {len(result.trials)} trials of study {name}.\n"
        (database.parent / "best.toml").write_text(text + design_text(best.accelerator))
    presets = tuple(candidate(task, objective, preset.name) for preset in lane_presets())
    return Exploration(name, database.parent, task, result, best, presets)


def default_study(
    networks: Sequence[str],
    optimizer: str,
    max_area_mm2: float | None,
    seed: int,
    sparsity: float | None = None,
) -> str:
    """A name that says what the study is of."""
    stems = (Path(name).stem if name.lower().endswith(".onnx") else name for name in networks)
    budget = "" if max_area_mm2 is None else f"-{max_area_mm2:g}mm2"
    pruned = "" if sparsity is None else f"-sparse{sparsity:g}"
    name = f"{'-'.join(stems)}{pruned}-{optimizer}{budget}-seed{seed}"
    return re.sub(r"[^A-Za-z0-9_.+-]", "_", name).lstrip(".+-")


def candidate(task: Task, objective: Objective, design: int | str) -> Candidate:
    """A point of the space, or a preset, on the task."""
    accelerator = accelerator_at(design) if isinstance(design, int) else load_design(design)
    area_mm2 = area_of(accelerator).total_mm2
    measurements = {}
    evaluations = {}
    for name, network in task.networks.items():
        try:
            measurements[name] = measure(network, accelerator)
            evaluations[name] = Evaluation(True, measurements[name].metrics.scalars())
        except DoesNotFit as error:
            evaluations[name] = Evaluation(False, {}, error.resource, str(error))
            break
    outcome = objective.rejected(area_mm2) or objective.outcome(area_mm2, evaluations)
    return Candidate(accelerator, area_mm2, outcome.reward, outcome.reason, measurements)


def _design_key(accelerator: Accelerator) -> str:
    """Content key of the machine, whatever its name."""
    fields = asdict(accelerator)
    del fields["name"]
    return content_key(fields)


class _Keys:
    """Content keys of evaluations: everything that a result depends on."""

    def __init__(self, task: Task, batch: int) -> None:
        self.options = canonical_json({"batch": batch})
        self.networks = {
            name: hashlib.sha256(b"".join(table.tobytes() for table in tables)).hexdigest()
            for name, network in task.networks.items()
            for tables in [(network.nests, network.tensors, network.pairs)]
        }

    def __call__(self, index: int, network: str, /) -> EvaluationKey:
        return EvaluationKey(
            design=_design_key(accelerator_at(index)),
            network=self.networks[network],
            options=self.options,
            version=evaluator_version(),
        )
