"""Convolutions and pools on integers.

Sums of products are computed by matrix products in float64, which are exact below 2^53.
"""

from dataclasses import replace
from itertools import product

import numpy as np

from apollo.workloads.averaging import shares, sum_shift
from apollo.workloads.integer.arithmetic import Ints, divide_away, requantize, rescaled
from apollo.workloads.integer.context import Context
from apollo.workloads.model import Rounding
from apollo.workloads.operators import Convolution, ConvTranspose, Pool, PoolKind
from apollo.workloads.quantization import Quantization
from apollo.workloads.shapes import Pair, Shape

_SUMS = Quantization((1.0,), (0,), bits=16)


def convolution(operator: Convolution, context: Context) -> Ints:
    """Sums over the window, border elements zero, then requantised channel by channel."""
    source, (weight, rule) = context.centred(operator), context.constant(operator, "weight")
    top, left, bottom, right = operator.padding
    padded = np.pad(source, ((0, 0), (0, 0), (top, bottom), (left, right)))
    shape = context.model.graph.tensor(operator.output).shape
    sums = np.zeros(shape, np.int64)
    for a, b in product(range(operator.kernel[0]), range(operator.kernel[1])):
        part = _tap(padded, operator, (a, b), (shape[2], shape[3]))
        sums += _mix(part, weight[:, :, a, b], operator.groups)
    return _finish(operator, context, sums, np.array(rule.scale))


def _tap(padded: Ints, operator: Convolution | Pool, tap: Pair, size: Pair) -> Ints:
    """The elements that one tap of the window meets, over all positions."""
    dilation = operator.dilation if isinstance(operator, Convolution) else (1, 1)
    rows, columns = (
        slice(
            tap[axis] * dilation[axis],
            tap[axis] * dilation[axis] + (size[axis] - 1) * operator.stride[axis] + 1,
            operator.stride[axis],
        )
        for axis in range(2)
    )
    return padded[:, :, rows, columns]


def _mix(part: Ints, weight: Ints, groups: int) -> Ints:
    """Weights (out, in / groups) times channels, group by group."""
    batch, channels, height, width = part.shape
    outputs, depth = weight.shape
    if depth == 1 and outputs == channels:
        return np.asarray(part * weight.reshape(1, -1, 1, 1), np.int64)
    columns = part.reshape(batch, groups, depth, height * width).astype(np.float64)
    matrices = weight.reshape(groups, outputs // groups, depth).astype(np.float64)
    sums = np.matmul(matrices, columns)
    return np.asarray(np.rint(sums), np.int64).reshape(batch, outputs, height, width)


def _finish(
    operator: Convolution | ConvTranspose, context: Context, sums: Ints, scales: np.ndarray
) -> Ints:
    """Biases added, requantised by the scales of source, weights and result."""
    units = context.rule(operator.inputs[0]).scale[0] * scales
    if operator.bias:
        bias = context.bias(operator, np.broadcast_to(units, operator.out_channels))
        sums = sums + bias.reshape(1, -1, 1, 1)
    after = context.rule(operator.output)
    return requantize(sums, [*(units / after.scale[0])], after, context.rounding, 1)


def transposed(operator: ConvTranspose, context: Context) -> Ints:
    """Every position adds its products to the output, what padding cuts off left out."""
    source, (weight, rule) = context.centred(operator), context.constant(operator, "weight")
    shape = context.model.graph.tensor(operator.output).shape
    full = np.zeros(_covered(operator, source.shape, shape), np.int64)
    depth = operator.out_channels // operator.groups
    for a, b in product(range(operator.kernel[0]), range(operator.kernel[1])):
        # (in, out / groups) by groups becomes (out, in / groups).
        tap = weight[:, :, a, b].reshape(operator.groups, -1, depth).transpose(0, 2, 1)
        part = _mix(source, tap.reshape(operator.out_channels, -1), operator.groups)
        rows, columns = (
            slice(
                place * operator.dilation[axis],
                place * operator.dilation[axis]
                + (source.shape[2 + axis] - 1) * operator.stride[axis]
                + 1,
                operator.stride[axis],
            )
            for axis, place in enumerate((a, b))
        )
        full[:, :, rows, columns] += part
    top, left = operator.padding[:2]
    sums = full[:, :, top : top + shape[2], left : left + shape[3]]
    return _finish(operator, context, sums, np.array(rule.scale))


def _covered(operator: ConvTranspose, source: Shape, shape: Shape) -> Shape:
    """Shape of what all windows cover, or of the output where that reaches further."""
    extents = []
    for axis in range(2):
        window = operator.dilation[axis] * (operator.kernel[axis] - 1) + 1
        covered = (source[2 + axis] - 1) * operator.stride[axis] + window
        extents.append(max(covered, operator.padding[axis] + shape[2 + axis]))
    return shape[0], shape[1], extents[0], extents[1]


def pool(operator: Pool, context: Context) -> Ints:
    """The greatest element of a window, or the average."""
    return (
        _greatest(operator, context)
        if operator.kind is PoolKind.MAX
        else _average(operator, context)
    )


def _greatest(operator: Pool, context: Context) -> Ints:
    before, after = context.rule(operator.inputs[0]), context.rule(operator.output)
    top, left, bottom, right = operator.padding
    around = ((0, 0), (0, 0), (top, bottom), (left, right))
    padded = np.pad(context.stored(operator), around, constant_values=before.low)
    shape = context.model.graph.tensor(operator.output).shape
    found = np.full(shape, before.low, np.int64)
    for tap in product(range(operator.kernel[0]), range(operator.kernel[1])):
        found = np.maximum(found, _tap(padded, operator, tap, (shape[2], shape[3])))
    return rescaled(found, before, after, context.rounding)


def _average(operator: Pool, context: Context) -> Ints:
    """In unchanged units the sum over its count, ties away from zero; else one requantisation."""
    before, after = context.rule(operator.inputs[0]), context.rule(operator.output)
    if any(operator.padding) and not operator.include_padding:
        return _without_padding(operator, context)
    sums = _sums(operator, context, context.centred(operator))
    count = operator.kernel[0] * operator.kernel[1]
    if before == after:
        whole = sums + count * before.zero_point[0]
        return np.clip(divide_away(whole, count), after.low, after.high)
    factor = before.scale[0] / (after.scale[0] * count)
    return requantize(sums, [factor], after, context.rounding)


def _sums(operator: Pool, context: Context, source: Ints) -> Ints:
    """Of the elements of every window, 0 around the image."""
    top, left, bottom, right = operator.padding
    around = ((0, 0), (0, 0), (top, bottom), (left, right))
    padded = np.pad(source, around)
    shape = context.model.graph.tensor(operator.output).shape
    sums = np.zeros(shape, np.int64)
    for tap in product(range(operator.kernel[0]), range(operator.kernel[1])):
        sums += _tap(padded, operator, tap, (shape[2], shape[3]))
    return sums


def _without_padding(operator: Pool, context: Context) -> Ints:
    """Sums at 16 bits times the share of an element in its window, rounded once.

    In unchanged units they are sums of the stored integers, else of centred ones.
    """
    before, after = context.rule(operator.inputs[0]), context.rule(operator.output)
    source = context.centred(operator)
    if before == after:
        source, after = context.stored(operator), replace(after, zero_point=(0,))
    sums = _sums(operator, context, source)
    _, _, height, width = context.stored(operator).shape
    values, bits = shares(operator, (height, width))
    shift = sum_shift(operator, before.bits)
    narrow = requantize(sums, [2.0**-shift], _SUMS, Rounding.ONCE)
    factor = before.scale[0] * 2.0 ** (shift - bits) / after.scale[0]
    return requantize(narrow * values, [factor], after, Rounding.ONCE)
