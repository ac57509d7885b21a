"""What an import cannot take: which nodes, why, and how much of the work they are."""

import math
from collections.abc import Sequence
from typing import Any

from onnx import NodeProto, helper

from apollo.workloads.model import LeftOut
from apollo.workloads.onnx.evaluate import Known
from apollo.workloads.shapes import elements

# Operators whose products are counted; others of ONNX's own domain have none.
_LOOPS = ("Loop", "Scan", "If", "SequenceMap")


def node_macs(
    node: NodeProto, inputs: Sequence[Known | None], outputs: Sequence[Known]
) -> int | None:
    """Multiply-accumulates of a node of any kind; None where they are not known."""
    if node.domain not in ("", "ai.onnx") or node.op_type in _LOOPS:
        return None
    shapes = [None if item is None else item.shape for item in inputs]
    output = outputs[0].shape if outputs else None
    kind = node.op_type
    if kind in ("Conv", "ConvInteger", "QLinearConv", "DeformConv"):
        weight = shapes[3 if kind == "QLinearConv" else 1]
        return None if weight is None or output is None else elements(output) * elements(weight[1:])
    if kind == "ConvTranspose":
        image, weight = shapes[0], shapes[1]
        return None if image is None or weight is None else elements(image) * elements(weight[1:])
    if kind in ("MatMul", "Gemm", "MatMulInteger", "QLinearMatMul"):
        left, flipped = shapes[0], kind == "Gemm" and _attribute(node, "transA", 0)
        return None if left is None or output is None else elements(output) * left[-1 - flipped]
    if kind in ("LSTM", "GRU", "RNN"):
        return _recurrent(shapes)
    if kind == "Einsum":
        return _einsum(_attribute(node, "equation", b"").decode(), shapes)
    return 0


def _attribute(node: NodeProto, name: str, default: Any) -> Any:
    found = [item for item in node.attribute if item.name == name]
    return helper.get_attribute_value(found[0]) if found else default


def _recurrent(shapes: Sequence[tuple[int, ...] | None]) -> int | None:
    source, weight, recurrent = shapes[:3]
    if source is None or weight is None or recurrent is None:
        return None
    return source[0] * source[1] * (elements(weight) + elements(recurrent))


def _einsum(equation: str, shapes: Sequence[tuple[int, ...] | None]) -> int | None:
    """The product of all dimensions that are named."""
    sizes: dict[str, int] = {}
    for term, shape in zip(equation.split("->")[0].split(","), shapes, strict=False):
        letters = term.replace(" ", "")
        if shape is None or "." in letters:
            return None
        sizes.update(zip(letters, shape, strict=False))
    return math.prod(sizes.values())


def sentence(left: Sequence[LeftOut], done: int) -> str:
    """The first thing that is not supported, its share of the work, and what else there is."""
    first = left[0]
    text = f"{first.reason} ({_share(left[:1], done, left)})"
    if len(left) > 1:
        kinds = ", ".join(sorted({item.kind for item in left[1:]})[:6])
        more = "is 1 more node" if len(left) == 2 else f"are {len(left) - 1} more nodes"
        text += f", nor {more} ({kinds}; {_share(left[1:], done, left)})"
    return text


def _share(part: Sequence[LeftOut], done: int, left: Sequence[LeftOut]) -> str:
    known = sum(item.macs or 0 for item in part)
    total = done + sum(item.macs or 0 for item in left)
    if any(item.macs is None for item in part):
        return "its share of the MACs is not known" if len(part) == 1 else "MACs not known"
    return f"{known / total if total else 0:.1%} of the MACs"
