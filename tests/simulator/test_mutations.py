"""The random programs bite: each of these mistakes in a machine is seen by comparing it.

Every mutation replaces a method, a function or a constant of the reference; the cases are then
compared with what the unchanged reference says of them. Of the kernel, the numbers that it gets of
the accelerator are replaced.
"""

import re
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from apollo.arch.accelerator import Accelerator
from apollo.simulator import engine, reference
from apollo.simulator.kernels.state import Machine
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


KERNEL_MUTATIONS: dict[str, Callable[[Machine], dict[str, Any]]] = {
    "M4 bursts of twice the size": lambda m: {"burst_bytes": 2 * m.burst_bytes},
    "M5 gain of the other channel": lambda m: {"gain": m.gain[::-1], "cost": m.cost[::-1]},
    "M5 one burst less": lambda m: {"cost": tuple(cost - 1 for cost in m.cost)},
    "M5 no link": lambda m: {"channel_of": (0, 0, 0, 0)},
    "M7 latency of the other channel": lambda m: {"latency": m.latency[::-1]},
    "M7 a cycle late": lambda m: {"latency": tuple(cycles + 1 for cycles in m.latency)},
    "M8 one slot more for PARAM": lambda m: {"param_slots": m.param_slots + 1},
    "M8 one slot more for ACT": lambda m: {"act_slots": m.act_slots + 1},
    "M9 PARAM's bus a byte wider": lambda m: {"param_bus_bytes": m.param_bus_bytes + 1},
    "M9 ACT's bus a byte wider": lambda m: {"act_bus_bytes": m.act_bus_bytes + 1},
    "M12 a ring with room for one more": lambda m: {"ring_bytes": m.ring_bytes + 64},
    "M16 one core more": lambda m: {"cores": m.cores + 1},
    "M16 one lane more": lambda m: {"lanes": m.lanes + 1},
    "M21 one row more": lambda m: {"array_rows": m.array_rows + bool(m.array_rows)},
    "M21 one column more": lambda m: {"array_columns": m.array_columns + 1},
    "parameters always flow": lambda m: {"param_flows": True},
}


@pytest.mark.parametrize("name", KERNEL_MUTATIONS)
def test_mutation_of_the_kernels_machine_is_seen(
    name: str, expected: list[tuple[Case, Seen]], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine_of = engine.machine_of

    def mutated(accelerator: Accelerator, skip: bool = True) -> Machine:
        machine = machine_of(accelerator, skip)
        return machine._replace(**KERNEL_MUTATIONS[name](machine))

    monkeypatch.setattr(engine, "machine_of", mutated)
    assert any(differing_columns(engine.simulate(*case), seen[0]) for case, seen in expected)


def test_no_mutation_no_difference(expected: list[tuple[Case, Seen]]) -> None:
    assert not any(is_seen(case, seen) for case, seen in expected[:40])


def test_every_rule_has_a_mutation() -> None:
    rules = {int(number) for name in ALL for number in re.findall(r"\bM(\d+)", name)}
    assert rules >= {*range(4, 22), 28}
