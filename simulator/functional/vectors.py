"""Elementwise operations (M29)."""

from collections.abc import Iterator

import numpy as np

from apollo.arch.operands import RECORD_BYTES, ComputeFlag, Vector
from apollo.arch.touched import ADD_BYTES, TFLITE_ADD_BYTES, Operands
from apollo.simulator.functional.machine import Bytes, Ints, Machine, decode
from apollo.simulator.functional.requantise import clamp, floor_shift, scale, wrap
from apollo.simulator.functional.shares import Share, Write, elements, results, shares, span


def in_core(machine: Machine, o: Operands, share: Share, size: int) -> Bytes:
    """The first bytes at PARAMETERS in a core's memory, [PEs, size]."""
    first = o[Vector.PARAMETERS]
    return machine.core_memory[:, share.core, first : first + size]


def _number(raw: Bytes, first: int, width: int, *, signed: bool = True) -> Ints:
    """A number of a record, [PEs, 1, 1]."""
    return decode(raw[:, first : first + width], width, signed=signed)[:, :, None]


def _sources(machine: Machine, o: Operands, share: Share) -> tuple[Ints, Ints]:
    numbers, channels = span(share.positions), span(share.channels)
    first = elements(machine, o, numbers, channels)
    return first, elements(machine, o, numbers, channels, second=True)


def add(machine: Machine, o: Operands) -> Iterator[Write]:
    """`ADD`: each source with a zero point and a scale of its own."""
    for share in shares(o, machine.accelerator.cores):
        first, second = _sources(machine, o, share)
        if o[Vector.FLAGS] & ComputeFlag.TFLITE_ROUNDING:
            total = _tflite_sum(in_core(machine, o, share, TFLITE_ADD_BYTES), first, second)
        else:
            total = _sum(in_core(machine, o, share, ADD_BYTES), first, second)
        yield results(o, share, clamp(total, o))


def _sum(raw: Bytes, first: Ints, second: Ints) -> Ints:
    """Both sources scaled and added before one rounding."""
    scaled = (first - _number(raw, 0, 2)) * _number(raw, 4, 4)
    scaled += (second - _number(raw, 2, 2)) * _number(raw, 8, 4)
    return floor_shift(scaled, np.clip(_number(raw, 12, 1), 0, 62))


def _tflite_sum(raw: Bytes, first: Ints, second: Ints) -> Ints:
    """Three scalings, each with TFLite's rounding: of the sources, and of their sum."""
    left = _number(raw, 4, 1, signed=False)
    scaled = [
        scale(wrap(source - _number(raw, zero, 2) << left), *_factor(raw, at), tflite=True)
        for source, zero, at in ((first, 0, 5), (second, 2, 10))
    ]
    return scale(wrap(scaled[0] + scaled[1]), *_factor(raw, 15), tflite=True)


def _factor(raw: Bytes, first: int) -> tuple[Ints, Ints]:
    """Multiplier and shift."""
    return _number(raw, first, 4), _number(raw, first + 4, 1)


def multiply(machine: Machine, o: Operands) -> Iterator[Write]:
    """`MULTIPLY`: the product, less the zero points, scaled."""
    tflite = bool(o[Vector.FLAGS] & ComputeFlag.TFLITE_ROUNDING)
    for share in shares(o, machine.accelerator.cores):
        first, second = _sources(machine, o, share)
        raw = in_core(machine, o, share, RECORD_BYTES)
        product = wrap((first - _number(raw, 0, 2)) * (second - _number(raw, 2, 2)))
        yield results(o, share, clamp(scale(product, *_factor(raw, 4), tflite=tflite), o))


def copy(machine: Machine, o: Operands) -> Iterator[Write]:
    """`COPY`: elements as they are."""
    for share in shares(o, machine.accelerator.cores):
        source = elements(machine, o, span(share.positions), span(share.channels))
        yield results(o, share, source)
