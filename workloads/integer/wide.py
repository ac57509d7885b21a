"""Numbers of 16 bits inside of recurrent layers: their units, and functions by tables (M30)."""

from collections.abc import Callable

import numpy as np

from apollo.workloads.integer.arithmetic import Ints, Reals, halve
from apollo.workloads.quantization import Quantization

GATE = Quantization((2.0**-11,), (0,), bits=16)  # within 16 of zero
UNIT = Quantization((2.0**-15,), (0,), bits=16)  # between -1 and 1
NARROW = Quantization((2.0**-7,), (0,))  # what a projection reads

_STEP = 128  # between the entries of a table
_LEAST = -(1 << 15)


def sigmoid(x: Reals) -> Reals:
    """The logistic function."""
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


def tangent(x: Reals) -> Reals:
    """The hyperbolic tangent."""
    return np.asarray(np.tanh(x))


def wide_table(
    function: Callable[[Reals], Reals], before: Quantization, after: Quantization
) -> Ints:
    """513 entries of a function, between two quantisations of 16 bits around zero."""
    places = np.arange(_LEAST, -_LEAST + 1, _STEP)
    real = function(np.asarray(places * before.scale[0], np.float64))
    return np.clip(np.rint(real / after.scale[0]), after.low, after.high).astype(np.int64)


def wide_look_up(table: Ints, stored: Ints) -> Ints:
    """Between the entries on both sides, to the nearest, ties upwards."""
    place, part = np.divmod(stored - _LEAST, _STEP)
    return np.asarray(table[place] + halve((table[place + 1] - table[place]) * part, 7), np.int64)
