"""Runs a model in real numbers, operator by operator, as plainly as NumPy can say it.

Where a tensor is quantised its values are rounded to what its integers can say, so that a
quantised model comes out within a step or so of the integer kernels of TensorFlow Lite.
"""

import math
from collections.abc import Callable

import numpy as np

from apollo.workloads.model import Model
from apollo.workloads.operators import (
    LSTM,
    Binary,
    BinaryKind,
    Concat,
    Convolution,
    ConvTranspose,
    DepthToSpace,
    FullyConnected,
    MatMul,
    Operator,
    Pad,
    Pool,
    PoolKind,
    PReLU,
    Reduce,
    ReduceKind,
    Reshape,
    Resize,
    ResizeGrid,
    ResizeKind,
    Slice,
    Softmax,
    Split,
    Transpose,
    Unary,
    UnaryKind,
)

BINARY = {
    BinaryKind.ADD: np.add,
    BinaryKind.MULTIPLY: np.multiply,
    BinaryKind.SUBTRACT: np.subtract,
    BinaryKind.DIVIDE: np.divide,
    BinaryKind.MAXIMUM: np.maximum,
    BinaryKind.MINIMUM: np.minimum,
}
REDUCE = {
    ReduceKind.MEAN: np.mean,
    ReduceKind.SUM: np.sum,
    ReduceKind.MAX: np.max,
    ReduceKind.MIN: np.min,
}
UNARY = {
    UnaryKind.RELU: lambda x: np.maximum(x, 0),
    UnaryKind.RELU6: lambda x: np.clip(x, 0, 6),
    UnaryKind.CLIP: np.clip,
    UnaryKind.LEAKY_RELU: lambda x, slope: np.where(x < 0, slope * x, x),
    UnaryKind.SIGMOID: lambda x: _sigmoid(x),
    UnaryKind.TANH: np.tanh,
    UnaryKind.HARD_SWISH: lambda x: x * np.clip(x + 3, 0, 6) / 6,
    UnaryKind.EXP: np.exp,
    UnaryKind.LOG: np.log,
    UnaryKind.SQRT: np.sqrt,
    UnaryKind.RECIPROCAL: lambda x: 1 / x,
    UnaryKind.NEGATE: np.negative,
    UnaryKind.ABS: np.abs,
}


class Run:
    """A run of a model; `values` has every tensor, those given first."""

    def __init__(self, model: Model, given: dict[str, np.ndarray]) -> None:
        self.model = model
        self.values = {name: np.asarray(value, np.float64) for name, value in given.items()}
        for operator in model.graph.operators:
            inputs = [self.values[name] for name in operator.inputs]
            result = COMPUTE[type(operator)](self, operator, *inputs)
            results = result if isinstance(result, list) else [result]
            for name, value in zip(operator.outputs, results, strict=True):
                self.values[name] = self._stored(name, value)

    def constant(self, operator: Operator, role: str) -> np.ndarray:
        found = self.model.constant(operator.name, role)
        if found.quantization is None:
            return found.values.astype(np.float64)
        return found.quantization.dequantize(found.values)

    def bias(self, operator: Operator) -> np.ndarray | float:
        return self.constant(operator, "bias") if operator.bias else 0.0

    def _stored(self, name: str, value: np.ndarray) -> np.ndarray:
        assert value.shape == self.model.graph.tensor(name).shape, name
        rule = self.model.quantization.get(name)
        return value if rule is None else rule.dequantize(rule.quantize(value))


def _windows(x, kernel, stride, dilation=(1, 1)):
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    views = np.lib.stride_tricks.sliding_window_view(x, extent, (2, 3))
    return views[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def _edges(x, padding, value=0.0):
    top, left, bottom, right = padding
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=value)


def convolution(run, item, x):
    weight = run.constant(item, "weight")
    windows = _windows(_edges(x, item.padding), item.kernel, item.stride, item.dilation)
    batch, channels, height, width = windows.shape[:4]
    groups = item.groups
    windows = windows.reshape(batch, groups, channels // groups, height, width, *item.kernel)
    weight = weight.reshape(groups, -1, *weight.shape[1:])
    y = np.einsum("bgihwkl,goikl->bgohw", windows, weight, optimize=True)
    return y.reshape(batch, -1, height, width) + np.reshape(run.bias(item), (1, -1, 1, 1))


def transposed(run, item, x):
    weight = run.constant(item, "weight")  # (in, out, h, w)
    batch, _, height, width = x.shape
    size = [
        (n - 1) * s + k for n, s, k in zip((height, width), item.stride, item.kernel, strict=True)
    ]
    full = np.zeros((batch, item.out_channels, size[0] + item.extra[0], size[1] + item.extra[1]))
    for r in range(item.kernel[0]):
        for c in range(item.kernel[1]):
            rows = slice(r, r + height * item.stride[0], item.stride[0])
            columns = slice(c, c + width * item.stride[1], item.stride[1])
            part = full[:, :, rows, columns][:, :, :height, :width]
            part += np.einsum("bihw,io->bohw", x, weight[:, :, r, c])
    top, left, bottom, right = item.padding
    cut = full[:, :, top : full.shape[2] - bottom, left : full.shape[3] - right]
    return cut + np.reshape(run.bias(item), (1, -1, 1, 1))


def fully_connected(run, item, x):
    rows = x if x.ndim == 3 else x.reshape(len(x), -1)
    return rows @ run.constant(item, "weight").T + run.bias(item)


def pool(run, item, x):
    if item.kind is PoolKind.MAX:
        return _windows(_edges(x, item.padding, -np.inf), item.kernel, item.stride).max((4, 5))
    total = _windows(_edges(x, item.padding), item.kernel, item.stride).sum((4, 5))
    return total / _windows(_edges(np.ones_like(x), item.padding), item.kernel, item.stride).sum(
        (4, 5)
    )


def binary(run, item, x, y=None):
    return BINARY[item.kind](x, run.constant(item, "constant") if y is None else y)


def prelu(run, item, x):
    slope = run.constant(item, "slope").reshape(1, -1, *(1,) * (x.ndim - 2))
    return np.where(x < 0, slope * x, x)


def cut(run, item, x):
    parts = [slice(None)] * x.ndim
    steps = item.steps or (1,) * len(item.axes)
    for axis, start, stop, step in zip(item.axes, item.starts, item.stops, steps, strict=True):
        parts[axis] = slice(start, stop, step)
    return x[tuple(parts)]


def _weights(size, wanted, grid, kind):
    """A matrix (wanted, size) that interpolates along a dimension."""
    matrix = np.zeros((wanted, size))
    for i in range(wanted):
        place = i * size / wanted
        if grid is ResizeGrid.CORNERS and wanted > 1:
            place = i * (size - 1) / (wanted - 1)
        if grid is ResizeGrid.HALF_PIXEL:
            place = (i + 0.5) * size / wanted - (0.5 if kind is ResizeKind.BILINEAR else 0.0)
        place = min(max(place, 0.0), size - 1)
        low = math.floor(place)
        high = min(low + 1, size - 1)
        share = place - low if kind is ResizeKind.BILINEAR else 0.0
        matrix[i, low] += 1 - share
        matrix[i, high] += share
    return matrix


def resize(run, item, x):
    rows = _weights(x.shape[2], item.size[0], item.grid, item.kind)
    columns = _weights(x.shape[3], item.size[1], item.grid, item.kind)
    return np.einsum("bchw,ih,jw->bcij", x, rows, columns, optimize=True)


def depth_to_space(run, item, x):
    batch, channels, height, width = x.shape
    n = item.block
    parts = x.reshape(batch, n, n, channels // n**2, height, width).transpose(0, 3, 4, 1, 5, 2)
    return parts.reshape(batch, channels // n**2, height * n, width * n)


def softmax(run, item, x):
    powers = np.exp(x - x.max(item.axis, keepdims=True))
    return powers / powers.sum(item.axis, keepdims=True)


def matmul(run, item, x, y):
    left = np.swapaxes(x, -1, -2) if item.transpose_left else x
    return left @ (np.swapaxes(y, -1, -2) if item.transpose_right else y)


def lstm(run, item, x):
    """From states of zero, step by step; gates are input, forget, cell and output."""
    weight, recurrent, bias = (
        run.constant(item, role)[0] for role in ("input_weight", "recurrent_weight", "bias")
    )
    projection = run.constant(item, "projection_weight")[0] if item.projection else None
    hidden, memory, outputs = np.zeros((len(x), item.features)), np.zeros((len(x), item.units)), []
    for step in range(x.shape[1]):
        gates = x[:, step] @ weight.T + hidden @ recurrent.T + bias
        into, forget, cell, out = np.split(gates, 4, axis=1)
        memory = _sigmoid(forget) * memory + _sigmoid(into) * np.tanh(cell)
        hidden = _sigmoid(out) * np.tanh(memory)
        hidden = hidden if projection is None else hidden @ projection.T
        outputs.append(hidden)
    return np.stack(outputs, axis=1)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


COMPUTE: dict[type[Operator], Callable[..., np.ndarray | list[np.ndarray]]] = {
    Binary: binary,
    Concat: lambda run, item, *parts: np.concatenate(parts, item.axis),
    ConvTranspose: transposed,
    Convolution: convolution,
    DepthToSpace: depth_to_space,
    FullyConnected: fully_connected,
    LSTM: lstm,
    MatMul: matmul,
    PReLU: prelu,
    Pad: lambda run, item, x: np.pad(
        x, [*zip(item.before, item.after, strict=True)], constant_values=item.value
    ),
    Pool: pool,
    Reduce: lambda run, item, x: REDUCE[item.kind](x, axis=item.axes, keepdims=item.keep),
    Reshape: lambda run, item, x: x.reshape(item.shape),
    Resize: resize,
    Slice: cut,
    Softmax: softmax,
    Split: lambda run, item, x: np.split(x, np.cumsum(item.sizes)[:-1], item.axis),
    Transpose: lambda run, item, x: x.transpose(item.perm),
    Unary: lambda run, item, x: UNARY[item.kind](x, *item.arguments),
}
