"""The random programs bite: each of these mistakes in a machine is seen by comparing it.

Every mutation replaces a method, a function or a constant of the reference; the cases are then
compared with what the unchanged reference says of them.
"""

import re
from itertools import islice

import numpy as np
import numpy.typing as npt
import pytest

from apollo.simulator import engine, reference
from apollo.simulator.timeline import Timeline
from tests.simulator.agreement import Case, count_causes, differing_columns, random_case
from tests.simulator.mutations import MUTATIONS
from tests.simulator.tile_mutations import TILE_MUTATIONS

Seen = tuple[Timeline, npt.NDArray[np.int64]]

ALL = MUTATIONS | TILE_MUTATIONS
SEEDS = range(500, 900)
CASES, CYCLES = 150, 1500  # so many of at most so many: the reference takes its time


def seen_of(case: Case) -> Seen:
    timeline, causes = reference.observe(*case)
    return timeline, count_causes(causes)


@pytest.fixture(scope="module")
def expected() -> list[tuple[Case, Seen]]:
    cases = (random_case(seed, most=24) for seed in SEEDS)
    short = (case for case in cases if engine.simulate(*case).latency_cycles <= CYCLES)
    return [(case, seen_of(case)) for case in islice(short, CASES)]


def is_seen(case: Case, expected: Seen) -> bool:
    try:
        timeline, causes = seen_of(case)
    except (ValueError, IndexError):  # hangs, or retires what has not started
        return True
    return bool(differing_columns(timeline, expected[0])) or bool((causes != expected[1]).any())


@pytest.mark.parametrize("name", ALL)
def test_mutation_is_seen(
    name: str, expected: list[tuple[Case, Seen]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for target, replacement in ALL[name]:
        monkeypatch.setattr(f"apollo.simulator.reference.{target}", replacement)
    assert any(is_seen(case, seen) for case, seen in expected)


def test_no_mutation_no_difference(expected: list[tuple[Case, Seen]]) -> None:
    assert not any(is_seen(case, seen) for case, seen in expected[:40])


def test_every_rule_has_a_mutation() -> None:
    rules = {int(number) for name in ALL for number in re.findall(r"\bM(\d+)", name)}
    assert rules >= {*range(4, 22), 28}
