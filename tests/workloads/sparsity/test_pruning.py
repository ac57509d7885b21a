import numpy as np
import pytest

from apollo.workloads import load
from apollo.workloads.catalogue import NETWORKS
from apollo.workloads.model import Constant, Model
from apollo.workloads.quantization import Quantization
from apollo.workloads.shapes import elements
from apollo.workloads.sparsity import (
    Block,
    Kind,
    Layers,
    Share,
    masks_of,
    prune,
    pruned_names,
    statistics,
    total,
    with_masks,
    with_random_weights,
)
from apollo.workloads.sparsity.layers import kind_of
from apollo.workloads.sparsity.random_weights import factor_shapes

SMALL = ("mobilenet_v1_0.25_128", "mobilenet_v2_0.35_96", "transformer_encoder_tiny")


def small(name: str) -> Model:
    return with_random_weights(load(name))


def of_pruned(model: Model, layers: Layers = Layers.ALL):
    names = pruned_names(model.graph, layers)
    return [row for row in statistics(model) if row.layer in names]


@pytest.mark.parametrize("name", NETWORKS)
def test_random_weights_are_those_that_the_network_counts(name) -> None:
    graph = load(name)
    for operator in graph.operators:
        shapes = factor_shapes(graph, operator).values()
        wanted = operator.weights(graph.input_shapes(operator))
        if kind_of(graph, operator) is None:  # such as the constant of a product
            wanted = 0
        assert sum(map(elements, shapes)) == wanted, operator.name


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("share", Share)
def test_density_is_that_asked_for(name, share) -> None:
    pruned = prune(small(name), 0.8, share=share)
    rows = of_pruned(pruned)
    assert abs(total(rows).density - 0.2) <= 0.001
    for row in rows if share is Share.LAYER else ():
        assert abs(row.density - 0.2) <= max(0.001, 1 / row.elements), row.layer
    names = {row.layer for row in rows}
    before = {row.layer: row for row in statistics(small(name))}
    rest = [row for row in statistics(pruned) if row.layer not in names]
    assert rest == [before[row.layer] for row in rest]


@pytest.mark.parametrize("block", ["1x2", "1x4", "4x1"])
def test_blocks_over_inputs_of_one_tap_and_over_channels(block) -> None:
    size = Block.parse(block)
    model = small("conv:8x8x16x32x3x1")
    pruned = prune(model, 0.75, block=size)
    assert total(statistics(pruned)).density == pytest.approx(0.25, abs=0.002)
    weight = pruned.constant("conv", "weight").values  # (out, in, rows, columns)
    mask = weight != 0
    kept = small_blocks(mask, size).any(axis=(1, 3))
    full = small_blocks(np.ones_like(mask), size).sum(axis=(1, 3))
    zeros = model.constant("conv", "weight").values == 0
    present = small_blocks(mask | zeros, size).sum(axis=(1, 3))
    assert (present[kept] == full[kept]).all()


def small_blocks(values: np.ndarray, block: Block) -> np.ndarray:
    out, inputs = values.shape[:2]
    tall, wide = block.channels, block.inputs
    return values.reshape(out // tall, tall, inputs // wide, wide, *values.shape[2:])


def test_as_published_the_pointwise_layers_are_pruned() -> None:
    graph = load("mobilenet_v2")
    names = pruned_names(graph, Layers.ALL)
    assert names == pruned_names(graph, Layers.POINTWISE) == pruned_names(graph, Layers.MATRICES)
    assert names == {name for name in names if name.endswith(("expand", "project", "head"))}
    assert len(names) == 34
    with_ends = pruned_names(graph, Layers.ALL, ends=True)
    assert with_ends - names == {"stem", "logits"}


def test_all_heads_are_final() -> None:
    names = pruned_names(load("ssd_mobilenet_v2"), Layers.ALL)
    assert not any(name.startswith("scale") for name in names)
    assert "extra1/reduce" in names


def test_kinds() -> None:
    kinds = {row.layer: row.kind for row in statistics(small("mobilenet_v1_0.25_128"))}
    assert kinds["stem"] is Kind.KERNEL
    assert kinds["block1/depthwise"] is Kind.DEPTHWISE
    assert kinds["block1/pointwise"] is Kind.POINTWISE
    assert {row.kind for row in statistics(small("rnnt_joint"))} == {Kind.MATRIX}


def test_pruning_is_reproducible_and_keeps_what_stays() -> None:
    model = small("mobilenet_v2_0.35_96")
    one, other = (prune(model, 0.7, share=Share.GLOBAL) for _ in range(2))
    for key, constant in one.constants.items():
        assert np.array_equal(constant.values, other.constants[key].values)
        stays = constant.values != 0
        assert np.array_equal(constant.values[stays], model.constants[key].values[stays])
        assert constant.values.dtype == np.int8


def test_masks_of_a_pruned_model_prune_another_one() -> None:
    model = small("mobilenet_v1_0.25_128")
    pruned = prune(model, 0.8)
    again = with_masks(model, masks_of(pruned))
    assert statistics(again) == statistics(pruned)


def test_what_came_sparser_stays_so() -> None:
    pruned = prune(small("mobilenet_v1_0.25_128"), 0.9)
    assert statistics(prune(pruned, 0.5)) == statistics(pruned)


def test_the_threshold_is_of_real_values() -> None:
    """The channel of the small scale goes, although its integers are as large."""
    graph = load("gemm:1x64x2")
    stored = np.full((2, 64), 100, np.int8)
    weight = Constant((2, 64), lambda: stored, Quantization((0.1, 0.01), (0, 0), 0))
    pruned = prune(Model(graph, {("gemm", "weight"): weight}), 0.5)
    assert np.array_equal(pruned.constant("gemm", "weight").values[:, 0], [100, 0])


def test_removed_is_the_zero_point() -> None:
    graph = load("gemm:1x64x2")
    stored = np.arange(128).reshape(2, 64).astype(np.int8)
    weight = Constant((2, 64), lambda: stored, Quantization((0.1,), (30,)))
    pruned = prune(Model(graph, {("gemm", "weight"): weight}), 0.25)
    values = pruned.constant("gemm", "weight").values
    assert (values == 30).sum() == 32
    assert statistics(pruned)[0].nonzeros == 96


def test_nothing_to_prune_is_said() -> None:
    with pytest.raises(ValueError, match=r"^Network 'gemm:1x2x3' has no stored weights to prune"):
        prune(Model(load("gemm:1x2x3")), 0.5)
    with pytest.raises(
        ValueError,
        match=r"^Network 'rnnt_joint' has no layers of the kind 'pointwise' to prune, "
        r"the first full convolution and the final layers apart\.$",
    ):
        prune(small("rnnt_joint"), 0.5, layers=Layers.POINTWISE)


def test_a_mask_must_have_the_shape() -> None:
    model = small("gemm:1x2x3")
    with pytest.raises(
        ValueError, match=r"^The mask of 'gemm' must have shape \(3, 2\), not \(2, 3\)\.$"
    ):
        with_masks(model, {("gemm", "weight"): np.ones((2, 3), np.bool_)})
    with pytest.raises(ValueError, match="has no stored 'bias'"):
        with_masks(model, {("gemm", "bias"): np.ones(3, np.bool_)})
