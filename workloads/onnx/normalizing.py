"""Import of normalisations, softmax and whole dimensions reduced."""

import numpy as np

from apollo.workloads.model import Values
from apollo.workloads.onnx import stored
from apollo.workloads.onnx.context import Importer, Importing
from apollo.workloads.onnx.node import Node
from apollo.workloads.onnx.stored import Stored
from apollo.workloads.operators import (
    BatchNormalization,
    LayerNormalization,
    LocalResponseNormalization,
    Pool,
    PoolKind,
    Reduce,
    ReduceKind,
    Softmax,
)
from apollo.workloads.shapes import elements


def batch_normalization(node: Node, importing: Importing) -> None:
    """A batch normalisation with its trained statistics."""
    if node.get("training_mode", 0):
        raise node.fail("must not be in training mode")
    source, shape = importing.tensor(node), importing.shape(node)
    gamma, beta, mean, variance = (importing.stored(node, index) for index in range(1, 5))
    epsilon = float(node.get("epsilon", 1e-5))
    channels = gamma.shape

    def scale() -> Values:
        return np.asarray(gamma.real() / np.sqrt(variance.real() + epsilon), np.float32)

    def shift() -> Values:
        return np.asarray(beta.real() - mean.real() * scale(), np.float32)

    kind, output = np.dtype(np.float32), node.output
    if len(shape) == 3:
        source, output = importing.reshaped(node, source, (*shape, 1)), f"{node.output}/image"
    importing.add(
        BatchNormalization(node.name, (source,), output, channels[0]),
        scale=Stored(channels, kind, scale),
        shift=Stored(channels, kind, shift),
    )
    if len(shape) == 3:
        importing.reshaped(node, output, shape, node.output)


def layer_normalization(node: Node, importing: Importing) -> None:
    """A normalisation of the last dimension, or of the last ones as one."""
    source, shape = importing.tensor(node), importing.shape(node)
    axis = node.get("axis", -1) % len(shape)
    if axis != len(shape) - 1 or node.wants(1):
        raise node.fail(f"must normalise the last dimension of {shape}, not from axis {axis} on")
    features = shape[-1]
    scale = importing.stored(node, 1).reshape((features,))
    zeros = stored.array(np.zeros(features, np.float32))
    shift = importing.stored(node, 2).reshape((features,)) if node.has(2) else zeros
    epsilon = float(node.get("epsilon", 1e-5))
    operator = LayerNormalization(node.name, (source,), node.output, features, epsilon)
    importing.add(operator, scale=scale, shift=shift)


def softmax(node: Node, importing: Importing) -> None:
    """A softmax over one axis."""
    source, shape = importing.tensor(node), importing.shape(node)
    flattens = importing.opset < 13  # then everything from the axis on is one long vector
    axis = node.get("axis", 1 if flattens else -1) % len(shape)
    if flattens and elements(shape[axis + 1 :]) != 1:
        flat = (elements(shape[:axis]), elements(shape[axis:]))
        output = f"{node.output}/flat"
        source = importing.reshaped(node, source, flat)
        importing.add(Softmax(node.name, (source,), output, 1))
        importing.reshaped(node, output, shape, node.output)
    else:
        importing.add(Softmax(node.name, (source,), node.output, axis))


def local_response(node: Node, importing: Importing) -> None:
    """A normalisation over neighbouring channels."""
    importing.add(
        LocalResponseNormalization(
            node.name,
            (importing.tensor(node),),
            node.output,
            size=node.get("size", 1),
            alpha=node.get("alpha", 1e-4),
            beta=node.get("beta", 0.75),
            bias=node.get("bias", 1.0),
        )
    )


def reduction(kind: ReduceKind) -> Importer:
    """Whole dimensions reduced; the mean over height and width is a global average pool."""

    def convert(node: Node, importing: Importing) -> None:
        source, shape = importing.tensor(node), importing.shape(node)
        given = importing.small(node, 1)
        axes = node.get("axes", ()) if given is None else given.tolist()
        if not len(axes) and node.get("noop_with_empty_axes", 0):
            importing.skip(node)
            return
        places = tuple(sorted({int(axis) % len(shape) for axis in axes} or range(len(shape))))
        keep = bool(node.get("keepdims", 1)) or len(places) == len(shape)
        output = node.output
        if kind is ReduceKind.MEAN and places == (2, 3) and len(shape) == 4:
            _global_mean(node, importing, keep)
            return
        if len(places) == len(shape) and not node.get("keepdims", 1):
            output = f"{node.output}/kept"
        importing.add(Reduce(node.name, (source,), output, kind, places, keep))
        if output != node.output:
            importing.reshaped(node, output, (1,), node.output)

    return convert


def _global_mean(node: Node, importing: Importing, keep: bool) -> None:
    shape = importing.shape(node)
    output = node.output if keep else f"{node.output}/pool"
    kernel = (shape[2], shape[3])
    pool = Pool(node.name, (importing.tensor(node),), output, PoolKind.AVERAGE, kernel)
    importing.add(pool)
    if not keep:
        importing.reshaped(node, output, shape[:2], node.output)
