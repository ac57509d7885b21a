"""Weights for a network that has none: random, seeded, and scaled so that signals keep their size.

Weights of n inputs have variance 2/n (He et al., 2015, arXiv:1502.01852), those of recurrent layers
are uniform within 1/sqrt(units).
"""

import math
import zlib
from collections.abc import Callable

import numpy as np

from apollo.workloads.graph import Graph
from apollo.workloads.model import Constant, Model, Values
from apollo.workloads.operators import (
    GRU,
    LSTM,
    BatchNormalization,
    Binary,
    BinaryKind,
    Convolution,
    ConvTranspose,
    Embedding,
    FullyConnected,
    LayerNormalization,
    Operator,
    PReLU,
)
from apollo.workloads.shapes import Shape, Shapes, elements

Draw = Callable[[np.random.Generator], Values]
Wanted = dict[str, tuple[Shape, Draw]]


def generate(graph: Graph, seed: int = 0) -> Model:
    """The network with random values; the same for the same seed, whatever the order of layers."""
    constants: dict[tuple[str, str], Constant] = {}
    for operator in graph.operators:
        for role, (shape, draw) in stored_shapes(operator, graph.input_shapes(operator)).items():
            key = zlib.crc32(f"{operator.name}/{role}".encode())
            constants[operator.name, role] = Constant(shape, _read(draw, seed, key))
    return Model(graph, constants)


def _read(draw: Draw, seed: int, key: int) -> Callable[[], Values]:
    return lambda: draw(np.random.default_rng([seed, key])).astype(np.float32)


def stored_shapes(operator: Operator, shapes: Shapes) -> Wanted:
    """Shape of every stored tensor of an operator, and how it is drawn."""
    if isinstance(operator, Convolution | ConvTranspose | FullyConnected):
        return _layer(operator, shapes)
    if isinstance(operator, LSTM | GRU):
        return _recurrent(operator, shapes)
    if isinstance(operator, BatchNormalization | LayerNormalization):
        batch = isinstance(operator, BatchNormalization)
        shape = (operator.channels if batch else operator.features,)  # type: ignore[union-attr]
        return {"scale": (shape, _normal(shape, 0.1, 1.0)), "shift": (shape, _normal(shape, 0.1))}
    if isinstance(operator, Embedding):
        table = (operator.rows, operator.features)
        return {"table": (table, _normal(table, 1.0))}
    if isinstance(operator, PReLU):
        return {"slope": ((operator.channels,), _normal((operator.channels,), 0.05, 0.25))}
    if isinstance(operator, Binary) and operator.constant_shape is not None:
        return {"constant": (operator.constant_shape, _constant(operator))}
    return {}


def _normal(shape: Shape, deviation: float, mean: float = 0.0) -> Draw:
    return lambda generator: generator.normal(mean, deviation, shape)


def _constant(operator: Binary) -> Draw:
    summand = operator.kind in (BinaryKind.ADD, BinaryKind.SUBTRACT)
    return _normal(operator.constant_shape or (1,), 0.1, 0.0 if summand else 1.0)


def _layer(operator: Convolution | ConvTranspose | FullyConnected, shapes: Shapes) -> Wanted:
    if isinstance(operator, FullyConnected):
        outputs = operator.out_features
        shape: Shape = (outputs, operator.weights(shapes) // outputs)
        inputs = shape[1]
    else:
        outputs, channels = operator.out_channels, shapes[0][1]
        if isinstance(operator, Convolution):
            shape = (outputs, channels // operator.groups, *operator.kernel)
        else:
            shape = (channels, outputs // operator.groups, *operator.kernel)
        inputs = channels // operator.groups * elements(operator.kernel)
    wanted: Wanted = {"weight": (shape, _normal(shape, math.sqrt(2 / inputs)))}
    if operator.bias:
        wanted["bias"] = ((outputs,), _normal((outputs,), 0.1))
    return wanted


def _recurrent(operator: LSTM | GRU, shapes: Shapes) -> Wanted:
    directions, width = operator.directions, operator.gates * operator.units
    apart = isinstance(operator, GRU) and operator.reset_after
    wide = {
        "input_weight": (directions, width, shapes[0][-1]),
        "recurrent_weight": (directions, width, operator.features),
        "bias": (directions, width * (2 if apart else 1)),
    }
    if isinstance(operator, LSTM) and operator.projection is not None:
        wide["projection_weight"] = (directions, operator.projection, operator.units)
    bound = 1 / math.sqrt(operator.units)
    wanted: Wanted = {role: (shape, _uniform(shape, bound)) for role, shape in wide.items()}
    if isinstance(operator, LSTM) and operator.layer_norm:
        shape = (directions, width)
        wanted["scale"] = (shape, _normal(shape, 0.1, 1.0))
    return wanted


def _uniform(shape: Shape, bound: float) -> Draw:
    return lambda generator: generator.uniform(-bound, bound, shape)
