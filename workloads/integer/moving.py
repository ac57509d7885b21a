"""Operators that move elements; where source and result have other units, elements are rescaled."""

import math
from itertools import pairwise

import numpy as np

from apollo.workloads.integer.arithmetic import Ints, blend, rescaled
from apollo.workloads.integer.context import Context
from apollo.workloads.operators import (
    ArgMax,
    Concat,
    DepthToSpace,
    Operator,
    Pad,
    Reshape,
    Resize,
    ResizeKind,
    Slice,
    SpaceToDepth,
    Split,
    TopK,
    Transpose,
)
from apollo.workloads.quantization import Quantization
from apollo.workloads.resampling import FRACTION_BITS, blend_factors, fine, nearest, position


def _moved(operator: Operator, context: Context, moved: Ints, output: str = "") -> Ints:
    """Moved elements in the units of the result; indices are what they are."""
    rules, name = context.model.quantization, output or operator.output
    if rules.get(operator.inputs[0]) == rules.get(name):
        return moved
    before, after = context.rule(operator.inputs[0]), context.rule(name)
    return rescaled(moved, before, after, context.rounding)


def concat(operator: Concat, context: Context) -> Ints:
    """Every input in the units of the output."""
    if context.same_rule(operator) and context.model.quantization.get(operator.output) is None:
        parts = [context.tensors[name] for name in operator.inputs]
    else:
        after = context.rule(operator.output)
        parts = [
            rescaled(context.tensors[name], context.rule(name), after, context.rounding)
            for name in operator.inputs
        ]
    return np.concatenate(parts, operator.axis)


def reshape(operator: Reshape, context: Context) -> Ints:
    """The same elements in the same order."""
    return _moved(operator, context, context.stored(operator).reshape(operator.shape))


def transpose(operator: Transpose, context: Context) -> Ints:
    """Dimensions in another order."""
    return _moved(operator, context, context.stored(operator).transpose(operator.perm))


def pad(operator: Pad, context: Context) -> Ints:
    """New elements have the stored value of their number."""
    moved = _moved(operator, context, context.stored(operator))
    value = context.rule(operator.output).quantize(np.array(operator.value))
    amounts = list(zip(operator.before, operator.after, strict=True))
    return np.pad(moved, amounts, constant_values=int(value))


def cut(operator: Slice, context: Context) -> Ints:
    """Part of a tensor."""
    index = [slice(None)] * context.stored(operator).ndim
    steps = operator.steps or (1,) * len(operator.axes)
    for axis, start, stop, step in zip(
        operator.axes, operator.starts, operator.stops, steps, strict=True
    ):
        index[axis] = slice(start, stop, step)
    return _moved(operator, context, context.stored(operator)[tuple(index)])


def split(operator: Split, context: Context) -> list[Ints]:
    """Parts one after the other."""
    source, edges = context.stored(operator), np.cumsum([0, *operator.sizes])
    return [
        _moved(operator, context, source.take(range(first, last), operator.axis), name)
        for (first, last), name in zip(pairwise(edges), operator.outputs, strict=True)
    ]


def depth_to_space(operator: DepthToSpace, context: Context) -> Ints:
    """Channels that become positions."""
    source, block = context.stored(operator), operator.block
    batch, channels, height, width = source.shape
    parts = source.reshape(batch, block, block, channels // block**2, height, width)
    moved = parts.transpose(0, 3, 4, 1, 5, 2)
    return _moved(operator, context, moved.reshape(batch, -1, height * block, width * block))


def space_to_depth(operator: SpaceToDepth, context: Context) -> Ints:
    """Positions that become channels."""
    source, block = context.stored(operator), operator.block
    batch, channels, height, width = source.shape
    parts = source.reshape(batch, channels, height // block, block, width // block, block)
    moved = parts.transpose(0, 3, 5, 1, 2, 4)
    return _moved(operator, context, moved.reshape(batch, -1, height // block, width // block))


def resize(operator: Resize, context: Context) -> Ints:
    """The nearest element, or two weighted in 1/1024 along each axis: columns first, then rows."""
    source = context.stored(operator)
    if operator.kind is ResizeKind.NEAREST:
        rows, columns = (
            [nearest(operator.grid, i, source.shape[2 + axis], size) for i in range(size)]
            for axis, size in enumerate(operator.size)
        )
        return _moved(operator, context, source[:, :, rows][..., columns])
    before, after = context.rule(operator.inputs[0]), context.rule(operator.output)
    across = _between(operator, context.centred(operator), 3, (before, fine(before)))
    return _between(operator, across, 2, (fine(before), after))


def _between(
    operator: Resize, source: Ints, axis: int, rules: tuple[Quantization, Quantization]
) -> Ints:
    """Centred elements interpolated along an axis, in other units; centred if the result is."""
    before, after = source.shape[axis], operator.size[axis - 2]
    found, edge = [], before - 1
    for place in range(after):
        exact = position(operator.grid, place, before, after)
        first = math.floor(exact)
        share = round((exact - first) * (1 << FRACTION_BITS))
        one, other = (source.take(min(max(0, first + k), edge), axis) for k in range(2))
        found.append(blend(one, other, blend_factors(*rules, share), rules[1]))
    return np.stack(found, axis)


def arg_max(operator: ArgMax, context: Context) -> Ints:
    """Position of the greatest stored integer, the first of equals."""
    return np.asarray(context.stored(operator).argmax(operator.axis), np.int64)


def top_k(operator: TopK, context: Context) -> list[Ints]:
    """The greatest and where they are, the first of equals first."""
    source = context.stored(operator)
    places = np.argsort(-source, axis=-1, kind="stable")[..., : operator.count]
    found = np.take_along_axis(source, places, -1)
    return [_moved(operator, context, found), places.astype(np.int64)]
