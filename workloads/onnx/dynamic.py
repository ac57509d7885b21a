"""Import of dynamic quantisation: weights are integers, and activations become so at run time.

What the weights stand for is kept. Activations are taken as the real numbers that they are before
and behind: their scale counts as 1, since it is not known before the network runs.
"""

import math
from dataclasses import replace

import numpy as np

from apollo.workloads.model import Constant, Values
from apollo.workloads.onnx import stored
from apollo.workloads.onnx.context import Importing
from apollo.workloads.onnx.node import Node
from apollo.workloads.onnx.products import times
from apollo.workloads.onnx.stored import Stored
from apollo.workloads.onnx.windows import convolve
from apollo.workloads.operators import Operator
from apollo.workloads.quantization import PER_TENSOR, Quantization
from apollo.workloads.shapes import elements

_SHIFTS = {"int8": 0, "uint8": 128}


def quantize(node: Node, importing: Importing) -> None:
    """The real numbers, by a scale of one."""
    importing.alias(node.output, node.inputs[0])
    scale, zero = np.ones((), np.float32), np.zeros((), np.uint8)
    for name, values in ((node.wants(1), scale), (node.wants(2), zero)):
        importing.constants.add(name, stored.array(values))


def matmul(node: Node, importing: Importing) -> None:
    """A product with a stored matrix of integers."""
    times(node, importing, _weight(node, importing, 1))


def convolution(node: Node, importing: Importing) -> None:
    """A convolution with stored integers."""
    convolve(node, importing, _weight(node, importing, 0), None)


def _weight(node: Node, importing: Importing, axis: int) -> Stored:
    """Stored integers in units of one, until the product behind them says which."""
    source, zeros = importing.stored(node, 1), importing.small(node, 3)
    if source.dtype.name not in _SHIFTS:
        raise node.fail(f"must have weights of 8 bits, not {source.dtype.name}")
    shift = _SHIFTS[source.dtype.name]
    points = np.zeros(1) if zeros is None else zeros.ravel()
    count = len(points)
    if count not in (1, source.shape[axis]):
        raise node.fail(f"must have one zero point or {source.shape[axis]}, not {count}")
    origin = tuple(int(point) - shift for point in points)
    rule = Quantization((1.0,) * count, origin, PER_TENSOR if count == 1 else axis)
    kind = np.dtype(np.float32)
    return Stored(source.shape, kind, lambda: _signed(source.read(), shift), rule)


def _signed(values: Values, shift: int) -> Values:
    return np.asarray(values.astype(np.int32) - shift)


def rescale(importing: Importing, layer: Operator, scale: Stored, values: Values | None) -> bool:
    """Let weights in units of one have the units that the layer's output is multiplied by."""
    weight = importing.values.get((layer.name, "weight"))
    if weight is None or weight.quantization is None or values is None:
        return False
    rule, count = weight.quantization, math.prod(scale.shape)
    channels = weight.shape[0]
    if set(rule.scale) != {1.0} or count not in (1, channels) or elements(scale.shape) != count:
        return False
    numbers = tuple(float(value) for value in values.ravel())
    if count > 1 and len(rule.scale) == 1:
        rule = replace(rule, axis=0, zero_point=rule.zero_point * count, scale=(1.0,) * count)
    numbers = numbers * len(rule.scale) if count == 1 else numbers
    meaning = replace(rule, scale=numbers)
    importing.values[layer.name, "weight"] = Constant(weight.shape, weight.read, meaning)
    return True
