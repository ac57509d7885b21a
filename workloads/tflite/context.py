"""The state of an import that goes through the nodes of a file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from apollo.workloads.model import Constant, Values
from apollo.workloads.onnx.draft import Draft
from apollo.workloads.operators import Operator, Reshape, Transpose, Unary, UnaryKind
from apollo.workloads.quantization import Quantization
from apollo.workloads.shapes import Shape, elements
from apollo.workloads.tflite.file import File, FileTensor, Node, quoted
from apollo.workloads.tflite.flow import (
    Flow,
    Layout,
    Place,
    arrange,
    carried,
    keeps_order,
    plain,
    restore,
)
from apollo.workloads.tflite.values import Stored, quantization, stored

SMALL_ELEMENTS = 1 << 16
ACTIVATIONS: dict[int, tuple[UnaryKind, tuple[float, ...]]] = {
    1: (UnaryKind.RELU, ()),
    2: (UnaryKind.CLIP, (-1.0, 1.0)),
    3: (UnaryKind.RELU6, ()),
    4: (UnaryKind.TANH, ()),
}


@dataclass
class Importing:
    """An import on its way.

    Attributes:
        file: what is imported.
        draft: the network so far.
        trusted: whether the shapes in the file hold, because nobody asked for others.
        known: tensors of the file that do not depend on an input.
        flows: tensors of the file that do.
        constants: by operator and role.
        quantizations: by tensor of ours.
        variables: values that stay from one run to the next, by the number of their handle.
        states: our tensors with new values of variables, by the name of the variable.

    """

    file: File
    draft: Draft
    trusted: bool = True
    known: dict[int, Stored] = field(default_factory=dict)
    flows: dict[int, Flow] = field(default_factory=dict)
    constants: dict[tuple[str, str], Constant] = field(default_factory=dict)
    quantizations: dict[str, Quantization] = field(default_factory=dict)
    variables: dict[int, str] = field(default_factory=dict)
    states: dict[str, Flow] = field(default_factory=dict)

    def tensor(self, index: int) -> FileTensor:
        """A tensor of the file's main graph."""
        return self.file.graphs[0].tensors[index]

    # What a node reads.

    def is_stored(self, node: Node, place: int) -> bool:
        """Whether an input is known before the network runs."""
        return node.has(place) and self._find(node.inputs[place]) is not None

    def stored(self, node: Node, place: int) -> Stored:
        """An input that must be known before the network runs."""
        found = self._find(node.inputs[place]) if node.has(place) else None
        if found is None:
            raise node.fail(f"must have a constant as its input number {place}")
        return found

    def values(self, node: Node, place: int) -> Values:
        """The numbers of a small input that must be known before the network runs."""
        found = self.stored(node, place)
        if elements(found.shape) > SMALL_ELEMENTS:
            raise node.fail(f"must have a small constant as its input number {place}")
        return found.read()

    def integers(self, node: Node, place: int) -> list[int]:
        """Integers that must be known before the network runs."""
        values = self.values(node, place)
        if values.dtype.kind not in "iu":
            raise node.fail(f"must have integers as its input number {place}")
        return [int(value) for value in values.reshape(-1)]

    def flow(self, node: Node, place: int = 0) -> Flow:
        """An input that must be computed."""
        index = node.inputs[place] if node.has(place) else None
        if index is None or self._find(index) is not None:
            raise node.fail(f"must have a computed tensor as its input number {place}")
        if index not in self.flows:
            raise node.fail(f"reads tensor {quoted(self.tensor(index).name)} before it is produced")
        return self.flows[index]

    def image(self, node: Node, place: int = 0) -> Flow:
        """A computed input that must have four dimensions."""
        flow = self.flow(node, place)
        if len(flow.shape) != 4:
            raise node.fail(f"must have an input of shape (n, h, w, c), not {flow.shape}")
        return flow

    def _find(self, index: int) -> Stored | None:
        if index not in self.known and index not in self.flows:
            tensor = self.tensor(index)
            if tensor.span is not None or 0 in tensor.shape:
                self.known[index] = stored(tensor, self.file.data)
        return self.known.get(index)

    # What is at hand in our graph.

    def bring(self, flow: Flow, layout: Layout) -> str:
        """Our tensor of that layout, moved there if it is not at hand."""
        name = flow.at_hand(layout)
        if name is None:
            name = self._moved(flow, layout) if flow.places else self._shown(flow, layout)
            flow.places.append(Place(name, layout))
            self.describe(name, flow.quantization)
        return name

    def any_layout(self, flow: Flow) -> Layout:
        """A layout in which a tensor is at hand, or can be had by a reshape."""
        if flow.places:
            return flow.places[0].layout
        base = flow.root_of_view()
        kept = carried(base.shape, flow.shape, base.places[0].layout)
        return plain(len(flow.shape)) if kept is None else kept

    def _moved(self, flow: Flow, layout: Layout) -> str:
        source = flow.places[0]
        if keeps_order(flow.shape, source.layout, layout):
            return self._reshaped(source.name, f"{flow.name}/reshaped", arrange(flow.shape, layout))
        order = tuple(source.layout.index(axis) for axis in layout)
        name = self.unique(f"{flow.name}/transposed")
        return self.add(Transpose(name, (source.name,), name, order))

    def _shown(self, flow: Flow, layout: Layout) -> str:
        """A view, made real by a reshape."""
        base, straight = flow.root_of_view(), plain(len(flow.shape))
        for place in base.places:
            kept = carried(base.shape, flow.shape, place.layout)
            if kept is None and keeps_order(base.shape, place.layout, plain(len(base.shape))):
                kept = straight
            if kept is not None and keeps_order(flow.shape, kept, layout):
                return self._reshaped(place.name, flow.name, arrange(flow.shape, layout))
        if not keeps_order(flow.shape, straight, layout):
            self.bring(flow, straight)
            return self._moved(flow, layout)
        source = self.bring(base, plain(len(base.shape)))
        return self._reshaped(source, flow.name, arrange(flow.shape, layout))

    def _reshaped(self, source: str, name: str, shape: Shape) -> str:
        if self.draft.shape(source) == shape:
            return source
        name = self.unique(name)
        return self.add(Reshape(name, (source,), name, shape))

    # What a node writes.

    def add(self, operator: Operator, scales: Quantization | None = None) -> str:
        """Append an operator; its output's name is returned."""
        name = self.draft.add(operator).output
        self.describe(name, scales)
        return name

    def describe(self, name: str, scales: Quantization | None) -> None:
        """Note what the integers of our tensor stand for."""
        if scales is not None:
            self.quantizations[name] = scales

    def unique(self, name: str) -> str:
        """A name that no tensor of ours has."""
        number, found = 1, name
        while found in self.draft:
            number += 1
            found = f"{name}#{number}"
        return found

    def give(self, flow: Flow, layout: Layout) -> None:
        """Let a tensor be an input of the network."""
        name = self.unique(flow.name)
        self.draft.add_input(name, arrange(flow.shape, layout))
        self.describe(name, flow.quantization)
        flow.places.append(Place(name, layout))

    def keep(self, operator: str, stored: Mapping[str, Stored]) -> None:
        """Keep the stored tensors of an operator, by role."""
        for role, value in stored.items():
            self.constants[operator, role] = Constant(value.shape, value.read, value.quantization)

    def scales(self, node: Node, place: int = 0) -> Quantization | None:
        """What the integers of an output stand for."""
        return quantization(self.tensor(node.outputs[place]))

    def put(self, node: Node, flow: Flow, place: int = 0) -> None:
        """Let an output of a node be a computed tensor, if its shape is the one in the file."""
        tensor = self.tensor(node.outputs[place])
        stated = tensor.shape or (1,)  # with us a single number has a dimension
        if self.trusted and flow.shape != stated and not any(tensor.open):
            raise node.fail(f"must yield shape {flow.shape}, and the file says {tensor.shape}")
        self.flows[tensor.index] = replace(flow, name=tensor.name)

    def put_view(self, node: Node, flow: Flow, shape: Shape, place: int = 0) -> None:
        """Let an output of a node be another computed tensor under another shape."""
        shape = shape or (1,)
        if elements(shape) != elements(flow.shape):
            raise node.fail(f"must keep the {elements(flow.shape)} elements, not make {shape}")
        self.put(node, flow if shape == flow.shape else flow.view(flow.name, shape), place)

    def put_stored(self, node: Node, value: Stored, place: int = 0) -> None:
        """Let an output of a node be known before the network runs."""
        self.known[node.outputs[place]] = value

    def finish(
        self,
        node: Node,
        operator: Operator,
        layout: Layout,
        activation: int = 0,
        stored: Mapping[str, Stored] | None = None,
        shape: Shape | None = None,
    ) -> None:
        """Append the operator of a node, and behind it the activation that is fused into it.

        `stored` has its constants by role; `shape` is that of the node's output in the file, where
        the operator itself yields another.
        """
        name, scales = self.unique(node.name), self.scales(node)
        if activation == 0:
            main = last = self.add(_named(operator, name), scales)
        elif activation in ACTIVATIONS:
            main = self.add(_named(operator, self.unique(f"{name}/linear")), scales)
            kind, arguments = ACTIVATIONS[activation]
            last = self.add(Unary(name, (main,), name, kind, arguments), scales)
        else:
            raise node.fail(f"has activation number {activation}, which is not supported")
        self.keep(main, stored or {})
        given = restore(self.draft.shape(last), layout)
        flow = Flow(name, given, scales, [Place(last, layout)])
        self.put_view(node, flow, given if shape is None else shape)


def _named(operator: Operator, name: str) -> Operator:
    return replace(operator, name=name, output=name)


Importer = Callable[[Node, Importing], None]


def small(name: str, values: Values, like: Stored) -> Stored:
    """A constant that has been computed from others."""
    return Stored(name, values.shape, like.type, lambda: values)
