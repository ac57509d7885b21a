"""Running a quantised model: the operators in order, each by its meaning."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from apollo.workloads import operators as ours
from apollo.workloads.integer import (
    elementwise,
    moving,
    normalizing,
    products,
    recurrent,
    windows,
)
from apollo.workloads.integer.arithmetic import Ints
from apollo.workloads.integer.context import Context
from apollo.workloads.model import Model
from apollo.workloads.operators import Operator
from apollo.workloads.shapes import Shape

Stored = npt.NDArray[np.integer]

# Each function takes operators of its own type, and gives one output or all of them.
MEANINGS: dict[type[Operator], Callable[[Any, Context], Ints | list[Ints]]] = {
    ours.ArgMax: moving.arg_max,
    ours.BatchNormalization: normalizing.batch_normalization,
    ours.Binary: elementwise.binary,
    ours.Concat: moving.concat,
    ours.ConvTranspose: windows.transposed,
    ours.Convolution: windows.convolution,
    ours.DepthToSpace: moving.depth_to_space,
    ours.Embedding: products.embedding,
    ours.FullyConnected: products.fully_connected,
    ours.GRU: recurrent.gru,
    ours.Gather: products.gather,
    ours.LSTM: recurrent.lstm,
    ours.LayerNormalization: normalizing.layer_normalization,
    ours.LocalResponseNormalization: normalizing.local_response,
    ours.MatMul: products.matmul,
    ours.PReLU: elementwise.prelu,
    ours.Pad: moving.pad,
    ours.Pool: windows.pool,
    ours.Reduce: normalizing.reduce,
    ours.Reshape: moving.reshape,
    ours.Resize: moving.resize,
    ours.Slice: moving.cut,
    ours.Softmax: normalizing.softmax,
    ours.SpaceToDepth: moving.space_to_depth,
    ours.Split: moving.split,
    ours.TopK: moving.top_k,
    ours.Transpose: moving.transpose,
    ours.Unary: elementwise.unary,
}


def run(model: Model, inputs: Mapping[str, Stored], everything: bool = False) -> dict[str, Ints]:
    """Stored integers of the outputs, or of every tensor, from those of the inputs.

    Raises:
        ValueError: an input is missing, of another shape or out of range, or a tensor is real.

    """
    graph, context = model.graph, Context(model)
    for name in graph.inputs:
        context.tensors[name] = _given(model, name, inputs)
    for operator in graph.operators:
        for name, values in zip(operator.outputs, execute(operator, context), strict=True):
            context.tensors[name] = values
    wanted = [tensor.name for tensor in graph.tensors] if everything else graph.outputs
    return {name: context.tensors[name] for name in wanted}


def execute(operator: Operator, context: Context) -> list[Ints]:
    """All outputs of one operator, whose inputs the context holds."""
    meaning = MEANINGS.get(type(operator))
    if meaning is None:
        raise ValueError(f"{operator.label} {operator.name!r} has no meaning on integers.")
    found = meaning(operator, context)
    results = found if isinstance(found, list) else [found]
    for name, values in zip(operator.outputs, results, strict=True):
        expected = context.model.graph.tensor(name).shape
        if values.shape != expected:
            raise ValueError(f"Tensor {name!r} must have shape {expected}, not {values.shape}.")
    return results


def _given(model: Model, name: str, inputs: Mapping[str, Stored]) -> Ints:
    if name not in inputs:
        raise ValueError(f"Input {name!r} is missing.")
    values, rule = np.asarray(inputs[name]), model.quantization.get(name)
    expected: Shape = model.graph.tensor(name).shape
    if values.shape != expected:
        raise ValueError(f"Input {name!r} must have shape {expected}, not {values.shape}.")
    if values.dtype.kind not in "iu":
        raise ValueError(f"Input {name!r} must be integers, not {values.dtype}.")
    if (
        rule is not None
        and values.size
        and not rule.low <= values.min() <= values.max() <= rule.high
    ):
        raise ValueError(f"Input {name!r} must be in {rule.low}..{rule.high}.")
    return values.astype(np.int64)
