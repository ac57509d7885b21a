import re
from dataclasses import replace
from pathlib import Path

import pytest
from landscape import comparable
from transfer_studies import OTHER, small_problem

from apollo.search.errors import NothingFeasible
from apollo.search.execution import Execution
from apollo.search.explore import default_study, explore
from apollo.search.store import Store
from apollo.search.study import Study, run_study
from apollo.search.task import Task
from apollo.search.transfer.rerank import rerank
from apollo.search.transfer.source import read_sources
from apollo.search.transfer.warm_start import By, WarmStart, make_warm_start
from apollo.search.trial import Outcome

PROBLEM = small_problem(area=4.8, objectives=["speedup"])
START = WarmStart(("one",), points=40)


@pytest.fixture
def copied(results, tmp_path) -> Path:
    """A folder of results of one's own with the source study."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one/study.db").write_bytes((results / "one/study.db").read_bytes())
    return tmp_path


def warm(folder: Path, trials: int = 96, start: WarmStart | None = START, problem=PROBLEM, **more):
    named = {"study": "new"} | more
    return explore(problem, trials=trials, output=folder, warm_start=start, **named)


def test_the_first_trials_are_the_best_diverse_of_the_source(copied):
    trials = warm(copied).result.trials
    ranked = rerank(read_sources(["one"], copied), Task.of(PROBLEM))
    assert len(trials) == 96
    assert trials[0].index == ranked[0].index
    assert trials[0].reward == max(trial.reward for trial in trials[:40])
    known = {each.index for each in ranked}
    assert {trial.index for trial in trials[:40]} <= known
    assert len({trial.index for trial in trials[:40]}) == 40
    assert all(trial.feasible for trial in trials[:40])
    assert not known & {trial.index for trial in trials[64:]}  # the optimizer was told of them


def test_the_optimizer_goes_on_from_them(copied):
    cold = explore(PROBLEM, trials=96, output=copied, study="cold").result
    found = warm(copied).result
    assert sum(trial.feasible for trial in found.trials[64:]) > 3 * cold.feasible


def test_resuming_needs_no_source(copied):
    whole = warm(copied).result.trials
    (copied / "new/study.db").unlink()
    assert warm(copied, trials=20).result.added == 20
    (copied / "one/study.db").unlink()
    assert warm(copied, trials=70).result.added == 50
    assert comparable(warm(copied).result.trials) == comparable(whole)


def test_resuming_ignores_what_the_source_found_since(copied):
    first = warm(copied, trials=20).result.trials
    explore(small_problem(objectives=["speedup"]), trials=300, seed=1, study="one", output=copied)
    assert warm(copied, trials=40).result.trials[:20] == first


@pytest.mark.parametrize(
    ("start", "difference"),
    [
        (None, "warm_start.at_most 40, not none"),
        (replace(START, points=8), "warm_start.at_most 40, not 8"),
        (replace(START, studies=("one", "one")), 'warm_start.from ["one"], not ["one","one"]'),
    ],
)
def test_another_start_is_another_study(copied, start, difference):
    warm(copied, trials=8)
    with pytest.raises(ValueError, match=f"^Study 'new' was made with {re.escape(difference)}"):
        warm(copied, start=start)


def test_a_name_by_default_says_that_it_is_warm():
    names = {default_study(PROBLEM, "random", 0, start) for start in (None, START)}
    assert len(names) == 2
    assert min(names, key=len) == default_study(PROBLEM, "random", 0)


def test_databases_are_sources_by_path(results, tmp_path):
    path = str(results / "two/study.db")
    start = WarmStart((path,), points=8)
    trials = warm(tmp_path, trials=8, start=start, problem=small_problem(OTHER)).result.trials
    assert all(trial.feasible for trial in trials)


def test_one_study_of_a_database_is_a_source(results, tmp_path):
    """The other one has no networks."""
    path = tmp_path / "shared.db"
    path.write_bytes((results / "one/study.db").read_bytes())
    with Store(path) as store:
        store.open_study(Study("synthetic", "random", 1, "1").row())
    trials = warm(tmp_path, trials=8, start=WarmStart((f"{path}#one",))).result.trials
    assert all(trial.feasible for trial in trials)
    sentence = f"The database '{path}' holds no study 'none'. Did you mean 'one'?"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        warm(tmp_path, start=WarmStart((f"{path}#none",)), study="other")


def test_the_database_of_the_new_study_may_be_elsewhere(copied):
    execution = Execution(storage=str(copied / "all.db"))
    first = warm(copied, trials=20, execution=execution).result.trials
    (copied / "one/study.db").unlink()
    assert warm(copied, trials=40, execution=execution).result.trials[:20] == first
    assert {trial.proposer for trial in first} == {"warm_start"}


@pytest.mark.parametrize(
    ("studies", "sentence"),
    [
        (("oen",), "There is no study 'oen' in '{}'. Did you mean 'one'?"),
        (("none.db",), "There is no database 'none.db'."),
        (("synthetic",), "Study 'synthetic' must be an exploration to start from; "),
        (("empty",), "Study 'empty' must have trials to start from."),
    ],
)
def test_what_is_no_source_is_refused_before_there_is_a_database(copied, studies, sentence):
    for name, options in (("synthetic", {}), ("empty", _options())):
        with Store(copied / name / "study.db") as store:
            store.open_study(Study(name, "random", 1, "1", options=options).row())
    with pytest.raises(ValueError, match=f"^{re.escape(sentence.format(copied))}"):
        warm(copied, start=WarmStart(studies))
    assert not (copied / "new").exists()


def _options():
    return small_problem().options() | {"content": {}}


def test_sources_without_a_feasible_trial_start_nothing(copied):
    most = "throughput_per_s >= 1e9"
    with pytest.raises(NothingFeasible, match=r"^No trial of one is known to run"):
        warm(copied, problem=small_problem(area=None, constraints=[most]))


def test_wrong_starts_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"^A warm start must have at least one study, as STUDY"):
        WarmStart(())
    with pytest.raises(ValueError, match=r"^A warm start must have at least 1 point, not 0\.$"):
        WarmStart(("one",), 0)
    with pytest.raises(ValueError, match=r"^--warm-by must be one of best, prime, not 'luck'\.$"):
        make_warm_start("one", by="luck")


def test_a_warm_start_is_written_with_commas():
    assert make_warm_start("one,two", 8, "prime") == WarmStart(("one", "two"), 8, By.PRIME)
    assert make_warm_start(None) is None


def test_a_study_begins_with_its_first_points(store):
    study = Study("s", "random", 1, "1", first=(5, 7, 5), batch=2)
    trials = run_study(store, study, lambda index: Outcome(True, float(index)), 6).trials
    assert [trial.index for trial in trials[:3]] == [5, 7, 5]
    assert len({trial.index for trial in trials[3:]} - {5, 7}) == 3
    assert [trial.proposer for trial in trials] == ["warm_start"] * 3 + [None] * 3


def test_a_filter_lets_the_first_points_through(copied):
    problem = replace(PROBLEM, is_filtered=True)
    trials = warm(copied, trials=64, problem=problem).result.trials
    assert [trial.proposer for trial in trials] == ["warm_start"] * 40 + [None] * 24
    assert all(trial.resource != "area" for trial in trials)
