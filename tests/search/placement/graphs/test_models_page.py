"""The table of docs/placement_models.md is what the graphs are."""

import re
from pathlib import Path

import numpy as np
import pytest

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.catalogue import MODELS, placement_graph
from apollo.search.placement.graphs.coarsening import coarsened
from apollo.search.placement.graphs.gradients import PRODUCTS
from apollo.search.placement.graphs.step import Detail

PAGE = Path(__file__).resolve().parents[4] / "docs" / "placement_models.md"
ROWS = {
    row[0].strip("`"): row[1:]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if re.match(r"\| `\w+` \| \d+ \|", line)
    for row in [[cell.strip() for cell in line.strip("|").split("|")]]
}
SAMPLE = ("inception_v3", "rnnlm_2", "transformer")


def test_every_model_has_a_row() -> None:
    assert list(ROWS) == list(MODELS)


@pytest.mark.parametrize(
    "name",
    [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.slow) for name in MODELS],
)
def test_rows_are_right(name: str) -> None:
    forward, step = placement_graph(name, training=False), placement_graph(name)
    written_out = placement_graph(name, detail=Detail.OPERATORS)
    assert ROWS[name] == [
        f"{MODELS[name].batch}",
        f"{len(forward.names):,}",
        f"{len(step.names):,}",
        f"{len(written_out.names):,}",
        f"{step.groups:,}",
        f"{len(coarsened(step).graph.names):,}",
        f"{forward.parameter_bytes.sum() / 4e6:.1f}",
        f"{_multiplications(written_out) / 1e9:.1f}",
    ]


def _multiplications(graph: OperatorGraph) -> int:
    forward_products = np.array([kind in PRODUCTS for kind in graph.kinds]) & ~graph.is_backward
    return int(graph.operations[forward_products].sum()) // 2
