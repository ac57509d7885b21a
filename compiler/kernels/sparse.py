"""Parameters of a sparse nest: what its cores' tiles take, which depends on the weights (M28).

A block has the channels of one core; all are as long as the longest, so the others end in bytes
that nobody reads. A PE at the end of the channels walks as many as any other: those that it lacks
are stored as channels without non-zeros.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.arch.operands import RECORD_BYTES
from apollo.compiler.kernels.parameters import FITS, FREE, force_tiles, tile_parameters
from apollo.compiler.kernels.parts import blocks_along, ceil_div, sharers
from apollo.compiler.tables import Map, Nest, PairColumn, Split, Unit

Ints = npt.NDArray[np.int64]

NO_CHANNEL_BYTES = RECORD_BYTES + 2  # a record and the count, which is 0


@bare_kernel
def sparse_load(
    n: Ints, d: Ints, m: Ints, pairs: Ints, first: int, channels: int
) -> tuple[int, int, int]:
    """Channels `first` onwards of every core: bytes of a block, of the load, and PAIRS."""
    sharing = sharers(d, m)
    part = m[Map.PE_CHANNELS]
    longest = last = blocks = steps = 0
    for pe in range(blocks_along(d, m, Split.CHANNELS)):
        row = n[Nest.FIRST_PAIRS] + min(pe * part, n[Nest.CHANNELS])
        there = max(0, n[Nest.CHANNELS] - pe * part)
        for core in range(sharing):
            begin = core * m[Map.CORE_CHANNELS] + first
            end = min(begin + channels, part)
            if begin >= end:
                continue
            one, other = pairs[row + min(begin, there)], pairs[row + min(end, there)]
            lacking = max(0, end - max(begin, there))
            last = other[PairColumn.BYTES] - one[PairColumn.BYTES] + lacking * NO_CHANNEL_BYTES
            longest = max(longest, last)
            steps = max(steps, other[PairColumn.STEPS] - one[PairColumn.STEPS])
            blocks = pe * sharing + core + 1
    return longest, (blocks - 1) * longest + last, steps


@bare_kernel
def tile_sparse(n: Ints, d: Ints, m: Ints, pairs: Ints, share: int) -> int:
    """Choose channel tiles of at most that share of core memory; FITS or the demand."""
    budget = d[Unit.CORE_MEMORY_BYTES] // share
    of_core = m[Map.CORE_CHANNELS]
    m[Map.CORE_BYTES] = sparse_load(n, d, m, pairs, 0, of_core)[0]
    m[Map.INPUT_TILES] = 1
    m[Map.TILE_INPUTS] = n[Nest.IN_CHANNELS]
    channels = of_core
    while True:
        # As even as possible.
        channels = ceil_div(of_core, ceil_div(of_core, channels))
        largest = _enter_tiles(n, d, m, pairs, channels)
        if largest <= budget:
            return FITS
        if channels == 1:
            return largest
        channels = max(1, min(channels - 1, channels * budget // largest))


@bare_inlined
def _enter_tiles(n: Ints, d: Ints, m: Ints, pairs: Ints, channels: int) -> int:
    """Enter what tiles of so many channels amount to; bytes of the largest."""
    m[Map.TILE_CHANNELS] = channels
    m[Map.CHANNEL_TILES] = ceil_div(m[Map.CORE_CHANNELS], channels)
    m[Map.TILE_BYTES] = m[Map.LOAD_BYTES] = m[Map.STEPS] = 0
    for first in range(0, m[Map.CORE_CHANNELS], channels):
        size = min(channels, m[Map.CORE_CHANNELS] - first)
        block, load, steps = sparse_load(n, d, m, pairs, first, size)
        m[Map.TILE_BYTES] = max(m[Map.TILE_BYTES], block)
        m[Map.LOAD_BYTES] += load
        m[Map.STEPS] += steps
    return m[Map.TILE_BYTES]


@bare_inlined
def fit_tiles(n: Ints, d: Ints, m: Ints, pairs: Ints, forced: Ints, share: int) -> int:
    """Choose tiles of at most that share of core memory, dense or sparse; FITS or the demand.

    Forced tiles may take all of it.
    """
    if m[Map.SPARSE]:
        found = tile_sparse(n, d, m, pairs, share)
        if forced[Map.TILE_CHANNELS] != FREE:
            channels = min(forced[Map.TILE_CHANNELS], m[Map.CORE_CHANNELS])
            found = _enter_tiles(n, d, m, pairs, channels)
            if found <= d[Unit.CORE_MEMORY_BYTES]:
                return FITS
        return found
    m[Map.TILE_BYTES] = m[Map.LOAD_BYTES] = m[Map.STEPS] = 0
    found = tile_parameters(n, d, m, share)
    if forced[Map.TILE_CHANNELS] != FREE or forced[Map.TILE_INPUTS] != FREE:
        return force_tiles(n, d, m, forced)
    return found
