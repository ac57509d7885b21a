"""RNN-T, built smaller, as compiled programs: bit for bit, and step after step."""

from collections import Counter

import numpy as np
import pytest

from apollo.arch.accelerator import load_design
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.pack import pack, unpack
from apollo.compiler.pipeline import compile_network
from apollo.simulator.functional import execute
from apollo.workloads.integer import run
from apollo.workloads.models import rnnt
from tests.compiler.checks import random_designs
from tests.compiler.execution import check, coverage
from tests.compiler.models import random_model
from tests.compiler.recurrent_models import small_design
from tests.workloads.rnnt_steps import (
    FRAMES,
    build_small,
    encoder_of,
    first_states,
    next_states,
    random_frames,
    step_of,
    utterance_model,
)

LABELS = 11
BUILDERS = {
    "encoder": lambda: rnnt.rnnt_encoder("encoder"),
    "prediction": lambda: rnnt.rnnt_prediction("prediction", LABELS),
    "joint": lambda: rnnt.rnnt_joint("joint", LABELS),
    "whole": lambda: rnnt.rnnt("whole", LABELS),
}
PRESETS = ("edge_tpu_v1", "edge_tpu_v3")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    build_small(monkeypatch)


@pytest.mark.parametrize("design", PRESETS)
@pytest.mark.parametrize("part", BUILDERS)
def test_programs_compute_the_integers_of_the_model(part, design):
    check(random_model(BUILDERS[part](), seed=5), load_design(design))


def test_on_random_designs_too():
    seen: Counter[str] = Counter()
    designs = [*random_designs(2, seed=11), *map(small_design, range(10))]
    for part, build in BUILDERS.items():
        for seed, design in enumerate(designs):
            try:
                seen += coverage(check(random_model(build(), seed), design, seed))
                seen[part] += 1
            except DoesNotFit:
                seen["refused"] += 1
    assert all(seen[part] > len(designs) / 2 for part in BUILDERS)
    assert {"resident", "channel tiles", "spill", "shared"} <= set(seen)


@pytest.mark.parametrize("name", PRESETS)
def test_executed_steps_are_the_executed_utterance(name):
    """States are read from DRAM after every program and are the next one's inputs."""
    utterance, design, frames = utterance_model(), load_design(name), random_frames()
    encoder = encoder_of(utterance)
    whole = run(encoder, {"frames": frames})["encoder8"]
    compiled = compile_network(lower(encoder.graph, encoder), design)
    left = execute(compiled.cold, design, pack(compiled, encoder, {"frames": frames}))
    assert np.array_equal(unpack(compiled, encoder, left.dram)["encoder8"], whole)

    step = step_of(utterance)
    compiled = compile_network(lower(step.graph, step), design)
    states, program, machine, outputs = first_states(step), compiled.cold, None, []
    for frame in range(0, FRAMES, 2):
        inputs = {"frames": frames[:, frame : frame + 2], **states}
        machine = execute(program, design, pack(compiled, step, inputs), machine)
        found = unpack(compiled, step, machine.dram)
        states, program = next_states(step, found), compiled.warm
        outputs.append(found["encoder8/out"])
    assert compiled.has_residents
    assert np.array_equal(np.stack(outputs, axis=1), whole)
    assert len(np.unique(whole)) >= 16
