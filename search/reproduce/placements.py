"""The published graphs of device placement, placed by all optimizers, beside the published times.

Published are the seconds of a step placed by experts, and by the policy that was learned
(Mirhoseini et al., "Device placement optimization with reinforcement learning", 2017, table 1,
from memory). Their devices are not ours: the ratio of the two is what can be compared.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from apollo.search.placement.benchmark import GRAPHS, OPTIMIZERS, BenchmarkRow, benchmark
from apollo.search.placement.found import Budget
from apollo.search.placement.optimizers import EXPERT, LEARNED
from apollo.search.placement.published import published_of
from apollo.search.store import Store
from apollo.search.studies import database_path

STUDY = "reproduce-placement"
_SOURCE = "Mirhoseini 2017"


@dataclass(frozen=True)
class Effort:
    """What is placed, by whom and how hard."""

    simulations: int = 5000
    seeds: int = 5
    graphs: tuple[tuple[str, str], ...] = GRAPHS
    optimizers: tuple[str, ...] = OPTIMIZERS


QUICK = Effort(50, 1, (("nmt_2", "2gpu"),), ("single", EXPERT, "m_etf"))


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
            benchmark(store, budget, effort.seeds, effort.graphs, effort.optimizers, follow)
        )
    return list(_rows(found))


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
