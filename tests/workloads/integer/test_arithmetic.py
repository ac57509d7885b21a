import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.integer import fixed_point, run
from apollo.workloads.integer.arithmetic import divide_away, halve, scaled, square_root
from apollo.workloads.integer.levelling import NORMAL, levelled
from apollo.workloads.integer.wide import GATE, UNIT, wide_look_up, wide_table
from apollo.workloads.model import Model, Rounding
from apollo.workloads.operators import Pool, PoolKind, Unary, UnaryKind
from apollo.workloads.quantization import Quantization

int32 = st.integers(-(1 << 31), (1 << 31) - 1)


def ints(*values):
    return np.array(values, np.int64)


@given(st.floats(2.0**-31, 2.0**29))
def test_a_factor_has_thirty_bits(factor):
    multiplier, shift = fixed_point(factor)
    assert 0 < multiplier < 1 << 31
    assert 0 <= shift <= 62
    assert abs(multiplier / 2**shift - factor) <= factor * 2.0**-30


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf"), 2.0**30])
def test_a_factor_that_cannot_be(factor):
    with pytest.raises(ValueError, match=r"^A factor of a requantisation must be in 0\.\.2\^30"):
        fixed_point(factor)


@pytest.mark.parametrize(
    ("value", "once", "away"), [(5, 3, 3), (-5, -2, -3), (4, 2, 2), (-4, -2, -2), (7, 4, 4)]
)
def test_ties(value, once, away):
    """Upwards when rounded once; in the second rounding of TFLite away from zero."""
    assert halve(ints(value), 1)[0] == once
    assert scaled(ints(value), 1 << 30, 32, Rounding.TFLITE)[0] in (away // 2, (away + 1) // 2)
    assert divide_away(ints(value), 2)[0] == away


@given(int32, st.floats(2.0**-20, 0.999))
def test_both_rules_are_within_a_unit_of_the_real_product(value, factor):
    multiplier, shift = fixed_point(factor)
    for rounding in Rounding:
        found = scaled(ints(value), multiplier, shift, rounding)[0]
        assert abs(found - value * factor) <= 1 + abs(value) * factor * 2.0**-29


@given(st.integers(0, (1 << 60)))
def test_roots_are_exact(value):
    root = int(square_root(ints(value))[0])
    assert root * root <= value < (root + 1) ** 2


def test_wide_tables_interpolate():
    table = wide_table(np.tanh, GATE, UNIT)
    stored = np.arange(-(1 << 15), 1 << 15)
    exact = np.tanh(stored * 2.0**-11) * (1 << 15)
    assert len(table) == 513
    assert np.abs(wide_look_up(table, stored) - exact).max() < 24


@pytest.mark.parametrize("count", [16, 2048])
@pytest.mark.parametrize("deviation", [0.1, 0.25, 1.0, 3.0])
def test_gates_of_any_spread_are_levelled(deviation, count):
    real = np.random.default_rng(0).normal(0.3, deviation, (20, count))
    gates = np.clip(np.rint(real / GATE.scale[0]), GATE.low, GATE.high).astype(np.int64)
    centred = gates - gates.mean(-1, keepdims=True)
    expected = centred / gates.std(-1, keepdims=True)
    assert np.abs(levelled(gates) * NORMAL.scale[0] - expected).max() < 0.01


def one(operator, shape, rules):
    builder = GraphBuilder("one", [Tensor("x", shape)])
    builder.add(operator)
    return Model(builder.build(["y"]), quantization=rules)


def test_an_average_in_unchanged_units_rounds_ties_away_from_zero():
    rule = Quantization((1.0,), (5,))
    model = one(
        Pool("f", ("x",), "y", PoolKind.AVERAGE, (1, 2)), (1, 1, 1, 2), {"x": rule, "y": rule}
    )
    assert run(model, {"x": ints(-3, -2).reshape(1, 1, 1, 2)})["y"].item() == -3
    assert run(model, {"x": ints(3, 2).reshape(1, 1, 1, 2)})["y"].item() == 3


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({}, r"^Input 'x' is missing\.$"),
        ({"x": ints(1)}, r"^Input 'x' must have shape \(1, 2\), not \(1,\)\.$"),
        ({"x": np.zeros((1, 2))}, r"^Input 'x' must be integers, not float64\.$"),
        ({"x": ints(1, 200).reshape(1, 2)}, r"^Input 'x' must be in -128\.\.127\.$"),
    ],
)
def test_inputs_that_do_not_fit(inputs, reason):
    rule = Quantization((1.0,), (0,))
    model = one(Unary("f", ("x",), "y", UnaryKind.RELU), (1, 2), {"x": rule, "y": rule})
    with pytest.raises(ValueError, match=reason):
        run(model, inputs)


def test_a_tensor_of_real_numbers_is_refused():
    rule = Quantization((1.0,), (0,))
    model = one(Unary("f", ("x",), "y", UnaryKind.RELU), (1, 2), {"x": rule})
    with pytest.raises(ValueError, match=r"^Tensor 'y' is not quantised\.$"):
        run(model, {"x": ints(1, 2).reshape(1, 2)})
