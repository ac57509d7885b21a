"""Magnitude pruning: which factors stay at a wanted sparsity."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from apollo.workloads.sparsity.blocks import (
    Block,
    Floats,
    Ints,
    is_divided,
    scores,
    sizes,
    spread,
)
from apollo.workloads.sparsity.layers import Bools

_SCRAMBLE = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio (Knuth, vol. 3, section 6.4)


def check_sparsity(sparsity: float) -> None:
    """Raise `ValueError` unless it is a share that leaves something."""
    if not 0 <= sparsity < 1:
        raise ValueError(f"Sparsity must be in 0..1, below 1, not {sparsity:g}.")


def keep_masks(magnitudes: Sequence[Floats], sparsity: float, block: Block) -> list[Bools]:
    """What stays of layers [channels, taps, inputs] that share one threshold.

    The blocks of the least scores go, until as near as possible to `sparsity` of all factors are
    gone. Among equal scores a fixed scramble of the positions decides, so that a result is
    reproducible and ties do not all fall on the first channels.
    """
    check_sparsity(sparsity)
    parts = [scores(layer, block) for layer in magnitudes]
    flat = np.concatenate([score.ravel() for score in parts])
    target = round(sparsity * sum(layer.size for layer in magnitudes))
    if all(is_divided(layer.shape, block) for layer in magnitudes):
        gone = _least(flat, round(target / block.size))
    else:
        extents = [sizes(layer.shape, block).ravel() for layer in magnitudes]
        gone = _least_of_sizes(flat, np.concatenate(extents), target)
    kept = np.ones(flat.size, np.bool_)
    kept[gone] = False
    ends = np.cumsum([score.size for score in parts])[:-1]
    return [
        spread(piece.reshape(score.shape), block, layer.shape[0], layer.shape[2])
        for piece, score, layer in zip(np.split(kept, ends), parts, magnitudes, strict=True)
    ]


def _least(flat: Floats, count: int) -> Ints:
    """Numbers of the `count` blocks of least score."""
    if count == 0:
        return np.zeros(0, np.int64)
    threshold = np.partition(flat, count - 1)[count - 1]
    below = np.flatnonzero(flat < threshold)
    ties = np.flatnonzero(flat == threshold)
    ties = ties[np.argsort(_scrambled(ties), kind="stable")]
    return np.concatenate([below, ties[: count - len(below)]])


def _least_of_sizes(flat: Floats, sizes: Ints, target: int) -> Ints:
    """Numbers of the blocks of least score that hold as nearly as possible `target` factors."""
    order = np.lexsort((_scrambled(np.arange(flat.size)), flat))
    gone = np.concatenate([[0], np.cumsum(sizes[order])])
    count = int(np.searchsorted(gone, target))
    if count and target - gone[count - 1] < gone[count] - target:
        count -= 1
    return order[:count]


def _scrambled(numbers: Ints) -> npt.NDArray[np.uint64]:
    return numbers.astype(np.uint64) * _SCRAMBLE
