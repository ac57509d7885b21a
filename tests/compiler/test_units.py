"""What moves elements into other units, and where such a table has no place: bit for bit."""

from dataclasses import replace

import pytest

from apollo.arch.accelerator import lane_presets, load_design
from apollo.compiler.lower import lower
from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.model import Rounding
from apollo.workloads.operators import (
    Binary,
    BinaryKind,
    Concat,
    FullyConnected,
    LayerNormalization,
    MatMul,
    Operator,
    Pad,
    PReLU,
    Reshape,
    Softmax,
    Transpose,
    Unary,
    UnaryKind,
)
from apollo.workloads.quantization import Quantization
from tests.compiler.execution import check
from tests.compiler.models import random_model
from tests.compiler.systolic import nests as arrays


def model_of(shape, *operators: Operator, **rules: Quantization):
    builder = GraphBuilder("units", [Tensor("x", shape)])
    for operator in operators:
        builder.add(operator)
    model = random_model(builder.build([operators[-1].output]), seed=3)
    return replace(model, quantization={**model.quantization, **rules})


@pytest.mark.parametrize("design", lane_presets(), ids=lambda design: design.name)
@pytest.mark.parametrize(
    ("shape", "views"),
    [
        ((2, 6, 5, 4), [(2, 120)]),
        ((1, 12, 16), [(1, 12, 4, 4), (1, 192)]),
        ((3, 24), [(1, 3, 24), (1, 72)]),
    ],
)
def test_a_view_in_other_units(shape, views, design):
    operators, source, rules = [Unary("f", ("x",), "f", UnaryKind.TANH)], "f", {}
    for number, view in enumerate(views):
        operators.append(Reshape(f"v{number}", (source,), f"v{number}", view))
        source = f"v{number}"
        rules[source] = Quantization((0.02 + 0.01 * number,), (5 - 9 * number,))
    operators.append(FullyConnected("d", (source,), "d", 9))
    check(model_of(shape, *operators, **rules), design)
    check(model_of(shape, *operators[:-1], **rules), design)


@pytest.mark.parametrize("design", lane_presets(), ids=lambda design: design.name)
@pytest.mark.parametrize("unit", [1 / 256, 0.01])
@pytest.mark.parametrize("shape", [(4, 12, 16), (1, 12, 16), (1, 3, 5, 7)])
def test_a_softmax_over_the_last_of_any_dimensions(shape, unit, design):
    """A batch of sequences came out with its sequences side by side."""
    softmax = Softmax("s", ("x",), "s", axis=len(shape) - 1)
    model = model_of(shape, softmax, s=Quantization((unit,), (-128,)))
    check(model, design)
    order = (0, 1, 3, 2) if len(shape) == 4 else (0, 2, 1)
    model = model_of(shape, softmax, Transpose("t", ("s",), "t", order))
    check(replace(model, quantization={**model.quantization, "t": model.quantization["s"]}), design)


@pytest.mark.parametrize("design", lane_presets(), ids=lambda design: design.name)
def test_a_layer_behind_more_columns_than_an_instruction_has(design):
    """512 elements that lie as columns are no window of 512 (M3)."""
    column = Transpose("t", ("x",), "t", (1, 0))
    row = Reshape("r", ("t",), "r", (1, 600))
    check(model_of((600, 1), column, row, FullyConnected("d", ("r",), "d", 20)), design)


WIDE = Quantization((2.0**-11,), (0,), bits=16)


NARROW = Quantization((0.02,), (3,))
OTHER = Quantization((2.0**-13,), (0,), bits=16)


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize(("before", "after"), [(WIDE, NARROW), (NARROW, WIDE), (WIDE, OTHER)])
@pytest.mark.parametrize(
    ("shape", "operator"),
    [
        ((1, 32), Reshape("o", ("x",), "o", (1, 32))),
        ((2, 32), Concat("o", ("x", "x"), "o", 1)),
        ((2, 3, 4, 5), Transpose("o", ("x",), "o", (0, 2, 3, 1))),
        ((2, 3), Pad("o", ("x",), "o", (1, 0), (0, 0))),
    ],
    ids=["view", "concatenation", "transposition", "padding"],
)
def test_elements_of_16_bits_in_other_units(shape, operator, before, after, rounding):
    """No table has an entry for each, so it is a product with ones."""
    model = replace(model_of(shape, operator, x=before, o=after), rounding=rounding)
    check(model, load_design("edge_tpu_v1"))
    arrays.check(model, arrays.GEMMINI)


@pytest.mark.parametrize("rounding", Rounding)
def test_slopes_that_are_not_around_zero(rounding):
    model = model_of((1, 6, 4, 5), PReLU("o", ("x",), "o", 6))
    slopes = replace(model.constant("o", "slope"), quantization=Quantization((0.01,), (-77,)))
    model = replace(model, constants={("o", "slope"): slopes}, rounding=rounding)
    check(model, load_design("edge_tpu_v1"))
    arrays.check(model, arrays.GEMMINI)


@pytest.mark.parametrize("kind", [BinaryKind.MAXIMUM, BinaryKind.MINIMUM])
def test_a_choice_that_repeats_an_operand_and_rounds_twice(kind):
    choice = Binary("o", ("x",), "o", kind, (1, 6, 1, 1))
    model = replace(model_of((1, 6, 4, 5), choice), rounding=Rounding.TFLITE)
    check(model, load_design("edge_tpu_v1"))


WIDE_REFUSALS = {
    "a function": Unary("o", ("x",), "o", UnaryKind.TANH),
    "shares": Softmax("o", ("x",), "o", 1),
    "normalisation": LayerNormalization("o", ("x",), "o", 8),
}


@pytest.mark.parametrize("operator", WIDE_REFUSALS.values(), ids=WIDE_REFUSALS)
def test_tables_of_16_bits_are_refused(operator):
    model = model_of((2, 8), operator, x=WIDE)
    kind = type(operator).__name__
    message = f"Network 'units': operator 'o' ({kind}) has no lowering for elements of 16 bits."
    with pytest.raises(ValueError, match="no lowering for elements") as refusal:
        lower(model.graph, model)
    assert str(refusal.value) == message


def test_a_right_matrix_of_16_bits_is_refused():
    model = model_of((1, 4, 4), MatMul("o", ("x", "x"), "o"), x=WIDE)
    message = r"'o' \(MatMul\) has no lowering with right matrices of 16 bits\.$"
    with pytest.raises(ValueError, match=message):
        lower(model.graph, model)
