"""Transposed convolutions: of every phase of the output's rows an ordinary convolution.

Output row `s * r + p` of a stride `s` reads the source rows `r + o` for the taps that fall on them:
a convolution whose results lie `s` rows apart. The phases of the columns share a window; their
results lie side by side, as channels of one wide position, so that rows are whole everywhere.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from apollo.arch.isa import Opcode
from apollo.compiler.lower import Lowering
from apollo.compiler.recipe import NO_TAP, Ingredients, Recipe, Taps
from apollo.compiler.storage import dims_of
from apollo.workloads.operators import ConvTranspose


class Window(NamedTuple):
    """Along one dimension: the source elements that some phases read."""

    first: int  # from the position on
    step: int
    phases: tuple[Taps, ...]  # of each, kernel elements by source element


def transposed(lowering: Lowering, operator: ConvTranspose) -> None:
    """A nest for every phase of the rows, and a cut where phases are not equally long."""
    source = lowering.plain(operator.inputs[0])
    wanted = dims_of(lowering.shape(operator.output))
    down, across = operator.stride
    rows, columns = math.ceil(wanted.rows / down), math.ceil(wanted.columns / across)
    whole = wanted._replace(rows=rows * down, columns=columns * across)
    rule = lowering.rule_of(operator)
    if whole == wanted:
        destination = lowering.result(operator, whole)
    else:
        destination = lowering.new(f"{operator.output}:whole", whole, rule)
    wide = _window(operator, 1, range(across))
    for phase in range(down):
        high = _window(operator, 0, range(phase, phase + 1))
        _phase(lowering, operator, source, destination, high, wide, phase)
    if whole != wanted:
        cut = lowering.result(operator, wanted)
        lowering.append(operator, Opcode.POOL_MAX, destination, cut)


def _phase(
    lowering: Lowering,
    operator: ConvTranspose,
    source: int,
    destination: int,
    high: Window,
    wide: Window,
    phase: int,
) -> None:
    before, after = lowering.rules[source], lowering.rules[destination]
    dims, result = lowering.dims[source], lowering.dims[destination]
    kernel = len(high.phases[0]), len(wide.phases[0])
    window = (*high.phases, *wide.phases)
    recipe = Recipe(Ingredients.TRANSPOSED, operator, before, after, window=window)
    beside = operator.stride[1]
    columns = {
        "rows": result.rows // operator.stride[0],
        "columns": result.columns // beside,
        "taps": math.prod(kernel),
        "kernel_rows": kernel[0],
        "kernel_columns": kernel[1],
        "dilation_rows": high.step,
        "dilation_columns": wide.step,
        "pad_rows": -high.first,
        "pad_columns": -wide.first,
        "first_row": phase,
        "result_rows": operator.stride[0],
        "result_columns": beside,
        "is_part": 1,
        "weights": 1,
    }
    if beside > 1:
        columns["whole_channels"] = 1
    if dims.channels == operator.groups == operator.out_channels and operator.groups > 1:
        columns |= {"groups": beside, "result_step": dims.channels}
        lowering.append(operator, Opcode.DEPTHWISE, source, destination, recipe, columns)
        return
    columns |= {
        "channels": beside * operator.out_channels,
        "in_channels": dims.channels,
        "mixes_channels": 1,
    }
    lowering.append(operator, Opcode.CONVOLVE, source, destination, recipe, columns)


def _window(operator: ConvTranspose, axis: int, phases: range) -> Window:
    """The window that those phases share: all source elements that one of them reads."""
    reads = [dict(_reads(operator, axis, phase)) for phase in phases]
    offsets = sorted({offset for read in reads for offset in read}) or [0]
    step = math.gcd(*(offset - offsets[0] for offset in offsets)) or 1
    places = range(offsets[0], offsets[-1] + 1, step)
    taps = tuple(tuple(read.get(place, NO_TAP) for place in places) for read in reads)
    return Window(offsets[0], step, taps)


def _reads(operator: ConvTranspose, axis: int, phase: int) -> Iterator[tuple[int, int]]:
    """Source elements, from the position on, with the kernel element that each meets."""
    stride, dilation = operator.stride[axis], operator.dilation[axis]
    for tap in range(operator.kernel[axis]):
        offset, rest = divmod(phase + operator.padding[axis] - tap * dilation, stride)
        if rest == 0:
            yield offset, tap
