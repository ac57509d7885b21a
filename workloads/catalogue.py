"""The networks by name.

A name is `FAMILY[_WIDTH[_RESOLUTION]]` (bare means 1.0 at 224), `NAME[_SIZE]` (bare means the
usual size), a single synthetic layer `gemm:MxKxN` or `conv:HxWxCIxCOxKxS`, or a path that ends in
`.onnx` or `.tflite`.
"""

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apollo import plugins
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.model import Model
from apollo.workloads.models import (
    crnn,
    efficientnet_lite,
    inception_v3,
    lraspp,
    lstm_lm,
    mobilenet_edgetpu,
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3,
    nmt,
    resnet50,
    rnnt,
    ssd_mobilenet_v2,
    tpu_v1,
    transformer_encoder,
    unet,
)
from apollo.workloads.models.family import Entry, Family, Member, Published, Sized
from apollo.workloads.operators import Convolution, FullyConnected
from apollo.workloads.plugin import find_plugin, plugin_entry
from apollo.workloads.shapes import Shape, same_padding_2d

ENTRIES: tuple[Entry, ...] = (
    mobilenet_v1.FAMILY,
    mobilenet_v2.FAMILY,
    *mobilenet_v3.FAMILIES,
    mobilenet_edgetpu.FAMILY,
    *efficientnet_lite.NETWORKS,
    resnet50.NETWORK,
    inception_v3.NETWORK,
    unet.NETWORK,
    ssd_mobilenet_v2.NETWORK,
    lraspp.NETWORK,
    crnn.NETWORK,
    *rnnt.NETWORKS,
    lstm_lm.NETWORK,
    nmt.NETWORK,
    *transformer_encoder.NETWORKS,
    *tpu_v1.NETWORKS,
)
NETWORKS: dict[str, Entry] = {entry.name: entry for entry in ENTRIES}
GEMM, CONV = "gemm:MxKxN", "conv:HxWxCIxCOxKxS"

LARGEST_DIMENSION = 1 << 16  # of a synthetic layer; counts stay far inside 64 bits


@dataclass(frozen=True)
class Variant:
    """One network of the catalogue with its figures.

    Attributes:
        name: by which `load` finds it.
        family: name of its family, its own if it has no variants.
        width: width multiplier; None where there is none to choose.
        resolution: input height and width, in pixels; None where there is none to choose.
        macs: multiply-accumulates an image, sentence or step.
        parameters: values to deploy, normalisations folded.
        counted_parameters: parameters as the published figure counts them.
        published: the published figures, where there is one of multiply-accumulates.
        published_parameters_m: millions of parameters published, if any.

    """

    name: str
    family: str
    width: float | None
    resolution: int | None
    macs: int
    parameters: int
    counted_parameters: int
    published: Published | None
    published_parameters_m: float | None = None


def load(
    name_or_path: str | os.PathLike[str],
    batch: int = 1,
    shapes: Mapping[str, Shape] | None = None,
    partial: bool = False,
) -> Graph:
    """The network of that name or file, for `batch` images; the others as in `load_model`."""
    return load_model(name_or_path, batch, shapes, partial).graph


def load_model(
    name_or_path: str | os.PathLike[str],
    batch: int = 1,
    shapes: Mapping[str, Shape] | None = None,
    partial: bool = False,
) -> Model:
    """The network of that name or file with what the file holds of values.

    `shapes` are of inputs of a file whose dimensions it leaves free, by name, in its own order;
    with `partial` operators that are not supported are left out and listed. Raises `ValueError`,
    one sentence, when there is no such network or it cannot be imported.
    """
    name = os.fspath(name_or_path)
    suffix = os.path.splitext(name)[1].lower()
    if suffix == ".tflite":
        from apollo.workloads.tflite import import_tflite

        return import_tflite(name, batch, shapes, partial)
    if suffix == ".onnx":
        from apollo.workloads.onnx import import_onnx_model  # here: onnx is slow to import

        return import_onnx_model(name, batch, shapes, partial=partial)
    if shapes:
        raise ValueError(f"Network {name!r} is built in: shapes can be given of files only.")
    return Model(_built_in(name).with_batch(batch))


def listing() -> tuple[Variant, ...]:
    """Every variant of every family, and every other network in its usual sizes."""
    return tuple(_variant(entry, member) for entry in ENTRIES for member in entry.members)


def plugin_listing(name: str) -> tuple[Variant, ...]:
    """The same of a plug-in.

    Raises `ValueError`, one sentence that names the distribution, when it is broken.
    """
    entry = plugin_entry(name)
    return tuple(_variant(entry, member) for member in entry.members)


def network_names() -> list[str]:
    """The names of the families, of every variant of them, and of plug-ins."""
    names = [member.name for entry in ENTRIES for member in entry.members]
    return list(dict.fromkeys([*NETWORKS, *names, *plugins.names(plugins.Group.NETWORKS)]))


def _built_in(name: str) -> Graph:
    if name.startswith("gemm:"):
        return _gemm(name)
    if name.startswith("conv:"):
        return _conv(name)
    member = find(name)
    if member is None:
        raise ValueError(_unknown(name))
    return member.build()


def find(name: str) -> Member | None:
    """The network of that name, a built-in one before that of a plug-in.

    Raises `ValueError` for a known network in a size that is not offered, or a broken plug-in.
    """
    for entry in sorted(ENTRIES, key=lambda entry: -len(entry.name)):
        member = entry.find(name)
        if member is not None:
            return member
    return find_plugin(name)


def sizes_of(name: str) -> Sequence[int]:
    """Resolutions, or other sizes, that a built-in network is offered in; none for others."""
    entry = _entry(name)
    if isinstance(entry, Family):
        return entry.resolutions
    return entry.sizes if isinstance(entry, Sized) else ()


def resized(name: str, size: int) -> str:
    """The name of a built-in network in another resolution, or another of its sizes.

    Raises `ValueError` for networks that have no sizes to choose.
    """
    entry = _entry(name)
    if isinstance(entry, Family):
        member = entry.find(name)
        return entry.variant(member.width if member and member.width else 1.0, size)
    if isinstance(entry, Sized):
        return f"{entry.name}_{size}"
    raise ValueError(f"Network {name!r} must be a built-in one with sizes to choose.")


def _entry(name: str) -> Entry | None:
    for entry in sorted(ENTRIES, key=lambda entry: -len(entry.name)):
        if entry.find(name) is not None:
            return entry
    return None


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, network_names(), n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    others = f"{GEMM}, {CONV}, or a path ending in .onnx or .tflite"
    return f"There is no network {name!r} (`apollo workloads` lists them; also {others}).{hint}"


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


def _variant(entry: Entry, member: Member) -> Variant:
    graph, published = member.build(), member.published
    counted = entry.counted_values * graph.normalized_channels
    return Variant(
        name=member.name,
        family=entry.name,
        width=member.width,
        resolution=member.resolution,
        macs=graph.macs,
        parameters=graph.parameters,
        counted_parameters=graph.weights + graph.biases + counted,
        published=published if published and published.macs_m is not None else None,
        published_parameters_m=published.parameters_m if published else None,
    )
