"""A product with a share is the quotient, rounded to the nearest, ties away from zero."""

import itertools

import numpy as np
import pytest

from apollo.workloads.averaging import shares, sum_shift
from apollo.workloads.integer.arithmetic import divide_away
from apollo.workloads.operators import Pool, PoolKind


@pytest.mark.parametrize("kernel", [(1, 3), (2, 2), (2, 3), (3, 3), (4, 4), (5, 5)])
def test_shares_divide_exactly(kernel: tuple[int, int]) -> None:
    """Every sum of stored integers, over every number of elements that a window has."""
    around = tuple(size // 2 for size in kernel) * 2
    pool = Pool("pool", ("x",), "y", PoolKind.AVERAGE, kernel, (1, 1), around)
    values, bits = shares(pool, (8, 9))
    assert sum_shift(pool, 8) == 0
    inside = (range(size - size // 2, size + 1) for size in kernel)
    counts = {i * j for i, j in itertools.product(*inside)}
    assert len(np.unique(values)) == len(counts)
    for count in counts:
        share = (1 << bits) // count + 1
        assert share in values
        sums = np.arange(-128 * count, 127 * count + 1)
        found = (sums * share + (1 << bits - 1)) >> bits
        assert (found == divide_away(sums, count)).all()
