"""Through the nodes of a file in order: constants are folded, branches chosen, the rest imported.

A node that cannot be imported does not end the walk: what it gives becomes an input of the network
if its shape is known, so that at the end all such nodes, and their share of the work, are named.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from onnx import GraphProto, NodeProto, TensorProto

from apollo.workloads.model import LeftOut
from apollo.workloads.onnx import evaluate
from apollo.workloads.onnx.context import Importing
from apollo.workloads.onnx.evaluate import Known
from apollo.workloads.onnx.left_out import node_macs
from apollo.workloads.onnx.node import Node
from apollo.workloads.onnx.table import importer


class Walk:
    """One pass over a graph and the branches that it takes.

    Attributes:
        importing: what has been imported.
        left_out: what has not.

    """

    def __init__(self, importing: Importing) -> None:
        self.importing = importing
        self.left_out: list[LeftOut] = []
        self.cut: list[str] = []  # tensors of the file that left-out nodes read

    def run(self, graph: GraphProto, outputs: Sequence[str]) -> None:
        """Import all nodes on which an output depends."""
        nodes = needed(graph.node, outputs)
        self.importing.readers.update(outputs)
        self.importing.readers.update(name for node in nodes for name in reads(node))
        for node in nodes:
            self._take(node)

    def _take(self, proto: NodeProto) -> None:
        node, importing = Node(proto), self.importing
        if proto.op_type == "If" and importing.is_constant(node, 0):
            self._branch(node)
            return
        try:
            if importing.constants.fold(proto, importing.shape_of):
                return
            self._convert(node)
        except ValueError as error:
            self._leave_out(node, str(error).rstrip("."))
        else:
            self._check(node)

    def _convert(self, node: Node) -> None:
        if node.kind == "If":
            raise node.fail("must decide by a constant; perhaps an input needs a stated value")
        convert = importer(node.proto.domain, node.kind)
        if convert is None:
            domain = f" of {node.proto.domain!r}" if node.proto.domain else ""
            raise ValueError(f"operator {node.kind!r}{domain} of {node.title} is not supported")
        convert(node, self.importing)

    def _branch(self, node: Node) -> None:
        """The nodes of the branch that a constant decides for."""
        condition = self.importing.small(node, 0)
        taken = condition is not None and bool(condition.ravel()[0])
        graph = node.branch("then_branch" if taken else "else_branch")
        self.importing.constants.add_weights(graph)
        names = [output.name for output in graph.output]
        self.run(graph, names)
        for outer, inner in zip(node.outputs, names, strict=False):
            self.importing.alias(outer, inner)
            self.importing.readers[inner] += self.importing.readers[outer] - 1
            self.importing.note_kind(outer, self.importing.known(inner).kind)

    def _check(self, node: Node) -> None:
        """Hold our shapes against those that ONNX infers; remember the types of elements."""
        known = {name: self.importing.known(name) for name in node.inputs if name}
        results = evaluate.infer(node.proto, known, self.importing.opsets)
        for name, item in zip(node.outputs, results, strict=True):
            ours = self.importing.shape_of(name) if name else None
            if item.kind != TensorProto.UNDEFINED:
                self.importing.note_kind(name, item.kind)
            # What ONNX infers for pools that round up is not what its own operators give.
            if ours is None or item.shape is None or node.get("ceil_mode", 0):
                continue
            if ours != (item.shape or (1,)):
                raise ValueError(f"{node.title} must give {item.shape} by ONNX's rules, not {ours}")

    def _leave_out(self, node: Node, reason: str) -> None:
        """Note what is not imported; its outputs are inputs of what follows."""
        importing = self.importing
        inputs = {name: importing.known(name) for name in reads(node.proto) if name}
        results = evaluate.infer(node.proto, inputs, importing.opsets)
        operands = [inputs.get(name) for name in node.inputs]
        macs = node_macs(node.proto, operands, results)
        self.left_out.append(LeftOut(node.proto.name or node.output, node.kind, reason, macs))
        self.cut.extend(name for name in inputs if importing.ours(name) is not None)
        for name, item in zip(node.outputs, results, strict=True):
            self._give(name, item)

    def _give(self, name: str, item: Known) -> None:
        importing = self.importing
        if not name or importing.ours(name) is not None or item.shape is None or 0 in item.shape:
            return
        importing.note_kind(name, item.kind)
        importing.draft.add_input(name, item.shape or (1,))


def needed(nodes: Iterable[NodeProto], outputs: Iterable[str]) -> list[NodeProto]:
    """Nodes on which an output depends, in order."""
    wanted, kept = set(outputs), []
    for node in reversed([*nodes]):
        if wanted.intersection(node.output):
            wanted.update(reads(node))
            kept.append(node)
    return kept[::-1]


def reads(node: NodeProto) -> Iterator[str]:
    """Tensors that a node reads, those that its branches take from outside included."""
    yield from (name for name in node.input if name)
    for item in node.attribute:
        graphs = [item.g] if item.HasField("g") else [*item.graphs]
        for graph in graphs:
            yield from _captured(graph)


def _captured(graph: GraphProto) -> Iterator[str]:
    own: Counter[str] = Counter(item.name for item in (*graph.initializer, *graph.input))
    for node in graph.node:
        yield from (name for name in reads(node) if not own[name])
        own.update(node.output)
    yield from (item.name for item in graph.output if not own[item.name])
