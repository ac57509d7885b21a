"""Placements as studies: what is stored, and what a second run does."""

from pathlib import Path

import numpy as np
import pytest

from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.problem import PlacementProblem
from apollo.search.placement.step import problem_of
from apollo.search.placement.study import MEMORY, PlacementStudy
from apollo.search.store import Store
from tests.search.placement.cases import cluster_of, instance_of_columns


def problem(memory: int = 100) -> PlacementProblem:
    """Two operators at once, and one that reads both."""
    cluster = cluster_of([memory, memory])
    edges = [(0, 2, 1), (1, 2, 1)]
    instance = instance_of_columns(
        [[5, 5], [7, 7], [1, 1]], edges, cluster, output_bytes=[40, 40, 4]
    )
    return problem_of(instance)


class Optimizers:
    """Those that place all on one device, by its number as a name; remembers who was asked."""

    def __init__(self, of: PlacementProblem) -> None:
        self.problem = of
        self.asked: list[str] = []

    def __call__(self, name: str) -> Found:
        self.asked.append(name)
        tries = Tries(self.problem, Budget(1))
        tries.costs(np.full((1, 3), int(name)))
        return tries.found()


def test_a_second_run_asks_only_for_what_is_missing(tmp_path: Path) -> None:
    place, study = Optimizers(problem()), PlacementStudy("s", problem(), 0, {"graph": "case"})
    with Store(tmp_path / "study.db") as store:
        study.run(store, ["0"], place)
        again = study.run(store, ["0", "1"], place)
        assert place.asked == ["0", "1"]
        assert [each.optimizer for each in again] == ["0", "1"]
        assert [each.placement.tolist() for each in again] == [[0, 0, 0], [1, 1, 1]]
        assert [each.cost for each in again] == [13.0, 13.0]
        assert [trial.proposer for trial in store.trials("s")] == ["0", "1"]
        assert len({trial.index for trial in store.trials("s")}) == 2


def test_another_problem_of_that_name_is_refused(tmp_path: Path) -> None:
    place = Optimizers(problem())
    with Store(tmp_path / "study.db") as store:
        PlacementStudy("s", problem(), 0, {"batch": 32}).run(store, ["0"], place)
        with pytest.raises(ValueError, match="was made with batch 32, not 64"):
            PlacementStudy("s", problem(), 0, {"batch": 64}).run(store, ["0"], place)


def test_what_lacks_memory_is_infeasible(tmp_path: Path) -> None:
    tight = problem(60)
    study = PlacementStudy("s", tight, 0, {})
    with Store(tmp_path / "study.db") as store:
        (placed,) = study.run(store, ["0"], Optimizers(tight))
    assert placed.trial.resource == MEMORY
    assert placed.trial.reason == "The placement lacks 24 bytes of memory."
    assert placed.cost == np.inf
