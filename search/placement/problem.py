"""A placement problem as optimizers and policies see it: groups to place, devices, and a cost.

`G` groups of operators that must share a device, `D` devices, `E` edges between groups, `P`
placements. A *placement* is the device of every group, an integer in 0..D-1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

INFEASIBLE = float("inf")  # the cost of a placement that is none


class Costs(NamedTuple):
    """What placements cost."""

    cost: Floats  # [P] to be minimised, in the unit of the problem; finite if infeasible too
    overflow_bytes: Ints  # [P] memory that is lacking, over all devices; 0 where all fits

    @property
    def ranked(self) -> Floats:
        """[P] The cost, and infinity where memory is lacking."""
        return np.where(self.overflow_bytes > 0, INFEASIBLE, self.cost)


class LinkTimes(NamedTuple):
    """What a tensor takes from a device to another one, if it waits for nothing; 0 to itself."""

    fixed_ns: Ints  # [D, D] whatever its size
    ns_per_byte: Floats  # [D, D]


class Nets(NamedTuple):
    """Tensors that cross the border of a device once, whoever reads them: nets of a hypergraph."""

    net: Ints  # [P] number of a tensor, for each of its groups
    group: Ints  # [P] one that writes or reads it, each once
    sent_bytes: Ints  # [T] at most, to any of the readers


def nets_of(tensor: Ints, owner: Ints, reader: Ints, sent_bytes: Ints) -> Nets:
    """The nets of edges [E] from the group that writes a tensor to one that reads it."""
    between = owner != reader
    names, number = np.unique(tensor[between], return_inverse=True)
    most_bytes = np.zeros(len(names), np.int64)
    np.maximum.at(most_bytes, number, sent_bytes[between])
    ends = np.concatenate([owner[between], reader[between]])
    pins = np.unique(np.stack([np.tile(number, 2), ends], axis=1), axis=0)
    return Nets(pins[:, 0], pins[:, 1], most_bytes)


@dataclass(frozen=True)
class GroupGraph:
    """The groups, as far as a policy or a heuristic must know them.

    Groups are in an order of which most edges go forward; a training step has edges in both
    directions between groups, so it need not be acyclic.
    """

    names: tuple[str, ...]  # [G]
    compute_ns: Ints  # [G, D] of all operators of the group, on each device
    allowed: Bools  # [G, D] whether the device can run all of them
    memory_bytes: Ints  # [G] that stay allocated: parameters
    output_bytes: Ints  # [G] that the operators write
    source: Ints  # [E]
    target: Ints  # [E]
    edge_bytes: Ints  # [E] of all tensors that go from group to group
    shared: Nets | None = None  # None: what goes along an edge goes by itself

    def __post_init__(self) -> None:
        """Refuse groups that no device can run."""
        for name, allowed in zip(self.names, self.allowed, strict=True):
            if not allowed.any():
                raise ValueError(f"No device can run '{name}': neither its cost nor room is there.")

    @cached_property
    def nets(self) -> Nets:
        """What goes from group to group, each at once."""
        if self.shared is not None:
            return self.shared
        return nets_of(np.arange(len(self.source)), self.source, self.target, self.edge_bytes)


@dataclass(frozen=True)
class PlacementProblem:
    """Groups to place over devices so that a cost is least."""

    name: str
    device_names: tuple[str, ...]  # [D]
    memory_bytes: Ints  # [D]
    groups: GroupGraph
    costs: Callable[[Ints], Costs]  # of placements [P, G]
    links: LinkTimes | None = None  # None where they are not known

    def cost(self, placement: Ints) -> float:
        """Cost of one placement [G]; infinity where memory is lacking."""
        return float(self.costs(placement[None, :]).ranked[0])
