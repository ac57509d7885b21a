"""Quantised files, integer by integer: our reference against that of TensorFlow Lite."""

from collections import defaultdict

import numpy as np
import pytest

from apollo.workloads.integer.run import run
from apollo.workloads.operators import Convolution, FullyConnected
from tests.workloads.tflite.observe import Observed
from tests.workloads.tflite.test_values import convolution
from tests.workloads.wild import ENTRIES, wild

FILES = [name for name, entry in ENTRIES.items() if entry.quantized == "int8"]
STEPS = 24  # of a stream
LEAST_VALUES, MOST_SATURATED = 16, 0.05  # of a layer: else agreement says little


def compare(observed: Observed, found: dict[str, np.ndarray]) -> int:
    """Every tensor that depends on an input; how many there are."""
    count = 0
    for index, flow in observed.importing.importing.flows.items():
        theirs = observed.interpreter.get_tensor(index).astype(np.int64)
        if observed.interpreter.get_tensor(index).dtype == np.uint8:
            theirs -= 128
        for place in flow.places:
            if place.name in found:
                ours = found[place.name].transpose(np.argsort(place.layout))
                np.testing.assert_array_equal(ours, theirs, err_msg=flow.name)
                count += 1
    return count


def stored(observed: Observed) -> dict[str, np.ndarray]:
    """The inputs of the last run, as integers."""
    model, values = observed.model, observed.run.values
    return {name: model.quantization[name].quantize(values[name]) for name in model.graph.inputs}


@pytest.mark.parametrize("name", FILES)
def test_a_stream_is_exact_in_every_tensor_of_every_step(name: str) -> None:
    observed = Observed(wild(name), reference=True)
    model, graph = observed.model, observed.model.graph
    seen = defaultdict(list)
    for _ in range(STEPS):
        found = run(model, stored(observed), everything=True)
        assert compare(observed, found) >= 30
        for operator in graph.operators:
            if isinstance(operator, Convolution | FullyConnected):
                seen[operator.output].append(found[operator.output])
        states = zip(graph.inputs[1:], graph.outputs[1:], strict=True)
        observed.again({old: model.quantization[old].dequantize(found[new]) for old, new in states})
    for tensor, steps in seen.items():
        values, rule = np.concatenate(steps), model.quantization[tensor]
        clipped = (values == rule.high) | ((values == rule.low) & (rule.zero_point[0] != rule.low))
        assert len(np.unique(values)) >= LEAST_VALUES, tensor
        assert clipped.mean() <= MOST_SATURATED, tensor


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize(
    ("kind", "zero", "many"), [("int8", -5, True), ("int8", 7, False), ("uint8", 120, False)]
)
def test_quantised_convolutions_are_exact(tmp_path, kind, zero, many, depthwise) -> None:
    graph = convolution(kind, zero, (4 if depthwise else 6) if many else 1, depthwise)
    observed = Observed(graph.write(tmp_path / "net.tflite"), reference=True)
    assert compare(observed, run(observed.model, stored(observed), everything=True)) == 2
