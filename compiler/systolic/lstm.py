"""An LSTM cell as layers: gates as matrix layers over [h, x], the rest on the vector unit.

16-bit activations and state, 8-bit weights. Fixed point: x, h and every gate in Q15 (1.0 is 32,768,
not reached), preactivations in Q12 (+-8, beyond which sigmoid and tanh are flat), the cell state in
Q11 (+-16). c' = f c + i g, h' = o tanh(c') (Hochreiter and Schmidhuber 1997; forget gate: Gers et
al. 2000).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from apollo.compiler.systolic.layers import (
    WIDE_RANGE,
    FullyConnected,
    Layer,
    Shape,
    Stack,
    Vector,
    VectorKind,
)
from apollo.compiler.systolic.layout import Bytes, Layout, Requantisation, Values

Floats = npt.NDArray[np.floating]

GATES = ("i", "f", "g", "o")
GATE_BITS, PREACTIVATION_BITS, CELL_BITS = 15, 12, 11
_TABLES: dict[str, tuple[int, Callable[[Floats], Floats]]] = {
    "sigmoid": (PREACTIVATION_BITS, lambda x: 1 / (1 + np.exp(-x))),
    "tanh": (PREACTIVATION_BITS, np.tanh),
    "tanh of cell": (CELL_BITS, np.tanh),
}
# Products: operands and the bits that their record shifts away.
_PRODUCTS = {
    "ig": ("i", "g", 2 * GATE_BITS - CELL_BITS),
    "fc": ("f", "c", GATE_BITS),
    "h'": ("o", "tanh", GATE_BITS),
}
FINE = {"ig": "products", "fc": "products", "c'": "state", "tanh": "tanh", "h'": "output"}
COARSE = dict.fromkeys(FINE, "state")


@dataclass(frozen=True)
class Cell:
    """A cell that reads `sources`; its tensors are `name.h`, `name.c` and those of the step."""

    name: str
    sources: tuple[str, ...]
    hidden: int
    headings: tuple[tuple[str, str], ...] = tuple(FINE.items())  # of vector layers, beside "gates"

    def tensor(self, part: str) -> str:
        """The name of one of its tensors: h and c before the step, h' and c' after it."""
        return f"{self.name}.{part}"

    def layers(self) -> list[Layer]:
        """The step. What a gate goes through comes after the multiplications of the next gate."""
        return [
            self._gate("g"),
            self._gate("i"),
            self._function("g", "tanh", "gates"),
            self._gate("f"),
            self._function("i", "sigmoid", "gates"),
            self._product("ig"),
            self._gate("o"),
            self._function("f", "sigmoid", "gates"),
            self._product("fc"),
            self._vector("c'", VectorKind.ADD, ("ig", "fc")),
            self._function("c'", "tanh of cell", dict(self.headings)["tanh"], output="tanh"),
            self._function("o", "sigmoid", "gates"),
            self._product("h'"),
        ]

    def _gate(self, gate: str) -> Layer:
        # The carried state first: it is there while the layer before still computes x.
        sources = (self.tensor("h"), *self.sources)
        name = self.tensor(f"gate {gate}")
        return FullyConnected(name, sources, name, self.hidden, wide=True, range=WIDE_RANGE)

    def _function(self, source: str, table: str, heading: str, output: str = "") -> Layer:
        read = source if output else f"gate {source}"
        return Vector(
            f"{self.tensor(output or source)} = {table}",
            VectorKind.LOOKUP,
            (self.tensor(read),),
            self.tensor(output or source),
            WIDE_RANGE,
            self.tensor(heading),
            table,
        )

    def _product(self, output: str) -> Layer:
        return self._vector(output, VectorKind.MULTIPLY, _PRODUCTS[output][:2])

    def _vector(self, output: str, kind: VectorKind, sources: tuple[str, str]) -> Layer:
        first, second = map(self.tensor, sources)
        name, heading = self.tensor(output), self.tensor(dict(self.headings)[output])
        return Vector(name, kind, (first, second), name, WIDE_RANGE, heading)

    def pack_constants(self, layout: Layout, memory: Bytes) -> None:
        """Write the tables and the records of the vector layers."""
        for table, (bits, function) in _TABLES.items():
            at = (np.arange(513) * 128 - (1 << 15)) / (1 << bits)
            values = np.clip(np.round(function(at) * (1 << GATE_BITS)), -32768, 32767)
            layout.pack_table(memory, table, values.astype(np.int64), wide=True)
        for name, (_, _, shift) in _PRODUCTS.items():
            layout.pack_product(memory, self.tensor(name), 1, shift)
        layout.pack_sum(memory, self.tensor("c'"), (2, 2), 1)

    def pack_gate(
        self, layout: Layout, memory: Bytes, gate: str, weights: Values, values: Requantisation
    ) -> None:
        """Write a gate's weights [hidden + inputs, hidden] and requantisation to Q12."""
        name = self.tensor(f"gate {gate}")
        layout.pack_weights(memory, name, weights)
        layout.pack_records(memory, name, values)


def lstm_step(batch: int, inputs: int, hidden: int) -> tuple[Cell, Stack]:
    """One step of one cell: x, h and c in, h' and c' out."""
    cell = Cell("lstm", ("x",), hidden)
    state = Shape(batch, 1, 1, hidden, wide=True)
    shapes = {
        cell.tensor("h"): state,
        "x": Shape(batch, 1, 1, inputs, wide=True),
        cell.tensor("c"): state,
    }
    outputs = (cell.tensor("h'"), cell.tensor("c'"))
    return cell, Stack("LSTM step", shapes, tuple(cell.layers()), outputs)
