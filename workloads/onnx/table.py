"""The supported operators of ONNX, each with the function that imports it."""

from apollo.workloads.onnx import elementwise, layers, shaping
from apollo.workloads.onnx.context import Importer
from apollo.workloads.operators import (
    BinaryKind,
    PoolKind,
    UnaryKind,
)

IMPORTERS: dict[str, Importer] = {
    "Add": elementwise.binary(BinaryKind.ADD),
    "AveragePool": layers.pool(PoolKind.AVERAGE),
    "BatchNormalization": layers.normalization,
    "Clip": elementwise.clip,
    "Concat": shaping.concat,
    "Conv": layers.convolution,
    "Div": elementwise.binary(BinaryKind.MULTIPLY, inverse=True),
    "Dropout": shaping.skip,
    "Elu": elementwise.unary(UnaryKind.ELU, alpha=1.0),
    "Flatten": shaping.flatten,
    "Gelu": elementwise.unary(UnaryKind.GELU),
    "Gemm": layers.gemm,
    "GlobalAveragePool": layers.global_pool(PoolKind.AVERAGE),
    "GlobalMaxPool": layers.global_pool(PoolKind.MAX),
    "HardSigmoid": elementwise.unary(UnaryKind.HARD_SIGMOID, alpha=0.2, beta=0.5),
    "HardSwish": elementwise.unary(UnaryKind.HARD_SWISH),
    "Identity": shaping.skip,
    "LRN": layers.local_response,
    "LeakyRelu": elementwise.unary(UnaryKind.LEAKY_RELU, alpha=0.01),
    "MatMul": layers.matmul,
    "MaxPool": layers.pool(PoolKind.MAX),
    "Mish": elementwise.unary(UnaryKind.MISH),
    "Mul": elementwise.binary(BinaryKind.MULTIPLY),
    "ReduceMean": layers.mean,
    "Relu": elementwise.unary(UnaryKind.RELU),
    "Reshape": shaping.reshape,
    "Sigmoid": elementwise.unary(UnaryKind.SIGMOID),
    "Softmax": layers.softmax,
    "Softplus": elementwise.unary(UnaryKind.SOFTPLUS),
    "Squeeze": shaping.squeeze,
    "Sub": elementwise.binary(BinaryKind.ADD, inverse=True),
    "Sum": elementwise.sum,
    "Tanh": elementwise.unary(UnaryKind.TANH),
    "Transpose": shaping.transpose,
    "Unsqueeze": shaping.unsqueeze,
}
