"""`CONVOLVE_SPARSE`: weights as non-zeros with their indices (M28)."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from apollo.arch.operands import RECORD_BYTES, Window
from apollo.arch.touched import SPARSE_HEADER_BYTES, Operands, window_elements
from apollo.simulator.functional.machine import Bytes, InstructionError, Ints, Machine, decode
from apollo.simulator.functional.requantise import records
from apollo.simulator.functional.shares import Write, shares
from apollo.simulator.functional.windows import dense_sums, outcome

PAIR_BYTES = 2


class Walk(NamedTuple):
    """What a core finds behind PARAMETERS."""

    weights: Ints  # [channels, inputs]
    records: Bytes  # [channels, 9]
    read_bytes: int


def convolve_sparse(machine: Machine, o: Operands, number: int) -> Iterator[Write]:
    """`CONVOLVE_SPARSE`, instruction `number`: the dense sums with the weights spread out."""
    accelerator = machine.accelerator
    work = shares(o, accelerator.cores)
    walked = np.zeros((accelerator.pes, accelerator.cores), np.int64)
    weights, found = [], []
    for share in work:
        memory = machine.core_memory[:, share.core, o[Window.PARAMETERS] :]
        walks = [_walk(of_pe, o, share.shape[1]) for of_pe in memory]
        walked[:, share.core] = [walk.read_bytes for walk in walks]
        weights.append(np.stack([walk.weights for walk in walks]))
        found.append(records(np.stack([walk.records for walk in walks])))
    machine.walked_bytes[number] = walked
    sums = dense_sums(machine, o, work, weights)
    for share, total, record in zip(work, sums, found, strict=True):
        yield outcome(machine, o, share, total, record)


def _walk(memory: Bytes, o: Operands, channels: int) -> Walk:
    """Spread out the non-zeros of the channels of one core, whose parameters begin `memory`."""
    weights = np.zeros((channels, window_elements(o)), np.int64)
    headers = np.zeros((channels, RECORD_BYTES), np.uint8)
    at = pairs = 0
    for channel in range(channels):
        header = _part(memory, at, SPARSE_HEADER_BYTES)
        headers[channel] = header[:RECORD_BYTES]
        count = int(decode(header[RECORD_BYTES:], 2, signed=False)[0])
        pairs += -(-count // 2)
        if pairs > o[Window.PAIRS]:
            raise InstructionError(
                f"states {o[Window.PAIRS]} pairs, but a core walks at least {pairs}"
            )
        entries = _part(memory, at + SPARSE_HEADER_BYTES, PAIR_BYTES * count)
        _spread(entries.reshape(count, PAIR_BYTES), weights[channel])
        at += SPARSE_HEADER_BYTES + PAIR_BYTES * count
    return Walk(weights, headers, at)


def _part(memory: Bytes, first: int, size: int) -> Bytes:
    if first + size > len(memory):
        raise InstructionError("walks non-zeros beyond the end of core memory")
    return memory[first : first + size]


def _spread(entries: Bytes, weights_out: Ints) -> None:
    index = np.cumsum(entries[:, 0], dtype=np.int64)
    if len(index) and index[-1] >= len(weights_out):
        raise InstructionError(
            f"has a non-zero at index {index[-1]} of a window of {len(weights_out)} elements"
        )
    np.add.at(weights_out, index, decode(entries[:, 1], 1))
