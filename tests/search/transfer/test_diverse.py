import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from apollo.search.transfer.diverse import POOL, best_diverse


def test_a_copy_of_a_better_point_waits_for_different_ones():
    points = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 2], [1, 1, 1], [2, 2, 2]])
    assert best_diverse(points, 1).tolist() == [0]
    assert best_diverse(points, 3).tolist() == [0, 3, 4]
    assert best_diverse(points, 4).tolist() == [0, 1, 3, 4]  # then in one parameter
    assert best_diverse(points, 9).tolist() == [0, 1, 2, 3, 4]


def test_points_far_down_are_not_taken_for_being_different():
    points = np.zeros((100, 4), dtype=np.int64)
    points[:, 3] = np.arange(100)
    points[POOL * 2 :] = 7  # different in everything, but out of the pool of two
    assert best_diverse(points, 2).tolist() == [0, 1]


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 4), max_size=40), st.integers(1, 12))
def test_the_best_is_there_and_none_twice(rows, count):
    points = np.array(rows, dtype=np.int64).reshape(-1, 4)
    chosen = best_diverse(points, count).tolist()
    assert len(chosen) == min(count, len(rows)) == len(set(chosen))
    assert chosen[:1] == [0][: len(rows)]
    assert all(position < POOL * count for position in chosen)
