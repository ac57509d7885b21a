"""Constants of an ONNX graph: shapes of all at once, values when they are wanted.

Expressions of constants are evaluated by ONNX's reference evaluator: those of small operands at
once, since they decide shapes, those of weights when somebody asks for the weights.
"""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper

from apollo.workloads.model import Values
from apollo.workloads.onnx import evaluate, stored
from apollo.workloads.onnx.evaluate import Known
from apollo.workloads.onnx.stored import Stored
from apollo.workloads.shapes import Shape, elements

SMALL_ELEMENTS = 1 << 16  # up to which a constant is computed at once
MOST_ELEMENTS = 1 << 31  # of a constant that is computed


class Constants:
    """What is known of the constants while a graph is walked in order."""

    # Expressions that are not folded: random ones, loops, and what is no tensor.
    UNFOLDABLE: ClassVar[frozenset[str]] = frozenset(
        {
            *("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike"),
            *("Bernoulli", "Multinomial", "If", "Loop", "Scan", "SequenceConstruct"),
            *("SequenceEmpty", "SequenceInsert", "SplitToSequence", "Optional", "ImageDecoder"),
            *("StringNormalizer", "RegexFullMatch", "StringConcat", "StringSplit"),
            *("TfIdfVectorizer", "DequantizeLinear", "SequenceMap"),
        }
    )
    # Their outputs are no larger than their inputs, though their shapes depend on values.
    BOUNDED: ClassVar[frozenset[str]] = frozenset({"NonZero", "Unique", "Compress"})

    def __init__(self, opsets: dict[str, int], folder: Path) -> None:
        self._stored: dict[str, Stored] = {}
        self._values: dict[str, Values] = {}
        self._opsets, self._folder = opsets, folder

    def __contains__(self, name: str) -> bool:
        return name in self._stored

    def add(self, name: str, constant: Stored) -> None:
        """Take something as a constant."""
        self._stored[name] = constant

    def add_weights(self, graph: GraphProto) -> None:
        """Take the weights of a graph, or of a branch of it, as constants."""
        for item in graph.initializer:
            self.add(item.name, stored.tensor(item, self._folder))
        for item in graph.sparse_initializer:
            self.add(item.values.name, stored.sparse(item, self._folder))

    def find(self, name: str) -> Stored:
        """A constant."""
        return self._stored[name]

    def shape(self, name: str) -> Shape:
        """Shape of a constant."""
        return self._stored[name].shape

    def values(self, name: str) -> Values | None:
        """Values of a constant; None if they are large."""
        if name not in self._values:
            constant = self._stored[name]
            if elements(constant.shape) > SMALL_ELEMENTS:
                return None
            self._values[name] = constant.real()
        return self._values[name]

    def known(self, name: str) -> Known:
        """What shape inference may know of a constant."""
        constant, values = self._stored[name], self.values(name)
        if values is not None:
            return evaluate.of_values(values)
        return Known(helper.np_dtype_to_tensor_dtype(constant.dtype), constant.shape)

    def fold(self, node: NodeProto, shape_of: Callable[[str], Shape | None]) -> bool:
        """Take a node as a constant if it is one; `shape_of` tells the shapes of the others."""
        if node.op_type in ("Shape", "Size") and not self._all(node):
            return self._measure(node, shape_of(node.input[0]))
        if node.op_type in self.UNFOLDABLE or node.domain not in ("", "ai.onnx"):
            return False
        if node.op_type == "Constant" and node.attribute and self._literal(node):
            return True
        if not self._all(node):
            return False
        self._expression(node)
        return True

    def _all(self, node: NodeProto) -> bool:
        return all(name in self for name in node.input if name)

    def _measure(self, node: NodeProto, shape: Shape | None) -> bool:
        if shape is None:
            return False
        bounds = {item.name: item.i for item in node.attribute}
        part = shape[bounds.get("start", 0) : bounds.get("end", len(shape))]
        size = np.array(elements(shape) if node.op_type == "Size" else part, dtype=np.int64)
        self.add(node.output[0], stored.array(size))
        return True

    def _literal(self, node: NodeProto) -> bool:
        """A tensor written down in a node."""
        item = node.attribute[0]
        if item.name == "value":
            self.add(node.output[0], stored.tensor(item.t, self._folder))
        elif item.name == "sparse_value":
            self.add(node.output[0], stored.sparse(item.sparse_tensor, self._folder))
        return item.name in ("value", "sparse_value")

    def _expression(self, node: NodeProto) -> None:
        inputs = [name for name in node.input if name]
        known = {name: self.known(name) for name in inputs}
        results = evaluate.infer(node, known, self._opsets)
        if node.op_type == "Transpose" and self.find(inputs[0]).quantization is not None:
            self._transpose(node)
            return
        size = max([0, *(elements(item.shape or ()) for item in results)])
        if any(item.shape is None for item in results) and node.op_type not in self.BOUNDED:
            raise ValueError(f"the shape of constant {node.output[0]!r} is unknown")
        if size > MOST_ELEMENTS:
            raise ValueError(f"constant {node.output[0]!r} must not have {size:,} elements")
        small = all(item.values is not None for item in known.values()) and size <= SMALL_ELEMENTS
        if small or any(item.shape is None for item in results):
            names = [name for name in node.output if name]
            for name, values in zip(names, self._run(node), strict=True):
                self.add(name, stored.array(values))
        else:
            self._postpone(node, results)

    def _postpone(self, node: NodeProto, results: list[Known]) -> None:
        """Keep an expression of weights for when its values are wanted."""
        names = [name for name in node.output if name]
        for index, name in enumerate(names):
            item = results[[*node.output].index(name)]
            if item.kind == TensorProto.UNDEFINED or item.shape is None:
                raise ValueError(f"the shape of constant {name!r} is unknown")
            kind = helper.tensor_dtype_to_np_dtype(item.kind)
            self.add(name, Stored(item.shape, kind, lambda index=index: self._run(node)[index]))  # type: ignore[misc]

    def _run(self, node: NodeProto) -> list[Values]:
        feeds = {name: self._stored[name].real() for name in node.input if name}
        return evaluate.evaluate(node, feeds, self._opsets[""])

    def _transpose(self, node: NodeProto) -> None:
        source = self.find(node.input[0])
        rank = len(source.shape)
        given = next((list(item.ints) for item in node.attribute if item.name == "perm"), None)
        self.add(node.output[0], source.transpose(given or range(rank - 1, -1, -1)))
