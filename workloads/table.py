"""A network as a table: a record for each layer, with what its sparsity makes of it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from apollo.workloads.figures import layer_rows
from apollo.workloads.graph import Graph
from apollo.workloads.model import Model
from apollo.workloads.sparsity.statistics import SparsityRow, statistics, total

if TYPE_CHECKING:
    import pandas as pd

Record = dict[str, Any]


def table(network: Graph | Model) -> "pd.DataFrame":
    """A row for each operator: multiply-accumulates, parameters, bytes; density of a model, too.

    The columns are the fields of `LayerRow`. A `Model` adds `density`, `dense_bytes`,
    `compressed_bytes` and `stored_bytes`, which are missing where nothing is multiplied by stored
    factors, and `compressed_bytes` of depthwise kernels, for which there is no such format.
    """
    import pandas as pd  # here, because it is slow to import

    if isinstance(network, Graph):
        return pd.DataFrame(records(network))
    return pd.DataFrame(records(network.graph, statistics(network)))


def records(graph: Graph, rows: Sequence[SparsityRow] | None = None) -> list[Record]:
    """A record for each operator, in order; with `rows` also what they say of its factors."""
    counted = [asdict(row) for row in layer_rows(graph)]
    if rows is None:
        return counted
    by_layer: dict[str, list[SparsityRow]] = {}
    for row in rows:
        by_layer.setdefault(row.layer, []).append(row)
    return [record | _sparsity(by_layer.get(record["layer"], [])) for record in counted]


def _sparsity(rows: Sequence[SparsityRow]) -> Record:
    """Of the factors of one layer, all roles together."""
    if not rows:
        return dict.fromkeys(("density", "dense_bytes", "compressed_bytes", "stored_bytes"))
    sums = total(rows)
    sizes = [row.compressed_bytes for row in rows if row.compressed_bytes is not None]
    return {
        "density": sums.density,
        "dense_bytes": sums.dense_bytes,
        "compressed_bytes": sum(sizes) if len(sizes) == len(rows) else None,
        "stored_bytes": sums.stored_bytes,
    }
