import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollo.arch.operands import Window
from apollo.simulator.functional.sparse import _walk
from apollo.workloads.sparsity import decode, encode
from apollo.workloads.sparsity.storage import (
    MOST_PAIRS,
    compressed_bytes,
    dense_bytes,
    pair_counts,
)


def drawn(channels: int, inputs: int, density: float, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    weights = random.integers(-128, 128, (channels, inputs)).astype(np.int8)
    return np.where(random.random(weights.shape) < density, weights, 0).astype(np.int8)


def walked(data: bytes, channels: int, inputs: int):
    """What the machine finds behind PARAMETERS."""
    operands = [0] * 64
    operands[Window.KERNEL_ROWS] = operands[Window.KERNEL_COLUMNS] = 1
    operands[Window.IN_CHANNELS], operands[Window.PAIRS] = inputs, 1 << 30
    return _walk(np.frombuffer(data, np.uint8), operands, channels)


@given(
    st.integers(1, 6), st.integers(1, 1200), st.sampled_from([0, 0.002, 0.01, 0.2, 0.9, 1]),
    st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_what_is_stored_is_read(channels, inputs, density, seed) -> None:
    weights = drawn(channels, inputs, density, seed)
    records = np.random.default_rng(seed).integers(0, 256, (channels, 9)).astype(np.uint8)
    data = encode(weights, records)
    found = decode(data + b"more", channels, inputs)
    assert np.array_equal(found.weights, weights)
    assert np.array_equal(found.records, records)
    assert found.size_bytes == len(data) == compressed_bytes(pair_counts(weights != 0))
    machine = walked(data, channels, inputs)
    assert np.array_equal(machine.weights, weights)
    assert np.array_equal(machine.records, records)
    assert machine.read_bytes == len(data)


@pytest.mark.parametrize(
    ("index", "pairs"),
    [(0, 1), (1, 1), (255, 1), (256, 2), (510, 2), (511, 3), (765, 3), (766, 4)],
)
def test_long_gaps_take_pairs_of_weight_zero(index, pairs) -> None:
    weights = np.zeros((1, 800), np.int8)
    weights[0, index] = -5
    assert pair_counts(weights != 0).tolist() == [pairs]
    data = encode(weights)
    assert len(data) == 9 + 2 + 2 * pairs
    assert data[9:11] == bytes([pairs, 0])
    assert data[-2:] == bytes([index - 255 * (pairs - 1), 256 - 5])
    assert np.array_equal(decode(data, 1, 800).weights, weights)


def test_bytes_by_hand() -> None:
    weights = np.array([[0, 3, 0, 0, -1], [0, 0, 0, 0, 0]], np.int8)
    assert encode(weights) == (
        bytes(9) + bytes([2, 0, 1, 3, 3, 255])  # record, count, (step, weight) twice
        + bytes(9) + bytes([0, 0])
    )  # fmt: skip
    assert dense_bytes(2, 5) == 2 * (5 + 9)


def test_a_count_has_sixteen_bits() -> None:
    weights = np.ones((1, MOST_PAIRS), np.int8)
    assert np.array_equal(decode(encode(weights), 1, MOST_PAIRS).weights, weights)
    with pytest.raises(
        ValueError, match=r"^Channel 0 must have at most 65,535 pairs, not 65,536\.$"
    ):
        encode(np.ones((1, MOST_PAIRS + 1), np.int8))


def test_wrong_bytes_are_refused() -> None:
    data = encode(drawn(2, 40, 0.5))
    with pytest.raises(ValueError, match=r"^Channel 1 needs \d+ bytes, there are \d+\.$"):
        decode(data[:-1], 2, 40)
    with pytest.raises(ValueError, match=r"^Channel 0 has an index \d+ of 20 inputs\.$"):
        decode(data, 2, 20)
    with pytest.raises(ValueError, match=r"^Weights must be int8 \[channels, inputs\], not int64"):
        encode(np.zeros((2, 2), np.int64))


@pytest.mark.parametrize("sparsity", [0.7, 0.75, 0.8])
def test_at_these_sparsities_about_half_is_stored(sparsity) -> None:
    weights = drawn(256, 512, 1 - sparsity)
    share = len(encode(weights)) / dense_bytes(256, 512)
    assert share == pytest.approx(2 * (1 - sparsity), abs=0.03)
    assert 0.4 < share < 0.62
