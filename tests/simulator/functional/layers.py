"""Layers laid out by hand on a grid of PEs, and what they mean."""

import math
from fractions import Fraction

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from apollo.arch.accelerator import Accelerator
from tests.simulator.functional.build import Image, Script
from tests.simulator.functional.meaning import nearest_up


def quantised(scale: float) -> tuple[int, int]:
    """Multiplier (31 bits) and shift of a factor below one."""
    shift = 30 - math.frexp(scale)[1] + 1
    return round(math.ldexp(scale, shift)), shift


def record(bias: int, scale: float) -> bytes:
    multiplier, shift = quantised(scale)
    signed = (int(bias).to_bytes(4, "little", signed=True), multiplier.to_bytes(4, "little"))
    return b"".join(signed) + bytes([shift])


def packed(weights: np.ndarray, bias: np.ndarray, scale: np.ndarray, zero: int) -> bytes:
    """Parameters of the channels of weights [O, rows, columns, I]; zero of the source."""
    raw = b""
    for one, offset, factor in zip(weights, bias, scale, strict=True):
        folded = int(offset) - zero * int(one.astype(int).sum())
        raw += one.astype(np.int8).tobytes() + record(folded, float(factor))
    return raw


def conv_sums(x: np.ndarray, weights: np.ndarray, stride: int, pad: int, zero: int) -> np.ndarray:
    """Sums of a convolution of x [H, W, I] with weights [O, k, k, I], exact."""
    padded = np.pad(x.astype(int), ((pad, pad), (pad, pad), (0, 0)), constant_values=zero)
    k = weights.shape[1]
    view = np.lib.stride_tricks.sliding_window_view(padded - zero, (k, k), axis=(0, 1))
    return np.einsum("hwiab,oabi->hwo", view[::stride, ::stride], weights.astype(int))


def requantised(sums: np.ndarray, scale: np.ndarray, zero: int) -> np.ndarray:
    """By exact fractions, a scale for each channel."""
    factors = [Fraction(multiplier, 2**shift) for multiplier, shift in map(quantised, scale)]
    flat = sums.reshape(-1, sums.shape[-1]).tolist()
    wanted = [[zero + nearest_up(v * f) for v, f in zip(row, factors, strict=True)] for row in flat]
    return np.clip(wanted, -128, 127).reshape(sums.shape)


def convolution(
    chip: Accelerator,
    x: np.ndarray,
    weights: np.ndarray,
    parameters: bytes,
    *,
    stride: int,
    pad: int,
    zero: int,
    zero_out: int,
) -> tuple[Script, Image, int, tuple[int, int, int]]:
    """Rows over y, columns over x, output channels over cores; what PEs lack is idle."""
    script, image = Script(), Image()
    outputs, k, _, inputs = weights.shape
    height, width = ((n + 2 * pad - k) // stride + 1 for n in x.shape[:2])
    rows, columns = -(-height // chip.pes_y), -(-width // chip.pes_x)
    each = -(-outputs // chip.cores)
    block = len(parameters) // outputs * each
    script.add("LOAD_PARAMETERS", segment_bytes=len(parameters), block_bytes=block, step_core=1,
               dram_address=image.put(np.frombuffer(parameters, np.uint8)))  # fmt: skip
    box = ((rows - 1) * stride + k, (columns - 1) * stride + k, inputs)
    script.add(
        "LOAD_ACTIVATIONS", segment_bytes=x.size, dram_address=image.put(x.astype(np.int8)),
        columns=x.shape[1], channels=inputs, fill=zero, first_row=-pad, first_column=-pad,
        split_x="columns", step_x=columns * stride, split_y="rows", step_y=rows * stride,
        **boxed(box), **pitches("", box),
    )  # fmt: skip
    place = math.prod(box)
    tile = (rows, columns, outputs)
    script.add(
        "CONVOLVE", rows=rows, columns=columns, in_channels=inputs, out_channels=each,
        kernel_rows=k, kernel_columns=k, stride_rows=stride, stride_columns=stride,
        core_step=each, channels=outputs, destination=place, zero_point=zero_out,
        **pitches("source_", box), **pitches("", tile),
    )  # fmt: skip
    shape = (height, width, outputs)
    address = image.room(math.prod(shape))
    script.add(
        "STORE", segment_bytes=math.prod(shape), dram_address=address, columns=width,
        channels=outputs, address=place, split_x="columns", step_x=columns, split_y="rows",
        step_y=rows, **boxed(tile), **pitches("", tile),
    )  # fmt: skip
    return script, image, address, shape


def boxed(shape: tuple[int, int, int]) -> dict[str, int]:
    return dict(zip(("box_rows", "box_columns", "box_channels"), shape, strict=True))


def pitches(prefix: str, shape: tuple[int, int, int]) -> dict[str, int]:
    """Channels last, without gaps."""
    _, columns, channels = shape
    return {
        f"{prefix}row_pitch": columns * channels,
        f"{prefix}column_pitch": channels,
        f"{prefix}channel_pitch": 1,
    }


def onnx_runtime(
    operator: str,
    inputs: dict[str, np.ndarray],
    constants: dict[str, np.ndarray],
    domain: str = "",
    **attributes: object,
) -> np.ndarray:
    """One operator by ONNX Runtime, without graph optimisations."""
    names = [*inputs, *constants]
    order = attributes.pop("order", names)
    node = helper.make_node(operator, order, ["result"], domain=domain, **attributes)
    kinds = {np.dtype(np.int8): TensorProto.INT8, np.dtype(np.float32): TensorProto.FLOAT}
    values = [helper.make_tensor_value_info(name, kinds[value.dtype], value.shape)
              for name, value in inputs.items()]  # fmt: skip
    first = next(iter(inputs.values()))
    graph = helper.make_graph(
        [node], "one", values,
        [helper.make_tensor_value_info("result", kinds[first.dtype], None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    imports = [helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    result: np.ndarray = session.run(None, inputs)[0]
    return result
