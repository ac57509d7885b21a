"""The published graphs, placed by every optimizer with several seeds and equal budgets.

A study a graph, cluster and seed, all in one database: what is there is not run again. Optimizers
that draw nothing are run with the first seed only.
"""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, isfinite, log, nan

from apollo.search.placement.found import Budget
from apollo.search.placement.optimizers import EXPERT, LEARNED, REFINED, place
from apollo.search.placement.published import Published, published_of
from apollo.search.placement.study import PlacementStudy
from apollo.search.placement.task import PlacementTask
from apollo.search.placement.units import NS_PER_MS
from apollo.search.store import Store

GRAPHS: tuple[tuple[str, str], ...] = (
    ("inception_v3", "2gpu"),
    ("inception_v3", "4gpu"),
    ("nmt_2", "2gpu"),
    ("nmt_2", "4gpu"),
    ("rnnlm_2", "2gpu"),
    ("rnnlm_2", "4gpu"),
)
MIN_CUT = "metis"
DRAWING = (
    LEARNED,
    REFINED,
    "random",
    "local_search",
    "evolutionary",
    "p3bo",
)  # they depend on the seed
FIXED = (
    *("single", EXPERT, "round_robin", "contiguous"),
    *(MIN_CUT, "heft", "m_topo", "m_etf", "m_sct"),
)
OPTIMIZERS = (*DRAWING, *FIXED)
RIVALS = ("single", EXPERT, MIN_CUT, "heft", "m_sct")  # that every optimizer is compared with


@dataclass(frozen=True)
class BenchmarkRow:
    """An optimizer on a graph and cluster.

    Attributes:
        steps_ms: by seed; infinite where nothing fits the memories.
        simulations: of the first seed.
        seconds: of the first seed.

    """

    graph: str
    cluster: str
    optimizer: str
    steps_ms: tuple[float, ...]
    simulations: int
    seconds: float

    @property
    def median_ms(self) -> float:
        """Of the seeds."""
        return statistics.median(self.steps_ms)

    @property
    def spread(self) -> float:
        """The longest step over the shortest, less 1."""
        return max(self.steps_ms) / min(self.steps_ms) - 1 if isfinite(max(self.steps_ms)) else inf


def benchmark(
    store: Store,
    budget: Budget,
    seeds: int,
    graphs: Sequence[tuple[str, str]] = GRAPHS,
    optimizers: Sequence[str] = OPTIMIZERS,
    follow: Callable[[str], None] = lambda _: None,
    first_seed: int = 0,
) -> Iterator[BenchmarkRow]:
    """The rows, graph by graph, as they are done; so many seeds from the first one on.

    Raises `ValueError`, one sentence, for a graph, cluster or optimizer that there is not, and
    `KeyboardInterrupt` after Ctrl-C: what was done is stored.
    """
    for graph, cluster in graphs:
        task = PlacementTask(graph, cluster)
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in optimizers}
        for seed in range(first_seed, first_seed + seeds):
            names = [name for name in optimizers if seed == first_seed or name in DRAWING]
            for name, each in _run(task, store, budget, seed, names, follow).items():
                found[name].append(each)
        for name, runs in found.items():
            steps = tuple(cost / NS_PER_MS for cost, _, _ in runs)
            yield BenchmarkRow(graph, cluster, name, steps, int(runs[0][1]), runs[0][2])


def _run(
    task: PlacementTask,
    store: Store,
    budget: Budget,
    seed: int,
    names: Sequence[str],
    follow: Callable[[str], None],
) -> Mapping[str, tuple[float, float, float]]:
    """Cost, simulations and seconds of every optimizer with a seed."""
    study = PlacementStudy(
        f"{task.graph_name}-{task.cluster_name}-seed{seed}",
        task.problem,
        seed,
        task.options() | {"simulations": budget.simulations},
    )
    placed = study.run(
        store,
        names,
        lambda name: place(name, task, budget, seed),
        lambda name: follow(f"{study.name}: {name}"),
    )
    return {
        each.optimizer: (
            each.cost,
            each.trial.metrics.get("simulations", 0.0),
            each.trial.seconds,
        )
        for each in placed
    }


def ratio(rows: Sequence[BenchmarkRow], row: BenchmarkRow, other: str) -> float | None:
    """The other's median step over the row's on the same graph: above 1 where the row is better.

    None where the other was not run, or has no placement that fits; 0 where the row has none.
    """
    for each in rows:
        if (each.graph, each.cluster, each.optimizer) == (row.graph, row.cluster, other):
            return each.median_ms / row.median_ms if isfinite(each.median_ms) else None
    return None


def mean_ratio(rows: Sequence[BenchmarkRow], optimizer: str, other: str) -> tuple[float, int]:
    """Geometric mean of `ratio` over the graphs where both have a placement, and their number.

    The mean of no graph is not a number.
    """
    own = [row for row in rows if row.optimizer == optimizer and isfinite(row.median_ms)]
    ratios = [each for row in own if (each := ratio(rows, row, other)) is not None]
    return (exp(sum(map(log, ratios)) / len(ratios)) if ratios else nan), len(ratios)


def beside_published(rows: Sequence[BenchmarkRow]) -> list[tuple[Published, BenchmarkRow]]:
    """What was published of every graph, and the learned placement of ours."""
    learned = [row for row in rows if row.optimizer == LEARNED]
    return [(each, row) for row in learned for each in published_of(row.graph, row.cluster)]
