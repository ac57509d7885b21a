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
            for change in lever["changes"]:
                assert trial.parameters[change["parameter"]] == change["before"]
                is_more = change["after"] > change["before"]
                assert is_more == (change["direction"] == "more")
            design = task.problem.space.accelerator_at(trial.index)
            values = {change["parameter"]: change["after"] for change in lever["changes"]}
            better = changed(design, values)
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


def test_where_no_single_change_helps_several_are_tried(explored: Exploration) -> None:
    row, trials = read_study(explored.folder.parent, "two")
    (area,) = [found for found in levers_rows(task_of(row), trials) if found.resource == "area"]
    counts = {len(lever["changes"]) for lever in area.levers}
    assert min(counts) == 1
    assert max(counts) > 1
