"""The best points that are not all the same: near copies of the best one teach little."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

POOL = 4  # times as many as wanted: worse points are not taken for being different
DISTANCE = 3  # parameters in which two points differ at first


def best_diverse(points: Ints, count: int) -> Ints:
    """Positions of `count` points or all there are, ascending, of points [N, D], the best first.

    In the order of rank a point is taken if it differs in `DISTANCE` parameters from all that are
    taken; where that leaves too few, in one parameter fewer, and so on.
    """
    pool = points[: POOL * count]
    taken: list[int] = []
    for distance in range(DISTANCE, -1, -1):
        take_unlike(pool, distance, count, taken)
    return np.array(sorted(taken), dtype=np.int64)


def take_unlike(points: Ints, distance: int, count: int, taken: list[int]) -> None:
    """Add positions to those taken, up to `count`: of points that differ from all in `distance`."""
    for position in range(len(points)):
        if len(taken) == count:
            return
        differing = (points[taken] != points[position]).sum(axis=1)
        if position not in taken and (differing >= distance).all():
            taken.append(position)
