import pytest

from apollo.search.store import Store
from apollo.search.store.brief import (
    best_trials,
    brief_trials,
    evaluation_counts,
    feasible_trials,
    trials_at,
)
from apollo.search.trial import best_of
from tests.stored import put, row, trials

LOG = trials(600, goals=2)


@pytest.fixture
def study(storage):
    with Store(storage) as store:
        put(store, row("other"), trials(20, seed=1))
        put(store, row("s"), LOG)
        yield store


def test_a_brief_log_is_the_log_without_parameters_and_metrics(study):
    brief = brief_trials(study, "s")
    assert [(t.number, t.index, t.objectives, t.reason, t.proposer) for t in brief] == [
        (t.number, t.index, t.objectives, t.reason, t.proposer) for t in LOG
    ]
    assert not any(trial.metrics or trial.parameters for trial in brief)


@pytest.mark.parametrize("count", [1, 7, 1000])
def test_the_database_finds_the_best_as_we_do(study, count):
    assert best_trials(study, "s", count) == best_of(LOG, count)


def test_trials_are_found_by_number_in_the_order_asked_for(study):
    numbers = [*range(599, 0, -1), 0]  # more than one query asks for
    assert trials_at(study, "s", numbers) == [LOG[number] for number in numbers]
    assert trials_at(study, "s", []) == []


def test_the_feasible_ones_are_whole(study):
    assert feasible_trials(study, "s") == [trial for trial in LOG if trial.feasible]


def test_evaluations_are_counted_once_and_by_use(study):
    counts = evaluation_counts(study, "s")
    feasible = [trial for trial in LOG if trial.feasible]
    assert counts.used == len(feasible)
    assert counts.different == len({trial.index for trial in feasible})


def test_a_study_that_is_not_there_has_nothing(study):
    assert brief_trials(study, "no") == best_trials(study, "no", 3) == []
    assert evaluation_counts(study, "no").used == 0
