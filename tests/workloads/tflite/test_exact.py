"""Quantised files, integer by integer: our reference against that of TensorFlow Lite."""

from collections import defaultdict

import numpy as np
import pytest

from apollo.workloads.integer.run import run
from apollo.workloads.model import Model
from apollo.workloads.operators import Convolution, FullyConnected
from tests.workloads.tflite.observe import Observed
from tests.workloads.tflite.test_values import convolution
from tests.workloads.wild import ENTRIES, wild

FILES = [name for name, entry in ENTRIES.items() if entry.quantized == "int8"]
STREAMS = [name for name in FILES if "VAR_HANDLE" in ENTRIES[name].operators]
STEPS, IMAGES = 24, 3  # of a stream, of what has no state
LEAST_VALUES, MOST_SATURATED = 16, 0.05  # of a layer: else agreement says little


def compare(observed: Observed, found: dict[str, np.ndarray], but: tuple[str, ...] = ()) -> int:
    """Every tensor that depends on an input; how many there are. Some may differ by a unit."""
    count = 0
    for index, flow in observed.importing.importing.flows.items():
        theirs = observed.interpreter.get_tensor(index).astype(np.int64)
        if observed.interpreter.get_tensor(index).dtype == np.uint8:
            theirs -= 128
        for place in flow.places:
            if place.name in found:
                ours = found[place.name].transpose(np.argsort(place.layout))
                most = int(place.name in but)
                assert np.abs(ours - theirs).max() <= most, flow.name
                count += 1
    return count


def rounded_once(model: Model, layer: FullyConnected, source: np.ndarray) -> np.ndarray:
    """What a layer gives if its sums become integers in one step."""
    weight, rules = model.constant(layer.name, "weight"), model.quantization
    before, after = rules[layer.inputs[0]], rules[layer.output]
    assert weight.quantization is not None
    sums = weight.values.astype(np.int64) @ (source.ravel() - before.zero_point[0])
    sums += model.constant(layer.name, "bias").values
    factor = before.scale[0] * weight.quantization.scale[0] / after.scale[0]
    return np.clip(np.floor(sums * factor + 0.5) + after.zero_point[0], after.low, after.high)


def stored(observed: Observed) -> dict[str, np.ndarray]:
    """The inputs of the last run, as integers."""
    model, values = observed.model, observed.run.values
    return {name: model.quantization[name].quantize(values[name]) for name in model.graph.inputs}


@pytest.mark.parametrize("name", STREAMS)
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


@pytest.mark.parametrize("name", [name for name in FILES if name not in STREAMS])
def test_a_classifier_is_exact_but_for_the_rounding_of_its_last_layer(name: str) -> None:
    """The interpreter rounds its sums once, those of convolutions twice; Micro rounds all twice."""
    observed = Observed(wild(name), reference=True)
    model, differing = observed.model, 0
    (last,) = (item for item in model.graph.operators if isinstance(item, FullyConnected))
    (index,) = (
        index
        for index, flow in observed.importing.importing.flows.items()
        if any(place.name == last.output for place in flow.places)
    )
    for _ in range(IMAGES):
        found = run(model, stored(observed), everything=True)
        assert compare(observed, found, (last.output,)) >= 60
        theirs = observed.interpreter.get_tensor(index).astype(np.int64)
        assert (rounded_once(model, last, found[last.inputs[0]]) == theirs.ravel()).all()
        differing += int((found[last.output] != theirs).sum())
        observed.again({})
    assert differing <= 5 * IMAGES


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize(
    ("kind", "zero", "many"), [("int8", -5, True), ("int8", 7, False), ("uint8", 120, False)]
)
def test_quantised_convolutions_are_exact(tmp_path, kind, zero, many, depthwise) -> None:
    graph = convolution(kind, zero, (4 if depthwise else 6) if many else 1, depthwise)
    observed = Observed(graph.write(tmp_path / "net.tflite"), reference=True)
    assert compare(observed, run(observed.model, stored(observed), everything=True)) == 2
