"""What the reproduction of the exploration study runs: sets of networks, runs by part, enumeration.

The published study (Yazdanbakhsh et al., "Apollo: Transferable Architecture Exploration", 2021)
names vision networks, two objectives, budgets of 6.8, 5.8 and 4.8 mm², about 4,096 trials and ten
runs. A *run* is one optimizer with one seed; runs of a part need nothing of each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from apollo.arch.space import SPACE, Space
from apollo.search.goals import Goal
from apollo.search.objective import DEFAULT_GOAL, SPEEDUP
from apollo.search.problem import Problem, with_budget

BUDGETS_MM2 = (6.8, 5.8, 4.8)
RANDOM, EVOLUTIONARY, P3BO, VIZIER = "random", "evolutionary", "adaptive_p3bo", "bayesian"
STRATEGIES = (RANDOM, EVOLUTIONARY, P3BO)
TRANSFER, UNBOUND, WITH_VIZIER = "transfer", "unbound", "vizier"  # parts
SINGLE, CLASSIFICATION, SEVERAL, SPEECH = "single", "classification", "several", "speech"
# Segmentation at 224 rows: at torchvision's 520 an evaluation takes ten times as long.
SETS: dict[str, tuple[str, ...]] = {
    SINGLE: ("mobilenet_v2",),
    CLASSIFICATION: ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_edgetpu"),
    SEVERAL: ("mobilenet_v2", "ssd_mobilenet_v2", "crnn", "lraspp_mobilenet_v3_224"),
    SPEECH: ("rnnt_encoder", "rnnt_prediction", "rnnt_joint"),
}
QUICK_CHOICES: dict[str, tuple[int, ...]] = {
    **{"pes_x": (1, 4, 8), "pes_y": (1, 4), "lanes": (16, 64), "cores": (1, 2, 8)},
    **{"pe_memory_bytes": (1 << 18, 1 << 19), "core_memory_bytes": (1 << 13, 1 << 15)},
    **{"activation_memory_bytes": (512, 4096), "instruction_memory_bytes": (1 << 14,)},
    **{"parameter_memory_bytes": (4096, 8192), "dram_gb_per_s": (10, 20)},
}


@dataclass(frozen=True)
class Run:
    """One optimizer with one seed, and what it searches for."""

    part: str
    networks: str  # name of a set
    objective: str
    budget_mm2: float | None
    optimizer: str
    seed: int
    trials: int
    source: "Run | None" = None  # whose best designs are tried first

    @property
    def name(self) -> str:
        """The name of its study; unique in a plan."""
        budget = "unbound" if self.budget_mm2 is None else f"{self.budget_mm2:g}mm2"
        parts = [self.networks, self.objective, budget, self.optimizer]
        if self.source is not None:
            parts.append(f"from-{self.source.networks}-{self.source.budget_mm2:g}mm2")
        return "-".join([*parts, f"seed{self.seed}"])

    @property
    def task(self) -> tuple[str, str, float | None]:
        """What is searched for, whoever searches."""
        return self.networks, self.objective, self.budget_mm2


@dataclass(frozen=True)
class Plan:
    """Everything that is run, by part, in order: a part may need those before it.

    Attributes:
        sets: networks by the name of the set.
        runs: by part.
        enumerated: sets whose large parameters are enumerated under the largest budget.
        space: of the designs.

    Raises `ValueError` when two runs have a name.

    """

    sets: Mapping[str, tuple[str, ...]]
    runs: Mapping[str, tuple[Run, ...]]
    enumerated: tuple[str, ...]
    budgets_mm2: tuple[float, ...] = BUDGETS_MM2
    space: Space = field(default=SPACE)

    def __post_init__(self) -> None:
        """Check the names."""
        names = [run.name for run in self.all_runs]
        if len(set(names)) < len(names):
            raise ValueError("The runs of a plan must have different names.")

    @property
    def all_runs(self) -> tuple[Run, ...]:
        """The runs of all parts, in order."""
        return tuple(run for runs in self.runs.values() for run in runs)

    def problem(self, networks: str, objective: str, budget_mm2: float | None) -> Problem:
        """What runs of that task search for."""
        problem = Problem(self.sets[networks], (Goal.of(objective),), space=self.space)
        return with_budget(problem, budget_mm2)

    def identity(self) -> dict[str, Any]:
        """What rows depend on, as JSON values, but for the runs themselves."""
        choices = {each.name: list(each.choices) for each in self.space.parameters}
        return {"sets": {name: list(nets) for name, nets in self.sets.items()}, "space": choices}


def grid(
    part: str,
    tasks: Sequence[tuple[str, str, float | None]],
    optimizers: Sequence[str],
    seeds: int,
    trials: int,
) -> tuple[Run, ...]:
    """Every optimizer with every seed on every task; the seeds of a task follow each other."""
    every = product(tasks, range(seeds), optimizers)
    return tuple(Run(part, *task, optimizer, seed, trials) for task, seed, optimizer in every)


def transferred(
    sources: Sequence[Run], target: tuple[str, str, float | None], optimizers: Sequence[str]
) -> tuple[Run, ...]:
    """A run of each optimizer for each source, with its seed, that begins with its best."""
    return tuple(
        Run(TRANSFER, *target, optimizer, source.seed, source.trials, source)
        for source in sources
        for optimizer in optimizers
    )


def published_plan(seeds: int = 10, trials: int = 4096) -> Plan:
    """The study as it was published, on four sets of networks (docs/reproduction.md)."""
    return _plan(SETS, SPACE, seeds, trials)


def quick_plan() -> Plan:
    """The same in seconds, on layers and a small space: to see that it works."""
    sets = {SINGLE: ("conv:14x14x64x64x3x1",), CLASSIFICATION: ("gemm:1x256x256", "gemm:4x64x64")}
    space = SPACE
    for name, choices in QUICK_CHOICES.items():
        space = space.having(name, choices)
    return _plan(sets, space, 2, 48)


def _plan(sets: Mapping[str, tuple[str, ...]], space: Space, seeds: int, trials: int) -> Plan:
    few = max(1, seeds * 3 // 10)
    bound = [(SPEEDUP, budget) for budget in BUDGETS_MM2]
    both = [*bound, *((DEFAULT_GOAL, budget) for budget in BUDGETS_MM2)]
    asked = (  # set, tasks, runs of each
        (SINGLE, both, seeds),
        (CLASSIFICATION, bound, seeds),
        (CLASSIFICATION, [(DEFAULT_GOAL, BUDGETS_MM2[0])], few),
        (SEVERAL, bound[-1:], few),
        (SPEECH, bound[:1], few),
    )
    runs: dict[str, tuple[Run, ...]] = {}
    for name, tasks, count in asked:
        if name in sets:
            of_set = grid(name, [(name, *task) for task in tasks], STRATEGIES, count, trials)
            runs[name] = (*runs.get(name, ()), *of_set)
    sources = [run for run in runs[SINGLE] if run.task[1:] == bound[0]]
    sources = [run for run in sources if run.optimizer == EVOLUTIONARY]
    unbound = [(SINGLE, goal, None) for goal in (DEFAULT_GOAL, SPEEDUP)]
    runs[UNBOUND] = grid(UNBOUND, unbound, (EVOLUTIONARY, P3BO), few, trials)
    runs[TRANSFER] = (
        *transferred(sources, (SINGLE, *bound[-1]), (EVOLUTIONARY,)),
        *transferred(sources, (CLASSIFICATION, *bound[0]), (EVOLUTIONARY,)),
    )
    runs[WITH_VIZIER] = grid(
        WITH_VIZIER, [(SINGLE, *task) for task in both], (VIZIER,), seeds, trials
    )
    return Plan(sets, runs, (SINGLE, CLASSIFICATION), space=space)
