"""Import of matrix products, with stored matrices and with computed ones."""

import numpy as np

from apollo.workloads.onnx.context import Importing
from apollo.workloads.onnx.node import Node
from apollo.workloads.onnx.stored import Stored
from apollo.workloads.operators import Binary, BinaryKind, FullyConnected, MatMul
from apollo.workloads.shapes import Shape, elements


def gemm(node: Node, importing: Importing) -> None:
    """A product with a matrix, and a bias."""
    source, shape = importing.tensor(node), importing.shape(node)
    if node.get("transA", 0):
        source = importing.transposed(node, source, (1, 0))
        shape = shape[::-1]
    if not importing.is_constant(node, 1):
        _computed_gemm(node, importing, source)
        return
    weight = importing.stored(node, 1)
    if len(weight.shape) == 2 and not node.get("transB", 0):
        weight = weight.transpose((1, 0))
    alpha, beta = float(node.get("alpha", 1.0)), float(node.get("beta", 1.0))
    if alpha != 1:
        weight = weight.apply(lambda values: values * values.dtype.type(alpha), weight.shape)
    bias = importing.stored(node, 2) if node.has(2) else None
    dense(node, importing, source, weight, None if bias is None else _scaled(bias, beta))


def _scaled(bias: Stored, beta: float) -> Stored:
    if beta == 1:
        return bias
    return bias.apply(lambda values: values * values.dtype.type(beta), bias.shape)


def _computed_gemm(node: Node, importing: Importing, source: str) -> None:
    if (node.get("alpha", 1.0), node.get("beta", 1.0)) != (1.0, 1.0):
        raise node.fail("must not scale a product of computed matrices")
    other = importing.tensor(node, 1)
    output = f"{node.output}/product" if node.has(2) else node.output
    flip = bool(node.get("transB", 0))
    importing.add(MatMul(node.name, (source, other), output, transpose_right=flip))
    if node.has(2):
        bias = importing.stored(node, 2)
        bias = bias.reshape((1,) * (2 - len(bias.shape)) + bias.shape)
        addition = Binary(f"{node.name}/bias", (output,), node.output, BinaryKind.ADD, bias.shape)
        importing.add(addition, constant=bias)


def matmul(node: Node, importing: Importing) -> None:
    """A product with a stored matrix on either side, or of two computed ones."""
    if importing.is_constant(node, 1):
        times(node, importing, importing.stored(node, 1))
    elif importing.is_constant(node, 0):
        _from_left(node, importing)
    else:
        _computed(node, importing)


def times(node: Node, importing: Importing, weight: Stored) -> None:
    """The first input times a stored matrix (in, out), item by item of all leading dimensions."""
    source, shape = importing.tensor(node), importing.shape(node)
    weight = _matrix(node, weight).transpose((1, 0))
    if len(shape) in (2, 3):
        dense(node, importing, source, weight, None)
        return
    rows = (1, shape[0]) if len(shape) == 1 else (shape[0], elements(shape[1:-1]), shape[-1])
    flat = importing.reshaped(node, source, rows)
    output = f"{node.output}/rows"
    dense(node, importing, flat, weight, None, output)
    importing.reshaped(node, output, (*shape[:-1], weight.shape[0]), node.output)


def _matrix(node: Node, weight: Stored) -> Stored:
    """Stored factors of two dimensions, if need be without leading ones of extent 1."""
    if len(weight.shape) > 2 and elements(weight.shape[:-2]) == 1:
        return weight.reshape(weight.shape[-2:])
    if len(weight.shape) != 2:
        raise node.fail(f"must multiply by one stored matrix, not by {weight.shape}")
    return weight


def _from_left(node: Node, importing: Importing) -> None:
    """A stored matrix times the second input: the transposed product of the transposed."""
    source, shape = importing.tensor(node, 1), importing.shape(node, 1)
    if len(shape) not in (2, 3):
        raise node.fail(f"must multiply a stored matrix by (n, t, c), not by {shape}")
    perm = (1, 0) if len(shape) == 2 else (0, 2, 1)
    flipped = importing.transposed(node, source, perm)
    output = f"{node.output}/transposed"
    dense(node, importing, flipped, _matrix(node, importing.stored(node, 0)), None, output)
    importing.transposed(node, output, perm, node.output)


def _computed(node: Node, importing: Importing) -> None:
    """A product of two computed tensors, with leading dimensions of 1 where one has fewer."""
    shapes = [importing.shape(node, index) for index in range(2)]
    if min(map(len, shapes)) < 2:
        raise node.fail(f"must multiply matrices, not {shapes[0]} by {shapes[1]}")
    rank = max(map(len, shapes))
    sources = [
        importing.reshaped(node, importing.tensor(node, index), (1,) * (rank - len(shape)) + shape)
        for index, shape in enumerate(shapes)
    ]
    importing.add(MatMul(node.name, (sources[0], sources[1]), node.output))


def dense(
    node: Node,
    importing: Importing,
    source: str,
    weight: Stored,
    bias: Stored | None,
    output: str = "",
) -> None:
    """A product with a stored matrix (out, in) of the last dimension."""
    shape = importing.draft.shape(source)
    if len(weight.shape) != 2 or shape[-1] != weight.shape[1]:
        raise node.fail(f"must multiply (n, c) by (c, k), not {shape} by {weight.shape[::-1]}")
    features = weight.shape[0]
    roles = {"weight": weight}
    if bias is not None:
        if elements(bias.shape) not in (1, features):
            raise node.fail(f"must have one bias or {features}, not {bias.shape}")
        roles["bias"] = bias_vector(bias, features)
    layer = FullyConnected(node.name, (source,), output or node.output, features, bias is not None)
    importing.add(layer, **roles)


def bias_vector(bias: Stored, features: int) -> Stored:
    """A bias for each feature, whatever shape the file gives it."""
    shape: Shape = (features,)
    if elements(bias.shape) == features:
        return bias.reshape(shape)
    return bias.apply(lambda values: np.broadcast_to(values.ravel(), shape), shape)
