"""Averages that leave the padding out of their count: a nest for every number of elements.

Along a dimension each window that padding cuts is a zone of its own, all others are one; a nest
computes where a zone of rows meets one of columns, with the kernel that is left there.
"""

from collections.abc import Iterator
from typing import NamedTuple

from apollo.arch.isa import Opcode
from apollo.compiler.lower import Columns, Lowering
from apollo.compiler.recipe import Ingredients, Recipe
from apollo.workloads.operators import Operator, Pool


class Zone(NamedTuple):
    """Outputs along a dimension whose windows have as many elements."""

    first: int  # output
    outputs: int
    kernel: int
    begin: int  # element of the source that the first window begins with


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


def average(
    lowering: Lowering, operator: Pool, source: int, destination: int, *, same: bool
) -> None:
    """The nests of a pool; `same` says that result and source have the same units."""
    dims = lowering.dims[source]
    output = lowering.shape(operator.output)
    rows = list(_zones(operator, 0, dims.rows, output[2]))
    columns = list(_zones(operator, 1, dims.columns, output[3]))
    if any(zone.kernel < 1 for zone in (*rows, *columns)):
        raise lowering.refuse(operator, "averages padding only, which has no lowering")
    for down in rows:
        for across in columns:
            window = _window(operator, down, across) | {
                "rows": down.outputs,
                "columns": across.outputs,
                "first_row": down.first,
                "first_column": across.first,
                "is_part": 1,
            }
            if same:
                lowering.append(operator, Opcode.POOL_AVERAGE, source, destination, columns=window)
            else:
                count = down.kernel * across.kernel
                mean(lowering, operator, source, destination, count, window)


def _zones(operator: Pool, axis: int, size: int, outputs: int) -> Iterator[Zone]:
    kernel, stride, before = operator.kernel[axis], operator.stride[axis], operator.padding[axis]
    whole = [output for output in range(outputs) if 0 <= output * stride - before <= size - kernel]
    for output in range(outputs):
        begin = output * stride - before
        if output in whole:
            if output == whole[0]:
                yield Zone(output, len(whole), kernel, begin)
            continue
        first, end = max(0, begin), min(size, begin + kernel)
        yield Zone(output, 1, end - first, first)


def _window(operator: Pool, down: Zone, across: Zone) -> dict[str, int]:
    return {
        "taps": down.kernel * across.kernel,
        "kernel_rows": down.kernel,
        "kernel_columns": across.kernel,
        # A single output takes no step.
        "stride_rows": operator.stride[0] if down.outputs > 1 else down.kernel,
        "stride_columns": operator.stride[1] if across.outputs > 1 else across.kernel,
        "pad_rows": -down.begin,
        "pad_columns": -across.begin,
    }
