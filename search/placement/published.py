"""Published steps of the benchmark graphs, as seconds on the devices of their authors.

Mirhoseini et al., "Device placement optimization with reinforcement learning" (2017); Mirhoseini
et al., "A hierarchical model for device placement" (HDP, 2018); Addanki et al., "Placeto" (2019);
Zhou et al., "Transferable graph optimizers for ML compilers" (GO, 2020). All from memory. Their
devices, frameworks and graphs are not ours: only ratios of two methods can be compared.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "data" / "published_steps.csv"


@dataclass(frozen=True)
class Published:
    """Steps of a graph in a publication, in seconds; None where there is none, or no memory."""

    source: str
    graph: str
    cluster: str
    single_s: float | None
    expert_s: float | None
    min_cut_s: float | None
    learned_s: float

    def ratios(self) -> dict[str, float | None]:
        """The steps of others over that of the learned placement."""
        others = {"single": self.single_s, "expert": self.expert_s, "min_cut": self.min_cut_s}
        return {
            name: None if step_s is None else step_s / self.learned_s
            for name, step_s in others.items()
        }


@cache
def published_steps() -> tuple[Published, ...]:
    """All of them, publication by publication."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple(map(_published, csv.DictReader(file)))


def published_of(graph: str, cluster: str) -> tuple[Published, ...]:
    """Those of a graph and a cluster."""
    found = published_steps()
    return tuple(each for each in found if (each.graph, each.cluster) == (graph, cluster))


def _published(row: Mapping[str, str]) -> Published:
    single_s, expert_s, min_cut_s = (
        float(row[name]) if row[name] else None for name in ("single_s", "expert_s", "min_cut_s")
    )
    learned_s = float(row["learned_s"])
    origin = (row["source"], row["graph"], row["cluster"])
    return Published(*origin, single_s, expert_s, min_cut_s, learned_s)
