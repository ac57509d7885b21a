"""A graph for a chip with an array: a lowered network, or a single layer through scratchpads."""

from apollo.arch.accelerator import Accelerator
from apollo.compiler.lower import lower
from apollo.compiler.systolic.blocked import compile_blocked_gemm
from apollo.compiler.systolic.blocked_convolution import compile_blocked_convolution
from apollo.compiler.systolic.layers import Shape, Window
from apollo.compiler.systolic.machine import is_scratchpad
from apollo.compiler.systolic.nests import CompiledNests, compile_nests
from apollo.compiler.systolic.network import Compiled
from apollo.workloads.graph import Graph
from apollo.workloads.operators import Convolution, FullyConnected


def compile_graph(graph: Graph, accelerator: Accelerator) -> Compiled | CompiledNests:
    """A program of a graph: block by block where a single layer goes through scratchpads.

    Raises `DoesNotFit` when something does not fit, `ValueError` for an operator without lowering.
    """
    if len(graph.operators) == 1 and accelerator.is_systolic and is_scratchpad(accelerator):
        operator, shape = graph.operators[0], graph.tensor(graph.inputs[0]).shape
        if isinstance(operator, FullyConnected) and len(shape) == 2:
            return compile_blocked_gemm(*shape, operator.out_features, accelerator)
        if isinstance(operator, Convolution) and operator.groups == 1:
            images, channels, rows, columns = shape
            window = Window(operator.kernel, operator.stride, operator.padding, operator.dilation)
            source = Shape(images, rows, columns, channels)
            return compile_blocked_convolution(source, operator.out_channels, window, accelerator)
    return compile_nests(lower(graph), accelerator)
