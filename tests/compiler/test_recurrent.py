"""Recurrent layers on lanes: compiled programs give the integers that the model means."""

from collections import Counter

import pytest

from apollo.compiler.errors import DoesNotFit
from apollo.workloads.model import Rounding
from apollo.workloads.operators import GRU, LSTM
from tests.compiler.execution import check, coverage
from tests.compiler.models import random_model
from tests.compiler.recurrent_models import random_recurrent, small_design

FEW, MANY = 100, 1500


def of_seed(seed: int) -> Counter[str]:
    """A random network on a small design: what it has, or nothing where it does not fit."""
    graph = random_recurrent(seed)
    model = random_model(graph, seed, Rounding.TFLITE if seed % 4 == 0 else Rounding.ONCE)
    try:
        seen = coverage(check(model, small_design(seed), seed))
    except DoesNotFit:
        return Counter()
    for operator in graph.operators:
        if isinstance(operator, LSTM | GRU):
            seen.update([type(operator).__name__])
            names = ("projection", "layer_norm", "bidirectional", "reset_after", "hidden", "memory")
            seen.update(name for name in names if getattr(operator, name, None))
            seen.update([f"{len(operator.inputs)} inputs"])
            seen.update([f"rank {len(graph.input_shapes(operator)[0])}"])
    return seen


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_random_recurrent_networks_on_small_designs(count: int) -> None:
    found = [of_seed(seed) for seed in range(count)]
    assert sum(map(bool, found)) > count / 2
    seen = sum(found, Counter[str]())
    wanted = {"LSTM", "GRU", "projection", "layer_norm", "bidirectional", "reset_after", "hidden"}
    wanted |= {"memory", "1 inputs", "2 inputs", "3 inputs", "rank 2", "rank 3"}
    wanted |= {"resident", "spill", "partial sums", "channel tiles", "images", "shared"}
    assert wanted <= set(seen)
