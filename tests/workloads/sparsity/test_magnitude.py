import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollo.workloads.sparsity import Block
from apollo.workloads.sparsity.magnitude import keep_masks

BLOCKS = [Block(1, 1), Block(1, 2), Block(1, 4), Block(4, 1)]


def drawn(*shape: int, seed: int = 0, levels: int | None = None) -> np.ndarray:
    """Magnitudes; with `levels` as many different ones only, as of int8 weights."""
    values = np.abs(np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)
    return values if levels is None else np.rint(values * levels / 4).astype(np.float32)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.5, 0.75, 0.8, 0.9])
@pytest.mark.parametrize("levels", [None, 127, 8])
def test_the_achieved_sparsity_is_the_requested_one(block, sparsity, levels) -> None:
    magnitudes = drawn(64, 3, 96, levels=levels)
    (kept,) = keep_masks([magnitudes], sparsity, block)
    assert abs(kept.mean() - (1 - sparsity)) <= 0.001


@pytest.mark.parametrize("block", BLOCKS, ids=str)
@pytest.mark.parametrize("shape", [(63, 9, 97), (2, 1, 1001), (1001, 1, 2)])
def test_blocks_at_the_edges_are_counted_by_their_size(block, shape) -> None:
    (kept,) = keep_masks([drawn(*shape)], 0.8, block)
    assert kept.shape == shape
    assert abs(kept.sum() - 0.2 * kept.size) <= max(block.size, 0.001 * kept.size)


@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 11), st.floats(0, 0.99),
       st.sampled_from(BLOCKS), st.integers(0, 5))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_any_shape_is_as_near_as_its_blocks_allow(o, t, i, sparsity, block, seed) -> None:
    magnitudes = drawn(o, t, i, seed=seed, levels=6)
    (kept,) = keep_masks([magnitudes], sparsity, block)
    assert abs(kept.sum() - (1 - sparsity) * kept.size) <= (block.size + 1) / 2
    (again,) = keep_masks([magnitudes], sparsity, block)
    assert np.array_equal(kept, again)


def test_the_least_factors_go() -> None:
    magnitudes = drawn(40, 1, 50)
    (kept,) = keep_masks([magnitudes], 0.6, Block())
    assert magnitudes[~kept].max() < magnitudes[kept].min()


@pytest.mark.parametrize("block", BLOCKS[1:], ids=str)
def test_the_blocks_of_the_least_mean_go_whole(block) -> None:
    magnitudes = drawn(16, 2, 32)
    (kept,) = keep_masks([magnitudes], 0.5, block)
    tall, wide = block.channels, block.inputs
    means, stays = [], []
    for o in range(0, 16, tall):
        for t in range(2):
            for i in range(0, 32, wide):
                part = kept[o : o + tall, t, i : i + wide]
                assert part.all() or not part.any()
                means.append(magnitudes[o : o + tall, t, i : i + wide].mean())
                stays.append(bool(part.all()))
    gone = [mean for mean, stay in zip(means, stays, strict=True) if not stay]
    left = [mean for mean, stay in zip(means, stays, strict=True) if stay]
    assert max(gone) < min(left)


def test_ties_fall_evenly_on_channels() -> None:
    (kept,) = keep_masks([np.ones((32, 1, 512), np.float32)], 0.75, Block())
    assert kept.sum() == 32 * 128
    by_channel = kept.sum(axis=(1, 2))
    assert by_channel.min() > 110
    assert by_channel.max() < 146


def test_one_threshold_over_layers() -> None:
    layers = [drawn(32, 1, 64), 3 * drawn(64, 9, 16, seed=1), drawn(10, 1, 10, seed=2)]
    kept = keep_masks(layers, 0.7, Block())
    stays = np.concatenate([layer[mask] for layer, mask in zip(layers, kept, strict=True)])
    goes = np.concatenate([layer[~mask] for layer, mask in zip(layers, kept, strict=True)])
    assert goes.max() < stays.min()
    assert abs(len(goes) / (len(goes) + len(stays)) - 0.7) <= 0.001
    assert kept[1].mean() > 2 * kept[0].mean()


@pytest.mark.parametrize("sparsity", [-0.1, 1.0, float("nan")])
def test_a_sparsity_that_is_no_share_is_refused(sparsity) -> None:
    with pytest.raises(ValueError, match=r"^Sparsity must be in 0\.\.1, below 1, not"):
        keep_masks([drawn(2, 2, 2)], sparsity, Block())


@pytest.mark.parametrize("text", ["4", "1x", "x4", "1x4x1", "ax4", "1 x4", ""])
def test_a_block_is_written_channels_by_inputs(text) -> None:
    assert Block.parse("4x1") == Block(4, 1)
    with pytest.raises(ValueError, match="A block must be CHANNELSxINPUTS, such as 1x4 or 4x1"):
        Block.parse(text)


def test_a_block_without_extent_is_refused() -> None:
    with pytest.raises(ValueError, match=r"A block must have 1\.\.64 channels and inputs, not 0x4"):
        Block.parse("0x4")
