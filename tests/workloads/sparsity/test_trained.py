"""Networks with trained weights, from packages of third parties."""

import numpy as np
import pytest

from apollo.workloads.sparsity import Share, decode, encode, prune, statistics, total
from apollo.workloads.sparsity.layers import Kind, factors
from tests.workloads.sparsity.report import TRAINED, chosen, trained


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("share", Share)
def test_density_is_that_asked_for(name, share) -> None:
    rows = chosen(prune(trained(name), 0.8, share=share))
    assert abs(total(rows).density - 0.2) <= 0.001
    assert 0.38 < total(rows).stored_bytes / total(rows).dense_bytes < 0.51
    if share is Share.LAYER:
        assert all(abs(row.nonzeros - 0.2 * row.elements) <= 1 for row in rows)


def test_one_threshold_leaves_trained_layers_unequal() -> None:
    densities = [row.density for row in chosen(prune(trained(TRAINED[0]), 0.8, share=Share.GLOBAL))]
    assert max(densities) > 3 * min(densities)


def test_a_detector_came_pruned() -> None:
    model = trained("pose_detection")
    rows = chosen(model)
    assert total(rows).density == pytest.approx(0.25, abs=0.001)
    assert statistics(prune(model, 0.7)) == statistics(model)


def test_integer_weights_are_stored_and_read() -> None:
    pruned = prune(trained("okay_nabu"), 0.8)
    rows = {row.layer: row for row in statistics(pruned)}
    for item in factors(pruned):
        weights = item.channels().reshape(len(item.channels()), -1)
        if item.kind is Kind.DEPTHWISE:
            continue
        assert weights.dtype == np.int8
        data = encode(weights)
        assert np.array_equal(decode(data, *weights.shape).weights, weights)
        assert len(data) == rows[item.operator.name].compressed_bytes
