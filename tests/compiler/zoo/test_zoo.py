"""A sample of the zoo, executed: the rest is `python -m tests.compiler.zoo`."""

from collections import Counter

import pytest

from apollo.arch.accelerator import load_design
from tests.compiler.checks import random_designs
from tests.compiler.zoo.cases import SPARSE, THIRD_PARTY
from tests.compiler.zoo.occurrences import REQUIRED, missing
from tests.compiler.zoo.runs import executed

SLOW = ("tashkeel_int8", "voice_embedder_int8")
# Of every kind of network one that takes seconds.
SAMPLE = (
    "mobilenet_v2_0.35_96",
    "mobilenet_v3_small_0.75_128",
    "unet@64",
    "lraspp_mobilenet_v3@96",
    "transformer_encoder_tiny_4",
    "rnnt_encoder@256",
    "nmt@128",
    SPARSE,
)
ELSEWHERE = {"NORMALIZE"}


def run(name, designs):
    outcomes, seen = executed(name, designs)
    assert {outcome.state for outcome in outcomes.values()} <= {"equal", "does not fit"}, outcomes
    assert next(iter(outcomes.values())).state == "equal"
    return seen


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
        for name in ("rnnt_joint", *THIRD_PARTY)
    ],
)
def test_programs_leave_the_integers_of_the_reference(name):
    seen = run(name, [load_design("edge_tpu_v1"), *random_designs(2, seed=5)])
    assert seen["STORE"]


@pytest.mark.slow
def test_what_must_occur_occurs_in_a_sample():
    seen: Counter[str] = Counter()
    for number, name in enumerate(SAMPLE):
        seen += run(name, [load_design("edge_tpu_v3"), *random_designs(2, seed=number)])
    assert not missing(seen, REQUIRED - ELSEWHERE - {"bands", "permuted", "spill"})
