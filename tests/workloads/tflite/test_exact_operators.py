"""Quantised operators one by one, integer by integer, against the reference kernels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from apollo.workloads.integer.run import run
from tests.workloads.tflite.observe import Observed
from tests.workloads.tflite.test_exact import compare, stored
from tests.workloads.tflite.write import Fields, Graph

RANDOM = np.random.default_rng(3)
Scales = dict[str, Any]


def scales(scale: float, zero: int) -> Scales:
    return {"kind": "int8", "scale": [scale], "zero": [zero]}


A, B, C = scales(0.05, -5), scales(0.07, 9), scales(0.11, 3)
PROBABILITY, UNIT = scales(1 / 256, -128), scales(1 / 128, 0)
IMAGE, WIDE = (1, 4, 6, 8), (1, 8, 12, 8)
WINDOW: Fields = {0: ("u8", 0)} | {
    slot: ("i32", value) for slot, value in enumerate((2, 2, 3, 3), 1)
}
KEEP: Fields = {0: ("bool", True)}


def int32(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def int8(*shape: int) -> np.ndarray:
    return RANDOM.integers(-127, 128, shape).astype(np.int8)


def one(
    kind: str,
    output: Sequence[int],
    rule: Scales,
    *more: np.ndarray | tuple[Any, Scales],
    shape: Sequence[int] = IMAGE,
    options: Fields | None = None,
    order: Sequence[int] = (),
) -> Graph:
    """An operator on an input in scale A; a shape behind it is a further one, an array stored."""
    graph = Graph()
    inputs = [graph.given(*shape, **A)]
    for item in more:
        if isinstance(item, np.ndarray):
            inputs.append(graph.stored(item))
        elif isinstance(item[0], np.ndarray):
            inputs.append(graph.stored(item[0], **item[1]))
        else:
            inputs.append(graph.given(*item[0], **item[1]))
    graph.outputs = [graph.tensor(*output, **rule)]
    chosen = [inputs[place] for place in order] or inputs
    return graph.node(kind, chosen, graph.outputs, options or {})


def fully_connected(shape: Sequence[int], rows: int) -> Graph:
    weight = (int8(5, 8), {"scale": [0.01], "zero": [0]})
    bias = (RANDOM.integers(-999, 999, 5).astype(np.int32), {"scale": [0.0005], "zero": [0]})
    return one("FULLY_CONNECTED", (rows, 5), C, weight, bias, shape=shape)


def transposed() -> Graph:
    weight = (int8(5, 3, 3, 8), {"scale": [0.01 + 0.001 * i for i in range(5)], "zero": [0] * 5})
    options: Fields = {0: ("u8", 0), 1: ("i32", 2), 2: ("i32", 2)}
    size = int32(1, 8, 12, 5)
    output = (1, 8, 12, 5)
    return one(
        "TRANSPOSE_CONV", output, scales(0.6, 3), weight, size, options=options, order=(2, 1, 0)
    )


CHANNELS = (int8(8), {"scale": [0.03], "zero": [2]})
SLOPES = (int8(1, 1, 8), {"scale": [0.01], "zero": [4]})
EDGES = np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)
CASES = {
    "sum": one("ADD", IMAGE, C, (IMAGE, B)),
    "sum and ReLU": one("ADD", IMAGE, C, (IMAGE, B), options={0: ("u8", 1)}),
    "sum with a constant": one("ADD", IMAGE, C, CHANNELS),
    "difference": one("SUB", IMAGE, C, (IMAGE, B)),
    "product": one("MUL", IMAGE, C, (IMAGE, B)),
    "product by channels": one("MUL", IMAGE, C, ((1, 1, 1, 8), B)),
    "maximum": one("MAXIMUM", IMAGE, A, (IMAGE, A)),
    "average pool": one("AVERAGE_POOL_2D", (1, 2, 3, 8), A, options=WINDOW),
    "maximum pool": one("MAX_POOL_2D", (1, 2, 3, 8), A, options=WINDOW),
    "mean of an image": one("MEAN", (1, 8), C, int32(1, 2)),
    "mean in its scale": one("MEAN", (1, 1, 1, 8), A, int32(1, 2), options=KEEP),
    "mean of channels": one("MEAN", (1, 4, 6), C, int32(3)),
    "greatest": one("REDUCE_MAX", (1, 4, 6), A, int32(3)),
    "sigmoid": one("LOGISTIC", IMAGE, PROBABILITY),
    "tanh": one("TANH", IMAGE, UNIT),
    "hard swish": one("HARD_SWISH", IMAGE, C),
    "magnitude": one("ABS", IMAGE, A),
    "PReLU": one("PRELU", IMAGE, C, SLOPES),
    "softmax": one("SOFTMAX", (3, 8), PROBABILITY, shape=(3, 8), options={0: ("f32", 1.0)}),
    "fully connected": fully_connected((3, 8), 3),
    "fully connected to an image": fully_connected((1, 2, 2, 2), 1),
    "transposed convolution": transposed(),
    "nearest neighbours": one("RESIZE_NEAREST_NEIGHBOR", WIDE, A, int32(8, 12)),
    "padding": one("PAD", (1, 6, 8, 8), A, EDGES),
    "another scale": one("QUANTIZE", IMAGE, C),
    "depth to space": one("DEPTH_TO_SPACE", (1, 8, 12, 2), A, options={0: ("i32", 2)}),
    "matrix product": one("BATCH_MATMUL", (2, 3, 5), C, ((2, 4, 5), B), shape=(2, 3, 4)),
}


@pytest.mark.parametrize("name", CASES)
def test_an_operator_is_exact(tmp_path, name: str) -> None:
    observed = Observed(CASES[name].write(tmp_path / "net.tflite"), reference=True)
    found = run(observed.model, stored(observed), everything=True)
    assert compare(observed, found) >= 2
    assert len(np.unique(found[observed.model.graph.outputs[0]])) >= 4
