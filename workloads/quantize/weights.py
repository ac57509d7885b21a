"""Stored tensors as integers: symmetric int8, by output channel where there are channels."""

from collections.abc import Mapping

import numpy as np

from apollo.workloads.model import Constant, Model, Rounding, Values
from apollo.workloads.operators import (
    GRU,
    LSTM,
    Binary,
    Convolution,
    ConvTranspose,
    Embedding,
    FullyConnected,
    Operator,
    PReLU,
)
from apollo.workloads.quantization import PER_TENSOR, Quantization
from apollo.workloads.quantize.rules import of_memory, of_range

_GREATEST = 127
_LEAST_SCALE = 1e-9
_INT32 = (-(1 << 31), (1 << 31) - 1)
Constants = dict[tuple[str, str], Constant]


def quantized_constants(
    model: Model, rules: Mapping[str, Quantization], memories: Mapping[str, float]
) -> Constants:
    """Every stored tensor as integers; factors of normalisations stay real."""
    found = dict(model.constants)
    for operator in model.graph.operators:
        if isinstance(operator, Convolution | ConvTranspose | FullyConnected):
            found.update(_layer(model, operator, rules))
        elif isinstance(operator, LSTM | GRU):
            found.update(_recurrent(model, operator, rules, memories))
        elif isinstance(operator, Embedding):
            _replace(found, operator, "table", rules[operator.output])
        elif isinstance(operator, Binary) and operator.constant:
            values = _real(model, operator, "constant")
            if values.size == 1 and model.rounding is Rounding.ONCE:
                continue  # a number makes a table of the function
            _replace(found, operator, "constant", of_range(values.min(), values.max()))
        elif isinstance(operator, PReLU):
            _replace(found, operator, "slope", symmetric(_real(model, operator, "slope")))
    return found


def symmetric(values: Values, axis: int = PER_TENSOR) -> Quantization:
    """Int8 with zero point 0: the greatest magnitude, of all or of each channel, becomes 127."""
    others = tuple(other for other in range(values.ndim) if axis in (PER_TENSOR,) or other != axis)
    greatest = np.abs(values).max(others)
    # In float32, as files hold scales.
    scales = np.maximum(np.atleast_1d(greatest) / np.float32(_GREATEST), np.float32(_LEAST_SCALE))
    return Quantization(tuple(map(float, scales)), (0,) * len(scales), axis)


def _real(model: Model, operator: Operator, role: str) -> Values:
    constant = model.constant(operator.name, role)
    rule = constant.quantization
    return constant.values if rule is None else rule.dequantize(constant.values)


def _replace(found: Constants, operator: Operator, role: str, rule: Quantization) -> None:
    before = found[operator.name, role]
    if before.quantization is not None:
        return
    found[operator.name, role] = Constant(before.shape, lambda: rule.quantize(before.values), rule)


def _layer(
    model: Model,
    operator: Convolution | ConvTranspose | FullyConnected,
    rules: Mapping[str, Quantization],
) -> Constants:
    found = {(operator.name, "weight"): model.constant(operator.name, "weight")}
    if found[operator.name, "weight"].quantization is None:
        # A group of a transposed convolution shares its channels' places: one scale for all.
        transposed = isinstance(operator, ConvTranspose)
        axis = 0 if not transposed else (1 if operator.groups == 1 else PER_TENSOR)  # type: ignore[union-attr]
        values = found[operator.name, "weight"].values
        _replace(found, operator, "weight", symmetric(values, axis))
    if not operator.bias:
        return found
    rule = found[operator.name, "weight"].quantization
    source = rules[operator.inputs[0]].scale[0]
    constant = model.constant(operator.name, "bias")
    if rule is not None and constant.quantization is None:
        count = constant.shape[0]
        scales = tuple(source * value for value in rule.scale)
        scales = scales * count if len(scales) == 1 else scales
        found[operator.name, "bias"] = _bias(constant, scales)
    return found


def _bias(constant: Constant, scales: tuple[float, ...]) -> Constant:
    """Int32 in units of sums; numbers beyond that are saturated."""
    rule = Quantization(scales, (0,) * len(scales), 0, 32)

    def read() -> Values:
        stored = np.rint(constant.values.astype(np.float64) / np.array(scales))
        return np.asarray(np.clip(stored, *_INT32), np.int32)

    return Constant(constant.shape, read, rule)


def _recurrent(
    model: Model,
    operator: LSTM | GRU,
    rules: Mapping[str, Quantization],
    memories: Mapping[str, float],
) -> Constants:
    """Matrices by row, both directions alike; the memory's units as a stored zero."""
    found: Constants = {}
    for role in ("input_weight", "recurrent_weight", "projection_weight"):
        if (operator.name, role) in model.constants:
            found[operator.name, role] = model.constant(operator.name, role)
            if found[operator.name, role].quantization is None:
                values = found[operator.name, role].values
                _replace(found, operator, role, symmetric(values, 1))
    if isinstance(operator, LSTM) and (operator.name, "memory") not in model.constants:
        named = operator.memory or (operator.inputs[2] if len(operator.inputs) > 2 else "")
        rule = rules[named] if named else of_memory(memories.get(operator.name, 8.0))
        found[operator.name, "memory"] = Constant((1,), lambda: np.zeros(1, np.int32), rule)
    return found
