"""The chosen mappings of small layers beside every other mapping, and beside the bound."""

import statistics

import pytest

from tests.benchmarks.tightness import comparisons
from tests.compiler.exhaustive import Comparison
from tests.compiler.small_layers import LAYERS

Found = dict[tuple[str, str], Comparison]


@pytest.fixture(scope="module")
def found() -> Found:
    return comparisons()


def test_every_layer_is_compared_with_many_mappings(found: Found) -> None:
    assert len(LAYERS) == 20 == len({layer for layer, _ in found})
    assert sum(each.count for each in found.values()) > 20_000


def test_the_choice_is_near_the_optimum_of_its_own_cost_model(found: Found) -> None:
    ratios = {key: each.of_model for key, each in found.items()}
    assert min(ratios.values()) >= 0.75, min(ratios, key=lambda key: ratios[key])
    assert statistics.geometric_mean(ratios.values()) >= 0.96


def test_simulated_cycles_of_the_choice_are_near_the_least_of_any_mapping(found: Found) -> None:
    assert statistics.geometric_mean(each.of_machine for each in found.values()) >= 0.93


def test_no_mapping_beats_the_bound(found: Found) -> None:
    for key, each in found.items():
        assert each.bound <= each.by_simulation.simulated, key


def test_the_bound_is_near_the_best_mapping(found: Found) -> None:
    assert statistics.geometric_mean(each.of_bound for each in found.values()) >= 0.7
