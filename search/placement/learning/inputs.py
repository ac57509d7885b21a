"""What a policy is given of a problem: columns without a unit, padded to powers of two.

Times are in multiples of the mean time of a group on its fastest device, memory in multiples of the
largest device's, bytes in multiples of the mean edge's. So a problem in other units, or with twice
the groups, looks alike; and whatever has the same padded shape is compiled once.

Letters: `G` groups, `D` devices, `E` edges, all padded; `K` earlier neighbours of a group, `F` and
`C` features.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.search.placement.learning.neighbours import earlier_neighbours
from apollo.search.placement.learning.shape import group_features
from apollo.search.placement.problem import Bools, Floats, Ints, PlacementProblem

Singles = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]


class Shape(NamedTuple):
    """How long padded columns are, at least; powers of two."""

    groups: int = 16
    devices: int = 4
    edges: int = 64
    neighbours: int = 8


class Inputs(NamedTuple):
    """A problem as a policy sees it."""

    groups: Singles  # [G, F] features that no placement changes
    devices: Singles  # [D, C]
    is_group: Bools  # [G] not padding
    source: Indices  # [E] G where there is padding
    target: Indices  # [E]
    edge_bytes: Singles  # [E]
    earlier: Indices  # [G, K] neighbours that are placed before a group; G where there is none
    earlier_bytes: Singles  # [G, K]
    is_input: Bools  # [G, K] whether the group reads what that neighbour writes
    compute: Singles  # [G, D]
    allowed: Bools  # [G, D]
    memory: Singles  # [G]
    capacity: Singles  # [D]
    fixed: Singles  # [D, D] time of a transfer
    per_byte: Singles  # [D, D]
    ideal: Singles  # [] time if all compute were shared evenly


def inputs_of(problem: PlacementProblem, least: Shape = Shape()) -> Inputs:  # noqa: B008 - frozen
    """The inputs of a problem."""
    groups, devices = problem.groups, len(problem.device_names)
    count, edges = len(groups.names), len(groups.source)
    padded, padded_devices = power_of_two(count, least.groups), power_of_two(devices, least.devices)
    padded_edges = power_of_two(edges, least.edges)
    fastest = np.where(groups.allowed, groups.compute_ns, np.inf).min(axis=1)
    unit_ns = max(float(fastest.mean()), 1.0)
    unit_bytes = max(float(groups.edge_bytes.mean()) if edges else 0.0, 1.0)
    unit_memory = max(float(problem.memory_bytes.max()), 1.0)
    earlier = earlier_neighbours(groups, padded, least.neighbours)
    compute = np.where(groups.allowed, groups.compute_ns, 0) / unit_ns
    fixed, per_byte = np.zeros((devices, devices)), np.zeros((devices, devices))
    if problem.links is not None:
        fixed = problem.links.fixed_ns / unit_ns
        per_byte = problem.links.ns_per_byte * unit_bytes / unit_ns
    square = (padded_devices, padded_devices)
    return Inputs(
        groups=_padded(group_features(problem), (padded, None)),
        devices=_padded(_device_features(problem), (padded_devices, None)),
        is_group=np.arange(padded) < count,
        source=_indices(groups.source, padded_edges, padded),
        target=_indices(groups.target, padded_edges, padded),
        edge_bytes=_padded(groups.edge_bytes / unit_bytes, (padded_edges,)),
        earlier=earlier.group.astype(np.int32),
        earlier_bytes=(earlier.edge_bytes / unit_bytes).astype(np.float32),
        is_input=earlier.is_input,
        compute=_padded(compute, (padded, padded_devices)),
        allowed=_allowed(groups.allowed, (padded, padded_devices)),
        memory=_padded(groups.memory_bytes / unit_memory, (padded,)),
        capacity=_padded(problem.memory_bytes / unit_memory, (padded_devices,)),
        fixed=_padded(fixed, square),
        per_byte=_padded(per_byte, square),
        ideal=np.array(fastest.sum() / unit_ns / devices, np.float32),
    )


def power_of_two(count: int, least: int) -> int:
    """The least power of two that is neither below `count` nor below `least`."""
    return max(least, 1 << max(0, count - 1).bit_length())


def _device_features(problem: PlacementProblem) -> Floats:
    """[D, 4] Speed and memory beside the best, how much can run there, and that it is a device."""
    groups = problem.groups
    total = np.where(groups.allowed, groups.compute_ns, 0).sum(axis=0) + 1.0
    share = groups.allowed.mean(axis=0)
    per_group = total / np.maximum(share, 1e-9)
    memory = problem.memory_bytes / max(1, int(problem.memory_bytes.max()))
    return np.stack([np.log(per_group / per_group.min()), memory, share, np.ones(len(memory))], 1)


def _padded(column: npt.NDArray[np.generic], shape: tuple[int | None, ...]) -> Singles:
    """The column with zeros behind, as long as `shape` says (None: as it is)."""
    wanted = [
        (0, 0 if long is None else long - have)
        for long, have in zip(shape, column.shape, strict=True)
    ]
    return np.pad(column.astype(np.float32), wanted)


def _allowed(allowed: Bools, shape: tuple[int, int]) -> Bools:
    """[G, D] What is allowed; padded groups may go to any device, so that there is one."""
    filled = np.zeros(shape, np.bool_)
    filled[:, : allowed.shape[1]] = True
    filled[: len(allowed), : allowed.shape[1]] = allowed
    return filled


def _indices(column: Ints, length: int, nowhere: int) -> Indices:
    filled = np.full(length, nowhere, np.int32)
    filled[: len(column)] = column
    return filled
