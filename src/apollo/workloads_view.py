"""How networks look: lists, layers and sparsity as tables and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import typer

from apollo.console import millions, print_table

if TYPE_CHECKING:
    from apollo.workloads.catalogue import Variant
    from apollo.workloads.figures import NetworkRow
    from apollo.workloads.graph import Graph
    from apollo.workloads.sparsity import SparsityRow, SparsityTotal

_VARIANT_COLUMNS = (
    *("network ", "layers", "M MACs", "published", "M parameters", "published", "M deployed"),
    *("M activations", "MACs/weight", "operations/byte"),
)
_LAYER_COLUMNS = ("layer ", "kind ", "output", "MACs", "parameters", "activation bytes")
_FACTOR_COLUMNS = (
    *("factors ", "kind ", "outputs x inputs", "density", "dense bytes", "compressed bytes"),
    *("stored bytes", "imbalance"),
)


@dataclass(frozen=True)
class Sparsity:
    """What the values of a network say.

    Attributes:
        rows: of all factors.
        pruned: names of the layers that were pruned on request.
        is_random: whether the weights were drawn at random, because the network has none.

    """

    rows: Sequence["SparsityRow"]
    pruned: frozenset[str]
    is_random: bool

    def totals(self) -> Iterator[tuple[str, "SparsityTotal"]]:
        """Sums over the pruned layers, if there are any, and over all of them."""
        from apollo.workloads.sparsity import total

        if self.pruned:
            yield "pruned layers", total([row for row in self.rows if row.layer in self.pruned])
        yield "all factors", total(self.rows)


def _rows_of(variants: Sequence["Variant"]) -> Iterator[tuple["Variant", "NetworkRow"]]:
    from apollo.workloads.catalogue import load
    from apollo.workloads.figures import network_row

    for variant in variants:
        yield variant, network_row(load(variant.name))


def variants_json(variants: Sequence["Variant"]) -> list[dict[str, Any]]:
    """Catalogue entries with their counts and the published figures."""
    return [
        asdict(variant) | {name: value for name, value in asdict(row).items() if name != "network"}
        for variant, row in _rows_of(variants)
    ]


def print_variants(variants: Sequence["Variant"]) -> None:
    """The catalogue."""
    rows = [_variant_cells(variant, row) for variant, row in _rows_of(variants)]
    print_table("Built-in networks, batch 1", _VARIANT_COLUMNS, rows)
    typer.echo("Also gemm:MxKxN, conv:HxWxCIxCOxKxS, or the path of an .onnx or .tflite file.")


def _variant_cells(variant: "Variant", row: "NetworkRow") -> tuple[str, ...]:
    published, parameters = variant.published, variant.published_parameters_m
    return (
        variant.name,
        str(row.layers),
        millions(variant.macs),
        f"{published.macs_m:g}" if published else "",
        millions(variant.counted_parameters),
        f"{parameters:g}" if parameters is not None else "",
        millions(variant.parameters),
        millions(row.activation_bytes),
        f"{row.macs_per_weight_byte:,.1f}",
        f"{row.operations_per_byte:,.1f}",
    )


def graph_json(graph: "Graph", sparsity: Sparsity | None = None) -> dict[str, Any]:
    """Totals and layers of a network."""
    from apollo.workloads.table import records

    rows = records(graph, None if sparsity is None else sparsity.rows)
    shown = {
        "network": graph.name,
        "batch": graph.batch,
        "macs": graph.macs,
        "parameters": graph.parameters,
        "layers": [
            _layer_json(row, layer.activations)
            for row, layer in zip(rows, graph.layers, strict=True)
        ],
    }
    return shown if sparsity is None else shown | {"sparsity": _sparsity_json(sparsity)}


def _layer_json(record: dict[str, Any], activations: int) -> dict[str, Any]:
    """A record whose key `layer` is `name`; the network is said above."""
    rest = {key: value for key, value in record.items() if key not in ("network", "layer")}
    return {"name": record["layer"], **rest, "activations": activations}


def _sparsity_json(sparsity: Sparsity) -> dict[str, Any]:
    from apollo.workloads.sparsity.statistics import as_record

    return {
        "random_weights": sparsity.is_random,
        "pruned": [row.layer for row in sparsity.rows if row.layer in sparsity.pruned],
        "totals": {
            name.replace(" ", "_"): asdict(sums) | {"density": sums.density}
            for name, sums in sparsity.totals()
        },
        "factors": [as_record(row) for row in sparsity.rows],
    }


def print_graph(graph: "Graph") -> None:
    """Layers of a network and their sum."""
    rows = [
        (
            layer.name,
            layer.kind,
            "x".join(map(str, layer.output_shape)),
            f"{layer.macs:,}",
            f"{layer.parameters:,}",
            f"{layer.activation_bytes:,}",
        )
        for layer in graph.layers
    ]
    written = sum(layer.activation_bytes for layer in graph.layers)
    rows.append(("total", "", "", f"{graph.macs:,}", f"{graph.parameters:,}", f"{written:,}"))
    print_table(f"{graph.name}, batch {graph.batch}", _LAYER_COLUMNS, rows)


def print_sparsity(graph: "Graph", sparsity: Sparsity) -> None:
    """Density and bytes of every layer that multiplies by stored factors, and their sums."""
    rows = [_factor_cells(row) for row in sparsity.rows]
    rows += [
        (name, "", "", f"{sums.density:.4f}", f"{sums.dense_bytes:,}", "",
         f"{sums.stored_bytes:,}", "")
        for name, sums in sparsity.totals()
    ]  # fmt: skip
    print_table(f"{graph.name}: factors", _FACTOR_COLUMNS, rows)
    for note in _notes(sparsity):
        typer.echo(note)


def _factor_cells(row: "SparsityRow") -> tuple[str, ...]:
    role = "" if row.role == "weight" else f" {row.role}"
    compressed = row.compressed_bytes
    return (
        row.layer + role,
        row.kind.value,
        f"{row.channels}x{row.inputs}",
        f"{row.density:.4f}",
        f"{row.dense_bytes:,}",
        "-" if compressed is None else f"{compressed:,}",
        f"{row.stored_bytes:,}",
        f"{row.imbalance:.2f}",
    )


def _notes(sparsity: Sparsity) -> Iterator[str]:
    yield "Bytes at int8; stored is the smaller of dense and compressed, layer by layer."
    yield "Imbalance: cycles of the busiest core over the mean, as 4 cores share the channels."
    if sparsity.is_random:
        yield (
            "The weights are random, because the network has none: pruned, they are more evenly "
            "spread than trained ones."
        )
