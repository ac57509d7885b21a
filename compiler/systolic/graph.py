"""A graph of matrix layers, pools and functions for a chip with an array."""

import math

from apollo.arch.accelerator import Accelerator
from apollo.compiler.fuse import fused_into
from apollo.compiler.systolic import layers
from apollo.compiler.systolic.blocked import compile_blocked_gemm
from apollo.compiler.systolic.blocked_convolution import compile_blocked_convolution
from apollo.compiler.systolic.layers import Layer, Shape, Stack, Vector, VectorKind, Window
from apollo.compiler.systolic.network import Compiled, compile_stack
from apollo.workloads.graph import Graph
from apollo.workloads.operators import (
    Binary,
    BinaryKind,
    Convolution,
    FullyConnected,
    Operator,
    Pool,
    PoolKind,
    Reshape,
    Unary,
)

# A core memory of fewer weight tiles is a FIFO in front of the array, not a scratchpad.
SCRATCHPAD_TILES = 16

_VECTORS = {BinaryKind.ADD: VectorKind.ADD, BinaryKind.MULTIPLY: VectorKind.MULTIPLY}


def compile_graph(graph: Graph, accelerator: Accelerator) -> Compiled:
    """A program of a graph: block by block where a single layer goes through scratchpads.

    Raises `DoesNotFit` when something does not fit, `ValueError` for an operator without lowering.
    """
    stack = stack_of(graph)
    tile_bytes = accelerator.array_rows * accelerator.array_columns
    if len(stack.layers) == 1 and accelerator.core_memory_bytes >= SCRATCHPAD_TILES * tile_bytes:
        layer, source = stack.layers[0], next(iter(stack.inputs.values()))
        if isinstance(layer, layers.FullyConnected):
            depth = source.channels * source.positions
            return compile_blocked_gemm(source.images, depth, layer.out_channels, accelerator)
        if isinstance(layer, layers.Convolution):
            return compile_blocked_convolution(
                source, layer.out_channels, layer.window, accelerator
            )
    return compile_stack(stack, accelerator)


def stack_of(graph: Graph) -> Stack:
    """The layers of a graph, clamps and normalisations fused into the layers before them."""
    fused = fused_into(graph)
    names = {name: name for name in graph.inputs}
    found: list[Layer] = []
    for operator in graph.operators:
        sources = tuple(names[name] for name in operator.inputs)
        if operator.name in fused or isinstance(operator, Reshape):
            names[operator.output] = sources[0]
        else:
            names[operator.output] = operator.output
            found.append(_layer(graph, operator, sources))
    inputs = {name: shape_of(graph.tensor(name).shape) for name in graph.inputs}
    return Stack(graph.name, inputs, tuple(found), tuple(names[name] for name in graph.outputs))


def shape_of(shape: tuple[int, ...]) -> Shape:
    """Images, rows, columns and channels of a tensor (n, c, h, w), or of rows (..., c)."""
    if len(shape) == 4:
        return Shape(shape[0], shape[2], shape[3], shape[1])
    return Shape(math.prod(shape[:-1]), 1, 1, shape[-1])


def _layer(graph: Graph, operator: Operator, sources: tuple[str, ...]) -> Layer:
    name, output = operator.name, operator.output
    if isinstance(operator, FullyConnected):
        return layers.FullyConnected(name, sources, output, operator.out_features)
    if isinstance(operator, Convolution) and operator.groups == 1:
        return layers.Convolution(
            name, sources[0], output, operator.out_channels, _window(operator)
        )
    if isinstance(operator, Pool):
        average = operator.kind is PoolKind.AVERAGE
        return layers.Pool(name, sources[0], output, _window(operator), average)
    if isinstance(operator, Unary):
        return Vector(name, VectorKind.LOOKUP, sources, output, table=operator.kind.value)
    if isinstance(operator, Binary) and not operator.constant and operator.kind in _VECTORS:
        return Vector(name, _VECTORS[operator.kind], sources, output)
    raise ValueError(
        f"Network '{graph.name}': operator '{name}' ({operator.label}) has no lowering for a "
        f"systolic array."
    )


def _window(operator: Convolution | Pool) -> Window:
    dilation = operator.dilation if isinstance(operator, Convolution) else (1, 1)
    return Window(operator.kernel, operator.stride, operator.padding, dilation)
