"""`explore`: a study of designs for networks, from names to the best design."""

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apollo.arch.accelerator import design_text, lane_presets
from apollo.arch.constants import DEFAULT, load_technology
from apollo.arch.space import SPACE
from apollo.arch.space_file import load_space
from apollo.arch.text import suggestion
from apollo.search.constraint import Constraint
from apollo.search.details.complete import store_designs
from apollo.search.execution import Execution
from apollo.search.goals import Goal
from apollo.search.measure import evaluator_version
from apollo.search.objective import DEFAULT_GOAL, Mean, parse_weights
from apollo.search.problem import DEFAULT_BASELINE, Problem, with_budget
from apollo.search.progress import Progress
from apollo.search.report.files import whole_file
from apollo.search.restrict import restricted
from apollo.search.store import content_key
from apollo.search.studies import database_path, export_study
from apollo.search.study import Study, StudyResult, run_study
from apollo.search.task import Candidate, Task
from apollo.search.transfer.warm_start import WarmStart, start_of

HERE = Execution()


@dataclass(frozen=True)
class Exploration:
    """A finished, or interrupted, study of designs.

    Attributes:
        study: its name, by which it is found again and resumed.
        folder: of its database, tables and figures.
        task: what was asked: problem, networks, and the baseline design with reward 1.
        result: all trials by number, how many are feasible, whether it was interrupted.
        best: the feasible design with the greatest reward, measured; None where none is feasible.
        presets: the shipped designs, measured on the same task.

    """

    study: str
    folder: Path
    task: Task
    result: StudyResult
    best: Candidate | None
    presets: tuple[Candidate, ...]

    def _repr_html_(self) -> str:
        """For notebooks: the best design beside the presets."""
        from apollo.search.tables import exploration_html

        return exploration_html(self)


def make_problem(
    networks: Sequence[str],
    *,
    objectives: Sequence[str] = (DEFAULT_GOAL,),
    constraints: Sequence[str] = (),
    max_area_mm2: float | None = None,
    weights: Sequence[str] = (),
    mean: str = Mean.GEOMETRIC,
    baseline: str = DEFAULT_BASELINE,
    batch: int = 1,
    sparsity: float | None = None,
    space: str | Path | None = None,
    fix: Sequence[str] = (),
    ranges: Sequence[str] = (),
    technology: str | Path | None = None,
    only_admitted: bool = False,
) -> Problem:
    """The problem that is written so; docs/objectives.md has the grammar.

    Raises `ValueError`, one sentence, for what is written wrongly or contradicts itself.
    """
    if mean not in list(Mean):
        raise ValueError(
            f"The mean must be one of {', '.join(Mean)}, not '{mean}'.{suggestion(mean, Mean)}"
        )
    problem = Problem(
        tuple(networks),
        tuple(map(Goal.of, objectives)),
        tuple(map(Constraint.of, constraints)),
        parse_weights(weights, networks),
        Mean(mean),
        baseline,
        batch,
        sparsity,
        restricted(SPACE if space is None else load_space(space), fix, ranges),
        DEFAULT if technology is None else load_technology(technology),
        only_admitted,
    )
    return with_budget(problem, max_area_mm2)


def explore(
    problem: Problem,
    *,
    optimizer: str = "evolutionary",
    settings: Mapping[str, Any] | None = None,
    trials: int = 2000,
    seed: int = 0,
    study: str | None = None,
    output: Path = Path("results"),
    execution: Execution = HERE,
    warm_start: WarmStart | None = None,
    progress: Progress | None = None,
) -> Exploration:
    """Search the space for the design with the greatest reward, at first where others found some.

    The same `study` resumes. Raises `ValueError`, one sentence, for wrong input.
    """
    if trials < 1:
        raise ValueError(f"An exploration must have at least 1 trial, not {trials}.")
    task = Task.of(problem)
    name = default_study(problem, optimizer, seed, warm_start) if study is None else study
    folder = database_path(output, name).parent
    start = start_of(warm_start, task, seed, name, execution.location(folder), output)
    definition = Study(
        name,
        optimizer,
        seed,
        evaluator_version(),
        settings or {},
        # A file may be edited, so what it holds is of the identity too.
        problem.options() | {"content": task.contents} | start.as_options(),
        space=problem.space,
        first=start.points,
    )
    evaluator = task.evaluator()  # refuses what is wrong before there is a database
    with execution.open(folder) as store:
        store.open_study(definition.row())
        evaluate = evaluator(store)
        admits = evaluate.admits if problem.is_filtered else None
        with closing(execution.backend(store, name, evaluate, task.measure())) as backend:
            result = run_study(store, definition, evaluate, trials, progress, admits, backend)
        if not result.interrupted:
            store_designs(store, name, task)
        row = store.study(name)
        if row is not None and not result.interrupted:  # who interrupts does not wait for tables
            export_study(row, result.trials, folder)
    best = None
    if result.best is not None:
        best = task.candidate(result.best.index)
        text = f"# Best of {len(result.trials)} trials of study {name}.\n"
        with whole_file(folder / "best.toml") as part:
            part.write_text(text + design_text(best.accelerator), encoding="utf-8")
    presets = tuple(task.candidate(preset.name) for preset in lane_presets())
    return Exploration(name, folder, task, result, best, presets)


def default_study(
    problem: Problem, optimizer: str, seed: int, warm_start: WarmStart | None = None
) -> str:
    """A name that says what the study is of; a key stands for what is unusual."""
    stems = (Path(n).stem if n.lower().endswith(".onnx") else n for n in problem.networks)
    budget, pruned = problem.max_area_mm2, problem.sparsity
    parts = ["-".join(stems)]
    parts += [] if pruned is None else [f"sparse{pruned:g}"]
    parts += [optimizer]
    parts += [] if budget is None else [f"{budget:g}mm2"]
    usual = with_budget(
        Problem(problem.networks, sparsity=pruned, baseline=problem.baseline), budget
    )
    if problem.options() != usual.options():
        parts.append(content_key(problem.options())[:6])
    if warm_start is not None:
        parts.append(f"warm{content_key(warm_start.options())[:6]}")
    name = "-".join([*parts, f"seed{seed}"])
    return re.sub(r"[^A-Za-z0-9_.+-]", "_", name).lstrip(".+-")
