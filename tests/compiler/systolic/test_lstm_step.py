import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from apollo.arch.accelerator import Accelerator, load_design
from apollo.compiler.systolic.layout import Requantisation
from apollo.compiler.systolic.lstm import GATES, lstm_step
from apollo.compiler.systolic.network import compile_stack
from apollo.simulator.functional import execute
from tests.compiler.systolic.values import Ints, chip


def shifted(product: Ints, bits: int) -> Ints:
    return np.clip((product + (1 << (bits - 1))) >> bits, -32768, 32767)


def table(function, bits: int) -> Ints:  # type: ignore[no-untyped-def]
    at = (np.arange(513) * 128 - 32768) / (1 << bits)
    return np.clip(np.round(function(at) * 32768), -32768, 32767).astype(np.int64)


def looked_up(values: Ints, entries: Ints) -> Ints:
    index, rest = (values + 32768) // 128, (values + 32768) % 128
    return entries[index] + ((entries[index + 1] - entries[index]) * rest + 64) // 128


def integer_step(x: Ints, h: Ints, c: Ints, weights, values) -> tuple[Ints, Ints]:  # type: ignore[no-untyped-def]
    sigmoid = table(lambda v: 1 / (1 + np.exp(-v)), 12)
    gates = {}
    for gate in GATES:
        sums = np.concatenate([h, x], axis=1) @ weights[gate] + values[gate].bias
        shift = values[gate].shift
        wide = (sums * values[gate].multiplier + (1 << (shift - 1))) >> shift
        wide = np.clip(wide, -32768, 32767)
        gates[gate] = looked_up(wide, table(np.tanh, 12) if gate == "g" else sigmoid)
    new_c = shifted(gates["i"] * gates["g"], 19) + shifted(gates["f"] * c, 15)
    new_c = np.clip(new_c, -32768, 32767)
    tanh = looked_up(new_c, table(np.tanh, 11))
    return shifted(gates["o"] * tanh, 15), new_c


def float_step(x, h, c, weights, biases):  # type: ignore[no-untyped-def]
    """ONNX Runtime's LSTM, gates in ONNX's order i, o, f, c."""
    units = h.shape[1]
    order = ("i", "o", "f", "g")
    recurrent = np.concatenate([weights[gate][:units].T for gate in order])[None]
    inputs = np.concatenate([weights[gate][units:].T for gate in order])[None]
    bias = np.concatenate([biases[gate] for gate in order] + [np.zeros(4 * units)])[None]
    arrays = {"w": inputs, "r": recurrent, "b": bias}
    node = helper.make_node(
        "LSTM", ["x", "w", "r", "b", "", "h", "c"], ["", "h1", "c1"], hidden_size=units
    )
    shape = {"x": [1, *x.shape], "h": [1, *h.shape], "c": [1, *c.shape]}
    graph = helper.make_graph(
        [node],
        "lstm",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shape.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("h1", "c1")],
        [numpy_helper.from_array(a.astype(np.float32), n) for n, a in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {"x": x[None], "h": h[None], "c": c[None]}
    h1, c1 = session.run(["h1", "c1"], {n: a.astype(np.float32) for n, a in feed.items()})
    return h1[0], c1[0]


CASES: list[tuple[Accelerator, int, int, int]] = [
    (chip(4, 4, core_memory_bytes=1 << 14), 3, 5, 6),
    (chip(16, 16, core_memory_bytes=1 << 15), 7, 33, 24),
    (load_design("gemmini"), 4, 20, 40),
    (load_design("tpu_v1"), 5, 300, 260),
]


@pytest.mark.parametrize(("accelerator", "batch", "inputs", "units"), CASES)
def test_lstm_step(accelerator: Accelerator, batch: int, inputs: int, units: int) -> None:
    random = np.random.default_rng(units)
    cell, stack = lstm_step(batch, inputs, units)
    compiled = compile_stack(stack, accelerator)
    memory = compiled.layout.empty()
    state = {
        "x": random.uniform(-0.9, 0.9, (batch, inputs)),
        "h": random.uniform(-0.9, 0.9, (batch, units)),
        "c": random.uniform(-2, 2, (batch, units)),
    }
    fixed = {
        name: np.round(value * (2048 if name == "c" else 32768)).astype(np.int64)
        for name, value in state.items()
    }
    for name, tensor in (("x", "x"), ("h", "lstm.h"), ("c", "lstm.c")):
        compiled.layout.pack_tensor(memory, tensor, fixed[name][:, None, None])
    cell.pack_constants(compiled.layout, memory)
    weights, values, scales = {}, {}, {}
    for gate in GATES:
        real = random.normal(0, 1.5 / np.sqrt(units + inputs), (units + inputs, units))
        scales[gate] = scale = np.abs(real).max() / 127
        weights[gate] = np.round(real / scale).astype(np.int64)
        bias = np.round(random.normal(0, 0.3, units) / scale * 32768).astype(np.int64)
        # scale / 2^15 to Q12, as a multiplier of 30 bits.
        shift = 30 + int(np.floor(-np.log2(scale / 8)))
        multiplier = np.full(units, round(scale / 8 * 2**shift))
        values[gate] = Requantisation(bias, multiplier, np.full(units, shift))
        cell.pack_gate(compiled.layout, memory, gate, weights[gate], values[gate])
    machine = execute(compiled.program, accelerator, memory)
    found = [compiled.layout.unpack(machine.dram, f"lstm.{n}")[:, 0, 0] for n in ("h'", "c'")]
    expected = integer_step(fixed["x"], fixed["h"], fixed["c"], weights, values)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])
    floats = {gate: weights[gate] * scales[gate] for gate in GATES}
    biases = {gate: values[gate].bias * scales[gate] / 32768 for gate in GATES}
    h1, c1 = float_step(state["x"], state["h"], state["c"], floats, biases)
    np.testing.assert_allclose(found[0] / 32768, h1, atol=2e-3)
    np.testing.assert_allclose(found[1] / 2048, c1, atol=2e-3)
