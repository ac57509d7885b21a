"""Magnitude pruning: which factors stay at a wanted sparsity."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from apollo.workloads.sparsity.blocks import Block, Floats, Ints, scores, spread
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
    flat = np.concatenate([score.ravel() for score, _ in parts])
    sizes = np.concatenate([size.ravel() for _, size in parts])
    total = sum(layer.size for layer in magnitudes)
    kept = np.ones(flat.size, np.bool_)
    kept[_least(flat, sizes, round(sparsity * total))] = False
    ends = np.cumsum([score.size for score, _ in parts])[:-1]
    return [
        spread(piece.reshape(score.shape), block, layer.shape[0], layer.shape[2])
        for piece, (score, _), layer in zip(np.split(kept, ends), parts, magnitudes, strict=True)
    ]


def _least(flat: Floats, sizes: Ints, target: int) -> Ints:
    """Numbers of the blocks of least score that hold about `target` factors together."""
    count = _candidates(sizes, target)
    if count == 0:
        return np.zeros(0, np.int64)
    threshold = np.partition(flat, count - 1)[count - 1]
    below = np.flatnonzero(flat < threshold)
    ties = np.flatnonzero(flat == threshold)
    ties = ties[np.argsort(_scrambled(ties), kind="stable")]
    ordered = np.concatenate([below, ties])
    if sizes.min() == sizes.max():
        return ordered[:count]
    # Blocks at the edges are smaller: all that might go in order, then as many as it takes.
    above = np.flatnonzero(flat > threshold)
    ordered = np.concatenate([_sorted(below, flat), ties, _sorted(above, flat)])
    gone = np.cumsum(sizes[ordered])
    last = int(np.searchsorted(gone, target))
    nearer = last < len(gone) and gone[last] - target <= target - (gone[last - 1] if last else 0)
    return ordered[: last + 1 if nearer else last]


def _candidates(sizes: Ints, target: int) -> int:
    return min(sizes.size, round(target / int(sizes.max())))


def _sorted(numbers: Ints, flat: Floats) -> Ints:
    return numbers[np.lexsort((_scrambled(numbers), flat[numbers]))]


def _scrambled(numbers: Ints) -> npt.NDArray[np.uint64]:
    return numbers.astype(np.uint64) * _SCRAMBLE
