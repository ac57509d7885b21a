"""How stored tensors are read, and what their integers stand for."""

import numpy as np
import pytest

from apollo.workloads.model import Rounding
from apollo.workloads.quantization import Quantization
from apollo.workloads.tflite import import_tflite
from tests.workloads.tflite.test_operators import check
from tests.workloads.tflite.write import Graph, Sparsity

RANDOM = np.random.default_rng(2)


def integers(kind: str, *shape: int) -> np.ndarray:
    limits = np.iinfo(kind)
    return RANDOM.integers(max(-127, limits.min), min(limits.max, 255), shape).astype(kind)


def convolution(kind: str, zero: int, scales: int, depthwise: bool = False) -> Graph:
    """A quantised convolution with scales for the whole tensor or for each channel."""
    graph = Graph()
    image = graph.given(1, 5, 6, 4, kind=kind, scale=[0.05], zero=[zero])
    many = scales > 1
    scale = [0.01 + 0.002 * i for i in range(scales)]
    shape, axis = ((1, 3, 3, 4), 3) if depthwise else ((6, 3, 3, 4), 0)
    stored_kind = "uint8" if kind == "uint8" else "int8"
    zeros = [131] if kind == "uint8" else [0] * scales
    weight = graph.stored(
        integers(stored_kind, *shape), scale=scale, zero=zeros, axis=axis if many else 0
    )
    out = shape[axis]
    bias_kind = "int64" if kind == "int16" else "int32"
    bias = graph.stored(
        integers("int32", out).astype(bias_kind), scale=[0.05 * s for s in scale], axis=0
    )
    graph.outputs = [graph.tensor(1, 5, 6, out, kind=kind, scale=[0.2], zero=[zero and zero + 3])]
    options = {0: ("u8", 0), 1: ("i32", 1), 2: ("i32", 1)}
    options |= {3: ("i32", 1), 4: ("u8", 1)} if depthwise else {3: ("u8", 1)}
    name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    return graph.node(name, [image, weight, bias], graph.outputs, options)


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize(
    ("kind", "zero", "many"),
    [("int8", -5, True), ("int8", 7, False), ("uint8", 120, False), ("int16", 0, True)],
)
def test_quantised_convolutions(tmp_path, kind, zero, many, depthwise) -> None:
    scales = (4 if depthwise else 6) if many else 1
    model = check(convolution(kind, zero, scales, depthwise), tmp_path).model
    shift = 128 if kind == "uint8" else 0
    bits = 16 if kind == "int16" else 8
    assert model.quantization[model.graph.inputs[0]] == Quantization(
        (np.float32(0.05).item(),), (zero - shift,), bits=bits
    )
    weight = model.constant(model.graph.operators[0].name, "weight")
    assert weight.quantization is not None
    assert weight.quantization.axis == (0 if many else -1)
    assert weight.values.dtype == np.int8
    assert model.is_quantized
    assert model.rounding is Rounding.TFLITE


def test_numbers_outside_are_integers_and_a_change_of_scale_is_an_operator(tmp_path) -> None:
    graph = Graph()
    image = graph.given(1, 4)
    rule = {"kind": "int8", "scale": [0.1], "zero": [3]}
    stored, scaled, done = graph.tensor(1, 4, **rule), None, None
    scaled = graph.tensor(1, 4, kind="int8", scale=[0.2], zero=[0])
    done, last = graph.tensor(1, 4, kind="int8", scale=[0.2], zero=[0]), graph.tensor(1, 4)
    graph.node("QUANTIZE", [image], [stored])
    graph.node("QUANTIZE", [stored], [scaled])
    graph.node("RELU", [scaled], [done])
    graph.node("DEQUANTIZE", [done], [last])
    graph.outputs = [last]
    model = import_tflite(graph.write(tmp_path / "net.tflite"))
    assert [item.label for item in model.graph.operators] == ["Concat", "Unary relu"]
    assert model.is_quantized
    assert model.quantization["t0"].zero_point == (3,)


def test_half_precision_weights_are_read_as_real_numbers(tmp_path) -> None:
    graph = Graph()
    rows = graph.given(1, 4)
    half, weight = graph.stored(RANDOM.normal(size=(3, 4)), "float16"), graph.tensor(3, 4)
    graph.outputs = [graph.tensor(1, 3)]
    graph.node("DEQUANTIZE", [half], [weight])
    graph.node("FULLY_CONNECTED", [rows, weight, -1], graph.outputs)
    model = check(graph, tmp_path).model
    assert model.constant("t3", "weight").values.dtype == np.float32
    assert not model.is_quantized


def test_integer_weights_of_a_real_layer_keep_their_scale(tmp_path) -> None:
    graph = Graph()
    rows = graph.given(1, 4)
    weight = graph.stored(integers("int8", 3, 4), scale=[0.1], zero=[0])
    graph.outputs = [graph.tensor(1, 3)]
    graph.node("FULLY_CONNECTED", [rows, weight, -1], graph.outputs)
    model = import_tflite(graph.write(tmp_path / "net.tflite"))
    found = model.constant("t2", "weight")
    assert found.quantization is not None
    assert found.values.dtype == np.int8
    assert not model.is_quantized


def test_integers_of_four_bits(tmp_path) -> None:
    graph = Graph()
    rows = graph.given(1, 3)
    packed = bytes([0x21, 0xF8, 0x07])  # 1 2, -8 -1, 7
    weight = graph.tensor(1, 5, kind="int4", data=packed, scale=[0.5], zero=[0])
    graph.inputs[0] = rows = graph.tensor(1, 5)
    graph.outputs = [graph.tensor(1, 1)]
    graph.node("FULLY_CONNECTED", [rows, weight, -1], graph.outputs)
    model = import_tflite(graph.write(tmp_path / "net.tflite"))
    assert model.constant("t3", "weight").values.tolist() == [[1, 2, -8, -1, 7]]


def sparse(values: np.ndarray, sparsity: Sparsity, shape: tuple[int, ...]) -> Graph:
    graph = Graph()
    rows = graph.given(1, shape[1])
    data = values.astype(np.float32).tobytes()
    packed = graph.tensor(*shape, data=data, sparsity=sparsity)
    weight, graph.outputs = graph.tensor(*shape), [graph.tensor(1, shape[0])]
    graph.node("DENSIFY", [packed], [weight])
    return graph.node("FULLY_CONNECTED", [rows, weight, -1], graph.outputs)


def test_compressed_rows(tmp_path) -> None:
    rows = Sparsity([0, 1], [], [3, ([0, 2, 2, 3], [0, 3, 1])])
    graph = sparse(np.array([1, 2, 3]), rows, (3, 4))
    model = check(graph, tmp_path).model
    assert model.constant("t3", "weight").values.tolist() == [
        [1, 0, 0, 2],
        [0, 0, 0, 0],
        [0, 3, 0, 0],
    ]


def test_compressed_blocks(tmp_path) -> None:
    blocks = Sparsity([0, 1, 2], [1], [2, ([0, 1, 2], [1, 0]), 2])
    graph = sparse(np.array([1, 2, 3, 4]), blocks, (2, 4))
    model = check(graph, tmp_path).model
    assert model.constant("t3", "weight").values.tolist() == [[0, 0, 1, 2], [3, 4, 0, 0]]


@pytest.mark.parametrize(
    ("sparsity", "reason"),
    [
        (Sparsity([0, 1], [], [3, ([0, 2, 2, 9], [0, 3, 1])]), "do not fit together"),
        (
            Sparsity([0, 1], [], [3, ([0, 2, 2, 3], [0, 3, 99])]),
            "its places lie outside the tensor",
        ),
        (Sparsity([0, 0], [], [3, ([0, 2, 2, 3], [0, 3, 1])]), "walked in the order"),
        (Sparsity([0, 1], [], [1 << 30, 4]), "a dense dimension of it has size"),
        (
            Sparsity([0, 1, 2], [7], [3, ([0, 2, 2, 3], [0, 3, 1]), 1]),
            "its blocks divide dimensions",
        ),
    ],
)
def test_sparse_weights_that_do_not_fit(tmp_path, sparsity, reason) -> None:
    graph = sparse(np.array([1, 2, 3]), sparsity, (3, 4))
    model = import_tflite(graph.write(tmp_path / "net.tflite"))
    with pytest.raises(ValueError, match=f"Tensor 't1' is not properly sparse: .*{reason}"):
        _ = model.constant("t3", "weight").values


def test_values_behind_the_tables(tmp_path) -> None:
    graph = Graph()
    rows = graph.given(1, 4)
    for _ in range(2):
        weight = graph.stored(RANDOM.normal(size=(4, 4)).astype(np.float32), outside=True)
        out = graph.tensor(1, 4)
        graph.node("FULLY_CONNECTED", [rows, weight, -1], [out])
        rows = out
    graph.outputs = [rows]
    check(graph, tmp_path)


def test_an_embedding(tmp_path) -> None:
    graph = Graph()
    indices = graph.given(3, kind="int32")
    table = graph.stored(RANDOM.normal(size=(10, 4)).astype(np.float32))
    graph.outputs = [graph.tensor(3, 4)]
    graph.node("EMBEDDING_LOOKUP", [indices, table], graph.outputs)
    model = import_tflite(graph.write(tmp_path / "net.tflite"))
    assert [item.label for item in model.graph.operators] == ["Embedding"]
    assert model.constant("t2", "table").values.shape == (10, 4)
