"""Operations by table: functions, softmax, local response normalisation (M30)."""

from collections.abc import Iterator

import numpy as np

from apollo.arch.operands import ComputeFlag, Vector
from apollo.arch.touched import (
    LOOKUP_BYTES,
    NORMALIZE_BYTES,
    NORMALIZE_EXTRA_PASSES,
    SOFTMAX_BYTES,
    WIDE_LOOKUP_BYTES,
    Operands,
    width_of,
)
from apollo.simulator.functional.machine import Ints, Machine, decode
from apollo.simulator.functional.requantise import clamp
from apollo.simulator.functional.shares import Share, Write, elements, results, shares, span
from apollo.simulator.functional.vectors import in_core
from apollo.simulator.functional.windows import limited

_STEP = 128  # of a 16-bit source from one entry of a table to the next
_SCALE, _WIDE_SCALE = 256, 32_768  # of softmax
_LAST = 255


def entries(table: Ints, index: Ints) -> Ints:
    """Entries of the table [PEs, entries] of each PE, at index [PEs, positions, channels]."""
    return table[np.arange(len(table))[:, None, None], index]


def lookup(machine: Machine, o: Operands) -> Iterator[Write]:
    """`LOOKUP`: a function by its table, between entries for 16-bit sources."""
    for share in shares(o, machine.accelerator.cores):
        source = elements(machine, o, span(share.positions), span(share.channels))
        if o[Vector.FLAGS] & ComputeFlag.WIDE_SOURCE:
            found = _interpolated(machine, o, share, source)
        else:
            width = width_of(o, ComputeFlag.WIDE_DESTINATION)
            table = decode(in_core(machine, o, share, LOOKUP_BYTES * width), width)
            found = entries(table, source + LOOKUP_BYTES // 2)
        yield results(o, share, limited(found, o))


def _interpolated(machine: Machine, o: Operands, share: Share, source: Ints) -> Ints:
    table = decode(in_core(machine, o, share, WIDE_LOOKUP_BYTES), 2)
    index, fraction = np.divmod(source + (1 << 15), _STEP)
    low, high = entries(table, index), entries(table, index + 1)
    return low + ((high - low) * fraction + _STEP // 2) // _STEP


def softmax(machine: Machine, o: Operands) -> Iterator[Write]:
    """`SOFTMAX` over all channels of a position; a sum of 0 counts as 1."""
    factor = _WIDE_SCALE if o[Vector.FLAGS] & ComputeFlag.WIDE_DESTINATION else _SCALE
    everything = np.arange(o[Vector.CHANNELS])
    for share in shares(o, machine.accelerator.cores):
        source = elements(machine, o, span(share.positions), everything)
        table = decode(in_core(machine, o, share, SOFTMAX_BYTES), 2, signed=False)
        powers = entries(table, source.max(axis=-1, keepdims=True) - source)
        total = np.maximum(powers.sum(axis=-1, keepdims=True), 1)
        shared = (powers[..., share.channels] * factor + total // 2) // total
        yield results(o, share, clamp(shared, o))


def normalize(machine: Machine, o: Operands) -> Iterator[Write]:
    """`NORMALIZE`: each element by the squares of its neighbours along the channels."""
    everything = np.arange(o[Vector.CHANNELS])
    for share in shares(o, machine.accelerator.cores):
        raw = in_core(machine, o, share, NORMALIZE_BYTES)
        zero, shift = decode(raw[:, :2], 2), decode(raw[:, 2:3], 1, signed=False)
        table = decode(raw[:, 3:], 2, signed=False)
        source = elements(machine, o, span(share.positions), everything) - zero[:, :, None]
        squares = _window_sums(source**2, o[Vector.PASSES] - NORMALIZE_EXTRA_PASSES)
        index = np.minimum(_LAST, squares >> np.minimum(shift, 62)[:, :, None])
        scaled = (source * entries(table, index) + (1 << 14)) >> 15
        yield results(o, share, clamp(scaled[..., share.channels], o))


def _window_sums(values: Ints, window: int) -> Ints:
    """Sums over `window` channels around each, those that exist."""
    channels = values.shape[-1]
    first = np.arange(channels) - (window - 1) // 2
    running = np.zeros((*values.shape[:-1], channels + 1), np.int64)
    np.cumsum(values, axis=-1, out=running[..., 1:])
    low, high = np.clip(first, 0, channels), np.clip(first + window, 0, channels)
    return running[..., high] - running[..., low]
