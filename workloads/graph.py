"""A network: tensors, and the operators that compute them, in an order that can run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from apollo.notebook import html_table
from apollo.workloads.operators import BatchNormalization, Convolution, Operator, Reshape
from apollo.workloads.shapes import Shape, Shapes, elements

INT8_BYTES = 1
_SHOWN_LAYERS = 20  # in a notebook
MOST_ELEMENTS = 1 << 48  # of a tensor; counts stay inside 64 bits


@dataclass(frozen=True)
class Tensor:
    """A value that flows through a network.

    Attributes:
        name: unique in its network.
        shape: (n, c, h, w), (n, c) or (n, t, c); between reshapes any rank.

    """

    name: str
    shape: Shape

    def __post_init__(self) -> None:
        if not self.shape or min(self.shape) < 1:
            raise ValueError(
                f"Tensor {self.name!r} must have positive dimensions, not {self.shape}."
            )
        if elements(self.shape) > MOST_ELEMENTS:
            raise ValueError(
                f"Tensor {self.name!r} must have at most {MOST_ELEMENTS:,} elements, "
                f"not {elements(self.shape):,}."
            )


@dataclass(frozen=True)
class Layer:
    """One operator as a table row; the rows of a network sum to its totals.

    Attributes:
        name: of the operator.
        kind: such as `Convolution`.
        output_shape: shape of the first tensor written.
        macs: multiply-accumulates.
        parameters: values to deploy; a folded normalisation has none, its layer has the biases.
        activations: elements written, of all outputs.
        activation_bytes: bytes written at int8.

    """

    name: str
    kind: str
    output_shape: Shape
    macs: int
    parameters: int
    activations: int
    activation_bytes: int


@dataclass(frozen=True)
class Graph:
    """A network, valid by construction.

    Attributes:
        name: of the network.
        tensors: every tensor, inputs included.
        operators: in topological order.
        inputs: names of the tensors given.
        outputs: names of the tensors asked for.
        rows: leading dimension of the inputs for a batch of one.

    """

    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rows: int = 1

    def __post_init__(self) -> None:
        self._check_names()
        self._check_order()
        self._check_shapes()

    def tensor(self, name: str) -> Tensor:
        """The tensor of that name."""
        try:
            return self._tensors[name]
        except KeyError:
            raise self._fail(f"there is no tensor {name!r}") from None

    def producer(self, tensor: str) -> Operator | None:
        """The operator that writes a tensor; None for an input of the network."""
        self.tensor(tensor)
        return self._producers.get(tensor)

    def consumers(self, tensor: str) -> tuple[Operator, ...]:
        """The operators that read a tensor, in order."""
        self.tensor(tensor)
        return tuple(self._consumers.get(tensor, ()))

    def input_shapes(self, operator: Operator) -> Shapes:
        """Shapes of the tensors an operator reads."""
        return [self.tensor(name).shape for name in operator.inputs]

    def _repr_html_(self) -> str:
        """For notebooks: the layers, and what they sum to."""
        first = self.layers[:_SHOWN_LAYERS]
        more = len(self.layers) - len(first)
        rows = [
            (item.name, item.kind, str(item.output_shape), f"{item.macs:,}", f"{item.parameters:,}")
            for item in first
        ]
        rows += [(f"and {more} more", "", "", "", "")] if more else []
        title = (
            f"{self.name}, batch {self.batch}: {self.macs:,} MACs, {self.parameters:,} parameters"
        )
        return html_table(title, ("layer ", "kind ", "output ", "MACs", "parameters"), rows)

    @property
    def batch(self) -> int:
        """Number of images; the leading dimension of the inputs is `rows` times that."""
        return self.tensor(self.inputs[0]).shape[0] // self.rows

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of the whole batch."""
        return sum(layer.macs for layer in self.layers)

    @cached_property
    def parameters(self) -> int:
        """Values to deploy, normalisations folded into the convolutions before them."""
        return sum(layer.parameters for layer in self.layers)

    @cached_property
    def weights(self) -> int:
        """Stored factors, normalisations left out."""
        return sum(item.weights(self.input_shapes(item)) for item in self.operators)

    @cached_property
    def biases(self) -> int:
        """Stored summands before folding, normalisations left out."""
        return sum(item.biases(self.input_shapes(item)) for item in self.operators)

    @cached_property
    def normalized_channels(self) -> int:
        """Channels of all batch normalisations; training stores four values for each."""
        return sum(item.channels for item in self.operators if isinstance(item, BatchNormalization))

    @cached_property
    def folded(self) -> dict[str, str]:
        """Batch normalisations that fold into the convolution before them: name to name.

        One folds where no one else reads what the convolution writes.
        """
        folded = {}
        for item in self.operators:
            if not isinstance(item, BatchNormalization):
                continue
            before = self._producers.get(item.inputs[0])
            alone = len(self._consumers[item.inputs[0]]) == 1 and item.inputs[0] not in self.outputs
            if isinstance(before, Convolution) and alone:
                folded[item.name] = before.name
        return folded

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """A table row for every operator, in order."""
        return tuple(self._layer(item) for item in self.operators)

    def with_batch(self, batch: int) -> "Graph":
        """The same network on another number of images."""
        if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
            raise ValueError(f"Batch must be a positive integer, not {batch!r}.")
        if batch == self.batch:
            return self
        builder = GraphBuilder(
            self.name,
            [
                Tensor(name, (batch * self.rows, *self.tensor(name).shape[1:]))
                for name in self.inputs
            ],
        )
        for item in self.operators:
            builder.add(self._rebatched(item, batch))
        return builder.build(self.outputs, self.rows)

    @cached_property
    def _tensors(self) -> dict[str, Tensor]:
        return {tensor.name: tensor for tensor in self.tensors}

    @cached_property
    def _producers(self) -> dict[str, Operator]:
        return {name: item for item in self.operators for name in item.outputs}

    @cached_property
    def _consumers(self) -> dict[str, list[Operator]]:
        readers: dict[str, list[Operator]] = {}
        for item in self.operators:
            for name in dict.fromkeys(item.inputs):
                readers.setdefault(name, []).append(item)
        return readers

    def _layer(self, item: Operator) -> Layer:
        shapes, output = self.input_shapes(item), self.tensor(item.output).shape
        count = sum(elements(self.tensor(name).shape) for name in item.outputs)
        parameters = item.parameters(shapes)
        if item.name in self.folded:
            parameters = 0
        elif isinstance(item, Convolution) and item.name in self._folded_into:
            parameters = item.weights(shapes) + item.out_channels
        return Layer(
            name=item.name,
            kind=item.label,
            output_shape=output,
            macs=item.macs(shapes, output),
            parameters=parameters,
            activations=count,
            activation_bytes=count * INT8_BYTES,
        )

    @cached_property
    def _folded_into(self) -> frozenset[str]:
        return frozenset(self.folded.values())

    def _rebatched(self, item: Operator, batch: int) -> Operator:
        """The operator for another batch: only a reshape holds the batch itself."""
        if item.moves_batch(self.input_shapes(item)):
            raise self._fail(
                f"the batch cannot be changed from {self.batch} to {batch}, "
                f"because {item.label} {item.name!r} moves it"
            )
        if isinstance(item, Reshape):
            return replace(item, shape=(batch * self.rows, *item.shape[1:]))
        return item

    def _fail(self, reason: str) -> ValueError:
        return ValueError(f"Network {self.name!r}: {reason}.")

    def _check_names(self) -> None:
        if not self.inputs or not self.outputs or not self.operators:
            raise self._fail("there must be at least one input, one operator and one output")
        self._check_unique("tensor", [tensor.name for tensor in self.tensors])
        self._check_unique("operator", [item.name for item in self.operators])
        for item in self.operators:
            for name in (*item.inputs, *item.outputs):
                if name not in self._tensors:
                    raise self._fail(f"operator {item.name!r} uses unknown tensor {name!r}")
        for name in (*self.inputs, *self.outputs):
            self.tensor(name)
        outputs = (name for item in self.operators for name in item.outputs)
        written = Counter([*self.inputs, *outputs])
        for name in self._tensors:
            if written[name] != 1:
                times = "never" if written[name] == 0 else f"{written[name]} times"
                raise self._fail(f"tensor {name!r} must be produced once, not {times}")

    def _check_unique(self, what: str, names: Sequence[str]) -> None:
        for name, count in Counter(names).items():
            if count > 1:
                raise self._fail(f"there are {count} {what}s named {name!r}")

    def _check_order(self) -> None:
        known = set(self.inputs)
        for item in self.operators:
            for name in item.inputs:
                if name not in known:
                    raise self._disorder(item, name)
            known.update(item.outputs)

    def _disorder(self, item: Operator, tensor: str) -> ValueError:
        # Here, because only a wrong network needs it, and it is slow to import.
        import networkx  # type: ignore[import-untyped]

        flow = networkx.DiGraph(
            (self._producers[name].name, reader.name)
            for name, readers in self._consumers.items()
            if name in self._producers
            for reader in readers
        )
        if networkx.is_directed_acyclic_graph(flow):
            return self._fail(f"operator {item.name!r} must come after the producer of {tensor!r}")
        cycle = [source for source, _ in networkx.find_cycle(flow)]
        return self._fail("there is a cycle " + " -> ".join([*cycle, cycle[0]]))

    def _check_shapes(self) -> None:
        for item in self.operators:
            for name, expected in zip(
                item.outputs, item.infer_all(self.input_shapes(item)), strict=True
            ):
                given = self.tensor(name).shape
                if expected != given:
                    raise self._fail(f"tensor {name!r} must have shape {expected}, not {given}")


class GraphBuilder:
    """Collects operators in order and works out the shapes.

    Attributes:
        name: of the network.
        operators: those added so far.

    """

    def __init__(self, name: str, inputs: Sequence[Tensor]) -> None:
        self.name = name
        self.operators: list[Operator] = []
        self._inputs = tuple(tensor.name for tensor in inputs)
        self._tensors = {tensor.name: tensor for tensor in inputs}
        self._producers: dict[str, Operator] = {}

    def shape(self, tensor: str) -> Shape:
        """Shape of a tensor made so far."""
        try:
            return self._tensors[tensor].shape
        except KeyError:
            raise ValueError(
                f"Network {self.name!r}: tensor {tensor!r} is read before it is produced."
            ) from None

    def producer(self, tensor: str) -> Operator | None:
        """The operator that writes a tensor; None for an input."""
        return self._producers.get(tensor)

    def add(self, operator: Operator) -> str:
        """Append an operator; its first output's name is returned, to be the next one's input."""
        self._write(operator)
        self.operators.append(operator)
        return operator.output

    def substitute(self, old: Operator, new: Operator) -> None:
        """Put an operator of the same inputs in the place of one whose output nobody has read."""
        for name in old.outputs:
            del self._tensors[name], self._producers[name]
        self._write(new)
        self.operators[self.operators.index(old)] = new

    def _write(self, operator: Operator) -> None:
        shapes = operator.infer_all([self.shape(name) for name in operator.inputs])
        for name, shape in zip(operator.outputs, shapes, strict=True):
            self._tensors[name] = Tensor(name, shape)
            self._producers[name] = operator

    def build(self, outputs: Sequence[str], rows: int = 1) -> Graph:
        """The finished network; `rows` is the leading dimension for a batch of one."""
        tensors, operators = tuple(self._tensors.values()), tuple(self.operators)
        return Graph(self.name, tensors, operators, self._inputs, tuple(outputs), rows)
