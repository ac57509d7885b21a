"""Export of operators with stored tensors."""

import numpy as np

from apollo.workloads.onnx.export.writing import Writing
from apollo.workloads.operators import (
    BatchNormalization,
    Convolution,
    ConvTranspose,
    Embedding,
    FullyConnected,
    LayerNormalization,
    MatMul,
)
from apollo.workloads.shapes import elements


def convolution(operator: Convolution | ConvTranspose, writing: Writing) -> None:
    """A convolution, or a transposed one."""
    inputs = [*writing.sources(operator), writing.role(operator, "weight")]
    if operator.bias:
        inputs.append(writing.role(operator, "bias"))
    attributes = {}
    if isinstance(operator, ConvTranspose):
        attributes["output_padding"] = operator.extra
    writing.node(
        "ConvTranspose" if attributes else "Conv",
        inputs,
        operator.output,
        kernel_shape=operator.kernel,
        strides=operator.stride,
        pads=operator.padding,
        dilations=operator.dilation,
        group=operator.groups,
        **attributes,
    )


def fully_connected(operator: FullyConnected, writing: Writing) -> None:
    """A product of rows, which images and sequences become before."""
    (source,), output = writing.sources(operator), operator.output
    shape, result = writing.shape(operator.inputs[0]), writing.shape(operator.output)
    weight = writing.role(operator, "weight")
    roles = [weight, *([writing.role(operator, "bias")] if operator.bias else [])]
    if len(shape) == 2:
        writing.node("Gemm", [source, *roles], output, transB=1)
        return
    features = shape[-1] if len(shape) == 3 else elements(shape[1:])
    rows = writing.integers(f"{operator.name}/rows", (elements(shape) // features, features))
    flat = writing.node("Reshape", [source, rows], f"{output}/rows")
    product = writing.node("Gemm", [flat, *roles], f"{output}/product", transB=1)
    shaped = writing.integers(f"{operator.name}/shape", result)
    writing.node("Reshape", [product, shaped], output)


def matmul(operator: MatMul, writing: Writing) -> None:
    """A product of two computed tensors."""
    sources = []
    flips = (operator.transpose_left, operator.transpose_right)
    for index, (source, flip) in enumerate(zip(writing.sources(operator), flips, strict=True)):
        rank = len(writing.shape(operator.inputs[index]))
        perm = (*range(rank - 2), rank - 1, rank - 2)
        name = f"{operator.output}/{index}"
        sources.append(writing.node("Transpose", [source], name, perm=perm) if flip else source)
    writing.node("MatMul", sources, operator.output)


def embedding(operator: Embedding, writing: Writing) -> None:
    """Rows of a table."""
    table = writing.role(operator, "table")
    writing.node("Gather", [table, *writing.sources(operator)], operator.output)


def batch_normalization(operator: BatchNormalization, writing: Writing) -> None:
    """A scale and a shift: statistics of mean 0 and variance 1."""
    zeros = np.zeros(operator.channels, np.float32)
    stored = [
        writing.role(operator, "scale"),
        writing.role(operator, "shift"),
        writing.store(f"{operator.name}/mean", zeros),
        writing.store(f"{operator.name}/variance", zeros + 1),
    ]
    sources = writing.sources(operator)
    writing.node("BatchNormalization", [*sources, *stored], operator.output, epsilon=0.0)


def layer_normalization(operator: LayerNormalization, writing: Writing) -> None:
    """The last dimension normalised."""
    stored = [writing.role(operator, role) for role in ("scale", "shift")]
    sources = [*writing.sources(operator), *stored]
    writing.node("LayerNormalization", sources, operator.output, epsilon=operator.epsilon)
