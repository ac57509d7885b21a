"""What the lowerings of recurrent layers share: a sequence unrolled in time, gate by gate.

The products of the input are computed for all steps at once, a nest for each gate, and lie shared
out by channels, so that every step finds its row of them in place. A tensor of a step has the items
of a batch as images (as rows where there is but one step).
"""

from typing import NamedTuple

import numpy as np

from apollo.arch.isa import Opcode
from apollo.arch.operands import RECORD_BYTES
from apollo.compiler.lower import Lowering
from apollo.compiler.numbers import quantization_of, rounding_of
from apollo.compiler.recipe import Ingredients, Recipe, Rows
from apollo.compiler.storage import Dims, dims_of
from apollo.workloads.integer.wide import GATE
from apollo.workloads.model import Rounding
from apollo.workloads.operators import GRU, LSTM
from apollo.workloads.quantization import Quantization

ADD_BYTES, TFLITE_ADD_BYTES, WIDE_TABLE_BYTES = 13, 20, 2 * 513


class At(NamedTuple):
    """A tensor, and the row of it that a step reads."""

    tensor: int
    row: int = 0


class Layer:
    """The nests of a recurrent layer, and its output as it is put together."""

    def __init__(self, lowering: Lowering, operator: LSTM | GRU) -> None:
        self.lowering, self.operator = lowering, operator
        shape = lowering.shape(operator.inputs[0])
        self.is_sequence = len(shape) == 3
        self.steps = shape[1] if self.is_sequence else 1
        plain = lowering.plain(operator.inputs[0])
        dims = lowering.dims[plain]
        if self.is_sequence:
            dims = Dims(shape[0], shape[1], 1, shape[2])
        self.source = self._seen(plain, dims)
        self.items = dims._replace(rows=1) if self.is_sequence else dims
        self.rule = quantization_of(
            lowering.model, operator.output
        )  # of the hidden state between steps
        self.whole = self._whole() if self.steps * operator.directions > 1 else None

    def _seen(self, number: int, dims: Dims) -> int:
        """A tensor as one of other dimensions: itself, or its bytes in DRAM."""
        if self.lowering.dims[number] == dims:
            return number
        return self.lowering.seen_as(number, dims)

    def _whole(self) -> int:
        """The output of several steps or directions: put together in DRAM."""
        lowering, operator = self.lowering, self.operator
        dims = dims_of(lowering.shape(operator.output))
        if not self.is_sequence or self.items.images == 1:
            rows = self.steps if self.is_sequence else self.items.rows
            whole = self.items._replace(rows=rows, channels=dims.channels)
            number = lowering.result(operator, whole)
            lowering.in_dram.add(number)
            return number
        parts = Dims(self.items.images, self.steps, 1, dims.channels)
        number = lowering.new(f"{operator.output}:parts", parts, self.rule)
        lowering.numbers[operator.output] = lowering.seen_as(number, dims)
        return number

    def given(self, index: int, channels: int) -> int:
        """The tensor of a state that is an input."""
        number = self.lowering.plain(self.operator.inputs[index])
        return self._seen(number, self.items._replace(channels=channels))

    def zero(self, part: str, channels: int, rule: Quantization) -> int:
        """A state of zeros, stored."""
        number = self._new(f"{part}:zero", channels, rule)
        images, rows, columns, _ = self.items
        zeros = np.full((images, channels, rows, columns), rule.zero_point[0], np.int64)
        self.lowering.constants[number] = zeros
        self.lowering.in_dram.add(number)
        return number

    def _new(self, part: str, channels: int, rule: Quantization) -> int:
        dims = self.items._replace(channels=channels)
        return self.lowering.new(f"{self.operator.name}:{part}", dims, rule)

    def order(self, direction: int) -> range:
        """Steps in the order of a direction."""
        return range(self.steps)[:: -1 if direction else 1]

    def inputs(self, rows: Rows) -> int:
        """A gate's product of the input at all steps."""
        dims = self.lowering.dims[self.source]._replace(channels=rows.count)
        name = f"{self.operator.name}:inputs"
        found = self.lowering.new(name, dims, GATE)
        self._multiply_by(rows, At(self.source), found)
        if self.steps == 1:
            return found
        spread = self.lowering.new(f"{name}:spread", dims, GATE)
        columns = {"whole_rows": 1}
        self.lowering.append(self.operator, Opcode.COPY, found, spread, columns=columns)
        return spread

    def product(
        self, source: int, rows: Rows, rule: Quantization, result: int | None = None
    ) -> int:
        """Rows of a stored matrix times the channels of a tensor."""
        if result is None:
            result = self._new(rows.role, rows.count, rule)
        self._multiply_by(rows, At(source), result)
        return result

    def _multiply_by(self, rows: Rows, source: At, result: int) -> None:
        columns = {
            "in_channels": self.lowering.dims[source.tensor].channels,
            "mixes_channels": 1,
            "weights": 1,
        }
        self._append(Opcode.CONVOLVE, Ingredients.ROWS, source, result, columns, rows=rows)

    def scale_rows(self, source: int, rows: Rows) -> int:
        """Every channel times a stored scale, plus a stored summand."""
        result = self._new(rows.role, rows.count, GATE)
        columns = {"weights": 1}
        kind = Ingredients.ROW_SCALES
        self._append(Opcode.DEPTHWISE, kind, At(source), result, columns, rows=rows)
        return result

    def mean(self, source: At, rule: Quantization) -> int:
        """The mean of all channels."""
        lowering = self.lowering
        channels = lowering.dims[source.tensor].channels
        result = self._new("mean", 1, rule)
        recipe = self._recipe(Ingredients.ONES, source.tensor, result, count=channels)
        columns = {"in_channels": channels, "mixes_channels": 1, "weights": 1}
        columns["pad_rows"] = -source.row
        lowering.append(self.operator, Opcode.CONVOLVE, source.tensor, result, recipe, columns)
        return result

    def table(self, source: At, kind: Ingredients, rule: Quantization, count: int = 1) -> int:
        """A function of every element, of 16 bits."""
        channels = self.lowering.dims[source.tensor].channels
        result = self._new(kind.value, channels, rule)
        columns = {"table_bytes": WIDE_TABLE_BYTES, "pad_rows": -source.row}
        recipe = self._recipe(kind, source.tensor, result, count=count)
        lowering = self.lowering
        lowering.append(self.operator, Opcode.LOOKUP, source.tensor, result, recipe, columns)
        return result

    def multiply(
        self, first: int, second: int, rule: Quantization, result: int | None = None
    ) -> int:
        """Elements times elements."""
        return self._pair(Ingredients.PRODUCT, At(first), second, rule, result)

    def add(self, first: At, second: int, rule: Quantization) -> int:
        """Elements plus elements."""
        return self._pair(Ingredients.SUM, first, second, rule)

    def subtract(self, first: At, second: int, rule: Quantization) -> int:
        """Elements less elements."""
        return self._pair(Ingredients.DIFFERENCE, first, second, rule)

    def _pair(
        self,
        kind: Ingredients,
        first: At,
        second: int,
        rule: Quantization,
        result: int | None = None,
    ) -> int:
        lowering = self.lowering
        if result is None:
            result = self._new(kind.value, lowering.dims[first.tensor].channels, rule)
        recipe = self._recipe(kind, first.tensor, result, second=self._rule(second))
        is_product = kind is Ingredients.PRODUCT
        columns = {
            "table_bytes": RECORD_BYTES if is_product else ADD_BYTES,
            "pad_rows": -first.row,
        }
        opcode = Opcode.MULTIPLY if is_product else Opcode.ADD
        lowering.append(self.operator, opcode, first.tensor, result, recipe, columns, second)
        return result

    def in_units(
        self, source: int, rule: Quantization, rounding: Rounding | None, result: int | None = None
    ) -> int:
        """The same real numbers in other units; the tensor itself where they are the same."""
        lowering = self.lowering
        before = lowering.rules[source]
        if result is None and before == rule:
            return source
        if result is None:
            result = self._new("units", lowering.dims[source].channels, rule)
        recipe = self._recipe(Ingredients.SCALED, source, result, rounding=rounding)
        once = (rounding or rounding_of(lowering.model)) is Rounding.ONCE
        columns = {"table_bytes": ADD_BYTES if once else TFLITE_ADD_BYTES}
        lowering.append(self.operator, Opcode.ADD, source, result, recipe, columns, source)
        return result

    def hidden(self) -> int:
        """The tensor of the hidden state after a step: the output itself, if that is all of it."""
        channels = self.operator.features
        if self.whole is None:
            return self.lowering.result(self.operator, self.items._replace(channels=channels))
        return self._new("hidden", channels, self.rule)

    def put(self, hidden: int, step: int, direction: int) -> None:
        """Put the hidden state after a step into the output."""
        if self.whole is None:
            return
        columns = {
            "first_row": step,
            "first_channel": direction * self.operator.features,
            "is_part": 1,
            **self.items._replace(channels=self.operator.features)._asdict(),
        }
        self.lowering.append(self.operator, Opcode.COPY, hidden, self.whole, columns=columns)

    def finish(self, name: str, state: int, rounding: Rounding | None = None) -> None:
        """Give out a state after the last step in units of its tensor, if it is wanted."""
        if name:
            lowering = self.lowering
            model, rule = lowering.model, lowering.rules[state]
            rule = rule if model is None else quantization_of(model, name)
            self.lowering.numbers[name] = self.in_units(state, rule, rounding)

    def _append(
        self,
        opcode: Opcode,
        kind: Ingredients,
        source: At,
        result: int,
        columns: dict[str, int],
        *,
        rows: Rows,
    ) -> None:
        """A nest of stored numbers, which are those of this layer."""
        before, after = self._rule(source.tensor), self._rule(result)
        once = Rounding.ONCE
        recipe = Recipe(kind, self.operator, before, after, rows=rows, rounding=once)
        self.lowering.append(self.operator, opcode, source.tensor, result, recipe, columns)

    def _recipe(
        self,
        kind: Ingredients,
        source: int,
        result: int,
        *,
        second: Quantization | None = None,
        count: int = 1,
        rounding: Rounding | None = Rounding.ONCE,
    ) -> Recipe:
        """Of numbers that the operator does not store: the same at every step."""
        before, after = self._rule(source), self._rule(result)
        return Recipe(kind, self.operator, before, after, second, count=count, rounding=rounding)

    def _rule(self, number: int) -> Quantization:
        """Of a tensor; not by its name, so that recipes of all steps are equal."""
        return self.lowering.rules[number]
