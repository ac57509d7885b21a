"""The state of an import that goes through all nodes of a file."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from onnx import TensorProto

from apollo.workloads.model import Constant, Values
from apollo.workloads.onnx.constants import Constants
from apollo.workloads.onnx.draft import Draft
from apollo.workloads.onnx.evaluate import Known
from apollo.workloads.onnx.node import Node
from apollo.workloads.onnx.stored import Stored
from apollo.workloads.operators import Concat, Operator, Reshape, Transpose
from apollo.workloads.quantization import Quantization
from apollo.workloads.shapes import Shape


class Importing:
    """An import on its way.

    Attributes:
        draft: the network so far.
        constants: what is known to be constant.
        opsets: versions of the operators that the file asks for, by domain.
        values: stored tensors of our operators, by operator and role.
        quantization: of our tensors.
        readers: how often each tensor of the file is read.

    """

    STANDARD: ClassVar[tuple[str, ...]] = ("", "ai.onnx")

    def __init__(self, name: str, opsets: Mapping[str, int], folder: Path) -> None:
        self.draft = Draft(name)
        self.opsets = dict(opsets)
        self.constants = Constants(self.opsets, folder)
        self.values: dict[tuple[str, str], Constant] = {}
        self.quantization: dict[str, Quantization] = {}
        self.readers: Counter[str] = Counter()
        self._aliases: dict[str, str] = {}
        self._kinds: dict[str, int] = {}

    @property
    def opset(self) -> int:
        """Version of ONNX's own operators."""
        return self.opsets[""]

    def alias(self, name: str, of: str) -> None:
        """Let a tensor of the file be another one: a constant, or a computed tensor."""
        if of in self.constants:
            self.constants.add(name, self.constants.find(of))
        elif self.ours(of) is not None:
            self._aliases[name] = str(self.ours(of))

    def ours(self, name: str) -> str | None:
        """Our name of a computed tensor; None where it has none."""
        found = self._aliases.get(name, name)
        return found if found in self.draft else None

    def note_kind(self, name: str, kind: int) -> None:
        """Remember the type of the elements of a tensor of the file."""
        self._kinds[name] = kind

    def known(self, name: str) -> Known:
        """What shape inference may know of a tensor of the file."""
        if name in self.constants:
            return self.constants.known(name)
        kind = self._kinds.get(name, TensorProto.FLOAT)
        return Known(kind, self.shape_of(name))

    def shape_of(self, name: str) -> Shape | None:
        """Shape of a computed tensor; None where it is not known."""
        found = self.ours(name)
        return None if found is None else self.draft.shape(found)

    def tensor(self, node: Node, index: int = 0) -> str:
        """Our name of an input that must be computed."""
        name = node.inputs[index] if node.has(index) else ""
        if not name or name in self.constants:
            raise node.fail(f"must have a computed tensor as its input number {index}")
        found = self.ours(name)
        if found is None:
            raise node.fail(f"reads {name!r}, whose shape is not known")
        return found

    def shape(self, node: Node, index: int = 0) -> Shape:
        """Shape of an input that must be computed."""
        return self.draft.shape(self.tensor(node, index))

    def is_constant(self, node: Node, index: int) -> bool:
        """Whether an input is given and constant."""
        return node.has(index) and node.inputs[index] in self.constants

    def stored(self, node: Node, index: int) -> Stored:
        """An input that must be constant."""
        if not self.is_constant(node, index):
            raise node.fail(f"must have constant weights as its input number {index}")
        return self.constants.find(node.inputs[index])

    def small(self, node: Node, index: int) -> Values | None:
        """Values of an optional input that must be constant; None if it is not given."""
        if not node.has(index):
            return None
        values = None
        if self.is_constant(node, index):
            values = self.constants.values(node.inputs[index])
        if values is None:
            raise node.fail(f"must have small constant values as its input number {index}")
        return values

    def add(self, operator: Operator, **roles: Stored) -> Operator:
        """Append an operator with its stored tensors."""
        operator = self.draft.add(operator)
        for role, stored in roles.items():
            self.keep(operator, role, stored)
        return operator

    def keep(self, operator: Operator, role: str, stored: Stored) -> None:
        """Store a tensor with an operator."""
        self.values[operator.name, role] = stored.constant()

    def reads_alone(self, node: Node, source: str) -> bool:
        """Whether a tensor of ours is what a node reads, and nobody else."""
        names = [name for name in node.inputs if self.ours(name) == source]
        return len(names) == 1 and self.readers[names[0]] == 1 and self.readers[source] <= 1

    def skip(self, node: Node) -> None:
        """Let the output of a node be its first input."""
        self.alias(node.output, node.inputs[0])

    def reshaped(self, node: Node, source: str, shape: Shape, output: str = "") -> str:
        """A tensor under another shape, as it is where it has that shape."""
        if self.draft.shape(source) == shape and not output:
            return source
        output = output or self._fresh(f"{source}/{'x'.join(map(str, shape))}")
        self.add(Reshape(f"{node.name}/reshape", (source,), output, shape))
        self._inherit(source, output)
        return output

    def transposed(self, node: Node, source: str, perm: tuple[int, ...], output: str = "") -> str:
        """A tensor with its dimensions in another order."""
        if perm == tuple(range(len(perm))) and not output:
            return source
        output = output or self._fresh(f"{source}/transposed")
        self.add(Transpose(f"{node.name}/transpose", (source,), output, perm))
        self._inherit(source, output)
        return output

    def requantize(self, node: Node, source: str, rule: Quantization, output: str) -> str:
        """State what a tensor is as integers; a second statement makes a second tensor."""
        if self.quantization.get(source, rule) == rule:
            self.quantization[source] = rule
            return source
        output = self._fresh(output)
        self.add(Concat(node.name, (source,), output, len(self.draft.shape(source)) - 1))
        self.quantization[output] = rule
        return output

    def _inherit(self, source: str, output: str) -> None:
        rule = self.quantization.get(source)
        if rule is not None and len(rule.scale) == 1:
            self.quantization[output] = replace(rule)

    def _fresh(self, name: str) -> str:
        """A name that no tensor has."""
        number, found = 1, name
        while found in self.draft:
            number += 1
            found = f"{name}#{number}"
        return found


Importer = Callable[[Node, Importing], None]
