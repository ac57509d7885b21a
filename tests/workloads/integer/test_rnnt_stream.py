"""A whole utterance and its frames one by one, with the state carried, are the same integers.

The networks are the product's, built smaller: nothing in them but the sizes changes.
"""

import numpy as np

from apollo.workloads.integer import run
from apollo.workloads.models import rnnt
from apollo.workloads.operators import LSTM
from tests.workloads.rnnt_steps import (
    FRAMES,
    build_small,
    first_states,
    next_states,
    random_frames,
    step_of,
    utterance_model,
)


def test_an_utterance_equals_its_frames_one_by_one(monkeypatch):
    build_small(monkeypatch)
    utterance = utterance_model()
    inputs = {
        name: np.zeros(utterance.graph.tensor(name).shape, np.int64)
        for name in utterance.graph.inputs
    }
    inputs["frames"] = random_frames()
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
