"""The figures of docs/sparsity.md are those that the code gives."""

from pathlib import Path

import pytest

from tests.workloads.sparsity.report import (
    BUILT_IN,
    TILES,
    TRAINED,
    built_in_line,
    tile_line,
    trained_line,
)

PAGE = (Path(__file__).resolve().parents[3] / "docs/sparsity.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", BUILT_IN)
def test_networks_with_random_weights(name) -> None:
    assert built_in_line(name) in PAGE


@pytest.mark.parametrize("name", TRAINED)
def test_networks_with_trained_weights(name) -> None:
    assert trained_line(name) in PAGE


@pytest.mark.parametrize("tile", TILES)
def test_cycles_of_tiles(tile) -> None:
    assert tile_line(*tile) in PAGE
