"""Averages: sums by ones, divided by a number or, at the border, by a number of each position."""

from dataclasses import replace

from apollo.arch.isa import Opcode
from apollo.arch.operands import RECORD_BYTES
from apollo.compiler.lower import Columns, Lowering
from apollo.compiler.recipe import Ingredients, Recipe
from apollo.compiler.storage import dims_of
from apollo.workloads.averaging import shares, sum_shift
from apollo.workloads.model import Rounding
from apollo.workloads.operators import Operator, Pool
from apollo.workloads.quantization import Quantization


def mean(
    lowering: Lowering,
    operator: Operator,
    source: int,
    destination: int,
    count: int,
    window: Columns,
) -> None:
    """A sum over a window, over its count: a depthwise product by ones."""
    before, after = lowering.rules[source], lowering.rules[destination]
    recipe = Recipe(Ingredients.ONES, operator, before, after, count=count)
    lowering.append(
        operator, Opcode.DEPTHWISE, source, destination, recipe, {**window, "weights": 1}
    )


def without_padding(
    lowering: Lowering, operator: Pool, source: int, destination: int, window: Columns
) -> None:
    """Sums at 16 bits, then each times the share of an element in its window, rounded once.

    In unchanged units they are sums of the stored integers, else of centred ones.
    """
    before, after = lowering.rules[source], lowering.rules[destination]
    if before == after:
        before = after = replace(after, zero_point=(0,))
    dims = lowering.dims[source]
    values, bits = shares(operator, (dims.rows, dims.columns))
    unit = before.scale[0] * 2.0 ** sum_shift(operator, before.bits)
    of_sums = Quantization((unit,), (0,), bits=16)
    sums = lowering.new(f"{operator.output}:sums", lowering.dims[destination], of_sums)
    ones = Recipe(Ingredients.ONES, operator, before, of_sums, rounding=Rounding.ONCE)
    lowering.append(
        operator,
        Opcode.DEPTHWISE,
        source,
        sums,
        ones,
        {**window, "weights": 1, "fill": before.zero_point[0]},
    )
    rule = Quantization((2.0**-bits,), (0,), bits=16)
    constant = lowering.new(f"{operator.output}:shares", dims_of(values.shape), rule)
    lowering.constants[constant] = values
    lowering.in_dram.add(constant)
    recipe = Recipe(
        Ingredients.PRODUCT, operator, of_sums, after, second=rule, rounding=Rounding.ONCE
    )
    columns = {"table_bytes": RECORD_BYTES, "zero_point": after.zero_point[0]}
    lowering.append(operator, Opcode.MULTIPLY, sums, destination, recipe, columns, constant)
