"""Operators that move elements; where source and result have other units, elements are rescaled."""

from fractions import Fraction
from itertools import pairwise

import numpy as np

from apollo.workloads.integer.arithmetic import Ints, requantize, rescaled
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
from apollo.workloads.resampling import nearest, position

FRACTION_BITS = 10  # of the weights of an interpolation, for each axis


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
    """The nearest element, or four weighted in 1/1024 for each axis and rounded once."""
    source = context.stored(operator)
    if operator.kind is ResizeKind.NEAREST:
        rows, columns = (
            [nearest(operator.grid, i, source.shape[2 + axis], size) for i in range(size)]
            for axis, size in enumerate(operator.size)
        )
        return _moved(operator, context, source[:, :, rows][..., columns])
    before, after = context.rule(operator.inputs[0]), context.rule(operator.output)
    vertical, horizontal = (
        _weights(operator, axis, source.shape[2 + axis], size)
        for axis, size in enumerate(operator.size)
    )
    sums = vertical @ context.centred(operator) @ horizontal.T
    factor = before.scale[0] / after.scale[0] / 4.0**FRACTION_BITS
    return requantize(sums, [factor], after, context.rounding)


def _weights(operator: Resize, axis: int, before: int, after: int) -> Ints:
    """Weights [after, before] of the source elements of every position, in 1/1024."""
    one = 1 << FRACTION_BITS
    weights = np.zeros((after, before), np.int64)
    for place in range(after):
        found = position(operator.grid, place, before, after)
        exact = min(max(found, Fraction(0)), Fraction(before - 1))
        first = int(exact)
        part = round((exact - first) * one)
        weights[place, first] += one - part
        weights[place, min(first + 1, before - 1)] += part
    return weights


def arg_max(operator: ArgMax, context: Context) -> Ints:
    """Position of the greatest stored integer, the first of equals."""
    return np.asarray(context.stored(operator).argmax(operator.axis), np.int64)


def top_k(operator: TopK, context: Context) -> list[Ints]:
    """The greatest and where they are, the first of equals first."""
    source = context.stored(operator)
    places = np.argsort(-source, axis=-1, kind="stable")[..., : operator.count]
    found = np.take_along_axis(source, places, -1)
    return [_moved(operator, context, found), places.astype(np.int64)]
