"""A quantised model against ONNX Runtime, operator by operator on ONNX Runtime's own inputs."""

from dataclasses import dataclass

import numpy as np
from onnx import helper

from apollo.workloads.integer.context import Context
from apollo.workloads.integer.run import execute
from apollo.workloads.onnx.export import to_onnx
from apollo.workloads.operators import Unary
from apollo.workloads.quantize.rules import CLAMPS
from tests.workloads.onnx.build import session


@dataclass(frozen=True)
class Row:
    """One output of one operator.

    `saturated`: share of its real values that are a unit or more outside of its integers' range.
    `exact`: share of its elements that do not differ.
    `clamped`: whether a clamp alone reads it, which is one operation with this one.
    """

    tensor: str
    label: str
    difference: int
    distinct: int
    saturated: float
    clamped: bool
    elements: int
    exact: float

    @property
    def fit(self):
        """Whether it says something: a comparison of constants or of clipped values does not."""
        return self.distinct >= 16 and self.saturated <= 0.05


def executed(model, feeds):
    """Real numbers and integers of every tensor, of the model in QDQ form."""
    exported = to_onnx(model)
    there = {item.name for item in exported.graph.output}
    stored = {node.output[0] for node in exported.graph.node if node.op_type == "QuantizeLinear"}
    tensors = [tensor.name for tensor in model.graph.tensors]
    for name in tensors:
        for wanted in (name, f"{name}/integers"):
            known = wanted in stored or (wanted == name and name not in model.graph.inputs)
            if known and wanted not in there:
                exported.graph.output.append(helper.make_empty_tensor_value_info(wanted))
    run = session(exported)
    names = [item.name for item in run.get_outputs()]
    found = dict(zip(names, run.run(names, dict(feeds)), strict=True)) | dict(feeds)
    return (
        {name: found[name] for name in tensors},
        {name: found[f"{name}/integers"] for name in tensors if f"{name}/integers" in found},
    )


def stored(model, feeds):
    """Real numbers and integers of every tensor; those of 16 bits are rounded here."""
    real, integers = executed(model, feeds)
    for name, values in real.items():
        rule = model.quantization.get(name)
        kept = integers.get(name, values if rule is None else rule.quantize(values))
        integers[name] = np.asarray(kept).astype(np.int64)
    return real, integers


def compare(model, feeds):
    """Every output of every operator."""
    real, integers = stored(model, feeds)
    context = Context(model)
    context.tensors.update(integers)
    return [
        row_of(model, operator, name, real[name], integers[name], values)
        for operator in model.graph.operators
        for name, values in zip(operator.outputs, execute(operator, context), strict=True)
    ]


def row_of(model, operator, name, real, expected, found):
    """What is to be said about integers that were found for an operator's output."""
    differences = np.abs(found - expected)
    rule, outside = model.quantization.get(name), 0.0
    if rule is not None:
        edge = rule.dequantize(np.array([rule.low - 1, rule.high + 1]))
        outside = float(((real < edge[0]) | (real > edge[1])).mean())
    readers = model.graph.consumers(name)
    clamped = bool(readers) and all(
        isinstance(reader, Unary) and reader.kind in CLAMPS for reader in readers
    )
    return Row(
        name,
        operator.label,
        int(differences.max()),
        len(np.unique(found)),
        outside,
        clamped,
        found.size,
        float((differences == 0).mean()),
    )
