"""Export of recurrent layers: plain ones as ONNX has them, others as a Scan over their steps."""

from typing import Any

import numpy as np
from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from apollo.workloads.model import Values
from apollo.workloads.onnx.export.writing import Writing
from apollo.workloads.operators import GRU, LSTM

_EPSILON = 1e-6  # of normalised gates
_PLACES = {LSTM: (0, 3, 1, 2), GRU: (0, 1, 2)}  # of our gates in ONNX's order


def recurrent(operator: LSTM | GRU, writing: Writing) -> None:
    """A layer on the sequence (t, n, c)."""
    source = writing.source(operator.inputs[0])
    shape = writing.shape(operator.inputs[0])
    steps, batch = (1, shape[0]) if len(shape) == 2 else (shape[1], shape[0])
    perm_source = source
    if len(shape) == 2:
        only = writing.integers(f"{operator.name}/first", (1, *shape))
        sequence = writing.node("Reshape", [perm_source, only], f"{operator.output}/sequence")
    else:
        name = f"{operator.output}/sequence"
        sequence = writing.node("Transpose", [perm_source], name, perm=(1, 0, 2))
    states = [writing.source(name) for name in operator.inputs[1:]]
    special = isinstance(operator, LSTM) and (operator.projection or operator.layer_norm)
    write = _scan if special else _plain
    results = write(operator, writing, sequence, states, batch)
    size = (batch, steps, operator.directions * operator.features)
    _shaped(operator, writing, results[0], size, len(shape) == 2)
    for name, result, extent in zip(
        _state_names(operator), results[1:], _extents(operator), strict=False
    ):
        if name:
            target = writing.integers(f"{name}/shape", (batch, extent))
            writing.node("Reshape", [result, target], name)


def _state_names(operator: LSTM | GRU) -> tuple[str, ...]:
    return (operator.hidden, operator.memory) if isinstance(operator, LSTM) else (operator.hidden,)


def _extents(operator: LSTM | GRU) -> tuple[int, int]:
    return operator.features, operator.units


def _shaped(
    operator: LSTM | GRU, writing: Writing, result: str, size: tuple[int, int, int], single: bool
) -> None:
    """From (t, directions, n, c) to (n, t, directions * c), or without t of a single step."""
    batch, steps, features = size
    turned = writing.node("Transpose", [result], f"{operator.output}/turned", perm=(2, 0, 1, 3))
    shape = (batch, features) if single else (batch, steps, features)
    target = writing.integers(f"{operator.name}/shape", shape)
    writing.node("Reshape", [turned, target], operator.output)


def _reordered(values: Values, places: tuple[int, ...]) -> Values:
    parts = np.split(values, len(places), axis=1)
    return np.concatenate([parts[place] for place in places], axis=1)


def _real(operator: LSTM | GRU, writing: Writing, role: str) -> Values:
    constant = writing.model.constant(operator.name, role)
    rule = constant.quantization
    real = constant.values if rule is None else rule.dequantize(constant.values)
    return real.astype(np.float32)


def _plain(
    operator: LSTM | GRU, writing: Writing, sequence: str, states: list[str], batch: int
) -> list[str]:
    """ONNX's own layer."""
    places, name = _PLACES[type(operator)], operator.name
    matrices = [
        writing.store(f"{name}/{role}", _reordered(_real(operator, writing, role), places))
        for role in ("input_weight", "recurrent_weight")
    ]
    bias = _real(operator, writing, "bias")
    apart = isinstance(operator, GRU) and operator.reset_after
    halves = np.split(bias, 2, axis=1) if apart else [bias, np.zeros_like(bias)]
    joined = np.concatenate([_reordered(half, places) for half in halves], axis=1)
    inputs = [sequence, *matrices, writing.store(f"{name}/bias", joined), ""]
    for index, state in enumerate(states):
        extent = _extents(operator)[index]
        shape = writing.integers(f"{name}/state{index}", (1, batch, extent))
        inputs.append(writing.node("Reshape", [state, shape], f"{name}/initial{index}"))
    outputs = [f"{operator.output}/{index}" for index in range(3 if not apart else 2)]
    outputs = outputs[: 3 if isinstance(operator, LSTM) else 2]
    attributes = {"linear_before_reset": int(apart)} if isinstance(operator, GRU) else {}
    writing.node(
        type(operator).__name__,
        inputs,
        outputs,
        hidden_size=operator.units,
        direction="bidirectional" if operator.bidirectional else "forward",
        **attributes,
    )
    return outputs


def _scan(
    operator: LSTM | GRU, writing: Writing, sequence: str, states: list[str], batch: int
) -> list[str]:
    """A projected or normalised LSTM, step by step."""
    if not isinstance(operator, LSTM) or operator.bidirectional:
        raise ValueError(f"{operator.label} {operator.name!r} cannot be exported to ONNX.")
    name = operator.name
    for index in range(len(states), 2):
        zeros = np.zeros((batch, _extents(operator)[index]), np.float32)
        states.append(writing.store(f"{name}/zero{index}", zeros))
    roles = ["input_weight", "recurrent_weight", "bias"]
    roles += ["projection_weight"] if operator.projection else []
    roles += ["scale"] if operator.layer_norm else []
    stored = {
        role: writing.store(f"{name}/{role}", _real(operator, writing, role)[0].T) for role in roles
    }
    body = _step(operator, writing, stored, batch)
    outputs = [f"{operator.output}/scanned/{role}" for role in ("hidden", "memory", "steps")]
    writing.node("Scan", [*states, sequence], outputs, body=body, num_scan_inputs=1)
    middle = writing.integers(f"{name}/one", [1])
    deep = writing.node("Unsqueeze", [outputs[2], middle], f"{operator.output}/deep")
    return [deep, outputs[0], outputs[1]]


def _step(operator: LSTM, writing: Writing, stored: dict[str, str], batch: int) -> GraphProto:
    """One step as a graph that takes the weights from outside."""
    name, made = operator.name, []

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        full = f"{name}/step/{output}"
        made.append(helper.make_node(kind, inputs, [full], **attributes))
        return full

    hidden, memory, given = (f"{name}/step/{role}" for role in ("h", "c", "x"))
    products = [
        node("MatMul", [given, stored["input_weight"]], "from_input"),
        node("MatMul", [hidden, stored["recurrent_weight"]], "from_state"),
    ]
    total = node("Add", products, "sum")
    gates = [f"{name}/step/gate{index}" for index in range(4)]
    if operator.layer_norm:
        grouped = writing.integers(f"{name}/grouped", (batch, 4, operator.units))
        ones = writing.store(f"{name}/ones", np.ones(operator.units, np.float32))
        parted = node("Reshape", [total, grouped], "parted")
        normal = node("LayerNormalization", [parted, ones], "normal", epsilon=_EPSILON)
        flat = writing.integers(f"{name}/flat", (batch, 4 * operator.units))
        joined = node("Reshape", [normal, flat], "joined")
        total = node("Mul", [joined, stored["scale"]], "scaled")
    biased = node("Add", [total, stored["bias"]], "biased")
    made.append(helper.make_node("Split", [biased], gates, axis=1))
    opened = [
        node("Tanh" if index == 2 else "Sigmoid", [gate], f"open{index}")
        for index, gate in enumerate(gates)
    ]
    new = node("Mul", [opened[0], opened[2]], "new")
    kept = node("Mul", [opened[1], memory], "kept")
    after = node("Add", [kept, new], "c_after")
    squashed = node("Tanh", [after], "squashed")
    result = node("Mul", [opened[3], squashed], "gated")
    if operator.projection:
        result = node("MatMul", [result, stored["projection_weight"]], "h_after")
    step = node("Identity", [result], "y")
    sizes = {hidden: operator.features, memory: operator.units, given: None}
    wanted = {result: operator.features, after: operator.units, step: operator.features}
    return helper.make_graph(
        made,
        f"{name}/step",
        [_info(*item, batch) for item in sizes.items()],
        [_info(*item, batch) for item in wanted.items()],
    )


def _info(name: str, extent: int | None, batch: int) -> ValueInfoProto:
    shape = None if extent is None else (batch, extent)
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
