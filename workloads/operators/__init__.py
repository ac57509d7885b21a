"""The operators of a network: what each computes, its output shape and its cost.

An operator names the tensors it reads and those it writes, one but for a few. It knows the shapes
of its outputs from the shapes of its inputs (`infer`, `infer_all`), and how many
multiply-accumulates and stored values it takes (`macs`, `weights`, `biases`, `parameters`).
Convolutions, transposed ones, fully connected and recurrent layers and matrix products count
multiply-accumulates, nothing else does, as in published figures.
"""

from apollo.workloads.operators.base import Operator
from apollo.workloads.operators.elementwise import Binary, BinaryKind, PReLU, Unary, UnaryKind
from apollo.workloads.operators.moving import Concat, Pad, Reshape, Slice, Split, Transpose
from apollo.workloads.operators.normalization import (
    BatchNormalization,
    LayerNormalization,
    LocalResponseNormalization,
    Softmax,
)
from apollo.workloads.operators.products import Embedding, FullyConnected, Gather, MatMul
from apollo.workloads.operators.recurrent import GRU, LSTM
from apollo.workloads.operators.reduction import ArgMax, Reduce, ReduceKind, TopK
from apollo.workloads.operators.spatial import (
    DepthToSpace,
    Resize,
    ResizeGrid,
    ResizeKind,
    SpaceToDepth,
)
from apollo.workloads.operators.windows import Convolution, ConvTranspose, Pool, PoolKind

__all__ = [
    "GRU",
    "LSTM",
    "ArgMax",
    "BatchNormalization",
    "Binary",
    "BinaryKind",
    "Concat",
    "ConvTranspose",
    "Convolution",
    "DepthToSpace",
    "Embedding",
    "FullyConnected",
    "Gather",
    "LayerNormalization",
    "LocalResponseNormalization",
    "MatMul",
    "Operator",
    "PReLU",
    "Pad",
    "Pool",
    "PoolKind",
    "Reduce",
    "ReduceKind",
    "Reshape",
    "Resize",
    "ResizeGrid",
    "ResizeKind",
    "Slice",
    "Softmax",
    "SpaceToDepth",
    "Split",
    "TopK",
    "Transpose",
    "Unary",
    "UnaryKind",
]
