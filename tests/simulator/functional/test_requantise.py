"""Both rules of rounding against exact arithmetic, ties and extremes included."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apollo.simulator.functional.requantise import scale
from apollo.simulator.functional.windows import mean
from tests.simulator.functional.meaning import nearest_away, nearest_up, tflite_scale

INT32 = st.integers(-(2**31), 2**31 - 1)
MULTIPLIER = st.one_of(st.integers(0, 2**31 - 1), st.integers(0, 30).map(lambda bit: 2**bit))
SHIFT = st.integers(0, 62)


def scaled(a: int, multiplier: int, shift: int, *, tflite: bool) -> int:
    numbers = (np.array([[[value]]], np.int64) for value in (a, multiplier, shift))
    return int(scale(*numbers, tflite=tflite)[0, 0, 0])


@given(INT32, MULTIPLIER, SHIFT)
@example(-1, 1, 1)  # half: upwards, to 0
@example(1, 1, 1)
@example(-(2**31), 2**31 - 1, 0)
@example(-(2**31), 2**31 - 1, 62)
def test_one_rounding_is_exact(a: int, multiplier: int, shift: int) -> None:
    wanted = nearest_up(Fraction(a * multiplier, 2**shift))
    assert scaled(a, multiplier, shift, tflite=False) == wanted


@given(INT32, MULTIPLIER, SHIFT)
@example(-1, 2**30, 31)  # a tie of the first rounding: upwards, to 0
@example(-1, 2**30, 32)
@example(-3, 2**30, 31)  # -1.5: upwards, to -1
@example(-3, 2**30, 32)
@example(-2, 2**30, 32)  # a tie of the second rounding: away from zero, to -1
@example(2, 2**30, 32)
@example(-(2**31), 2**31 - 1, 62)
@example(3, 2**31 - 1, 0)  # the left shift wraps around
def test_tflites_two_roundings_are_gemmlowps(a: int, multiplier: int, shift: int) -> None:
    assert scaled(a, multiplier, shift, tflite=True) == tflite_scale(a, multiplier, shift)


def test_ties_by_hand() -> None:
    halves = [(a, scaled(a, 1, 1, tflite=False)) for a in (-3, -1, 1, 3)]
    assert halves == [(-3, -1), (-1, 0), (1, 1), (3, 2)]
    first = [scaled(a, 2**30, 31, tflite=True) for a in (-3, -1, 1, 3)]
    assert first == [-1, 0, 1, 2]
    second = [scaled(a, 2**30, 32, tflite=True) for a in (-6, -2, 2, 6)]
    assert second == [-2, -1, 1, 2]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9, 49])
def test_means_round_ties_away_from_zero(count: int) -> None:
    sums = np.arange(-300, 301)
    wanted = [nearest_away(Fraction(int(total), count)) for total in sums]
    assert mean(sums, count).tolist() == wanted
