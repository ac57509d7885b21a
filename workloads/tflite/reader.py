"""Import of TensorFlow Lite networks: structure, values and quantisation.

A network is imported with channels behind the batch, like every other one. Its first graph is
read; others only as far as they set variables. Nothing in a file is executed but the arithmetic of
small constants, and values are read when they are wanted.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from apollo.workloads.model import LeftOut, Model, Rounding
from apollo.workloads.onnx.draft import Draft
from apollo.workloads.onnx.left_out import sentence
from apollo.workloads.shapes import Shape
from apollo.workloads.tflite.context import Importing
from apollo.workloads.tflite.costs import node_macs
from apollo.workloads.tflite.file import File, FileTensor, Node, Type, quoted, read
from apollo.workloads.tflite.flow import Flow, usual
from apollo.workloads.tflite.folding import LAZY, fold
from apollo.workloads.tflite.table import CUSTOM, IMPORTERS
from apollo.workloads.tflite.values import quantization

SUPPORTED = tuple(sorted({*IMPORTERS, *CUSTOM, *LAZY, "SHAPE"}))
SILENT = ("ASSIGN_VARIABLE", "CALL_ONCE")  # have no outputs
# What damage can do that no check has foreseen.
UNEXPECTED: tuple[type[Exception], ...] = (ArithmeticError, LookupError, TypeError)
INPUTS = (Type.FLOAT32, Type.INT8, Type.UINT8, Type.INT16, Type.INT32, Type.INT64)


def import_tflite(
    path: str | Path,
    batch: int | None = None,
    shapes: Mapping[str, Shape] | None = None,
    partial: bool = False,
) -> Model:
    """The network of a TensorFlow Lite file with its values.

    Inputs and outputs of four dimensions are (n, c, h, w), others as in the file. The variables of
    a streaming network are further inputs and outputs, in the same order.

    Attributes:
        path: of the file.
        batch: how many items; None for as many as the file has.
        shapes: of inputs by name, in the order of the file (n, h, w, c), where they are to differ.
        partial: whether operators that are not supported are left out, and listed in the model.

    Raises:
        ValueError: the file is no such network, or holds something that is not supported.

    """
    path = Path(path)
    file = read(path)
    try:
        model = _Import(path.stem, file, dict(shapes or {})).model(partial)
        if batch is not None:
            model = replace(model, graph=model.graph.with_batch(batch))
    except ValueError as error:
        reason = str(error).strip().rstrip(".")
        raise ValueError(f"Cannot import {str(path)!r}: {reason}.") from None
    return model


class _Import:
    """One import, from the file to the model."""

    def __init__(self, name: str, file: File, shapes: dict[str, Shape]) -> None:
        self.graph = file.graphs[0]
        self.importing = Importing(file, Draft(name), trusted=not shapes)
        self.left_out: list[LeftOut] = []
        self.cut: list[Flow] = []  # what left-out nodes read
        if len(file.entrances) > 1:
            raise ValueError(f"it holds {len(file.entrances)} networks, and one is expected")
        self._inputs(shapes)

    def model(self, partial: bool) -> Model:
        """The finished model."""
        importing = self.importing
        for node in self.graph.nodes:
            self._take(node)
        if self.left_out and not partial:
            raise ValueError(sentence(self.left_out, importing.draft.macs()))
        graph = importing.draft.build(self._outputs(), self._rows())
        operators = {operator.name for operator in graph.operators}
        tensors = {tensor.name for tensor in graph.tensors}
        rules = {name: rule for name, rule in importing.quantizations.items() if name in tensors}
        return Model(
            graph,
            {key: value for key, value in importing.constants.items() if key[0] in operators},
            rules,
            Rounding.TFLITE if rules else Rounding.ONCE,
            tuple(self.left_out),
        )

    def _inputs(self, shapes: dict[str, Shape]) -> None:
        tensors = [self.importing.tensor(index) for index in self.graph.inputs]
        names = [tensor.name for tensor in tensors]
        for name in shapes:
            if name not in names:
                raise ValueError(f"there is no input {name!r} (inputs: {', '.join(names)})")
        if not tensors:
            raise ValueError("the network has no input")
        for tensor in tensors:
            self._input(tensor, shapes.get(tensor.name))

    def _input(self, tensor: FileTensor, asked: Shape | None) -> None:
        title = f"input {quoted(tensor.name)}"
        if tensor.type not in INPUTS or tensor.span is not None:
            raise ValueError(f"{title} must not be of type {tensor.type.name} or stored")
        shape = tensor.shape if asked is None else tuple(asked)
        if len(shape) != len(tensor.shape) or not shape:
            raise ValueError(f"{title} must have {len(tensor.shape)} dimensions, not {shape}")
        if tensor.index in self.importing.flows:
            raise ValueError(f"{title} is given twice")
        flow = Flow(tensor.name, shape, quantization(tensor))
        self.importing.give(flow, usual(len(shape)))
        self.importing.flows[tensor.index] = flow

    def _take(self, node: Node) -> None:
        importing = self.importing
        try:
            if not node.outputs and node.kind not in SILENT:
                raise node.fail("must have an output")
            for index in node.outputs:
                if index in importing.flows or index in importing.known:
                    raise node.fail(f"writes tensor {index}, which is already written")
            if fold(node, importing):
                return
            convert = CUSTOM.get(node.kind) if node.custom else IMPORTERS.get(node.kind)
            if convert is None:
                what = "custom operator" if node.custom else "operator"
                raise ValueError(f"{what} {node.title} is not supported")
            convert(node, importing)
        except ValueError as error:
            self._leave_out(node, str(error).rstrip("."))
        except UNEXPECTED:
            self._leave_out(node, f"{node.title} is damaged")

    def _leave_out(self, node: Node, reason: str) -> None:
        """Note what is not imported; its outputs are inputs of what follows."""
        importing = self.importing
        macs = node_macs(node, self.graph)
        self.left_out.append(LeftOut(node.name, node.kind, reason, macs))
        self.cut += [importing.flows[index] for index in node.inputs if index in importing.flows]
        for index in node.outputs:
            tensor = importing.tensor(index)
            if index not in importing.flows and tensor.shape and min(tensor.shape) > 0:
                flow = Flow(tensor.name, tensor.shape, quantization(tensor))
                importing.give(flow, usual(len(tensor.shape)))
                importing.flows[index] = flow

    def _outputs(self) -> list[str]:
        """Our tensors that the network gives: those of the file, new states, what was cut."""
        importing = self.importing
        flows = []
        for index in self.graph.outputs:
            if index not in importing.flows:
                raise ValueError(f"output {quoted(importing.tensor(index).name)} is not computed")
            flows.append(importing.flows[index])
        flows += [*importing.states.values(), *(self.cut if self.left_out else ())]
        names = [importing.bring(flow, usual(len(flow.shape))) for flow in flows]
        written = [name for name in dict.fromkeys(names) if importing.draft.producer(name)]
        if not written:
            raise ValueError("no output depends on an input by an operator")
        return written

    def _rows(self) -> int:
        """Extent of the first dimension for a batch of one: one where the file leaves it open."""
        first = self.importing.tensor(self.graph.inputs[0])
        name = self.importing.draft.inputs[0]
        return 1 if first.open[0] else self.importing.draft.shape(name)[0]
