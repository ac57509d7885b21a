"""Compiled operators on ONNX Runtime's own inputs: within one unit of what it gives."""

import pytest

from apollo.arch.accelerator import load_design
from apollo.workloads.quantize.calibrate import synthetic
from tests.compiler.zoo.cases import case_of
from tests.compiler.zoo.layers import compare
from tests.workloads.integer.test_networks import LOOSE
from tests.workloads.integer.test_operators import CASES, quantized

DESIGN = load_design("edge_tpu_v1")


@pytest.mark.parametrize(("shape", "operators"), CASES.values(), ids=CASES)
def test_an_operator_agrees(shape, operators):
    model = quantized(shape, operators)
    rows = compare(model, synthetic(model, 0, 1)[0], DESIGN)
    # A projection reads what the gates give at 8 bits, and ONNX Runtime reads real numbers.
    most = 2 if any(getattr(item, "projection", None) for item in operators) else 1
    assert {row.tensor for row in rows} >= {operators[-1].output}
    assert all(row.difference <= most for row in rows), rows
    assert rows[-1].fit, rows[-1]


@pytest.mark.parametrize("name", ["mobilenet_v3_small_0.75_128", "unet@64", "nmt@128"])
def test_the_operators_of_a_network_agree(name):
    model = case_of(name).model
    rows = compare(model, synthetic(model, 0, 1)[0], DESIGN)
    assert len(rows) >= 20
    for row in rows:
        assert row.difference <= LOOSE.get(row.label, 1), row
    exact = sum(row.exact * row.elements for row in rows) / sum(row.elements for row in rows)
    assert exact > 0.97
    assert sum(row.fit for row in rows) > 0.8 * len(rows)
