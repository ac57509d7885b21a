"""The published graphs of device placement, placed by all optimizers, beside the published times.

Published are the seconds of a step placed by experts, and by the policy that was learned
(Mirhoseini et al., "Device placement optimization with reinforcement learning", 2017, table 1,
from memory). Their devices are not ours: the ratio of the two is what can be compared. The
third-party graphs have devices, times and published figures of their own (Tarnawski et al., 2020).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from apollo.search.placement.benchmark import GRAPHS, OPTIMIZERS, BenchmarkRow, benchmark
from apollo.search.placement.found import Budget
from apollo.search.placement.optimizers import EXPERT, LEARNED, REFINED, place_problem
from apollo.search.placement.partition.problem import partition_problem
from apollo.search.placement.partition.read import partition_graphs
from apollo.search.placement.partition.table import objective_for, partition_table
from apollo.search.placement.published import published_of
from apollo.search.placement.study import PlacementStudy
from apollo.search.store import Store
from apollo.search.studies import database_path

STUDY = "reproduce-placement"
_SOURCE = "Mirhoseini 2017"


@dataclass(frozen=True)
class Effort:
    """What is placed, by whom and how hard."""

    simulations: int = 5000
    seeds: int = 5
    first_seed: int = 100  # settings were chosen with seeds from 0 on
    graphs: tuple[tuple[str, str], ...] = GRAPHS
    optimizers: tuple[str, ...] = OPTIMIZERS
    third_party: tuple[str, ...] = tuple(partition_graphs())
    third_party_simulations: int = 20_000
    searchers: tuple[str, ...] = ("contiguous", "local_search", LEARNED, REFINED)
    methods: tuple[str, ...] | None = None  # of the paper; None: all


QUICK = Effort(
    simulations=50,
    seeds=1,
    graphs=(("nmt_2", "2gpu"),),
    optimizers=("single", EXPERT, "m_etf"),
    third_party=("throughput/resnet50_inference",),
    third_party_simulations=50,
    searchers=("contiguous",),
    methods=("expert",),
)


def placement_rows(
    studies: Path, effort: Effort, follow: Callable[[str], None]
) -> list[dict[str, Any]]:
    """A row an optimizer and graph: median step, and how many times the experts' that is faster.

    `published_faster` stands beside the learned policy. What the folder of studies holds is not
    run again. Raises `ValueError` and `KeyboardInterrupt` as `benchmark` does.
    """
    with Store(database_path(studies, STUDY)) as store:
        budget = Budget(effort.simulations)
        found = list(
            benchmark(
                store,
                budget,
                effort.seeds,
                effort.graphs,
                effort.optimizers,
                follow,
                effort.first_seed,
            )
        )
    return list(_rows(found))


def third_party_rows(
    studies: Path, effort: Effort, follow: Callable[[str], None]
) -> list[dict[str, Any]]:
    """A row a method on a third-party graph: the paper's and optimizers of placements.

    Of the latter, what the folder of studies holds is not run again. Raises `KeyboardInterrupt`
    after Ctrl-C.
    """
    methods = partition_table(effort.third_party, effort.methods)
    rows = [{**row._asdict(), "objective": str(row.objective)} for row in methods]
    with Store(database_path(studies, STUDY)) as store:
        for graph in effort.third_party:
            rows += _searched(store, graph, effort, follow)
    return rows


def _searched(
    store: Store, graph: str, effort: Effort, follow: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    objective, seed = objective_for(graph), effort.first_seed
    problem, budget = partition_problem(graph, objective), Budget(effort.third_party_simulations)
    options = {"graph": graph, "objective": str(objective), "simulations": budget.simulations}
    study = PlacementStudy(f"{graph}-seed{seed}".replace("/", "-"), problem, seed, options)
    placed = study.run(
        store,
        effort.searchers,
        lambda name: place_problem(name, problem, None, budget, seed),
        lambda name: follow(f"{study.name}: {name}"),
    )
    for each in placed:
        yield {
            "graph": graph,
            "objective": str(objective),
            "method": each.optimizer,
            "cost_ms": _finite(each.cost),
            "simulations": each.trial.metrics.get("simulations"),
        }


def _rows(found: Sequence[BenchmarkRow]) -> Iterator[dict[str, Any]]:
    experts = {(row.graph, row.cluster): row.median_ms for row in found if row.optimizer == EXPERT}
    for row in found:
        expert_ms = experts.get((row.graph, row.cluster))
        published = next(
            (
                each.ratios()["expert"]
                for each in published_of(row.graph, row.cluster)
                if each.source == _SOURCE and row.optimizer == LEARNED
            ),
            None,
        )
        yield {
            "graph": row.graph,
            "cluster": row.cluster,
            "optimizer": row.optimizer,
            "step_ms": _finite(row.median_ms),
            "spread": _finite(row.spread),
            "faster_than_expert": None if expert_ms is None else _finite(expert_ms / row.median_ms),
            "published_faster": published,
        }


def _finite(number: float) -> float | None:
    return number if isfinite(number) else None
