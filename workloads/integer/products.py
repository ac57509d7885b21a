"""Matrix products on integers, and rows looked up."""

import numpy as np

from apollo.workloads.integer.arithmetic import (
    Ints,
    centred,
    fixed_point,
    requantize,
    saturate,
    scaled,
)
from apollo.workloads.integer.context import Context
from apollo.workloads.operators import Embedding, FullyConnected, Gather, MatMul, Operator


def fully_connected(operator: FullyConnected, context: Context) -> Ints:
    """Rows times a stored matrix, requantised by output feature."""
    source, (weight, rule) = context.centred(operator), context.constant(operator, "weight")
    shape = context.model.graph.tensor(operator.output).shape
    sums = exact(source.reshape(*shape[:-1], -1), weight.T)
    units = context.rule(operator.inputs[0]).scale[0] * np.array(rule.scale)
    if operator.bias:
        sums = sums + context.bias(operator, np.broadcast_to(units, operator.out_features))
    after = context.rule(operator.output)
    return requantize(sums, [*(units / after.scale[0])], after, context.rounding)


def exact(left: Ints, right: Ints) -> Ints:
    """A matrix product; in float64, which is exact below 2^53."""
    product = np.matmul(left.astype(np.float64), right.astype(np.float64))
    return np.asarray(np.rint(product), np.int64)


def matmul(operator: MatMul, context: Context) -> Ints:
    """A product of two computed tensors."""
    left, right = context.centred(operator, 0), context.centred(operator, 1)
    left = left.swapaxes(-1, -2) if operator.transpose_left else left
    right = right.swapaxes(-1, -2) if operator.transpose_right else right
    before = [context.rule(name).scale[0] for name in operator.inputs]
    after = context.rule(operator.output)
    factor = before[0] * before[1] / after.scale[0]
    return requantize(exact(left, right), [factor], after, context.rounding)


def embedding(operator: Embedding, context: Context) -> Ints:
    """Stored rows, in the units of the output."""
    indices = context.stored(operator)
    _check(operator, indices, operator.rows)
    table, rule = context.constant(operator, "table")
    after = context.rule(operator.output)
    rows = table[indices]
    if rule.scale == after.scale:
        return saturate(rows, after)
    multiplier, shift = fixed_point(rule.scale[0] / after.scale[0])
    return saturate(scaled(rows, multiplier, shift, context.rounding), after)


def _check(operator: Operator, indices: Ints, count: int) -> None:
    if indices.size and not 0 <= indices.min() <= indices.max() < count:
        raise ValueError(f"Indices of {operator.name!r} must be in 0..{count - 1}.")


def gather(operator: Gather, context: Context) -> Ints:
    """Entries that indices name, item by item of the batch."""
    data, indices = context.stored(operator, 0), context.stored(operator, 1)
    _check(operator, indices, data.shape[1])
    found = np.stack([data[item][indices[item]] for item in range(len(data))])
    before, after = context.rule(operator.inputs[0]), context.rule(operator.output)
    if before == after:
        return found
    factor = before.scale[0] / after.scale[0]
    return requantize(centred(found, before), [factor], after, context.rounding)
