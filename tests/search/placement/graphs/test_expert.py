import numpy as np
import pytest

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.catalogue import placement_graph
from apollo.search.placement.graphs.coarsening import coarsened
from apollo.search.placement.graphs.draft import Draft
from apollo.search.placement.graphs.expert import expert
from apollo.search.placement.graphs.step import Detail


def _devices(graph: OperatorGraph, devices: list[int]) -> dict[str, set[int]]:
    """By the first part of operators' names."""
    placed = expert(graph, devices)[graph.group]
    found: dict[str, set[int]] = {}
    for name, device in zip(graph.names, placed.tolist(), strict=True):
        found.setdefault(name.partition("/")[0], set()).add(device)
    return found


def test_a_language_model_has_a_device_for_each_layer() -> None:
    assert _devices(placement_graph("rnnlm_4", batch=1), [1, 2, 3, 4]) == {
        "embedding": {1},
        "layer1": {1},
        "layer2": {2},
        "layer3": {3},
        "layer4": {4},
        "softmax": {4},
    }


def test_layers_share_devices_that_are_few() -> None:
    found = _devices(placement_graph("rnnlm_4", batch=1), [0, 1])
    assert [found[f"layer{layer}"] for layer in (1, 2, 3, 4)] == [{0}, {0}, {1}, {1}]


def test_a_translation_model_has_both_sides_of_a_layer_together() -> None:
    found = _devices(placement_graph("nmt_2", batch=1), [0, 1])
    assert found == {
        "source": {0},
        "target": {0},
        "encoder1": {0},
        "encoder2": {1},
        "decoder1": {0},
        "decoder2": {1},
        "attention": {1},
        "softmax": {1},
    }


def test_a_translation_model_on_more_devices_has_its_sides_apart() -> None:
    found = _devices(placement_graph("nmt_2", batch=1), [0, 1, 2, 3])
    assert [found[name] for name in ("encoder1", "encoder2", "decoder1", "decoder2")] == [
        {0},
        {1},
        {2},
        {3},
    ]
    assert (found["target"], found["attention"]) == ({2}, {3})


def test_tasks_are_placed_as_their_operators() -> None:
    graph = placement_graph("nmt_4", batch=1)
    tasks = coarsened(graph).graph
    np.testing.assert_array_equal(expert(tasks, [0, 1, 2]), expert(graph, [0, 1, 2]))


def test_layers_in_one_operator_are_placed_too() -> None:
    graph = placement_graph("nmt_40", detail=Detail.LAYERS, training=False)
    found = _devices(graph, [0, 1, 2, 3])
    assert [found[f"decoder{layer}"] for layer in (1, 2, 3, 4)] == [{0}, {1}, {2}, {3}]


@pytest.mark.parametrize("devices", [2, 3, 4])
def test_a_network_is_cut_into_stages_of_as_many_layers(devices: int) -> None:
    graph = placement_graph("inception_v3")
    placed = expert(graph, range(devices))[graph.group]
    layers = np.array([kind in ("Convolution", "FullyConnected") for kind in graph.kinds])
    counts = np.bincount(placed[layers & ~graph.is_backward], minlength=devices)
    assert counts.sum() == 95  # 94 convolutions and the classifier
    assert counts.max() - counts.min() <= 8
    # Contiguous: nothing goes back to an earlier stage.
    forward = ~graph.is_backward[graph.target]
    assert (placed[graph.source[forward]] <= placed[graph.target[forward]]).all()


def test_a_network_that_multiplies_nothing_is_cut_too() -> None:
    draft = Draft("functions")
    tensor = draft.input("given", 8)
    for number in range(3):
        tensor = draft.add(f"bent{number}", "Unary relu", [tensor], 8, 2)
    assert expert(draft.graph(), [4, 7]).tolist() == [4, 4, 7, 7]


def test_no_devices_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^The expert's rule must have at least 1 device to use\.$"
    ):
        expert(placement_graph("random:2x2:1"), [])
