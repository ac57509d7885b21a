import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollo.search.placement.graphs.random_graphs import random_graph, random_graph_of


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 1000))
def test_layers_read_the_layer_before_and_all_are_read(layers: int, width: int, seed: int) -> None:
    graph = random_graph(layers, width, seed)
    layer = np.array([int(name.split("/")[0].removeprefix("layer")) for name in graph.names])
    assert set(layer.tolist()) == set(range(layers))
    assert np.bincount(layer).max() <= width
    assert (layer[graph.target] - layer[graph.source] == 1).all()
    assert set(graph.source.tolist()) == set(np.flatnonzero(layer < layers - 1).tolist())
    assert set(graph.target.tolist()) == set(np.flatnonzero(layer > 0).tolist())


def test_the_seed_makes_the_graph() -> None:
    one, same, other = (random_graph_of(f"random:9x4:{seed}") for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.operations, same.operations)
    np.testing.assert_array_equal(one.source, same.source)
    assert one.operations.sum() != other.operations.sum()


@pytest.mark.parametrize("name", ["random:9:4", "random:0x4:1", "random:9x400:1", "random:9x4"])
def test_a_name_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(
        ValueError,
        match=rf"^Graph '{name}' must have the form random:LAYERSxWIDTH:SEED with up to 1000 "
        r"layers of up to 100 operators, for example random:20x5:1\.$",
    ):
        random_graph_of(name)
