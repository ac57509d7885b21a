"""The bytes of a sparse nest's parameters: a block for every core, non-zeros with their indices.

`K` output channels, `T` taps, `I` input channels.
"""

import numpy as np

from apollo.compiler.records import Bytes, Channels
from apollo.compiler.tables import Ints, Map, Nest
from apollo.workloads.sparsity import encode

_NO_CHANNEL = encode(np.zeros((1, 1), np.int8))


def encoded(stored: Channels) -> list[bytes]:
    """Every output channel as the machine walks it (M28)."""
    weights = stored.weights.reshape(len(stored.weights), -1)
    return [
        encode(weights[channel : channel + 1], stored.records[channel : channel + 1])
        for channel in range(len(weights))
    ]


def sparse_stream(
    n: Ints, m: Ints, owners: tuple[int, int], channels: list[bytes], wanted: range
) -> Bytes:
    """A load of the local channels `wanted` of every core; `owners` are PEs and cores of a PE.

    All blocks but the last are as long as the longest one.
    """
    pes, cores = owners
    blocks = [
        _block(n, m, channels, wanted, pe, core) for pe in range(pes) for core in range(cores)
    ]
    while not blocks[-1]:
        blocks.pop()
    longest = max(map(len, blocks))
    stream = b"".join([*(block.ljust(longest, b"\0") for block in blocks[:-1]), blocks[-1]])
    return np.frombuffer(stream, np.uint8)


def _block(n: Ints, m: Ints, channels: list[bytes], wanted: range, pe: int, core: int) -> bytes:
    """Of one core; where a PE has fewer channels than others it walks empty ones."""
    part, of_core = int(m[Map.PE_CHANNELS]), int(m[Map.CORE_CHANNELS])
    own = range(core * of_core + wanted.start, min(core * of_core + wanted.stop, part))
    numbers = (pe * part + channel for channel in own)
    return b"".join(
        channels[number] if number < n[Nest.CHANNELS] else _NO_CHANNEL for number in numbers
    )
