"""A whole utterance and its frames one by one, with the state carried, are the same integers.

The networks are the product's, built smaller: nothing in them but the sizes changes.
"""

from dataclasses import replace

import numpy as np
import pytest

from apollo.workloads.integer import run
from apollo.workloads.model import Model
from apollo.workloads.models import rnnt
from apollo.workloads.operators import LSTM
from apollo.workloads.quantization import Quantization
from apollo.workloads.quantize import quantize

FRAMES, VALUES, UNITS, PROJECTION = 12, 20, 24, 16


@pytest.fixture
def small(monkeypatch):
    """The sizes of the networks that are built, and nothing else."""
    sizes = {"FRAME_VALUES": VALUES, "UNITS": UNITS, "PROJECTION": PROJECTION}
    for name, size in sizes.items():
        monkeypatch.setattr(rnnt, name, size)
    monkeypatch.setattr(rnnt, "STATES", {"hidden": PROJECTION, "memory": UNITS})


def memory_rule(utterance: Model, layer: str) -> Quantization:
    return utterance.constant(layer, "memory").quantization


def step_of(utterance: Model) -> Model:
    """The encoder's step with the numbers of the utterance."""
    graph = rnnt.rnnt_encoder("step")
    rules = {name: utterance.quantization[name] for name in ("frames", "reduction")}
    for operator in graph.operators:
        if isinstance(operator, LSTM):
            layer = operator.name
            of_output, of_memory = utterance.quantization[layer], memory_rule(utterance, layer)
            rules |= {name: of_output for name in (operator.output, f"{layer}/hidden")}
            rules |= {name: of_memory for name in (f"{layer}/memory", f"{layer}/memory_out")}
            rules |= {operator.hidden: of_output} if operator.hidden else {}
    names = {operator.name for operator in graph.operators}
    constants = {key: value for key, value in utterance.constants.items() if key[0] in names}
    return replace(utterance, graph=graph, constants=constants, quantization=rules)


def first_states(step: Model) -> dict[str, np.ndarray]:
    states = [name for name in step.graph.inputs if name != "frames"]
    return {
        name: np.full(step.graph.tensor(name).shape, step.quantization[name].zero_point[0])
        for name in states
    }


def next_states(step: Model, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    states = {}
    for operator in step.graph.operators:
        if isinstance(operator, LSTM):
            states[f"{operator.name}/hidden"] = found[operator.hidden or operator.output]
            states[f"{operator.name}/memory"] = found[operator.memory]
    return states


def test_an_utterance_equals_its_frames_one_by_one(small):
    utterance = quantize(rnnt.rnnt_utterance("utterance", FRAMES), seed=3)
    random = np.random.default_rng(4)
    inputs = {
        name: np.zeros(utterance.graph.tensor(name).shape, np.int64)
        for name in utterance.graph.inputs
    }
    inputs["frames"] = random.integers(-128, 128, (1, FRAMES, VALUES))
    whole = run(utterance, inputs, everything=True)["encoder8"]
    step = step_of(utterance)
    states, outputs = first_states(step), []
    for frame in range(0, FRAMES, 2):
        frames = inputs["frames"][:, frame : frame + 2]
        found = run(step, {"frames": frames, **states}, everything=True)
        states = next_states(step, found)
        outputs.append(found["encoder8/out"])
    assert np.array_equal(np.stack(outputs, axis=1), whole)
    assert len(np.unique(whole)) >= 16
    # The state matters: without it the second step gives other numbers.
    forgetful = run(step, {"frames": inputs["frames"][:, 2:4], **first_states(step)})
    assert not np.array_equal(forgetful["encoder8/out"], whole[:, 1])


def test_eight_bits_store_a_quarter_of_the_floats():
    graph = rnnt.rnnt("whole", 76)
    as_floats = 4 * graph.parameters
    # Weights a byte each; biases, scales and one scale a channel in four.
    channels = sum(
        4 * item.units + (item.projection or 0)
        for item in graph.operators
        if isinstance(item, LSTM)
    )
    quantised = graph.weights + 4 * (graph.parameters - graph.weights) + 4 * 2 * channels
    assert 3.9 < as_floats / quantised <= 4
