"""Import of ONNX classifiers.

Only the structure is read: weights give their shapes, and values only where they decide a shape
(the target of a reshape, say). Nothing in a file is executed but small constant expressions of a
fixed list of operators, and data stored beside the file is never opened.
"""

from collections.abc import Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.onnx.constants import SMALL_ELEMENTS, Constants
from apollo.workloads.onnx.context import Importing, Node
from apollo.workloads.onnx.table import IMPORTERS
from apollo.workloads.shapes import Shape, elements

STANDARD_DOMAINS = ("", "ai.onnx")
SUPPORTED = tuple(sorted(IMPORTERS))


def import_onnx(path: str | Path, batch: int = 1) -> Graph:
    """The network of an ONNX file, for `batch` images.

    Raises:
        ValueError: the file is no ONNX network, or holds something that is not supported.

    """
    path = Path(path)
    model = _read(path)
    try:
        return _graph(path.stem, model).with_batch(batch)
    except UnicodeDecodeError:
        reason = "the model is not valid (a name in it is not UTF-8 text)."
    except ValueError as error:
        reason = _sentence(error)
    raise ValueError(f"Cannot import {str(path)!r}: {reason}")


def _read(path: Path) -> ModelProto:
    if not path.is_file():
        raise ValueError(f"There is no file {str(path)!r}.")
    try:
        model = onnx.load(str(path), format="protobuf", load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        kind = "cannot be read" if isinstance(error, OSError) else "is not an ONNX file"
        raise ValueError(f"File {str(path)!r} {kind} ({_sentence(error).rstrip('.')}).") from None
    # Bytes that are no model may still decode, to an empty one.
    if not model.graph.node or not model.opset_import:
        raise ValueError(f"File {str(path)!r} is not an ONNX file: it holds no operators.")
    return model


def _graph(name: str, model: ModelProto) -> Graph:
    shapes = _strip(model.graph)
    inputs = _inputs(model.graph, shapes)
    _refuse_unknown(model.graph)
    opset = next((o.version for o in model.opset_import if o.domain in STANDARD_DOMAINS), 0)
    constants = Constants(model.graph, shapes, _checked(model), opset)
    importing = Importing(GraphBuilder(name, inputs), constants, opset)
    nodes = _needed(model.graph)
    importing.count_readers(nodes, [output.name for output in model.graph.output])
    for number, proto in nodes:
        if not constants.fold(proto, importing.shape_of):
            node = Node(proto, number)
            node.require_single_output(importing.readers)
            if node.kind not in IMPORTERS:
                raise ValueError(
                    f"operator {node.kind!r} of {node.title} is supported for constants only"
                )
            IMPORTERS[node.kind](node, importing)
    return importing.build([output.name for output in model.graph.output])


def _strip(graph: GraphProto) -> dict[str, Shape]:
    """Take the data of large weights out of the file's graph; the shapes of all weights.

    The checker and the shape inference, which copy what they are given, then see inputs instead.
    """
    if graph.sparse_initializer:
        raise ValueError("sparse weights are not supported")
    shapes = {item.name: tuple(item.dims) for item in graph.initializer}
    inputs = {item.name for item in graph.input}
    small = []
    for item in graph.initializer:
        outside = item.data_location == onnx.TensorProto.EXTERNAL
        if elements(shapes[item.name]) <= SMALL_ELEMENTS and not outside:
            small.append(item)
        elif item.name not in inputs:
            graph.input.append(
                onnx.helper.make_tensor_value_info(item.name, item.data_type, item.dims)
            )
    del graph.initializer[:]
    graph.initializer.extend(small)
    del graph.value_info[:]  # whatever a file claims about its tensors is inferred instead
    return shapes


def _inputs(graph: GraphProto, weights: dict[str, Shape]) -> list[Tensor]:
    """The images: inputs that are no weights and are read, a free batch set to 1."""
    read = {name for node in graph.node for name in node.input}
    found = [item for item in graph.input if item.name not in weights and item.name in read]
    if not found:
        raise ValueError("the network has no input")
    return [Tensor(item.name, _input_shape(item)) for item in found]


def _input_shape(item: ValueInfoProto) -> Shape:
    dimensions = item.type.tensor_type.shape.dim
    if len(dimensions) not in (2, 4):
        raise ValueError(
            f"input {item.name!r} must have shape (n, c, h, w) or (n, c), "
            f"not {len(dimensions)} dimensions"
        )
    for index, dimension in enumerate(dimensions):
        if dimension.dim_value > 0:
            continue
        if index > 0:
            raise ValueError(
                f"input {item.name!r} must have fixed dimensions but for the batch, "
                f"and dimension {index} is {dimension.dim_param or 'unknown'!r}"
            )
        dimension.dim_value = 1
    return tuple(dimension.dim_value for dimension in dimensions)


def _refuse_unknown(graph: GraphProto) -> None:
    for number, proto in enumerate(graph.node):
        folded = proto.op_type in Constants.FOLDABLE
        if proto.domain not in STANDARD_DOMAINS or not (folded or proto.op_type in IMPORTERS):
            node = Node(proto, number)
            domain = f" of {proto.domain!r}" if proto.domain not in STANDARD_DOMAINS else ""
            raise ValueError(f"operator {proto.op_type!r}{domain} of {node.title} is not supported")


def _checked(model: ModelProto) -> dict[str, Shape]:
    """Shapes of the tensors as ONNX infers them, after its own checks of the model."""
    # The outputs' shapes are inferred anew: they may hold a free batch, or miss, which the checker
    # would not accept.
    outputs = [
        item.type.tensor_type for item in model.graph.output if item.type.HasField("tensor_type")
    ]
    for output in outputs:
        output.shape.SetInParent()
    try:
        onnx.checker.check_model(model)
        for output in outputs:
            output.ClearField("shape")
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ValueError(f"the model is not valid ({_sentence(error).rstrip('.')})") from None
    return dict(_known_shapes(inferred.graph))


def _known_shapes(graph: GraphProto) -> Iterator[tuple[str, Shape]]:
    for item in (*graph.value_info, *graph.output):
        tensor = item.type.tensor_type
        dimensions = tensor.shape.dim
        if tensor.HasField("shape") and all(d.HasField("dim_value") for d in dimensions):
            yield item.name, tuple(d.dim_value for d in dimensions)


def _needed(graph: GraphProto) -> list[tuple[int, NodeProto]]:
    """Numbered nodes on which an output depends; the checker has made sure of their order."""
    wanted = {output.name for output in graph.output}
    kept = []
    for number, node in reversed(list(enumerate(graph.node))):
        if wanted.intersection(node.output):
            wanted.update(name for name in node.input if name)
            kept.append((number, node))
    return kept[::-1]


def _sentence(error: Exception) -> str:
    """The first line of an error, with a full stop."""
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason")
    return line.rstrip(".:") + "."
