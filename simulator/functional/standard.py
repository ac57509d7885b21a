"""`STANDARDIZE`: channels centred and over their deviation (M30)."""

from collections.abc import Iterator

import numpy as np

from apollo.arch.operands import Vector
from apollo.arch.touched import STANDARDIZE_BYTES, Operands
from apollo.simulator.functional.machine import Ints, Machine, decode
from apollo.simulator.functional.requantise import clamp
from apollo.simulator.functional.shares import Share, Write, elements, results, shares, span
from apollo.simulator.functional.vectors import in_core

_ROOT_BITS = 10  # behind the point of a root


def standardize(machine: Machine, o: Operands) -> Iterator[Write]:
    """Over all channels of a position, with a summand of the variance and a unit in the record."""
    everything = np.arange(o[Vector.CHANNELS])
    for share in shares(o, machine.accelerator.cores):
        source = elements(machine, o, span(share.positions), everything)
        yield results(o, share, clamp(_standard(machine, o, share, source), o))


def _standard(machine: Machine, o: Operands, share: Share, source: Ints) -> Ints:
    raw = in_core(machine, o, share, STANDARDIZE_BYTES)
    summand = decode(raw[:, :4], 4, signed=False)[:, :, None]
    unit = decode(raw[:, 4:6], 2, signed=False)[:, :, None]
    count, total = o[Vector.CHANNELS], source.sum(axis=-1, keepdims=True)
    spread = count * (source**2).sum(axis=-1, keepdims=True) - total**2 + summand
    root = _root(np.maximum(spread, 1) << 2 * _ROOT_BITS)
    scaled = (count * source[..., share.channels] - total) * unit << _ROOT_BITS
    return np.asarray((2 * scaled + root) // (2 * root), np.int64)


def _root(values: Ints) -> Ints:
    """The greatest integers whose squares are no greater."""
    found = np.floor(np.sqrt(values.astype(np.float64))).astype(np.int64)
    found -= found**2 > values
    return found + ((found + 1) ** 2 <= values)
