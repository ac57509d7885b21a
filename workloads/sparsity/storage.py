"""Compressed storage: the non-zeros of a channel as the machine walks them (docs/machine.md, M28).

A channel is a record of 9 bytes (bias, multiplier, shift), a count uint16, and `count` pairs (step
uint8, weight int8). The running index, 0 at first, grows by the step before the weight is used. A
gap above 255 takes pairs of weight 0. Dense, a channel is its weights and the record.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.workloads.sparsity.layers import Bools

RECORD_BYTES, COUNT_BYTES, PAIR_BYTES = 9, 2, 2
LONGEST_STEP = 255
MOST_PAIRS = (1 << 16) - 1
PAIRS_PER_CYCLE = 2

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


class Stored(NamedTuple):
    """Channels that were read."""

    weights: npt.NDArray[np.int8]  # [channels, inputs]
    records: Bytes  # [channels, 9]
    size_bytes: int


def pair_counts(nonzero: Bools) -> Ints:
    """Pairs of each channel of a mask [channels, inputs], those that bridge gaps included."""
    channels = len(nonzero)
    channel, index = np.nonzero(nonzero)
    counts = np.bincount(channel, minlength=channels).astype(np.int64)
    if nonzero.shape[1] <= LONGEST_STEP:
        return counts
    bridges = _bridges(_steps(channel, index))
    return counts + np.bincount(channel, bridges, channels).astype(np.int64)


def dense_bytes(channels: int, inputs: int) -> int:
    """Bytes of channels whose weights are all stored."""
    return channels * (inputs + RECORD_BYTES)


def compressed_bytes(counts: Ints) -> int:
    """Bytes of channels with those counts of pairs."""
    return len(counts) * (RECORD_BYTES + COUNT_BYTES) + PAIR_BYTES * int(counts.sum())


def encode(weights: npt.NDArray[np.int8], records: Bytes | None = None) -> bytes:
    """Channels of weights [channels, inputs] one after the other; records [channels, 9] or 0.

    Raises `ValueError` for a channel of more pairs than its count can say.
    """
    if weights.dtype != np.int8 or weights.ndim != 2:
        raise ValueError(
            f"Weights must be int8 [channels, inputs], not {weights.dtype} {weights.shape}."
        )
    if records is None:
        records = np.zeros((len(weights), RECORD_BYTES), np.uint8)
    return b"".join(
        record.tobytes() + _channel(number, channel)
        for number, (record, channel) in enumerate(zip(records, weights, strict=True))
    )


def decode(data: bytes, channels: int, inputs: int) -> Stored:
    """The channels that `encode` stored at the beginning of `data`.

    Raises `ValueError` where the data end or an index leaves the inputs.
    """
    memory = np.frombuffer(data, np.uint8)
    weights = np.zeros((channels, inputs), np.int8)
    records = np.zeros((channels, RECORD_BYTES), np.uint8)
    at = 0
    for channel in range(channels):
        header = _part(memory, at, RECORD_BYTES + COUNT_BYTES, channel)
        records[channel] = header[:RECORD_BYTES]
        count = int(header[RECORD_BYTES:].view("<u2")[0])
        at += len(header)
        pairs = _part(memory, at, PAIR_BYTES * count, channel).reshape(count, PAIR_BYTES)
        at += pairs.size
        index = np.cumsum(pairs[:, 0], dtype=np.int64)
        if count and index[-1] >= inputs:
            raise ValueError(f"Channel {channel} has an index {index[-1]} of {inputs} inputs.")
        np.add.at(weights[channel], index, pairs[:, 1].view(np.int8))
    return Stored(weights, records, at)


def _steps(channel: Ints, index: Ints) -> Ints:
    """From each non-zero's predecessor in its channel, or from 0, to itself."""
    steps = index.copy()
    same = channel[1:] == channel[:-1]
    steps[1:][same] -= index[:-1][same]
    return steps


def _bridges(steps: Ints) -> Ints:
    """Pairs of weight 0 that a step takes before its own."""
    return np.maximum(steps - 1, 0) // LONGEST_STEP


def _channel(number: int, weights: npt.NDArray[np.int8]) -> bytes:
    """Count and pairs of one channel."""
    index = np.flatnonzero(weights)
    steps = np.diff(index, prepend=0)
    bridges = _bridges(steps)
    last = np.cumsum(bridges + 1) - 1  # the pair that holds each weight
    count = int(last[-1]) + 1 if len(last) else 0
    if count > MOST_PAIRS:
        raise ValueError(f"Channel {number} must have at most {MOST_PAIRS:,} pairs, not {count:,}.")
    pairs = np.zeros((count, PAIR_BYTES), np.uint8)
    pairs[:, 0] = LONGEST_STEP
    pairs[last, 0] = steps - LONGEST_STEP * bridges
    pairs[last, 1] = weights[index].view(np.uint8)
    return count.to_bytes(COUNT_BYTES, "little") + pairs.tobytes()


def _part(memory: Bytes, first: int, size: int, channel: int) -> Bytes:
    if first + size > len(memory):
        raise ValueError(
            f"Channel {channel} needs {first + size:,} bytes, there are {len(memory):,}."
        )
    return memory[first : first + size]
