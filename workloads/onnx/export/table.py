"""The function that exports each operator."""

from collections.abc import Callable
from typing import Any

from apollo.workloads import operators as ours
from apollo.workloads.onnx.export import recurrent, simple, weighted
from apollo.workloads.onnx.export.writing import Writing

# Each function takes operators of its own type.
EXPORTERS: dict[type[ours.Operator], Callable[[Any, Writing], None]] = {
    ours.ArgMax: simple.arg_max,
    ours.BatchNormalization: weighted.batch_normalization,
    ours.Binary: simple.binary,
    ours.Concat: simple.concat,
    ours.ConvTranspose: weighted.convolution,
    ours.Convolution: weighted.convolution,
    ours.DepthToSpace: simple.blocks("DepthToSpace"),
    ours.Embedding: weighted.embedding,
    ours.FullyConnected: weighted.fully_connected,
    ours.GRU: recurrent.recurrent,
    ours.Gather: simple.gather,
    ours.LSTM: recurrent.recurrent,
    ours.LayerNormalization: weighted.layer_normalization,
    ours.LocalResponseNormalization: simple.local_response,
    ours.MatMul: weighted.matmul,
    ours.PReLU: simple.prelu,
    ours.Pad: simple.pad,
    ours.Pool: simple.pool,
    ours.Reduce: simple.reduce,
    ours.Reshape: simple.reshape,
    ours.Resize: simple.resize,
    ours.Slice: simple.cut,
    ours.Softmax: simple.softmax,
    ours.SpaceToDepth: simple.blocks("SpaceToDepth"),
    ours.Split: simple.split,
    ours.TopK: simple.top_k,
    ours.Transpose: simple.transpose,
    ours.Unary: simple.unary,
}
