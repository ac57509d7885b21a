"""A sample of the zoo, executed: the rest is `python -m tests.compiler.zoo`."""

from collections import Counter
from dataclasses import replace

import pytest

from apollo.arch.accelerator import load_design
from tests.compiler.checks import random_designs
from tests.compiler.zoo.cases import SPARSE, THIRD_PARTY
from tests.compiler.zoo.occurrences import REQUIRED, missing
from tests.compiler.zoo.runs import executed

LARGE, SMALL = (
    load_design("edge_tpu_v3"),
    replace(
        load_design("edge_tpu_v1"),
        name="small",
        **{"pes_x": 2, "pes_y": 2, "cores": 2, "lanes": 16},
        **{"pe_memory_bytes": 1 << 15, "core_memory_bytes": 1 << 14},
    ),
)
# Few and quick ones in which nearly all occurs.
SAMPLE = {
    "crnn@40": LARGE,
    "lraspp_mobilenet_v3@96": LARGE,
    "transformer_encoder_tiny_4": LARGE,
    SPARSE: LARGE,
    "unet@64": SMALL,
}
ELSEWHERE = {"NORMALIZE"}  # local response: light_inception_v1
SLOW = ("tashkeel_int8", "voice_embedder_int8")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
        for name in ("rnnt_joint", *THIRD_PARTY)
    ],
)
def test_programs_leave_the_integers_of_the_reference(name):
    designs = [load_design("edge_tpu_v1"), *random_designs(2, seed=5)]
    outcomes, seen = executed(name, designs)
    assert {outcome.state for outcome in outcomes.values()} <= {"equal", "does not fit"}, outcomes
    assert outcomes["0 edge_tpu_v1"].state == "equal"
    assert seen["STORE"]


def test_what_must_occur_occurs_in_a_sample():
    seen: Counter[str] = Counter()
    for name, design in SAMPLE.items():
        outcomes, found = executed(name, [design])
        assert {outcome.state for outcome in outcomes.values()} == {"equal"}, (name, outcomes)
        seen += found
    assert not missing(seen, REQUIRED - ELSEWHERE)
