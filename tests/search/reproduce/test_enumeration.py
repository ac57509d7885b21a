"""The enumeration against plain loops over the whole space."""

from itertools import product
from pathlib import Path

import pytest
from reproduction_plans import tiny_plan

from apollo.search.reproduce.enumerate import (
    SMALL,
    chunks_of,
    enumerate_chunk,
    large_designs,
    load_enumeration,
    with_small,
)
from apollo.search.reproduce.optimum import Quest, best_within, find_optimum, load_optimum
from apollo.search.reproduce.plan import SINGLE
from apollo.search.task import Task

PLAN = tiny_plan()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("enumeration")
    for chunk in chunks_of(PLAN, SINGLE):
        enumerate_chunk(PLAN, made, chunk)
    return made


def test_every_large_design_within_the_area_is_there_once(folder: Path) -> None:
    task = Task.of(PLAN.problem(SINGLE, "speedup", None))
    names = [parameter.name for parameter in PLAN.space.parameters]
    choices = [
        range(1 if n in SMALL else r) for n, r in zip(names, PLAN.space.radices, strict=True)
    ]
    expected = {}
    for digits in product(*choices):
        index = PLAN.space.index_of(digits)
        area_mm2 = task.known_at(index)["area_mm2"]
        if area_mm2 <= 6.8:
            expected[index] = area_mm2
    found = [
        pair for chunk in chunks_of(PLAN, SINGLE) for pair in large_designs(task, chunk.head, 6.8)
    ]
    assert dict(found) == expected
    assert len(found) == len(expected) > 100
    rows = load_enumeration(PLAN, SINGLE, folder)
    assert rows.area_mm2.tolist() == list(expected.values())
    assert rows.point.tolist() == [with_small(task, index, -1) for index in expected]


@pytest.mark.parametrize("objective", ["speedup", "throughput_per_area"])
@pytest.mark.parametrize("budget_mm2", [6.8, 4.8])
def test_the_optimum_is_that_of_all_designs(
    folder: Path, objective: str, budget_mm2: float
) -> None:
    task = Task.of(PLAN.problem(SINGLE, objective, budget_mm2))
    quest = Quest(SINGLE, objective, budget_mm2)
    found = best_within(task, quest, load_enumeration(PLAN, SINGLE, folder))
    outcomes = [task.candidate(index) for index in range(PLAN.space.size)]
    best = max(outcomes, key=lambda each: each.reward)
    assert found.reward == pytest.approx(best.reward, rel=1e-12)
    assert task.candidate(found.point).reward == pytest.approx(found.reward, rel=1e-12)
    assert found.area_mm2 <= budget_mm2
    assert found.is_certain
    assert found.exceptions == 0


def test_an_optimum_that_is_not_certain_says_so(folder: Path) -> None:
    task = Task.of(PLAN.problem(SINGLE, "speedup", 6.8))
    quest = Quest(SINGLE, "speedup", 6.8)
    found = best_within(task, quest, load_enumeration(PLAN, SINGLE, folder), most=0)
    assert (found.measured, found.reward) == (0, 0.0)
    assert found.bound > 0
    assert not found.is_certain


def test_an_optimum_is_kept(folder: Path) -> None:
    quest = Quest(SINGLE, "speedup", 4.8)
    assert load_optimum(folder, quest) is None
    find_optimum(PLAN, folder, quest)
    kept = load_optimum(folder, quest)
    assert kept is not None
    assert kept.is_certain
    find_optimum(PLAN, folder, quest)
    assert load_optimum(folder, quest) == kept
