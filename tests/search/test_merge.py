import re

import pytest
from landscape import evaluate

from apollo.search.merge import merge_studies
from apollo.search.store import Store
from apollo.search.store.brief import best_trials, evaluation_counts
from apollo.search.studies import read_study
from apollo.search.study import Study, run_study
from apollo.search.trial import best_of
from tests.stored import put, row, save, trials

ONE, TWO = trials(40), trials(30, seed=1)


@pytest.fixture
def results(tmp_path):
    save(tmp_path, row("one", seed=1), ONE)
    save(tmp_path, row("two", seed=2), TWO)
    return tmp_path


def refused(names, into, results, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        merge_studies(names, into, results)


def test_a_merged_study_has_every_trial_in_order(results):
    assert merge_studies(["two", "one"], "both", results) == 70
    merged, log = read_study(results, "both")
    assert (merged.optimizer, merged.version) == ("merged", "1")
    assert [trial.number for trial in log] == list(range(70))
    assert [trial.outcome for trial in log] == [trial.outcome for trial in [*TWO, *ONE]]
    assert {trial.proposer for trial in log if trial.number < 30 and trial.feasible} == {
        "two/member#0",
        "two/member#1",
    }
    assert {trial.proposer for trial in log if not trial.feasible} == {"one", "two"}
    made_of = merged.options["merged"]
    assert [(each["study"], each["seed"], each["trials"]) for each in made_of] == [
        ("two", 2, 30),
        ("one", 1, 40),
    ]
    assert (results / "both" / "trials.csv").is_file()


def test_the_best_of_a_merged_study_is_that_of_all(results):
    merge_studies(["one", "two"], "both", results)
    best = best_of([*ONE, *TWO])[0]
    with Store(results / "both" / "study.db") as store:
        assert best_trials(store, "both", 1)[0].outcome == best.outcome
        counts = evaluation_counts(store, "both")
    feasible = [trial for trial in [*ONE, *TWO] if trial.feasible]
    assert (counts.used, counts.different) == (len(feasible), len({t.index for t in feasible}))


def test_merging_again_changes_nothing(results):
    merge_studies(["one", "two"], "both", results)
    before = read_study(results, "both")
    assert merge_studies(["one", "two"], "both", results) == 70
    assert read_study(results, "both") == before


def test_a_merge_that_was_killed_before_its_trials_is_made_whole(results, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(Store, "add", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            merge_studies(["one", "two"], "both", results)
    assert read_study(results, "both")[1] == []
    assert merge_studies(["one", "two"], "both", results) == 70


def test_a_copy_of_a_study_counts_once(results):
    save(results / "elsewhere", row("one", seed=1), trials(55))  # it ran on from there
    folder = str(results / "elsewhere" / "one")
    assert merge_studies(["one", folder, "two", "two"], "both", results) == 85


def test_studies_of_a_server_or_a_shared_file_merge_there(storage, results):
    with Store(storage) as store:
        put(store, row("a", seed=3), ONE)
        put(store, row("b", seed=4), TWO)
    names = ["a", "b", str(results / "one")]
    assert merge_studies(names, "all", results, storage) == 110
    with Store(storage) as store:
        assert len(store.trials("all")) == 110


def test_studies_of_different_problems_are_refused(results):
    save(results, row("wide", constraints=[]), ONE)
    sentence = (
        "Studies 'one' and 'wide' are not of one problem: constraints [\"area_mm2 <= 6.8\"], "
        "not []."
    )
    refused(["one", "wide"], "both", results, sentence)
    assert not (results / "both").exists()


def test_another_study_is_not_written_over(results):
    sentence = "Study '{}' is there and was not made of these: delete it, or give --into "
    sentence += "another name."
    refused(["one", "two"], "two", results, sentence.format("two"))
    merge_studies(["one", "two"], "both", results)
    refused(["two", "one"], "both", results, sentence.format("both"))


def test_what_is_no_study_is_refused(results):
    refused(["one", "too"], "both", results, (
        f"There is no study 'too' in '{results}'. Did you mean 'two'?"
    ))  # fmt: skip
    refused(["./a/b"], "both", results, "There is no study in the folder './a/b'.")


def test_a_merged_study_is_not_resumed(results):
    merge_studies(["one", "two"], "both", results)
    study = Study("both", "random", seed=1, version="1")
    with (
        Store(results / "both" / "study.db") as store,
        pytest.raises(ValueError, match=r"^Study 'both' was made with optimizer merged, not"),
    ):
        run_study(store, study, evaluate, 100)
