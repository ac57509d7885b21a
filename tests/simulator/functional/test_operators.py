"""Layers on grids of PEs against exact arithmetic, and against ONNX Runtime."""

import math

import numpy as np
import pytest

from apollo.arch.operands import ComputeFlag as Flag
from apollo.simulator.functional import execute
from tests.simulator.functional.build import design, run_on
from tests.simulator.functional.layers import (
    conv_sums,
    convolution,
    onnx_runtime,
    packed,
    quantised,
    requantised,
)

GRIDS = [(1, 1, 1), (2, 3, 2), (4, 2, 3)]


def scalar(value: float, kind: type = np.float32) -> np.ndarray:
    return np.array(value, kind)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(("stride", "pad", "kernel"), [(1, 1, 3), (2, 0, 3), (2, 2, 5), (1, 0, 1)])
def test_a_convolution_is_qlinearconv(grid: tuple, stride: int, pad: int, kernel: int) -> None:
    rng = np.random.default_rng([*grid, stride, pad, kernel])
    chip = design(*grid)
    x = rng.integers(-128, 128, (9, 11, 5)).astype(np.int8)
    weights = rng.integers(-127, 128, (7, kernel, kernel, 5)).astype(np.int8)
    bias = rng.integers(-(2**12), 2**12, 7).astype(np.int32)
    scale_x, scale_y, zero_x, zero_y = 0.02, 0.5 * kernel, -7, 11
    scale_w = rng.uniform(0.01, 0.05, 7).astype(np.float32)
    scale = np.float32(scale_x) * scale_w / np.float32(scale_y)
    raw = packed(weights, bias, scale, zero_x)
    script, image, address, shape = convolution(
        chip, x, weights, raw, stride=stride, pad=pad, zero=zero_x, zero_out=zero_y
    )
    machine = execute(script.program, chip, image.array)
    got = machine.dram[address:].view(np.int8).reshape(shape)
    sums = conv_sums(x, weights, stride, pad, zero_x) + bias
    np.testing.assert_array_equal(got, requantised(sums, scale, zero_y))
    runtime = onnx_runtime(
        "QLinearConv", {"x": np.ascontiguousarray(x.transpose(2, 0, 1)[None])},
        {"xs": scalar(scale_x), "xz": scalar(zero_x, np.int8),
         "w": np.ascontiguousarray(weights.transpose(0, 3, 1, 2)), "ws": scale_w,
         "wz": np.zeros(7, np.int8), "ys": scalar(scale_y), "yz": scalar(zero_y, np.int8),
         "b": bias}, strides=[stride] * 2, pads=[pad] * 4, kernel_shape=[kernel] * 2,
    )  # fmt: skip
    assert np.abs(got.astype(int) - runtime[0].transpose(1, 2, 0)).max() <= 1
    assert len(np.unique(got)) > 50


ROWS = dict(rows=5, columns=6, out_channels=4, core_step=4, channels=4)
FLAT = dict(source_row_pitch=24, source_column_pitch=4, source_channel_pitch=1,
            row_pitch=24, column_pitch=4, channel_pitch=1)  # fmt: skip


def elementwise(opcode: str, x: np.ndarray, y: np.ndarray, raw: bytes, **o: int) -> np.ndarray:
    """x and y [5, 6, 4] through one instruction, with its record."""
    pe = np.concatenate([x, y, x]).astype(np.int8).view(np.uint8).reshape(1, -1)
    core = np.frombuffer(raw, np.uint8).reshape(1, 1, -1)
    second = {f"second_{name}": FLAT[f"source_{name}"] for name in
              ("row_pitch", "column_pitch", "channel_pitch")} if y.size else {}  # fmt: skip
    if second:
        second["second"] = x.size
    machine = run_on(design(), pe, core, dict(opcode=opcode, destination=x.size + y.size,
                                              **ROWS, **FLAT, **second, **o))  # fmt: skip
    return machine.pe_memory[0, x.size + y.size :].view(np.int8).reshape(5, 6, 4).astype(int)


def random_pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.integers(-128, 128, (5, 6, 4)), rng.integers(-128, 128, (5, 6, 4))


BINARY = ("as", "az", "bs", "bz", "ys", "yz")


def runtime_binary(operator: str, x: np.ndarray, y: np.ndarray, *numbers: float) -> np.ndarray:
    kinds = [np.float32, np.int8] * 3
    constants = {name: scalar(value, kind)
                 for name, value, kind in zip(BINARY, numbers, kinds, strict=True)}  # fmt: skip
    order = ["a", "as", "az", "b", "bs", "bz", "ys", "yz"]
    inputs = {"a": x.astype(np.int8), "b": y.astype(np.int8)}
    return onnx_runtime(operator, inputs, constants, "com.microsoft", order=order)


def int16(*values: int) -> bytes:
    return np.array(values, "<i2").tobytes()


def int32(*values: int) -> bytes:
    return np.array(values, "<i4").tobytes()


def test_an_addition_is_qlinearadd() -> None:
    x, y = random_pair()
    scales, zeros = (0.04, 0.03, 0.05), (5, -9, 3)
    factors = [round(scale / scales[2] * 2**20) for scale in scales[:2]]
    raw = int16(zeros[0], zeros[1]) + int32(*factors) + bytes([20])
    got = elementwise("ADD", x, y, raw, zero_point=zeros[2])
    numbers = [n for pair in zip(scales, zeros, strict=True) for n in pair]
    assert np.abs(got - runtime_binary("QLinearAdd", x, y, *numbers)).max() <= 1
    exact = (x - 5) * (0.04 / 0.05) + (y + 9) * (0.03 / 0.05) + 3
    assert np.abs(got - np.clip(exact, -128, 127)).max() <= 0.5001


def test_a_product_is_qlinearmul() -> None:
    x, y = random_pair()
    scales, zeros = (0.04, 0.03, 0.2), (5, -9, 3)
    multiplier, shift = quantised(0.04 * 0.03 / 0.2)
    raw = int16(zeros[0], zeros[1]) + int32(multiplier) + bytes([shift])
    got = elementwise("MULTIPLY", x, y, raw, zero_point=zeros[2])
    numbers = [n for pair in zip(scales, zeros, strict=True) for n in pair]
    assert np.abs(got - runtime_binary("QLinearMul", x, y, *numbers)).max() <= 1


def test_softmax_is_softmax() -> None:
    x, _ = random_pair()
    scale = 0.03
    table = np.round(np.exp(-scale * np.arange(256)) * 65535).astype("<u2").tobytes()
    got = elementwise("SOFTMAX", x, x[:0], table, passes=4, zero_point=-128)
    real = onnx_runtime("Softmax", {"x": (x * scale).astype(np.float32)}, {}, axis=-1)
    assert np.abs(got - np.clip(real * 256 - 128, -128, 127)).max() < 1


def test_standardised_is_a_layer_normalisation() -> None:
    x, _ = random_pair()
    raw = bytes(4) + bytes([16, 0])  # a deviation is 16
    got = elementwise("STANDARDIZE", x, x[:0], raw, passes=4)
    deviation = np.maximum(x.std(-1, keepdims=True), 1e-9)
    real = (x - x.mean(-1, keepdims=True)) / deviation * 16
    assert np.abs(got - np.clip(real, -128, 127)).max() <= 0.51


def test_local_response_normalisation_is_lrn() -> None:
    x, _ = random_pair()
    scale, alpha, beta, size = 0.05, 0.2, 0.75, 3
    centres = (np.arange(256) + 0.5) * 2**8 * scale**2
    table = np.round(2**15 * (1 + alpha / size * centres) ** -beta).astype("<u2")
    raw = int16(0) + bytes([8]) + table.tobytes()
    got = elementwise("NORMALIZE", x, x[:0], raw, passes=size + 2)
    real = onnx_runtime(
        "LRN", {"x": np.ascontiguousarray((x * scale).transpose(2, 0, 1)[None], np.float32)}, {},
        alpha=alpha, beta=beta, bias=1.0, size=size,
    )  # fmt: skip
    assert np.abs(got * scale - real[0].transpose(1, 2, 0)).max() < 1.5 * scale


@pytest.mark.parametrize("opcode", ["POOL_MAX", "POOL_AVERAGE"])
def test_pools_are_pools(opcode: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(-128, 128, (7, 9, 3))
    pe = np.concatenate([x.reshape(-1), np.zeros(200, int)]).astype(np.int8).view(np.uint8)
    o = dict(opcode=opcode, rows=3, columns=4, out_channels=3, channels=3, kernel_rows=3,
             kernel_columns=2, stride_rows=2, stride_columns=2, source_row_pitch=27,
             source_column_pitch=3, source_channel_pitch=1, destination=x.size, row_pitch=12,
             column_pitch=3, channel_pitch=1)  # fmt: skip
    machine = run_on(design(), pe.reshape(1, -1), np.zeros((1, 1, 1), np.uint8), o)
    got = machine.pe_memory[0, x.size : x.size + 36].view(np.int8).reshape(3, 4, 3)
    name = "MaxPool" if opcode == "POOL_MAX" else "AveragePool"
    real = onnx_runtime(
        name, {"x": np.ascontiguousarray(x.transpose(2, 0, 1)[None], np.float32)}, {},
        kernel_shape=[3, 2], strides=[2, 2],
    )  # fmt: skip
    assert np.abs(got - real[0].transpose(1, 2, 0)).max() <= (0.5 if "AVERAGE" in opcode else 0)


def test_partial_sums_of_some_input_channels_make_the_whole() -> None:
    """Three instructions of 4, 3 and 3 input channels, in a grid of PEs and cores."""
    rng = np.random.default_rng(5)
    chip = design(2, 1, 2)
    rows, columns, inputs, outputs = 4, 5, 10, 6
    pe = rng.integers(0, 256, (2, rows * columns * (inputs + outputs * 5)), dtype=np.uint8)
    weights = rng.integers(-128, 128, (2, 2, 3, inputs)).astype(np.int8)  # of PE and core
    scale = np.full(outputs, 0.003)
    parts, at = [(0, 4), (4, 3), (7, 3)], [0, 12, 21]
    cores = []
    for one in weights.reshape(-1, 3, inputs):
        raw = b"".join(one[:, first : first + n].tobytes() for first, n in parts[:2])
        cores.append(raw + packed(one[:, None, None, 7:], np.full(3, 77), scale[:3], 0))
    core = np.frombuffer(b"".join(cores), np.uint8).reshape(2, 2, -1)
    flags = [Flag.PARTIAL, Flag.PARTIAL | Flag.ACCUMULATE, Flag.ACCUMULATE]
    steps = [
        dict(opcode="CONVOLVE", rows=rows, columns=columns, in_channels=n, out_channels=3,
             core_step=3, channels=outputs, source=first, source_row_pitch=columns * inputs,
             source_column_pitch=inputs, source_channel_pitch=1, parameters=where,
             partial=rows * columns * inputs, destination=rows * columns * (inputs + outputs * 4),
             row_pitch=columns * outputs, column_pitch=outputs, channel_pitch=1, flags=flag)
        for (first, n), where, flag in zip(parts, at, flags, strict=True)
    ]  # fmt: skip
    machine = run_on(chip, pe, core, *steps)
    for number in range(2):
        x = pe[number, : rows * columns * inputs].view(np.int8).reshape(rows, columns, inputs)
        sums = np.einsum("hwi,oi->hwo", x.astype(int), weights[number].reshape(6, -1).astype(int))
        result = machine.pe_memory[number, -math.prod((rows, columns, outputs)) :].view(np.int8)
        wanted = requantised(sums + 77, scale, 0)
        np.testing.assert_array_equal(result.reshape(rows, columns, outputs), wanted)
