"""Presets beside measured devices: the order of networks."""

import pytest

from apollo.search.verify.edgetpu import measured, rank_correlation, verify_edgetpu


def test_rank_correlation_is_spearmans() -> None:
    assert rank_correlation([1.0, 2.0, 3.0], [10.0, 20.0, 90.0]) == 1
    assert rank_correlation([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]) == -1
    # By hand: 1 - 6 * (1 + 1) / (4 * 15).
    assert rank_correlation([1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 3.0, 4.0]) == pytest.approx(0.8)


def test_presets_order_networks_as_the_devices_do() -> None:
    part = verify_edgetpu()
    assert len(part.rows) == len(measured()) >= 10
    assert len(part.figures) == 6
    assert not part.misses


def test_figures_from_memory_are_not_counted() -> None:
    assert {seen for device, _, _, seen in measured() if device == "Coral USB"} == {True}
    assert {name for _, name, _, seen in measured() if not seen} == {
        "mobilenet_edgetpu",
        "mobilenet_edgetpu_0.75",
    }
