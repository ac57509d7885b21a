"""The file itself: read, checked by ONNX's own rules, and parted into structure and weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import GraphProto, ModelProto, SparseTensorProto, TensorProto, ValueInfoProto, inliner

from apollo.workloads.onnx.constants import SMALL_ELEMENTS
from apollo.workloads.shapes import Shape, elements

OLDEST_OPSET = 7
MOST_BYTES = 1 << 31  # of a file in this format; larger models keep their weights beside it
_KNOWN_IR = range(3, onnx.IR_VERSION + 1)


@dataclass(frozen=True)
class File:
    """An ONNX file.

    Attributes:
        graph: its nodes, without values of large weights.
        weights: stored tensors.
        sparse: stored tensors of which the zeros are left out.
        opsets: versions of operators by domain.
        folder: where external data may be.

    """

    graph: GraphProto
    weights: tuple[TensorProto, ...]
    sparse: tuple[SparseTensorProto, ...]
    opsets: Mapping[str, int]
    folder: Path


def read(path: Path) -> File:
    """The file, if it is a network at all."""
    model = _load(path)
    weights, sparse = _part(model.graph)
    return File(_checked(model).graph, weights, sparse, _opsets(model), path.parent)


def _load(path: Path) -> ModelProto:
    if not path.is_file():
        raise ValueError(f"There is no file {str(path)!r}.")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"File {str(path)!r} is not an ONNX file: it has more than 2 GiB.")
    try:
        model = onnx.load(str(path), format="protobuf", load_external_data=False)
    except (DecodeError, OSError, ValueError, MemoryError) as error:
        kind = "cannot be read" if isinstance(error, OSError) else "is not an ONNX file"
        raise ValueError(f"File {str(path)!r} {kind} ({first_line(error)}).") from None
    # Bytes that are no model may still decode, to an empty one.
    if not model.graph.node or not model.opset_import:
        raise ValueError(f"File {str(path)!r} is not an ONNX file: it holds no operators.")
    return model


def _opsets(model: ModelProto) -> dict[str, int]:
    opsets = {
        "" if item.domain == "ai.onnx" else item.domain: item.version for item in model.opset_import
    }
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST_OPSET <= opsets.get("", 0) <= newest:
        raise ValueError(
            f"the version of its operators must be in {OLDEST_OPSET}..{newest}, "
            f"not {opsets.get('', 'missing')}"
        )
    if model.ir_version not in _KNOWN_IR:
        raise ValueError(
            f"the version of its format must be in 3..{onnx.IR_VERSION}, not {model.ir_version}"
        )
    return opsets


def _part(graph: GraphProto) -> tuple[tuple[TensorProto, ...], tuple[SparseTensorProto, ...]]:
    """Take the weights out of a graph, those in nodes too.

    The checker, which copies what it is given, then sees inputs in the place of large ones.
    """
    weights, sparse = [*graph.initializer], [*graph.sparse_initializer]
    nodes = []
    for node in graph.node:
        large = node.op_type == "Constant" and any(item.name == "value" for item in node.attribute)
        if large and _size(node.attribute[0].t) > SMALL_ELEMENTS and len(node.output) == 1:
            weight = node.attribute[0].t
            weight.name = node.output[0]
            weights.append(weight)
        else:
            nodes.append(node)
    if len(nodes) < len(graph.node):
        del graph.node[:]
        graph.node.extend(nodes)
    _replace(graph, weights)
    del graph.value_info[:]  # whatever a file claims about its tensors is inferred instead
    return tuple(weights), tuple(sparse)


def _size(weight: TensorProto) -> int:
    return elements(tuple(weight.dims))


def _replace(graph: GraphProto, weights: list[TensorProto]) -> None:
    """Inputs in the place of large weights."""
    given = {item.name for item in graph.input}
    small = []
    for item in weights:
        outside = item.data_location == TensorProto.EXTERNAL
        if _size(item) <= SMALL_ELEMENTS and not outside:
            small.append(item)
        elif item.name not in given:
            info = onnx.helper.make_tensor_value_info(item.name, item.data_type, item.dims)
            graph.input.append(info)
    del graph.initializer[:]
    graph.initializer.extend(small)


def _checked(model: ModelProto) -> ModelProto:
    """The model with its own functions in place of their calls, if ONNX finds it valid."""
    # The outputs' shapes may hold a free batch, or miss, which the checker would not accept.
    for output in model.graph.output:
        if output.type.HasField("tensor_type"):
            output.type.tensor_type.shape.SetInParent()
    try:
        onnx.checker.check_model(model)
        if model.functions:
            model = inliner.inline_local_functions(model)
    except (onnx.checker.ValidationError, RuntimeError) as error:
        raise ValueError(f"the model is not valid ({first_line(error)})") from None
    return model


def inputs(file: File) -> list[ValueInfoProto]:
    """What must be given: inputs that are no weights."""
    weights = {item.name for item in file.weights} | {item.values.name for item in file.sparse}
    return [item for item in file.graph.input if item.name not in weights]


def input_shape(item: ValueInfoProto, sizes: Mapping[str, int], given: Shape | None) -> Shape:
    """Shape of an input: the given one, or the file's with its free dimensions by name."""
    dimensions = item.type.tensor_type.shape.dim
    if not item.type.HasField("tensor_type") or not item.type.tensor_type.HasField("shape"):
        if given is None:
            raise ValueError(f"input {item.name!r} must be given a shape")
        return given
    if given is not None:
        _check_given(item, given)
        return given
    shape = []
    for index, dimension in enumerate(dimensions):
        size = dimension.dim_value
        if dimension.dim_param:
            size = sizes.get(dimension.dim_param, 0)
        if size < 1 and index == 0:
            size = sizes[""]  # the batch
        if size < 1:
            name = dimension.dim_param or "unknown"
            example = ",".join(f"{max(1, other.dim_value)}" for other in dimensions)
            raise ValueError(
                f"input {item.name!r} must be given a shape, as {item.name}={example}, "
                f"because its dimension {index} is {name!r}"
            )
        shape.append(size)
    return tuple(shape)


def _check_given(item: ValueInfoProto, given: Shape) -> None:
    stated = [dimension.dim_value for dimension in item.type.tensor_type.shape.dim]
    fits = len(given) == len(stated) and all(
        size > 0 and known in (0, -1, size) for size, known in zip(given, stated, strict=False)
    )
    if not fits:
        wanted = ", ".join("?" if known <= 0 else f"{known}" for known in stated)
        raise ValueError(f"input {item.name!r} must have shape ({wanted}), not {given}")


def first_line(error: Exception) -> str:
    """The first line of an error, without a full stop."""
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason")
    return line.rstrip(".:")
