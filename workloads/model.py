"""A network with its numbers: a graph, the values it stores, and what its integers stand for.

Shapes and counts need the graph alone, so a graph knows nothing of values. A *role* says which of
an operator's stored tensors a constant is:

- convolutions: `weight` (out, in / groups, kernel h, w), `bias` (out); transposed ones: `weight`
  (in, out / groups, kernel h, w); fully connected: `weight` (out, in), `bias` (out);
- recurrent layers: `input_weight` (directions, gates * units, in), `recurrent_weight` (directions,
  gates * units, features), `bias` (directions, gates * units), `projection_weight` (directions,
  features, units); gates of an LSTM are input, forget, cell, output, those of a GRU are update,
  reset, hidden, and with `reset_after` the biases of the recurrent products follow those of the
  input's;
- `constant` (second operand of a binary function), `slope` (PReLU), `scale` and `shift`
  (normalisations), `table` (embedding).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy.typing as npt

from apollo.workloads.graph import Graph
from apollo.workloads.indices import index_tensors
from apollo.workloads.quantization import Quantization
from apollo.workloads.shapes import Shape

Values = npt.NDArray[Any]


class Rounding(Enum):
    """How sums become outputs (docs/machine.md, M27)."""

    ONCE = "once"  # one rounding, ties upwards
    TFLITE = "tflite"  # the two roundings of TensorFlow Lite


@dataclass(frozen=True)
class Constant:
    """A tensor that is stored with the network.

    `read` gives its values when they are wanted: a file of 100 MB is not read to count its layers.
    """

    shape: Shape
    read: Callable[[], Values]
    quantization: Quantization | None = None  # None: real numbers

    @cached_property
    def values(self) -> Values:
        """The stored values, of the shape: integers where they are quantised, else float32."""
        values = self.read()
        if values.shape != self.shape:
            raise ValueError(f"A constant of shape {self.shape} must not hold {values.shape}.")
        return values


@dataclass(frozen=True)
class LeftOut:
    """An operator of a file that is not part of the model: it cannot be run here.

    Attributes:
        name: of the operator in the file.
        kind: in the file's words.
        reason: why it is left out, as a clause.
        macs: its multiply-accumulates; None where they are not known.

    """

    name: str
    kind: str
    reason: str
    macs: int | None


@dataclass(frozen=True)
class Model:
    """A graph and its numbers.

    Attributes:
        graph: the network.
        constants: by operator name and role.
        quantization: by tensor name; tensors that are not in it are real numbers.
        rounding: of the whole model.
        left_out: what of a file is not in the graph; what it gives are inputs of the graph.

    """

    graph: Graph
    constants: Mapping[tuple[str, str], Constant] = field(default_factory=dict)
    quantization: Mapping[str, Quantization] = field(default_factory=dict)
    rounding: Rounding = Rounding.ONCE
    left_out: tuple[LeftOut, ...] = ()

    def __post_init__(self) -> None:
        operators = {operator.name for operator in self.graph.operators}
        for name, role in self.constants:
            if name not in operators:
                raise ValueError(f"Constant {role!r} belongs to no operator: {name!r}.")
        for name in self.quantization:
            self.graph.tensor(name)
        object.__setattr__(self, "constants", MappingProxyType(dict(self.constants)))
        object.__setattr__(self, "quantization", MappingProxyType(dict(self.quantization)))

    def constant(self, operator: str, role: str) -> Constant:
        """A stored tensor.

        Raises `ValueError` when the model has no values for it.
        """
        try:
            return self.constants[operator, role]
        except KeyError:
            raise ValueError(f"Operator {operator!r} has no stored {role!r}.") from None

    @property
    def is_quantized(self) -> bool:
        """Whether every tensor between operators is integers; positions are so anyway."""
        known = {*self.quantization, *index_tensors(self.graph)}
        return all(tensor.name in known for tensor in self.graph.tensors)
