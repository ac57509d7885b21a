"""Levers of causes, tried again one by one."""

from apollo.search.details.complete import task_of
from apollo.search.details.levers import DESIGNS, levers_rows
from apollo.search.explore import Exploration
from apollo.search.levers import changed
from apollo.search.studies import read_study


def test_every_lever_makes_its_design_feasible(explored: Exploration) -> None:
    row, trials = read_study(explored.folder.parent, "two")
    task = task_of(row)
    rows = levers_rows(task, trials)
    assert rows[0].resource == "area"
    tried = 0
    for found in rows:
        assert found.trials == sum(trial.resource == found.resource for trial in trials)
        for lever in found.levers:
            trial = trials[lever["trial"]]
            assert trial.resource == found.resource
            assert trial.parameters[lever["parameter"]] == lever["before"]
            assert (lever["after"] > lever["before"]) == (lever["direction"] == "more")
            design = task.problem.space.accelerator_at(trial.index)
            better = changed(design, {lever["parameter"]: lever["after"]})
            assert not task.candidate_of(design).outcome.feasible
            assert task.candidate_of(better).outcome.feasible
            tried += 1
    assert tried > 2


def test_levers_are_ranked_by_the_designs_that_they_help(explored: Exploration) -> None:
    row, trials = read_study(explored.folder.parent, "two")
    for found in levers_rows(task_of(row), trials):
        helped = [lever["helped"] for lever in found.levers]
        assert helped == sorted(helped, reverse=True)
        assert max(helped, default=0) <= found.sampled <= DESIGNS


def test_nothing_infeasible_has_no_levers(explored: Exploration) -> None:
    row, trials = read_study(explored.folder.parent, "two")
    assert levers_rows(task_of(row), [trial for trial in trials if trial.feasible]) == []
