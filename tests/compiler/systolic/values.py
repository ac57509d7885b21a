"""Integer references in NumPy, and small chips with an array."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from apollo.arch.accelerator import Accelerator, load_design
from apollo.compiler.systolic.layers import Range, Window
from apollo.compiler.systolic.layout import Requantisation
from apollo.compiler.systolic.network import Compiled
from apollo.simulator.functional import execute

Ints = npt.NDArray[np.int64]


def chip(rows: int, columns: int, accumulators: int = 64, **changes: int) -> Accelerator:
    """A small systolic chip with the rest of TPU v1."""
    tpu = load_design("tpu_v1")
    sizes = {"array_rows": rows, "array_columns": columns, "accumulator_rows": accumulators}
    sizes |= {"core_memory_bytes": 4 * rows * columns + 36 * columns + 4096, "lanes": columns}
    sizes |= {"instruction_memory_bytes": 1 << 18}
    return replace(tpu, name="small", **(sizes | changes))


def random_values(random: np.random.Generator, *shape: int, wide: bool = False) -> Ints:
    high = 1 << (15 if wide else 7)
    return random.integers(-high, high, shape)


def requantisation(random: np.random.Generator, channels: int, scale: float) -> Requantisation:
    """Records that bring sums of about `scale` into eight bits."""
    multiplier = random.integers(1 << 28, 1 << 30, channels)
    shift = np.full(channels, 30 + max(0, int(np.log2(max(1.0, scale / 64)))))
    bias = random.integers(-int(scale) - 1, int(scale) + 1, channels)
    return Requantisation(bias, multiplier, shift)


def requantised(sums: Ints, values: Requantisation, to: Range) -> Ints:
    """M27: one rounding, ties upwards."""
    total = (sums + values.bias) * values.multiplier
    rounded = (total + (1 << (values.shift - 1))) >> values.shift
    return np.clip(to.zero_point + rounded, to.low, to.high)


def windows(values: Ints, window: Window, fill: int) -> Ints:
    """[images, rows, columns, taps * channels] of [images, rows, columns, channels]."""
    top, left, bottom, right = window.padding
    padded = np.pad(values, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    rows = (padded.shape[1] - (window.kernel[0] - 1) * window.dilation[0] - 1) // window.stride[
        0
    ] + 1
    columns = (padded.shape[2] - (window.kernel[1] - 1) * window.dilation[1] - 1) // window.stride[
        1
    ] + 1
    taps = []
    for row in range(window.kernel[0]):
        for column in range(window.kernel[1]):
            first, start = row * window.dilation[0], column * window.dilation[1]
            taps.append(
                padded[
                    :,
                    first : first + (rows - 1) * window.stride[0] + 1 : window.stride[0],
                    start : start + (columns - 1) * window.stride[1] + 1 : window.stride[1],
                ]
            )
    return np.concatenate(taps, axis=3)


def run_matrix(
    compiled: Compiled,
    accelerator: Accelerator,
    layer: str,
    x: Ints,
    weights: Ints,
    values: Requantisation,
) -> Ints:
    """The output "y" of a program of one matrix layer."""
    memory = compiled.layout.empty()
    compiled.layout.pack_tensor(memory, "x", x)
    compiled.layout.pack_weights(memory, layer, weights)
    compiled.layout.pack_records(memory, layer, values)
    machine = execute(compiled.program, accelerator, memory)
    return compiled.layout.unpack(machine.dram, "y").astype(np.int64)
