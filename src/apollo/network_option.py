"""Networks as commands take them: a name or a file, shapes of its inputs, what is left out."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apollo import completion

if TYPE_CHECKING:
    from apollo.search.workload import Workload
    from apollo.workloads.model import Model
    from apollo.workloads.sparsity import Masks

Network = Annotated[
    str,
    typer.Argument(
        help="Built-in name, gemm:MxKxN, conv:…, or an .onnx or .tflite file.",
        autocompletion=completion.networks,
    ),
]
NetworkOrProgram = Annotated[
    str,
    typer.Argument(
        help="As for compile, or the path of a program file or listing.",
        autocompletion=completion.networks,
    ),
]
Batch = Annotated[int, typer.Option(help="Images an inference.")]
Shapes = Annotated[
    list[str] | None,
    typer.Option("--shape", help="INPUT=1,3,224,224, of a file that leaves it free; repeatable."),
]
Partial = Annotated[
    bool, typer.Option("--partial", help="Leave out operators that are not supported.")
]

Sparsity = Annotated[
    float | None, typer.Option(help="Share of the weights to prune by magnitude, as 0.8.")
]

_SHAPE = re.compile(r"(?P<name>.+)=(?P<sizes>[0-9]+(?:,[0-9]+)*)", re.ASCII)
_MOST_DIGITS = 9


def open_network(network: str, batch: int, shapes: Sequence[str] | None, partial: bool) -> "Model":
    """A network, with the values and the gaps of its file.

    Raises `ValueError`, one sentence, for what cannot be loaded.
    """
    from apollo.workloads.catalogue import load_model

    return load_model(network, batch, dict(map(_shape, shapes or ())), partial)


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    parts = _SHAPE.fullmatch(text)
    sizes = parts["sizes"].split(",") if parts else []
    if parts is None or any(len(size) > _MOST_DIGITS for size in sizes):
        raise ValueError(f"--shape must be as INPUT=1,3,224,224, not {text[:80]!r}.")
    return parts["name"], tuple(map(int, sizes))


def masks_for(model: "Model", sparsity: float | None) -> "Masks | None":
    """What pruning leaves of a network's weights; None where nothing is pruned.

    Raises `ValueError`, one sentence, for a wrong sparsity.
    """
    if sparsity is None:
        return None
    from apollo.workloads.sparsity import masks_at

    return masks_at(model, sparsity)


def open_workload(
    network: str,
    batch: int,
    shapes: Sequence[str] | None,
    partial: bool,
    sparsity: float | None,
) -> "Workload":
    """A network with what is pruned of it.

    Raises `ValueError`, one sentence, for what cannot be loaded or pruned.
    """
    from apollo.search.workload import Workload

    model = open_network(network, batch, shapes, partial)
    return Workload(model.graph, masks_for(model, sparsity))


def tell_sparsity(model: "Model", sparsity: float | None, mark: str = "") -> None:
    """Say what is pruned, if anything, behind a mark."""
    if sparsity is not None:
        weights = "the file's weights" if model.constants else "random weights"
        typer.echo(f"{mark}Sparse: {sparsity:.0%} of {weights} are pruned in each layer.")


def left_out_json(model: "Model") -> dict[str, Any]:
    """What is left out, for programs."""
    return {"left_out": [dict(vars(item)) for item in model.left_out]}


def tell_left_out(model: "Model", mark: str = "") -> None:
    """Say what is left out of a network, if anything, each line behind a mark."""
    left_out = model.left_out
    if not left_out:
        return
    macs = sum(item.macs or 0 for item in left_out)
    unknown = sum(item.macs is None for item in left_out)
    share = f"{macs / (model.graph.macs + macs) if macs else 0:.1%} of the MACs"
    if unknown:
        share += f" and those of {unknown} more, which are not known"
    typer.echo(f"{mark}In part: {len(left_out)} operators are left out, {share}:")
    for item in left_out:
        typer.echo(f"{mark}  {item.name} ({item.kind}): {item.reason}")
