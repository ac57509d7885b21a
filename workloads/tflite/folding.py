"""Operators whose inputs are all known before the network runs.

Large weights are not touched: what becomes of them is done when they are read. Everything else
that is folded is small, as the arithmetic of shapes is.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from apollo.workloads.model import Values
from apollo.workloads.shapes import elements
from apollo.workloads.tflite.context import SMALL_ELEMENTS, Importing
from apollo.workloads.tflite.file import NO_TENSOR, FileTensor, Node, Type
from apollo.workloads.tflite.values import DTYPES, Stored, quantization

Fold = Callable[[Node, list[Values]], Values]


def fold(node: Node, importing: Importing) -> bool:
    """Take the output of a node as known, if it is; `SHAPE` needs no values to be so."""
    if len(node.outputs) != 1 or not node.inputs:
        return False
    if node.kind == "SHAPE" and not importing.is_stored(node, 0):
        shape = np.array(importing.flow(node).shape, _dtype(importing, node))
        importing.put_stored(node, _small(importing, node, shape))
        return True
    places = [place for place, index in enumerate(node.inputs) if index != NO_TENSOR]
    if not places or not all(importing.is_stored(node, place) for place in places):
        return False
    if node.kind in LAZY:
        importing.put_stored(node, LAZY[node.kind](node, importing))
        return True
    if node.kind not in EAGER:
        return False
    values = _evaluated(node, [importing.values(node, place) for place in places])
    importing.put_stored(node, _small(importing, node, values))
    return True


def _evaluated(node: Node, operands: list[Values]) -> Values:
    if node.kind in BOUNDED and elements(tuple(int(size) for size in operands[0].reshape(-1))) > (
        SMALL_ELEMENTS
    ):
        raise node.fail("must make a small constant")
    try:
        with np.errstate(all="ignore"):
            return np.asarray(EAGER[node.kind](node, operands))
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        raise node.fail(f"cannot be computed ({str(error).rstrip('.')})") from None


def _small(importing: Importing, node: Node, values: Values) -> Stored:
    """A value that has been computed."""
    tensor = importing.tensor(node.outputs[0])
    typed = values.astype(_dtype(importing, node))
    return Stored(tensor.name, typed.shape, tensor.type, lambda: typed, quantization(tensor))


def _dtype(importing: Importing, node: Node) -> np.dtype[np.generic]:
    kind = importing.tensor(node.outputs[0]).type
    if kind not in DTYPES:
        raise node.fail(f"must not have an output of type {kind.name}")
    return np.dtype(DTYPES[kind])


def _as_it_is(node: Node, importing: Importing) -> Stored:
    """Values in another form: integers keep their scale, sparse ones are spread when read."""
    source = importing.stored(node, 0)
    tensor = importing.tensor(node.outputs[0])
    if source.shape != tensor.shape:
        raise node.fail(f"must keep the shape {source.shape}, not make {tensor.shape}")
    if source.quantization is not None:
        return replace(source, name=tensor.name)
    return _cast(source, tensor, node)


def _cast(source: Stored, tensor: FileTensor, node: Node) -> Stored:
    if tensor.type not in (Type.FLOAT32, Type.FLOAT16):
        raise node.fail(f"must not make {tensor.type.name} of {source.type.name}")
    dtype, read = np.dtype(DTYPES[tensor.type]), source.read
    return replace(
        source, name=tensor.name, type=tensor.type, read=lambda: read().astype(dtype, copy=False)
    )


def _transposed(node: Node, importing: Importing) -> Stored:
    source, order = importing.stored(node, 0), importing.integers(node, 1)
    if sorted(order) != list(range(len(source.shape))):
        raise node.fail(f"must order the dimensions of {source.shape}, not by {order}")
    return source.transposed(order)


def _reshaped(node: Node, importing: Importing) -> Stored:
    source, shape = importing.stored(node, 0), importing.tensor(node.outputs[0]).shape
    if elements(shape) != elements(source.shape):
        raise node.fail(f"must keep the elements of {source.shape}, not make {shape}")
    return source.reshaped(shape, len(shape) - 1)


LAZY: dict[str, Callable[[Node, Importing], Stored]] = {
    "DENSIFY": _as_it_is,
    "DEQUANTIZE": _as_it_is,
    "EXPAND_DIMS": _reshaped,
    "RESHAPE": _reshaped,
    "SQUEEZE": _reshaped,
    "TRANSPOSE": _transposed,
}


def _strided(node: Node, operands: list[Values]) -> Values:
    values, begin, end, step = operands
    begins, ends, ellipsis, new, shrink = (node.option(slot) for slot in range(5))
    if ellipsis or new:
        raise ValueError("ellipsis and new axes are not supported")
    parts: list[slice | int] = []
    for axis in range(len(begin)):
        bit = 1 << axis
        if shrink & bit:
            parts.append(int(begin[axis]))
            continue
        start = None if begins & bit else int(begin[axis])
        parts.append(slice(start, None if ends & bit else int(end[axis]), int(step[axis])))
    return np.asarray(values[tuple(parts)])


def _gathered(node: Node, operands: list[Values]) -> Values:
    return np.asarray(np.take(operands[0], operands[1], axis=node.option(0)))


def _reduced(function: Callable[..., Values]) -> Fold:
    def evaluate(node: Node, operands: list[Values]) -> Values:
        axes = tuple(int(axis) for axis in operands[1].reshape(-1))
        return np.asarray(function(operands[0], axis=axes, keepdims=bool(node.option(0, "bool"))))

    return evaluate


def _of(function: Callable[..., Values]) -> Fold:
    return lambda node, operands: np.asarray(function(*operands))


def _range(node: Node, operands: list[Values]) -> Values:
    first, limit, step = (operand.reshape(-1)[0] for operand in operands)
    if step == 0 or abs((limit - first) / step) > SMALL_ELEMENTS:
        raise ValueError("the range is too long")
    return np.arange(first, limit, step)


def _filled(node: Node, operands: list[Values]) -> Values:
    return np.full([int(size) for size in operands[0]], operands[1].reshape(-1)[0])


BOUNDED = ("FILL",)
EAGER: dict[str, Fold] = {
    "ADD": _of(np.add),
    "CAST": _of(np.asarray),
    "CONCATENATION": lambda node, operands: np.concatenate(operands, axis=node.option(0)),
    "DIV": _of(np.divide),
    "EQUAL": _of(np.equal),
    "FILL": _filled,
    "FLOOR_DIV": _of(np.floor_divide),
    "GATHER": _gathered,
    "GREATER_EQUAL": _of(np.greater_equal),
    "LESS": _of(np.less),
    "MAXIMUM": _of(np.maximum),
    "MINIMUM": _of(np.minimum),
    "MUL": _of(np.multiply),
    "PACK": lambda node, operands: np.stack(operands, axis=node.option(1)),
    "RANGE": _range,
    "REDUCE_MAX": _reduced(np.max),
    "REDUCE_PROD": _reduced(np.prod),
    "SHAPE": lambda node, operands: np.array(operands[0].shape),
    "STRIDED_SLICE": _strided,
    "SUB": _of(np.subtract),
    "SUM": _reduced(np.sum),
}
