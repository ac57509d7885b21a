"""Random numbers for graphs: every tensor and constant quantised, so that values spread."""

import math
from collections.abc import Mapping

import numpy as np

from apollo.compiler.fuse import CLAMPS
from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.indices import index_tensors
from apollo.workloads.model import Constant, Model, Rounding
from apollo.workloads.operators import (
    GRU,
    LSTM,
    BatchNormalization,
    Binary,
    Concat,
    Convolution,
    ConvTranspose,
    DepthToSpace,
    Embedding,
    FullyConnected,
    LayerNormalization,
    Operator,
    Pad,
    Pool,
    PoolKind,
    PReLU,
    Reshape,
    Resize,
    Slice,
    Softmax,
    SpaceToDepth,
    Split,
    Transpose,
    Unary,
)
from apollo.workloads.quantization import Quantization
from tests.compiler.recurrent_models import layer_constants, layer_rules, narrow_rule, wide_rule

_KEEPS = (Reshape, Transpose, Slice, Split, Pad)
_MOVES = (DepthToSpace, SpaceToDepth, Resize)


def without_normalizations(graph: Graph) -> Graph:
    """Folded batch normalisations left out: their numbers would be in the convolutions."""
    builder = GraphBuilder(graph.name, [graph.tensor(name) for name in graph.inputs])
    renamed: dict[str, str] = {}
    from dataclasses import replace

    for operator in graph.operators:
        inputs = tuple(renamed.get(name, name) for name in operator.inputs)
        if operator.name in graph.folded:
            renamed[operator.output] = inputs[0]
            continue
        operator = replace(operator, inputs=inputs)
        if isinstance(operator, Convolution):
            operator = replace(operator, bias=True)
        builder.add(operator)
    return builder.build([renamed.get(name, name) for name in graph.outputs], graph.rows)


def _rule(rng: np.random.Generator, low: float, high: float) -> Quantization:
    return Quantization((float(rng.uniform(low, high)),), (int(rng.integers(-100, 100)),))


def random_model(graph: Graph, seed: int, rounding: Rounding = Rounding.ONCE) -> Model:
    """Constants and quantisations for a graph."""
    rng = np.random.default_rng(seed)
    rules = {name: _rule(rng, 0.01, 0.05) for name in graph.inputs}
    rules |= _state_rules(graph, rng)
    constants: dict[tuple[str, str], Constant] = {}
    for operator in graph.operators:
        shapes = graph.input_shapes(operator)
        if isinstance(operator, LSTM | GRU):
            rules |= layer_rules(rng, operator)
            constants |= layer_constants(rng, graph, operator, rules)
            continue
        rules |= {name: _result_rule(rng, operator, rules) for name in operator.outputs}
        if isinstance(operator, Convolution | ConvTranspose | FullyConnected):
            _weights(rng, graph, operator, shapes[0], rules, constants)
        elif isinstance(operator, BatchNormalization | LayerNormalization):
            for role in ("scale", "shift"):
                count = operator.parameters(shapes) // 2
                values = rng.normal(0, 1, count).astype(np.float32)
                constants[operator.name, role] = _constant(values)
        elif isinstance(operator, PReLU):
            values = rng.integers(-127, 128, operator.channels).astype(np.int8)
            constants[operator.name, "slope"] = _constant(values, Quantization((0.01,), (0,)))
        elif isinstance(operator, Embedding):
            values = rng.integers(-128, 128, (operator.rows, operator.features)).astype(np.int8)
            constants[operator.name, "table"] = _constant(values, _rule(rng, 0.01, 0.05))
        elif isinstance(operator, Binary) and operator.constant_shape is not None:
            values = rng.integers(-128, 128, operator.constant_shape).astype(np.int8)
            constants[operator.name, "constant"] = _constant(values, _rule(rng, 0.01, 0.05))
    for name in index_tensors(graph):
        rules.pop(name, None)
    return Model(graph, constants, rules, rounding)


def _constant(values: np.ndarray, rule: Quantization | None = None) -> Constant:
    return Constant(values.shape, lambda: values, rule)


def _result_rule(
    rng: np.random.Generator, operator: Operator, rules: dict[str, Quantization]
) -> Quantization:
    before = rules[operator.inputs[0]]
    if isinstance(operator, Softmax) and rng.random() < 0.8:
        return Quantization((1 / 256,), (-128,))
    if isinstance(operator, _KEEPS) or (isinstance(operator, Unary) and operator.kind in CLAMPS):
        return before
    if isinstance(operator, (Pool, Concat, *_MOVES)) and rng.random() < 0.6:
        return before
    if isinstance(operator, Pool) and operator.kind is PoolKind.MAX:
        return before
    return _rule(rng, 0.02, 0.06)


def _weights(
    rng: np.random.Generator,
    graph: Graph,
    operator: Convolution | ConvTranspose | FullyConnected,
    shape: tuple[int, ...],
    rules: dict[str, Quantization],
    constants: dict[tuple[str, str], Constant],
) -> None:
    if isinstance(operator, Convolution):
        dims = (operator.out_channels, shape[1] // operator.groups, *operator.kernel)
        outputs = operator.out_channels
    elif isinstance(operator, ConvTranspose):
        outputs = operator.out_channels
        dims = (shape[1], outputs // operator.groups, *operator.kernel)
    else:
        outputs = operator.out_features
        dims = (outputs, math.prod(operator.weights([shape]) // outputs for _ in range(1)))
    count = math.prod(dims[1:])
    # So large that results spread over the range of int8.
    spread = rules[operator.output].scale[0] * 50 / (rules[operator.inputs[0]].scale[0] * 70 * 70)
    unit = spread / math.sqrt(count)
    scales = tuple((unit * rng.uniform(0.5, 2, outputs)).tolist())
    values = rng.integers(-127, 128, dims).astype(np.int8)
    transposed = isinstance(operator, ConvTranspose)
    rule = Quantization(scales, (0,) * outputs, axis=int(transposed))
    if transposed and operator.groups > 1:
        rule, scales = Quantization(scales[:1], (0,)), scales[:1] * outputs
    constants[operator.name, "weight"] = _constant(values, rule)
    if operator.bias:
        units = tuple(rules[operator.inputs[0]].scale[0] * scale for scale in scales)
        bias = rng.integers(-20_000, 20_000, outputs).astype(np.int32)
        rule = Quantization(units, (0,) * outputs, axis=0, bits=32)
        constants[operator.name, "bias"] = _constant(bias, rule)


def _state_rules(graph: Graph, rng: np.random.Generator) -> dict[str, Quantization]:
    """Of the states that recurrent layers are given."""
    rules = {}
    for operator in graph.operators:
        if isinstance(operator, LSTM | GRU):
            rules |= {name: narrow_rule(rng) for name in operator.inputs[1:]}
            rules |= {name: wide_rule(rng) for name in operator.inputs[2:]}
    return rules


def random_inputs(
    graph: Graph, seed: int, rules: Mapping[str, Quantization] | None = None
) -> dict[str, np.ndarray]:
    """Stored integers for every input, as wide as `rules` say."""
    rng, places = np.random.default_rng(seed), index_tensors(graph)
    found = {}
    for name in graph.inputs:
        least = rules[name].low if rules and name in rules else -128
        low, high = (0, places[name]) if name in places else (least, -least)
        found[name] = rng.integers(low, high, graph.tensor(name).shape).astype(np.int64)
    return found
