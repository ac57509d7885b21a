"""Lowering: a graph becomes the tables of nests and tensors, once for all designs.

Reshapes are views wherever the next reader can find its elements in the stored order; where it
cannot, two copies through DRAM put them in order.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from apollo.arch.isa import Opcode
from apollo.compiler import numbers
from apollo.compiler.ahead import ahead_of
from apollo.compiler.errors import ComputesNothing
from apollo.compiler.fuse import fused_into
from apollo.compiler.kernels.margins import widen_margins
from apollo.compiler.legalize import legalize
from apollo.compiler.network import Network, layer_macs
from apollo.compiler.pairs import PairTable
from apollo.compiler.recipe import Ingredients, Recipe
from apollo.compiler.selecting import index_rules
from apollo.compiler.storage import Dims, Shape, dims_of, is_in_logical_order
from apollo.compiler.tables import (
    IN_ORDER,
    NESTS,
    NO_TENSOR,
    TENSOR_COLUMNS,
    Ints,
    Nest,
    TensorColumn,
)
from apollo.compiler.wide import wide_inputs
from apollo.workloads.graph import Graph
from apollo.workloads.model import Model, Rounding
from apollo.workloads.operators import Gather, Operator, Unary
from apollo.workloads.quantization import Quantization
from apollo.workloads.sparsity.pruning import Masks

Columns = Mapping[str, int]  # of a nest, by name
# Coordinates of a nest that reads an image as its logical order has it: channel, row, column.
TO_LOGICAL, FROM_LOGICAL = 0x213, 0x132
_ONES = (
    *("IMAGES", "ROWS", "COLUMNS", "CHANNELS", "IN_CHANNELS", "GROUPS", "TAPS"),
    *("KERNEL_ROWS", "KERNEL_COLUMNS", "DILATION_ROWS", "DILATION_COLUMNS"),
    *("STRIDE_ROWS", "STRIDE_COLUMNS", "RESULT_PITCH", "RESULT_ROWS", "RESULT_COLUMNS"),
)

# Whether its source (0), its destination (1), or both have 8 bits (M20).
_NARROW = {Opcode.SOFTMAX: (0,), Opcode.STANDARDIZE: (0,), Opcode.NORMALIZE: (0, 1)}

# What the stored bytes of a nest depend on, beside its recipe.
_OF_PARAMETERS = (
    *(Nest.WEIGHTS, Nest.TABLE_BYTES, Nest.CHANNELS, Nest.IN_CHANNELS, Nest.GROUPS, Nest.TAPS),
    *(Nest.RESULT_STEP, Nest.RESULT_PITCH, Nest.FIRST_PAIRS, Nest.FORM),
)


def lower(graph: Graph, model: Model | None = None, masks: Masks | None = None) -> Network:
    """The tables of a graph; `model` has the numbers, if there are any.

    With masks, as of `workloads.sparsity.masks_of`, weights may be stored as non-zeros. Raises
    `ValueError` for an operator that the machine has no instruction for, and for a mask of no
    operator or of another shape.
    """
    return Lowering(*legalize(graph, model), masks).run()


class Lowering:
    """Numbers tensors as they appear and appends a row for every nest."""

    def __init__(self, graph: Graph, model: Model | None, masks: Masks | None = None) -> None:
        self.graph, self.model = graph, model
        self.hosts = fused_into(graph, model)
        self.ahead = ahead_of(graph)
        self.indices = index_rules(graph)
        self.numbers: dict[str, int] = {}
        self.names: list[str] = []
        self.dims: list[Dims] = []
        self.rules: list[Quantization] = []
        self.is_image: list[bool] = []  # logical order is channel, row, column
        self.in_dram: set[int] = set()
        self.aliases: dict[int, int] = {}
        self.constants: dict[int, str | Ints] = {}
        self.prepared: dict[int, str] = {}
        self.finished: list[str] = []
        self.private: set[int] = set()  # copies that nobody reads but views of them
        self.of_host: set[str] = set()  # tensors that it makes behind
        self.grouped: dict[str, int] = {}  # matrices that lie side by side, by name: how many
        self.rows: list[dict[Nest, int]] = []
        self.layers: list[str] = []
        self.recipes: list[Recipe] = []
        self.pairs = PairTable(graph, masks)

    def run(self) -> Network:
        """Lower every operator, in order."""
        # Here, because every rule is a function of this class.
        from apollo.compiler.lowerings import LOWERINGS

        wide = self.indices | ({} if self.model else wide_inputs(self.graph))
        for name in self.graph.inputs:
            shape, q = self.graph.tensor(name).shape, wide.get(name)
            self.numbers[name] = self.new(name, dims_of(shape), q, is_image=len(shape) >= 4)
            self.in_dram.add(self.numbers[name])
        for operator in self.graph.operators:
            if operator.name in self.hosts:
                self.numbers[operator.output] = self.numbers[operator.inputs[0]]
                continue
            if self.is_finished(operator) or operator.name in self.ahead.values():
                continue
            rule: Callable[[Lowering, Any], None] | None = LOWERINGS.get(type(operator))
            if rule is None:
                raise self.refuse(operator, "has no lowering")
            rule(self, operator)
        for name in (name for name in self.graph.outputs if name not in self.of_host):
            self.in_dram.add(self.plain(name))
        if not self.rows:
            raise ComputesNothing(f"Network '{self.graph.name}' computes nothing.")
        return self.network()

    def is_finished(self, operator: Operator) -> bool:
        """Whether the host does the operator's work, behind the program; then it is noted."""
        follows = [name in self.of_host for name in operator.inputs]
        if not operator.on_host and not any(follows):
            return False
        takes = isinstance(operator, Gather) and follows[1]  # what is left in DRAM
        if not operator.on_host and not takes and not all(follows):
            raise self.refuse(operator, "has no lowering: it reads what the host computes")
        for name in (name for name in operator.inputs if name not in self.of_host):
            self.in_dram.add(self.plain(name))
        self.of_host.update(operator.outputs)
        self.finished.append(operator.name)
        return True

    def network(self) -> Network:
        """The tables of all that was appended."""
        nests = np.zeros((len(self.rows), NESTS), np.int64)
        for index, row in enumerate(self.rows):
            for column, value in row.items():
                nests[index, column] = value
        self.share(nests)
        graph = self.graph
        macs, needed = layer_macs(nests), layer_macs(nests, of_nonzeros=True)
        return Network(
            name=graph.name,
            layer_names=tuple(self.layers),
            nests=nests,
            tensors=self.tensors(nests),
            tensor_names=tuple(self.names),
            recipes=tuple(self.recipes),
            constants=dict(self.constants),
            prepared=dict(self.prepared),
            finished=tuple(self.finished),
            inputs=graph.inputs,
            outputs=graph.outputs,
            numbers=dict(self.numbers),
            pairs=self.pairs.table(),
            macs=graph.macs - int(macs.sum() - needed.sum()),
            parameters=graph.parameters,
            batch=graph.batch,
        )

    def share(self, nests: Ints) -> None:
        """Enter whose parameters every nest has: the first with an equal recipe and shape."""
        first: dict[tuple[Recipe, tuple[int, ...]], int] = {}
        shapes = nests[:, _OF_PARAMETERS]
        for index, recipe in enumerate(self.recipes):
            nests[index, Nest.SHARES] = first.setdefault((recipe, tuple(shapes[index])), index)

    def refuse(self, operator: Operator, what: str) -> ValueError:
        """The sentence for an operator that cannot be lowered."""
        kind = type(operator).__name__
        return ValueError(
            f"Network '{self.graph.name}': operator '{operator.name}' ({kind}) {what}."
        )

    def new(
        self, name: str, dims: Dims, rule: Quantization | None = None, *, is_image: bool = False
    ) -> int:
        """The number of a new tensor, with the quantisation of that name if none is given."""
        self.names.append(name)
        self.dims.append(dims)
        self.is_image.append(is_image)
        self.rules.append(rule or numbers.quantization_of(self.model, name))
        return len(self.names) - 1

    def shape(self, name: str) -> Shape:
        """Of a tensor of the graph."""
        return self.graph.tensor(name).shape

    def last_name(self, operator: Operator) -> tuple[str, list[Unary]]:
        """The tensor that the operator's nest writes, after the clamps that ride on it."""
        name, clamps = operator.output, list[Unary]()
        while True:
            readers = self.graph.consumers(name)
            if len(readers) != 1 or self.hosts.get(readers[0].name) != operator.name:
                return name, clamps
            if isinstance(readers[0], Unary):
                clamps.append(readers[0])
            name = readers[0].output

    def rule_of(self, operator: Operator, name: str = "") -> Quantization:
        """Of an output of an operator, with the clamps that ride on it."""
        own = not name or name == operator.output
        return numbers.quantization_of(self.model, self.last_name(operator)[0] if own else name)

    def result(self, operator: Operator, dims: Dims, name: str = "") -> int:
        """The new tensor that an operator writes."""
        name = name or operator.output
        rule = self.rule_of(operator, name)
        is_image = len(self.shape(name)) >= 4
        self.numbers[name] = self.new(name, dims, rule, is_image=is_image)
        return self.numbers[name]

    def append(
        self,
        operator: Operator,
        opcode: Opcode,
        source: int,
        destination: int,
        recipe: Recipe | None = None,
        columns: Columns | None = None,
        second: int = NO_TENSOR,
    ) -> None:
        """A nest, elementwise over the whole destination unless `columns` say more."""
        narrow = _NARROW.get(opcode, ())
        if any(self.rules[(source, destination)[each]].bits != 8 for each in narrow):
            raise self.refuse(operator, "has no lowering for elements of 16 bits")
        dims = self.dims[destination]
        row = {Nest[name]: 1 for name in _ONES}
        row |= {
            Nest.OPCODE: int(opcode),
            Nest.IMAGES: dims.images,
            Nest.ROWS: dims.rows,
            Nest.COLUMNS: dims.columns,
            Nest.CHANNELS: dims.channels,
            Nest.SOURCE: source,
            Nest.SECOND: second,
            Nest.DESTINATION: destination,
            Nest.PERMUTATION: IN_ORDER,
        }
        rounding = numbers.rounding_of(self.model)
        if recipe is not None and recipe.rounding is not None:
            rounding = recipe.rounding
        if recipe is not None and recipe.ingredients is Ingredients.BLEND:
            rounding = Rounding.ONCE
        row |= self.quantities(operator, rounding, (source, second, destination))
        row |= {Nest[name.upper()]: value for name, value in (columns or {}).items()}
        row[Nest.EXTENT_ROWS] = (row[Nest.KERNEL_ROWS] - 1) * row[Nest.DILATION_ROWS] + 1
        row[Nest.EXTENT_COLUMNS] = (row[Nest.KERNEL_COLUMNS] - 1) * row[Nest.DILATION_COLUMNS] + 1
        self.rows.append(row)
        self.layers.append(operator.name)
        before, after = self.rules[source], self.rules[destination]
        self.recipes.append(recipe or Recipe(Ingredients.NOTHING, operator, before, after))

    def copy(self, operator: Operator, source: int, dims: Dims, columns: Columns) -> int:
        """The number of a new tensor that a copy writes."""
        result = self.new(f"{self.names[source]}:copy", dims, self.rules[source])
        self.append(operator, Opcode.COPY, source, result, columns=columns)
        return result

    def quantities(
        self, operator: Operator, rounding: Rounding, tensors: tuple[int, int, int]
    ) -> dict[Nest, int]:
        """Fill, bounds and widths; `tensors` are source, second and destination."""
        source, second, destination = tensors
        before, after = self.rules[source], self.rules[destination]
        clamps = self.last_name(operator)[1] if self.names[destination] == operator.output else []
        low, high = numbers.bounds(self.model, after, clamps)
        other = None if second == NO_TENSOR else self.rules[second]
        return {
            Nest.FILL: before.zero_point[0],
            Nest.ZERO_POINT: after.zero_point[0],
            Nest.LOW: low,
            Nest.HIGH: high,
            Nest.FLAGS: numbers.flags_of(rounding, before, other, after),
        }

    def is_plain(self, name: str) -> bool:
        """Whether a tensor is stored as its shape has it, not as a view of another shape."""
        number, shape = self.numbers[name], self.shape(name)
        dims, wanted = self.dims[number], dims_of(shape)
        if dims == wanted:
            ordered = dims.channels == 1 or dims.rows * dims.columns == 1
            return ordered or self.is_image[number] == (len(shape) >= 4)
        # Items of a batch may be images of one position, or rows.
        flat = dims.rows * dims.columns == 1 and wanted.columns == 1
        return flat and (dims.images, dims.channels) == (wanted.rows, wanted.channels)

    def plain(self, name: str) -> int:
        """The number of a tensor in the order of its shape: put in order first, if need be."""
        if name in self.grouped:
            from apollo.compiler.lowering_matrices import ungroup

            ungroup(self, name)
        if not self.is_plain(name):
            self.put_in_order(name)
        return self.numbers[name]

    def put_in_order(self, name: str) -> None:
        """Copy a view into its shape's stored order, by way of its logical order in DRAM.

        What is there in its logical order anyway is only seen otherwise.
        """
        old, shape = self.numbers[name], self.shape(name)
        operator, rule = self.graph.producer(name), self.rules[old]
        assert operator is not None  # inputs are plain
        dims, wanted = self.dims[old], dims_of(shape)
        if old in self.in_dram and not self.is_image[old] and is_in_logical_order(shape):
            self.numbers[name] = self.seen_as(old, wanted, is_image=len(shape) >= 4)
            return
        if self.is_image[old] and dims.channels > 1 and dims.rows * dims.columns > 1:
            flat = Dims(dims.images, dims.channels, dims.rows, dims.columns)
            logical = self.new(f"{name}:logical", flat, rule)
            self.append(operator, Opcode.COPY, old, logical, columns={"permutation": TO_LOGICAL})
        else:
            logical = self.new(f"{name}:logical", dims, rule)
            self.append(operator, Opcode.COPY, old, logical)
        self.in_dram.add(logical)
        direct = is_in_logical_order(shape)
        seen = wanted if direct else Dims(wanted[0], wanted[3], wanted[1], wanted[2])
        view = self.seen_as(logical, seen)
        ordered = self.new(f"{name}:ordered", wanted, rule, is_image=len(shape) >= 4)
        self.numbers[name] = ordered
        order = IN_ORDER if direct else FROM_LOGICAL
        self.append(operator, Opcode.COPY, view, ordered, columns={"permutation": order})

    def seen_as(self, number: int, dims: Dims, *, is_image: bool = False) -> int:
        """The bytes of a tensor in DRAM, in their order, as one of other dimensions."""
        view = self.new(f"{self.names[number]}:view", dims, self.rules[number], is_image=is_image)
        self.aliases[view] = number
        self.in_dram |= {number, view}
        return view

    def tensors(self, nests: Ints) -> Ints:
        """The table of tensors: dimensions, margins, last reader, whether they must be in DRAM."""
        table = np.zeros((len(self.names), TENSOR_COLUMNS), np.int64)
        table[:, : TensorColumn.TOP] = self.dims
        table[:, TensorColumn.ALIAS] = NO_TENSOR
        for number, rule in enumerate(self.rules):
            table[number, TensorColumn.WIDTH] = numbers.width_of(rule)
            table[number, TensorColumn.FILL] = rule.zero_point[0]
        for view, stored in self.aliases.items():
            table[view, TensorColumn.ALIAS] = stored
        table[:, TensorColumn.ALIGN_ROWS :] = 1
        widen_margins(nests, np.ones(len(nests), np.int64), table)
        for index, nest in enumerate(nests):
            for column in (Nest.DESTINATION, Nest.SOURCE, Nest.SECOND):
                if nest[column] != NO_TENSOR:
                    table[nest[column], TensorColumn.LAST_USE] = index
        table[list(self.in_dram), TensorColumn.IN_DRAM] = 1
        return table
