"""A product with a share is the quotient, rounded to the nearest, ties away from zero."""

import itertools

import numpy as np
import pytest

from apollo.workloads.averaging import shares, sum_shift
from apollo.workloads.integer.arithmetic import divide_away
from apollo.workloads.operators import Pool, PoolKind


@pytest.mark.parametrize("kernel", [(1, 2), (2, 2), (2, 3), (3, 3), (5, 5), (5, 6)])
def test_shares_divide_exactly(kernel: tuple[int, int]) -> None:
    """Every sum of stored integers, over every number of elements that a window has."""
    pool = Pool(
        "pool", ("x",), "y", PoolKind.AVERAGE, kernel, (1, 1), (*(k - 1 for k in kernel),) * 2
    )
    values, bits = shares(pool, (8, 9))
    assert sum_shift(pool, 8) == 0
    counts = {i * j for i, j in itertools.product(*(range(1, k + 1) for k in kernel))}
    assert len(np.unique(values)) == len(counts)
    largest = kernel[0] * kernel[1]
    for count in counts:
        share = (1 << bits) // count + 1
        assert share in values
        sums = np.arange(-128 * min(count, largest), 127 * count + 1)
        found = (sums * share + (1 << bits - 1)) >> bits
        assert (found == divide_away(sums, count)).all()
