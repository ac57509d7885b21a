"""Import of quantised files: QDQ pairs and QLinear operators become quantisations of tensors.

Unsigned integers are shifted to signed ones: 200 with zero point 128 becomes 72 with 0.
"""

from collections.abc import Callable, Sequence

import numpy as np
from onnx import NodeProto, helper

from apollo.workloads.model import Values
from apollo.workloads.onnx.context import Importer, Importing
from apollo.workloads.onnx.node import Node
from apollo.workloads.onnx.products import bias_vector, times
from apollo.workloads.onnx.stored import Stored
from apollo.workloads.onnx.windows import convolve
from apollo.workloads.operators import MatMul
from apollo.workloads.quantization import PER_TENSOR, Quantization
from apollo.workloads.shapes import Shape

# Type of the integers: bits, and what is subtracted to make them signed.
_INTEGERS = {
    "int8": (8, 0),
    "uint8": (8, 128),
    "int16": (16, 0),
    "uint16": (16, 1 << 15),
    "int32": (32, 0),
    "int4": (8, 0),
    "uint4": (8, 0),
}


def quantize(node: Node, importing: Importing) -> None:
    """A computed tensor is stored as integers from here on."""
    source = importing.tensor(node)
    rule = _rule(node, importing, 1, importing.shape(node))
    importing.alias(node.output, importing.requantize(node, source, rule, node.output))


def dequantize(node: Node, importing: Importing) -> None:
    """Stored integers with their meaning; of a computed tensor, the same tensor."""
    if not importing.is_constant(node, 0):
        source = importing.tensor(node)
        rule = _rule(node, importing, 1, importing.shape(node))
        importing.alias(node.output, importing.requantize(node, source, rule, node.output))
        return
    importing.constants.add(node.output, _meaning(node, importing, 0, 1))


def _meaning(node: Node, importing: Importing, place: int, scale: int) -> Stored:
    """A constant of integers with the scale and zero point at these inputs."""
    source = importing.stored(node, place)
    name = source.dtype.name
    if name not in _INTEGERS:
        raise node.fail(f"must read integers of 4 to 32 bits, not {name}")
    rule = _rule(node, importing, scale, source.shape, name)
    shift = _INTEGERS[name][1]
    return Stored(
        source.shape,
        np.dtype(np.float32),
        lambda: source.read().astype(np.int32) - np.int32(shift),
        rule,
    )


def _rule(
    node: Node, importing: Importing, scale: int, shape: Shape, kind: str = ""
) -> Quantization:
    """The scale at an input, and the zero point at the next one."""
    if not importing.is_constant(node, scale):
        raise node.fail("must have a constant scale, not one computed at run time")
    if node.get("block_size", 0):
        raise node.fail("must not be quantised by blocks")
    scales = _plain(node, importing, scale)
    stated = node.has(scale + 1)
    zeros = _plain(node, importing, scale + 1) if stated else np.zeros(scales.shape, np.int64)
    kind = kind or (importing.stored(node, scale + 1).dtype.name if stated else "uint8")
    if kind not in _INTEGERS:
        raise node.fail(f"must have integers of 4 to 32 bits, not {kind}")
    bits, shift = _INTEGERS[kind]
    axis = PER_TENSOR if scales.size == 1 else node.get("axis", 1) % len(shape)
    if axis != PER_TENSOR and shape[axis] != scales.size:
        raise node.fail(f"must have one scale or {shape[axis]}, not {scales.size}")
    points = np.broadcast_to(zeros.ravel().astype(np.int64) - shift, scales.size)
    numbers = tuple(float(value) for value in scales.ravel())
    return Quantization(numbers, tuple(int(point) for point in points), axis, bits)


def _plain(node: Node, importing: Importing, index: int) -> Values:
    values = importing.small(node, index)
    if values is None:
        raise node.fail(f"must have its input number {index}")
    return values


def _input(node: Node, importing: Importing, place: int) -> None:
    """Note what the integers at an input, its scale behind it, stand for."""
    if importing.is_constant(node, place):
        if importing.stored(node, place).quantization is not None:
            return
        importing.constants.add(node.inputs[place], _meaning(node, importing, place, place + 1))
        return
    source = importing.tensor(node, place)
    rule = _rule(node, importing, place + 1, importing.draft.shape(source))
    if importing.quantization.setdefault(source, rule) != rule:
        raise node.fail(f"must not read {source!r} by another scale than it is written with")


def _output(node: Node, importing: Importing, scale: int) -> None:
    """Note what the integers at the output stand for."""
    found = importing.ours(node.output)
    if found is None:
        raise node.fail("must write a tensor")
    rule = _rule(node, importing, scale, importing.draft.shape(found))
    importing.requantize(node, found, rule, f"{node.output}/scaled")


def convolution(node: Node, importing: Importing) -> None:
    """QLinearConv: x, scale, zero, w, scale, zero, y scale, zero, bias in units of both scales."""
    _input(node, importing, 0)
    weight = _channels_first(node, importing, 3)
    bias = _bias(node, importing, 8, weight) if node.has(8) else None
    convolve(node, importing, weight, bias)
    _output(node, importing, 6)


def _channels_first(node: Node, importing: Importing, place: int) -> Stored:
    """Weights (out, ...) with scales by their first dimension."""
    return _meaning(_along(node, importing, place + 1, 0), importing, place, place + 1)


def _along(node: Node, importing: Importing, scale: int, axis: int) -> Node:
    """The node as if it stated the axis of its scales, if there are several."""
    if importing.stored(node, scale).shape in ((), (1,)):
        return node
    copy = NodeProto()
    copy.CopyFrom(node.proto)
    copy.attribute.append(helper.make_attribute("axis", axis))
    return Node(copy)


def _bias(node: Node, importing: Importing, place: int, weight: Stored) -> Stored:
    """Sums of products of both scales, without zero point."""
    source, rule = importing.stored(node, place), weight.quantization
    scale = importing.quantization[importing.tensor(node, 0)].scale[0]
    scales = tuple(scale * value for value in (rule.scale if rule else (1.0,)))
    axis = PER_TENSOR if len(scales) == 1 else 0
    meaning = Quantization(scales, (0,) * len(scales), axis, 32)
    return Stored(source.shape, np.dtype(np.float32), source.read, meaning)


def matmul(node: Node, importing: Importing) -> None:
    """QLinearMatMul: a, scale, zero, b, scale, zero, y scale, zero."""
    _input(node, importing, 0)
    if importing.is_constant(node, 3):
        times(node, importing, _meaning(_along(node, importing, 4, 1), importing, 3, 4))
    else:
        _input(node, importing, 3)
        sources = (importing.tensor(node, 0), importing.tensor(node, 3))
        importing.add(MatMul(node.name, sources, node.output))
    _output(node, importing, 6)


def around(convert: Importer, operands: Sequence[int], scale: int) -> Importer:
    """An operator whose operands have their scales behind them, by the importer of the real one."""

    def quantized(node: Node, importing: Importing) -> None:
        for place in operands:
            _input(node, importing, place)
        real = _real(node, operands)
        convert(real, importing)
        _output(node, importing, scale)

    return quantized


def _real(node: Node, operands: Sequence[int]) -> Node:
    """The node without scales and zero points."""
    copy = NodeProto()
    copy.CopyFrom(node.proto)
    del copy.input[:]
    copy.input.extend(node.inputs[place] for place in operands)
    return Node(copy)


def concat(convert: Importer) -> Importer:
    """QLinearConcat: y scale, zero, then every input with scale and zero."""

    def quantized(node: Node, importing: Importing) -> None:
        around(convert, range(2, len(node.inputs), 3), 0)(node, importing)

    return quantized


def gemm(convert: Callable[..., None]) -> Importer:
    """QGemm: a, scale, zero, b, scale, zero, bias, y scale, zero."""

    def quantized(node: Node, importing: Importing) -> None:
        _input(node, importing, 0)
        flip = bool(node.get("transB", 0))
        along = _along(node, importing, 4, 0 if flip else 1)
        weight = _meaning(along, importing, 3, 4)
        weight = weight if flip else weight.transpose((1, 0))
        bias = None
        if node.has(6):
            bias = bias_vector(_bias(node, importing, 6, weight), weight.shape[0])
        convert(node, importing, importing.tensor(node, 0), weight, bias)
        _output(node, importing, 7)

    return quantized
