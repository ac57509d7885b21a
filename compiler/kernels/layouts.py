"""Layouts of tensors as numbers: of states of the mapping with the same, one goes on."""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined
from apollo.compiler.tables import Map, Place, TensorColumn, Unit

Ints = npt.NDArray[np.int64]

_PRIME = 1_000_003  # the keys are hashes: of two states that share one by chance the later is lost


@bare_inlined
def _mix(key: int, value: int) -> int:
    return (key * _PRIME + value) & 0xFFFFFFFFFFFF


@bare_inlined
def others_key(
    tensors: Ints, places: Ints, live: Ints, count: int, index: int, destination: int
) -> int:
    """Of all tensors that are needed after a nest but its destination."""
    key = 0
    for i in range(count):
        tensor = live[i]
        if tensor == destination or tensors[tensor, TensorColumn.LAST_USE] <= index:
            continue
        place = places[tensor]
        key = _mix(key, place[Place.ON_CHIP])
        if place[Place.ON_CHIP]:
            for column in range(Place.SPLIT_X, Place.CHANNELS + 1):
                key = _mix(key, place[column])
    return key


@bare_inlined
def layout_key(d: Ints, m: Ints, key: int) -> int:
    """The same with the destination of a mapped nest."""
    if m[Map.TO_DRAM]:
        return _mix(key, 0)
    key = _mix(key, 1 + (m[Map.SPLIT_X] if d[Unit.PES_X] > 1 else 0))
    key = _mix(key, m[Map.SPLIT_Y] if d[Unit.PES_Y] > 1 else 0)
    key = _mix(key, m[Map.PE_ROWS])
    key = _mix(key, m[Map.PE_COLUMNS])
    return _mix(key, m[Map.PE_CHANNELS])
