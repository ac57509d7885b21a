"""Import of ONNX networks: structure, values and quantisation.

Values are read when they are wanted. Nothing in a file is executed but expressions of constants,
by ONNX's reference evaluator; data beside the file is read from the file's own folder only.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from onnx import ValueInfoProto, helper

from apollo.workloads.graph import Graph
from apollo.workloads.model import Model, Values
from apollo.workloads.onnx import file as files
from apollo.workloads.onnx import stored
from apollo.workloads.onnx.context import Importing
from apollo.workloads.onnx.file import File
from apollo.workloads.onnx.left_out import sentence
from apollo.workloads.onnx.table import IMPORTERS
from apollo.workloads.onnx.walk import Walk
from apollo.workloads.shapes import Shape

SUPPORTED = tuple(sorted([*IMPORTERS, "Constant", "If", "Shape", "Size"]))
Inputs = Mapping[str, Shape]
Given = Mapping[str, float | Values]


def import_onnx(
    path: str | Path, batch: int = 1, shapes: Inputs | None = None, values: Given | None = None
) -> Graph:
    """The network of an ONNX file, for `batch` images; see `import_onnx_model`."""
    return import_onnx_model(path, batch, shapes, values).graph


def import_onnx_model(
    path: str | Path,
    batch: int = 1,
    shapes: Inputs | None = None,
    values: Given | None = None,
    partial: bool = False,
) -> Model:
    """The network of an ONNX file with its values, for `batch` images.

    Attributes:
        shapes: of inputs whose dimensions the file leaves free.
        values: of inputs that are constant, such as a sampling rate.
        partial: whether operators that are not supported are left out, and listed in the model.

    Raises:
        ValueError: the file is no ONNX network, or holds something that is not supported.

    """
    path = Path(path)
    try:
        return _Import(path, batch, dict(shapes or {}), dict(values or {})).model(partial)
    except UnicodeDecodeError:
        reason = "the model is not valid (a name in it is not UTF-8 text)"
    except ValueError as error:
        reason = files.first_line(error)
        if reason.startswith(("There is no file", f"File {str(path)!r}")):
            raise ValueError(f"{reason}.") from None
    raise ValueError(f"Cannot import {str(path)!r}: {reason}.")


class _Import:
    """One import, from the file to the model."""

    def __init__(
        self, path: Path, batch: int, shapes: dict[str, Shape], values: dict[str, float | Values]
    ) -> None:
        if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
            raise ValueError(f"batch must be a positive integer, not {batch!r}")
        self.batch, self.shapes, self.values = batch, shapes, values
        self.file = files.read(path)
        self.importing = Importing(path.stem, self.file.opsets, path.parent)
        self.sizes = {"": batch}  # of free dimensions, by their name

    def model(self, partial: bool) -> Model:
        """The finished model."""
        graph, importing = self.file.graph, self.importing
        self._weights(self.file)
        free = self._inputs()
        outputs = [output.name for output in graph.output]
        walk = Walk(importing)
        walk.run(graph, outputs)
        found = [ours for name in outputs if (ours := importing.ours(name)) is not None]
        if walk.left_out:
            found += [ours for name in walk.cut if (ours := importing.ours(name)) is not None]
        written = [name for name in dict.fromkeys(found) if importing.draft.producer(name)]
        first = importing.draft.inputs[0]
        rows = 1 if free else importing.draft.shape(first)[0]
        if walk.left_out and not partial:
            done = importing.draft.macs()
            raise ValueError(sentence(walk.left_out, done))
        if not written:
            raise ValueError("no output depends on an input by an operator")
        network = importing.draft.build(written, rows)
        model = _assembled(importing, network)
        model = replace(model, left_out=tuple(walk.left_out))
        if network.batch != self.batch:
            model = replace(model, graph=network.with_batch(self.batch))
        return model

    def _weights(self, file: File) -> None:
        constants = self.importing.constants
        for item in file.weights:
            constants.add(item.name, stored.tensor(item, file.folder))
        for weight in file.sparse:
            constants.add(weight.values.name, stored.sparse(weight, file.folder))

    def _inputs(self) -> bool:
        """Take the inputs into the network; whether the batch of the first one was free."""
        found = files.inputs(self.file)
        self._check_names([item.name for item in found])
        for item in found:
            if item.name in self.shapes:
                self._bind(item)
        frees = []
        for item in found:
            kind = item.type.tensor_type.elem_type
            if item.name in self.values:
                value = np.asarray(self.values[item.name], helper.tensor_dtype_to_np_dtype(kind))
                self.importing.constants.add(item.name, stored.array(value))
                continue
            shape = files.input_shape(item, self.sizes, self.shapes.get(item.name))
            self.importing.draft.add_input(item.name, shape or (1,))
            self.importing.note_kind(item.name, kind)
            dimensions = item.type.tensor_type.shape.dim
            frees.append(item.name not in self.shapes and len(dimensions) and _is_free(item))
        if not frees:
            raise ValueError("the network has no input")
        return bool(frees[0])

    def _check_names(self, names: list[str]) -> None:
        for name in (*self.shapes, *self.values):
            if name not in names:
                raise ValueError(f"there is no input {name!r} (inputs: {', '.join(names)})")

    def _bind(self, item: ValueInfoProto) -> None:
        """Let the names of free dimensions stand for the sizes that are given."""
        dimensions = item.type.tensor_type.shape.dim
        for dimension, size in zip(dimensions, self.shapes[item.name], strict=False):
            if dimension.dim_param:
                self.sizes.setdefault(dimension.dim_param, size)


def _is_free(item: ValueInfoProto) -> bool:
    return bool(item.type.tensor_type.shape.dim[0].dim_value < 1)


def _assembled(importing: Importing, graph: Graph) -> Model:
    """The graph with those of the values and quantisations that it uses."""
    operators = {operator.name for operator in graph.operators}
    tensors = {tensor.name for tensor in graph.tensors}
    return Model(
        graph,
        {key: value for key, value in importing.values.items() if key[0] in operators},
        {name: rule for name, rule in importing.quantization.items() if name in tensors},
    )
