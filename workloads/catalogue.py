"""The networks by name.

A name is `FAMILY[_WIDTH[_RESOLUTION]]` (bare means 1.0 at 224), a single synthetic layer
`gemm:MxKxN` or `conv:HxWxCIxCOxKxS`, or a path that ends in `.onnx`.
"""

import difflib
import os
import re
from dataclasses import dataclass
from typing import TypeVar

from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.models import mobilenet_v1, mobilenet_v2
from apollo.workloads.models.family import DEFAULT_RESOLUTION, DEFAULT_WIDTH, Family, Published
from apollo.workloads.operators import Convolution, FullyConnected
from apollo.workloads.shapes import same_padding_2d

NETWORKS: dict[str, Family] = {
    "mobilenet_v1": mobilenet_v1.FAMILY,
    "mobilenet_v2": mobilenet_v2.FAMILY,
}
GEMM, CONV = "gemm:MxKxN", "conv:HxWxCIxCOxKxS"
Number = TypeVar("Number", int, float)

LARGEST_DIMENSION = 1 << 16  # of a synthetic layer; counts stay far inside 64 bits


@dataclass(frozen=True)
class Variant:
    """One network of the catalogue with its figures.

    Attributes:
        name: by which `load` finds it.
        family: name of its family.
        width: width multiplier.
        resolution: input height and width, in pixels.
        macs: multiply-accumulates an image.
        parameters: values to deploy, normalisations folded.
        counted_parameters: parameters as the published figure counts them.
        published: the published figures, if any.

    """

    name: str
    family: str
    width: float
    resolution: int
    macs: int
    parameters: int
    counted_parameters: int
    published: Published | None


def load(name_or_path: str | os.PathLike[str], batch: int = 1) -> Graph:
    """The network of that name or file, for `batch` images."""
    return _load(os.fspath(name_or_path)).with_batch(batch)


def listing() -> tuple[Variant, ...]:
    """Every variant of every family."""
    return tuple(
        _variant(family, width, resolution)
        for family in NETWORKS.values()
        for width in family.widths
        for resolution in family.resolutions
    )


def _load(name: str) -> Graph:
    if name.lower().endswith(".onnx"):
        from apollo.workloads.onnx import import_onnx  # here, because onnx is slow to import

        return import_onnx(name)
    if name.startswith("gemm:"):
        return _gemm(name)
    if name.startswith("conv:"):
        return _conv(name)
    return _member(name)


def _member(name: str) -> Graph:
    """A network of a family: the longest family name that the name starts with."""
    for family in sorted(NETWORKS.values(), key=lambda family: -len(family.name)):
        match = re.fullmatch(rf"{re.escape(family.name)}(?:_([\d.]+))?(?:_(\d+))?", name)
        if match is not None:
            width = _choice(name, "Width", match[1] or f"{DEFAULT_WIDTH}", family.widths)
            resolution = _choice(
                name, "Resolution", match[2] or f"{DEFAULT_RESOLUTION}", family.resolutions
            )
            return family.build(family.variant(width, resolution), width, resolution)
    raise ValueError(_unknown(name))


def _choice(name: str, what: str, text: str, offered: tuple[Number, ...]) -> Number:
    for value in offered:
        if text == f"{value}":
            return value
    known = ", ".join(map(str, offered))
    raise ValueError(f"{what} of network {name!r} must be one of {known}, not {text}.")


def _unknown(name: str) -> str:
    known = ", ".join([*NETWORKS, GEMM, CONV, "or a path ending in .onnx"])
    names = [
        family.variant(width, resolution)
        for family in NETWORKS.values()
        for width in family.widths
        for resolution in family.resolutions
    ]
    close = difflib.get_close_matches(name, [*NETWORKS, *names], n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"There is no network {name!r} (known: {known}).{hint}"


def _sizes(name: str, form: str, example: str) -> list[int]:
    """The dimensions written after the colon of a synthetic network's name."""
    fields = name.split(":", 1)[1].split("x")
    valid = len(fields) == form.count("x") + 1 and all(
        re.fullmatch(r"[1-9]\d{0,5}", field) and int(field) <= LARGEST_DIMENSION for field in fields
    )
    if not valid:
        raise ValueError(
            f"Network {name!r} must have the form {form} with integers in "
            f"1..{LARGEST_DIMENSION}, for example {example}."
        )
    return [int(field) for field in fields]


def _gemm(name: str) -> Graph:
    """An M x K activation times a stored K x N matrix; a batch has M rows for each of its items."""
    rows, depth, columns = _sizes(name, GEMM, "gemm:128x256x64")
    builder = GraphBuilder(name, [Tensor("input", (rows, depth))])
    return builder.build([builder.add(FullyConnected("gemm", ("input",), "output", columns))], rows)


def _conv(name: str) -> Graph:
    """One same-padded convolution with a square kernel."""
    height, width, inputs, outputs, kernel, stride = _sizes(name, CONV, "conv:56x56x64x128x3x1")
    shape, window, step = (1, inputs, height, width), (kernel, kernel), (stride, stride)
    builder = GraphBuilder(name, [Tensor("input", shape)])
    padding = same_padding_2d(shape, window, step)
    layer = Convolution("conv", ("input",), "output", outputs, window, step, padding)
    return builder.build([builder.add(layer)])


def _variant(family: Family, width: float, resolution: int) -> Variant:
    name = family.variant(width, resolution)
    graph = family.build(name, width, resolution)
    counted = family.counted_values * graph.normalized_channels
    return Variant(
        name=name,
        family=family.name,
        width=width,
        resolution=resolution,
        macs=graph.macs,
        parameters=graph.parameters,
        counted_parameters=graph.weights + graph.biases + counted,
        published=family.published.get((width, resolution)),
    )
