"""Programs of a single matrix multiplication, convolution or LSTM step."""

from apollo.arch.accelerator import Accelerator
from apollo.compiler.systolic.layers import (
    Convolution,
    FullyConnected,
    Range,
    Shape,
    Stack,
    Window,
)
from apollo.compiler.systolic.lstm import lstm_step
from apollo.compiler.systolic.network import Compiled, compile_stack


def compile_gemm(
    m: int,
    k: int,
    n: int,
    accelerator: Accelerator,
    *,
    output_stationary: bool = False,
    clamp: Range | None = None,
) -> Compiled:
    """[m, k] x [k, n] -> int8 [m, n]: tensors "x" and "y", layer "gemm".

    Raises `DoesNotFit` when activations or a weight tile do not fit.
    """
    layer = FullyConnected("gemm", ("x",), "y", n, range=clamp or Range())
    stack = Stack("gemm", {"x": Shape(m, 1, 1, k)}, (layer,), ("y",))
    return compile_stack(stack, accelerator, output_stationary=output_stationary)


def compile_convolution(
    source: Shape,
    out_channels: int,
    window: Window,
    accelerator: Accelerator,
    *,
    output_stationary: bool = False,
    clamp: Range | None = None,
    fill: int = 0,
) -> Compiled:
    """A convolution: tensors "x" and "y", layer "convolution"; `fill` is the zero point of x.

    Raises `DoesNotFit` when activations, accumulators or a weight tile do not fit.
    """
    layer = Convolution("convolution", "x", "y", out_channels, window, clamp or Range(), fill)
    stack = Stack("convolution", {"x": source}, (layer,), ("y",))
    return compile_stack(stack, accelerator, output_stationary=output_stationary)


def compile_lstm_step(batch: int, inputs: int, hidden: int, accelerator: Accelerator) -> Compiled:
    """One step of one LSTM cell: tensors x, lstm.h, lstm.c -> lstm.h', lstm.c'; `lstm.Cell` packs.

    Raises `DoesNotFit` when state or a weight tile do not fit.
    """
    _, stack = lstm_step(batch, inputs, hidden)
    return compile_stack(stack, accelerator)
