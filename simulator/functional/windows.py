"""Convolutions, depthwise convolutions and pools (M26, M27)."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from apollo.arch.operands import RECORD_BYTES, ComputeFlag, Window
from apollo.arch.touched import (
    SUM_BYTES,
    Operands,
    parameter_bytes,
    window_elements,
)
from apollo.simulator.functional.machine import Ints, Machine, decode, read
from apollo.simulator.functional.requantise import Record, records, requantise, wrap
from apollo.simulator.functional.shares import (
    Share,
    Write,
    partial_address,
    results,
    shares,
    span,
    window_elements_at,
)


def taps(o: Operands) -> list[tuple[int, int]]:
    """The taps of a kernel, row by row."""
    return list(product(range(o[Window.KERNEL_ROWS]), range(o[Window.KERNEL_COLUMNS])))


def parameters(
    machine: Machine, o: Operands, share: Share, inputs: int
) -> tuple[Ints, Record | None]:
    """Weights [PEs, channels, inputs] of a core, and records unless sums stay partial."""
    channels, flags = share.shape[1], o[Window.FLAGS]
    first = o[Window.PARAMETERS]
    size = parameter_bytes(o, inputs, channels)
    raw = machine.core_memory[:, share.core, first : first + size]
    if flags & ComputeFlag.PARTIAL:
        return decode(raw.reshape(len(raw), channels, inputs), 1), None
    if flags & ComputeFlag.UNIFORM:
        weights = raw[:, RECORD_BYTES:].reshape(len(raw), channels, inputs)
        return decode(weights, 1), records(raw[:, None, :RECORD_BYTES])
    each = raw.reshape(len(raw), channels, inputs + RECORD_BYTES)
    return decode(each[..., :inputs], 1), records(each[..., inputs:])


def outcome(
    machine: Machine, o: Operands, share: Share, sums: Ints, record: Record | None
) -> Write:
    """Sums [PEs, positions, channels] of a core as partial sums or as elements."""
    address = partial_address(o, share)
    if o[Window.FLAGS] & ComputeFlag.ACCUMULATE:
        sums = sums + read(machine.pe_memory, address, SUM_BYTES)
    if record is None:
        return Write(address, wrap(sums), SUM_BYTES)
    return results(o, share, requantise(wrap(sums), record, o))


def dense_sums(machine: Machine, o: Operands, work: list[Share], weights: list[Ints]) -> list[Ints]:
    """Sums over taps and input channels, [PEs, positions, channels] of each core.

    A tap's products are summed as float64, exactly: they stay below 2^53.
    """
    channels = np.arange(o[Window.IN_CHANNELS])
    everything = np.arange(o[Window.ROWS] * o[Window.COLUMNS])
    sums = [np.zeros((machine.accelerator.pes, *share.shape), np.int64) for share in work]
    for index, tap in enumerate(taps(o)):
        source = window_elements_at(machine, o, tap, everything, channels).astype(np.float64)
        inputs = slice(index * len(channels), (index + 1) * len(channels))
        for share, weight, total in zip(work, weights, sums, strict=True):
            of_tap = weight[:, :, inputs].swapaxes(1, 2).astype(np.float64)
            total += np.matmul(source[:, share.positions], of_tap).astype(np.int64)
    return sums


def convolve(machine: Machine, o: Operands) -> Iterator[Write]:
    """`CONVOLVE`: windows times weights."""
    work = shares(o, machine.accelerator.cores)
    loaded = [parameters(machine, o, share, window_elements(o)) for share in work]
    sums = dense_sums(machine, o, work, [weights for weights, _ in loaded])
    for share, total, (_, record) in zip(work, sums, loaded, strict=True):
        yield outcome(machine, o, share, total, record)


def depthwise(machine: Machine, o: Operands) -> Iterator[Write]:
    """`DEPTHWISE`: result j from the window of source channel j."""
    kernel = taps(o)
    for share in shares(o, machine.accelerator.cores):
        weights, record = parameters(machine, o, share, len(kernel))
        sums = np.zeros((machine.accelerator.pes, *share.shape), np.int64)
        for index, source in enumerate(_window(machine, o, share)):
            sums += source * weights[:, None, :, index]
        yield outcome(machine, o, share, sums, record)


def _window(machine: Machine, o: Operands, share: Share) -> Iterator[Ints]:
    """The elements of a core's channels, tap by tap."""
    numbers, channels = span(share.positions), span(share.channels)
    for tap in taps(o):
        yield window_elements_at(machine, o, tap, numbers, channels)


def pool_max(machine: Machine, o: Operands) -> Iterator[Write]:
    """`POOL_MAX`: the largest element of a window."""
    for share in shares(o, machine.accelerator.cores):
        source = _window(machine, o, share)
        largest = next(source)
        for element in source:
            largest = np.maximum(largest, element)
        yield results(o, share, limited(largest, o))


def pool_average(machine: Machine, o: Operands) -> Iterator[Write]:
    """`POOL_AVERAGE`: the mean of a window, ties away from zero."""
    for share in shares(o, machine.accelerator.cores):
        sums = np.zeros((machine.accelerator.pes, *share.shape), np.int64)
        for source in _window(machine, o, share):
            sums += source
        yield results(o, share, limited(mean(sums, len(taps(o))), o))


def mean(sums: Ints, count: int) -> Ints:
    """Sums over their number, to the nearest, ties away from zero."""
    quotient: Ints = np.sign(sums) * ((2 * np.abs(sums) + count) // (2 * count))
    return quotient


def limited(values: Ints, o: Operands) -> Ints:
    """Within LOW … HIGH."""
    return np.minimum(np.maximum(values, o[Window.LOW]), o[Window.HIGH])
