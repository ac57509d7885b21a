"""Families of graphs, to train on some members and place others that were never seen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.catalogue import MODELS
from apollo.search.placement.graphs.grouping import grouped
from apollo.search.placement.graphs.lower import lower_graph
from apollo.search.placement.graphs.nmt import NMT
from apollo.search.placement.graphs.random_graphs import random_graph
from apollo.search.placement.graphs.rnnlm import RNNLM
from apollo.search.placement.graphs.training import training_step
from apollo.workloads.models.inception_v3 import Blocks, inception_v3

Member = tuple[int, ...]  # a value for each option of its family


@dataclass(frozen=True)
class Family:
    """Graphs of one kind in several sizes.

    Attributes:
        name: of the family; members are named `NAME_VALUE_VALUE...`.
        options: the values of each option.
        build: the forward graph of a name and a value for each option.
        state_values: what the optimizer keeps for each weight.
        most_groups: of co-location; None where cells are groups.

    """

    name: str
    options: Mapping[str, tuple[int, ...]]
    build: Callable[..., OperatorGraph]
    state_values: int
    most_groups: int | None = None

    @property
    def members(self) -> tuple[Member, ...]:
        """Every combination of values."""
        return tuple(product(*self.options.values()))

    def graph(self, member: Member, training: bool = True) -> OperatorGraph:
        """The graph of a member, for a step of training or for inference."""
        name = "_".join([self.name, *map(str, member)])
        graph = self.build(name, *member)
        if training:
            graph = training_step(graph, self.state_values)
        return grouped(graph, self.most_groups) if self.most_groups else graph

    def split(
        self, known: int, unseen: int, seed: int
    ) -> tuple[tuple[Member, ...], tuple[Member, ...]]:
        """Members to train on and others to be held out, at random.

        Raises `ValueError` if there are not so many.
        """
        if known + unseen > len(self.members):
            raise ValueError(
                f"Family '{self.name}' has {len(self.members)} members, not {known} + {unseen}."
            )
        order = np.random.default_rng(seed).permutation(len(self.members))
        chosen = [self.members[index] for index in order[: known + unseen]]
        return tuple(chosen[:known]), tuple(chosen[known:])


def family(name: str) -> Family:
    """The family of that name. Raises `ValueError` for another one."""
    if name not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ValueError(f"There is no family {name!r} of graphs: it must be one of {known}.")
    return FAMILIES[name]


def _rnnlm(name: str, layers: int, units: int, steps: int) -> OperatorGraph:
    return RNNLM(layers, units, steps).graph(name, MODELS["rnnlm_2"].batch, keep_gates=True)


def _nmt(name: str, layers: int, units: int, steps: int) -> OperatorGraph:
    return NMT(layers, units, steps).graph(name, MODELS["nmt_2"].batch, keep_gates=True)


def _inception(name: str, at_35: int, at_17: int, at_8: int, batch: int) -> OperatorGraph:
    return lower_graph(inception_v3(name, Blocks(at_35, at_17, at_8)).with_batch(batch))


def _random(name: str, layers: int, width: int, seed: int) -> OperatorGraph:
    return random_graph(layers, width, seed)


_RECURRENT = {"units": (512, 1024, 2048), "steps": (10, 20, 30, 40)}
FAMILIES = {
    item.name: item
    for item in (
        Family(
            "inception",
            {"at_35": (1, 2, 3, 4), "at_17": (1, 2, 3, 4, 5), "at_8": (1, 2, 3), "batch": (16, 32)},
            _inception,
            MODELS["inception_v3"].state_values,
            MODELS["inception_v3"].most_groups,
        ),
        Family(
            "rnnlm",
            {"layers": (1, 2, 3, 4, 6), **_RECURRENT},
            _rnnlm,
            MODELS["rnnlm_2"].state_values,
        ),
        Family("nmt", {"layers": (1, 2, 3, 4), **_RECURRENT}, _nmt, MODELS["nmt_2"].state_values),
        Family(
            "random",
            {"layers": (10, 20, 30), "width": (3, 5, 8), "seed": tuple(range(20))},
            _random,
            0,
        ),
    )
}
