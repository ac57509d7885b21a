"""Weights drawn at random, for networks that come without.

They stand in where counts and sizes are wanted. Pruned, they are unrealistically balanced: all
layers lose the same share, all channels nearly so, whereas trained weights lose very unequal ones.
"""

from functools import partial
from zlib import crc32

import numpy as np
import numpy.typing as npt

from apollo.workloads.graph import Graph
from apollo.workloads.model import Constant, Model
from apollo.workloads.operators import (
    GRU,
    LSTM,
    Convolution,
    ConvTranspose,
    FullyConnected,
    Operator,
)
from apollo.workloads.quantization import Quantization
from apollo.workloads.shapes import Shape

_HIGH = 127  # symmetric: -128 is not used
_RANGE = 4.0  # standard deviations that 127 stands for; few normal numbers lie beyond


def with_random_weights(graph: Graph, seed: int = 0) -> Model:
    """The network with int8 weights of a normal distribution, scaled by the root of the fan-in.

    They are symmetric with a scale for each channel, and drawn when they are read, each layer by a
    generator of its own, so that a layer has the same ones in any network.
    """
    constants = {
        (item.name, role): _constant(item, role, shape, seed)
        for item in graph.operators
        for role, shape in factor_shapes(graph, item).items()
    }
    return Model(graph, constants)


def with_values(model: Model) -> tuple[Model, bool]:
    """A network with values: its own, or random ones if it has none, and then True."""
    if model.constants:
        return model, False
    return with_random_weights(model.graph), True


def factor_shapes(graph: Graph, operator: Operator) -> dict[str, Shape]:
    """Shapes of an operator's stored factors by role, as importers store them."""
    shape = graph.input_shapes(operator)[0] if operator.inputs else ()
    if isinstance(operator, Convolution):
        inputs = shape[1] // operator.groups
        return {"weight": (operator.out_channels, inputs, *operator.kernel)}
    if isinstance(operator, ConvTranspose):
        return {"weight": (shape[1], operator.out_channels // operator.groups, *operator.kernel)}
    if isinstance(operator, FullyConnected):
        inputs = operator.weights([shape]) // operator.out_features
        return {"weight": (operator.out_features, inputs)}
    if isinstance(operator, LSTM | GRU):
        return _recurrent(operator, shape[-1])
    return {}


def _recurrent(operator: LSTM | GRU, inputs: int) -> dict[str, Shape]:
    rows = (operator.directions, operator.gates * operator.units)
    shapes: dict[str, Shape] = {
        "input_weight": (*rows, inputs),
        "recurrent_weight": (*rows, operator.features),
    }
    if isinstance(operator, LSTM) and operator.projection is not None:
        projection = (operator.directions, operator.projection, operator.units)
        shapes["projection_weight"] = projection
    return shapes


def _constant(operator: Operator, role: str, shape: Shape, seed: int) -> Constant:
    stream = crc32(f"{operator.name}/{role}".encode())
    axis = 1 if isinstance(operator, ConvTranspose) or len(shape) == 3 else 0
    fan_in = int(np.prod(shape)) // shape[axis] // (shape[0] if len(shape) == 3 else 1)
    scale = _RANGE / _HIGH / max(1, fan_in) ** 0.5
    quantization = Quantization((scale,) * shape[axis], (0,) * shape[axis], axis)
    return Constant(shape, partial(_draw, shape, seed, stream), quantization)


def _draw(shape: Shape, seed: int, stream: int) -> npt.NDArray[np.int8]:
    random = np.random.default_rng((seed, stream))
    normal = random.standard_normal(shape, np.float32)
    normal *= _HIGH / _RANGE
    return np.clip(np.rint(normal, out=normal), -_HIGH, _HIGH).astype(np.int8)
