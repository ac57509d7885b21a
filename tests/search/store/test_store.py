from dataclasses import replace

import pytest
from landscape import trial

from apollo.search.store import Store, StudyRow, canonical_json, content_key
from apollo.search.trial import Evaluation, EvaluationKey, Outcome, Trial

STUDY = StudyRow("s", "random", 1, {"b": 1, "a": [0.1, "x"]}, "1")
KEY = EvaluationKey("design", "mobilenet_v1", "options", "1")
FOUND = Evaluation(True, {"throughput_per_s": 0.1 + 0.2, "cycles": 7})
BAD = Evaluation(False, {}, "core_memory", "A tile needs 9 bytes.")


@pytest.fixture
def study(store):
    store.open_study(STUDY)
    return store


def test_rows_read_back_to_the_same_values(study):
    log = [trial(number, 1_000_003 * number) for number in range(50)]
    log.append(replace(trial(50, 7), proposer="mbo#1"))
    study.add("s", log)
    assert study.trials("s") == log
    assert study.study("s") == STUDY
    assert study.study("s").created


def test_a_stored_evaluation_is_found_by_its_whole_key(study):
    study.put(KEY, FOUND)
    study.add("s", [])
    with Store(study.name) as reopened:
        assert reopened.get(KEY) == FOUND
        for field in ("design", "network", "options", "version"):
            assert reopened.get(EvaluationKey(**(vars(KEY) | {field: "other"}))) is None


def test_an_evaluation_is_found_before_it_is_stored(study):
    study.put(KEY, BAD)
    assert study.get(KEY) == BAD
    with Store(study.name) as other:
        assert other.get(KEY) is None


def test_a_trial_names_the_evaluations_it_was_made_of(study):
    other = EvaluationKey("design", "resnet50", "options", "1")
    study.put(KEY, FOUND)
    study.put(other, FOUND)
    study.add("s", [Trial(0, 5, Outcome(True, 1.0, evaluations=(KEY, other)))])
    study.add("s", [Trial(1, 5, Outcome(True, 1.0, evaluations=(other,)))])
    with study._engine.connect() as connection:
        links = connection.exec_driver_sql(
            "SELECT number, network FROM trial_evaluation "
            "JOIN evaluation ON evaluation.id = evaluation_id ORDER BY number, network"
        ).all()
    assert links == [(0, "mobilenet_v1"), (0, "resnet50"), (1, "resnet50")]


def test_an_evaluation_that_another_store_added_is_kept_once(study):
    with Store(study.name) as other:
        for store in (study, other):
            store.put(KEY, FOUND)
            store.add("s", [])
        assert other.get(KEY) == study.get(KEY) == FOUND


def test_a_batch_is_stored_whole_or_not_at_all(study):
    study.add("s", [trial(0, 7)])
    study.put(KEY, FOUND)
    with pytest.raises(ValueError, match=r"was changed by another process running the same study"):
        study.add("s", [trial(1, 5), trial(2, 6), trial(0, 7)])
    assert [t.number for t in study.trials("s")] == [0]
    with Store(study.name) as other:
        assert other.get(KEY) is None


def test_studies_are_summarised(study):
    study.open_study(StudyRow("a", "random", 1, {}, "1"))
    study.add("s", [Trial(k, k, Outcome(True, float(k))) for k in range(3)])
    study.add("s", [Trial(3, 3, Outcome(False, 0.0, {}, "area", "Too large."))])
    assert [(s.study.name, s.trials, s.feasible, s.best_reward) for s in study.studies()] == [
        ("a", 0, 0, 0.0),
        ("s", 4, 3, 2.0),
    ]


def test_the_database_is_in_wal_mode(study):
    with study._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_equal_values_have_one_text_and_one_key():
    assert canonical_json({"b": [1, 0.5], "a": "é"}) == '{"a":"\\u00e9","b":[1,0.5]}'
    assert content_key({"b": 1, "a": 2}) == content_key({"a": 2, "b": 1})
    assert len(content_key({})) == 32
