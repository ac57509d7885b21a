import os
import re
import signal
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from landscape import comparable, evaluate

from apollo.arch.space import PARAMETERS, accelerator_at, digits_of
from apollo.search.optimizers.base import Proposals
from apollo.search.optimizers.random import Random
from apollo.search.optimizers.table import OPTIMIZERS
from apollo.search.store import Store
from apollo.search.study import Study, run_study
from apollo.search.trial import Outcome

SETTINGS = {
    "bayesian": {"initial": 136, "history": 32},
    "evolutionary": {"founders": 2, "initial": 64},
}
STUDY = Study("s", "evolutionary", seed=1, version="1", settings=SETTINGS["evolutionary"], batch=8)
SPACE = 452_760_000


class Interrupting:
    """Evaluates the landscape and is interrupted at some calls."""

    def __init__(self, *at: int) -> None:
        self.at = set(at)
        self.calls = 0

    def __call__(self, index: int) -> Outcome:
        self.calls += 1
        if self.calls in self.at:
            os.kill(os.getpid(), signal.SIGINT)
        return evaluate(index)


def uninterrupted(tmp_path, study: Study, trials: int):
    with Store(tmp_path / "uninterrupted.db") as store:
        return comparable(run_study(store, study, evaluate, trials).trials)


def test_a_run_stores_what_it_returns(store):
    result = run_study(store, STUDY, evaluate, 100)
    assert store.trials("s") == list(result.trials)
    assert [trial.number for trial in result.trials] == list(range(100))
    assert (result.added, result.interrupted) == (100, False)
    assert result.feasible == sum(trial.feasible for trial in result.trials) > 0
    assert result.best.reward == max(trial.reward for trial in result.trials)


class Pair(Random):
    def propose(self, count, generator):
        points = self.ask(count, generator)
        return Proposals(points, [f"member#{point[0] % 2}" for point in points])


def test_trials_hold_who_proposed_them(store, monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "pair", f"{__name__}:Pair")
    for trials in (13, 30):
        run_study(store, replace(STUDY, optimizer="pair", settings={}), evaluate, trials)
    log = store.trials("s")
    assert [t.proposer for t in log] == [f"member#{digits_of(t.index)[0] % 2}" for t in log]


def test_trials_hold_the_parameters_by_name(store):
    run_study(store, STUDY, evaluate, 1)
    trial = store.trials("s")[0]
    design = accelerator_at(trial.index)
    assert list(trial.parameters) == [parameter.name for parameter in PARAMETERS]
    assert all(getattr(design, name) == value for name, value in trial.parameters.items())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("seed", range(4))
def test_interrupted_anywhere_and_resumed_gives_the_same_rows(tmp_path, optimizer, seed):
    study = replace(STUDY, optimizer=optimizer, settings=SETTINGS.get(optimizer, {}))
    generator = np.random.default_rng(seed)
    with Store(tmp_path / "study.db") as store:
        for _ in range(4):
            interrupting = Interrupting(int(generator.integers(1, 40)))
            result = run_study(store, study, interrupting, 150)
            assert result.interrupted
            assert result.added == interrupting.calls  # the one running ends
        result = run_study(store, study, evaluate, 150)
        assert not result.interrupted
        assert comparable(store.trials("s")) == uninterrupted(tmp_path, study, 150)


@pytest.mark.parametrize("steps", [(1, 2, 3), (5, 8, 13, 64), (7, 7, 70), (50, 20, 60)])
def test_asking_for_more_trials_extends_a_study(tmp_path, store, steps):
    for trials in steps:
        result = run_study(store, STUDY, evaluate, trials)
    assert comparable(result.trials) == uninterrupted(tmp_path, STUDY, max(steps))


def test_a_study_that_is_done_evaluates_nothing(store):
    run_study(store, STUDY, evaluate, 20)
    interrupting = Interrupting()
    assert run_study(store, STUDY, interrupting, 20).added == 0
    assert interrupting.calls == 0


def test_an_error_of_an_evaluation_passes_on_after_storing_the_trials_before_it(store):
    def failing(index: int) -> Outcome:
        if index == run[11]:
            raise RuntimeError("The simulator is broken.")
        return evaluate(index)

    with Store(Path(store.name).with_name("other.db")) as other:
        run = [trial.index for trial in run_study(other, STUDY, evaluate, 20).trials]
    with pytest.raises(RuntimeError, match=r"^The simulator is broken\.$"):
        run_study(store, STUDY, failing, 20)
    assert [trial.index for trial in store.trials("s")] == run[:11]


def test_an_interruption_during_a_commit_waits_for_it(store, monkeypatch):
    def add(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        commit(*arguments)

    commit = store.add
    monkeypatch.setattr(store, "add", add)
    result = run_study(store, STUDY, evaluate, 100)
    assert result.interrupted
    assert len(store.trials("s")) == 8


def test_restores_the_handler_of_interruptions(store):
    before = signal.getsignal(signal.SIGINT)
    run_study(store, STUDY, Interrupting(3), 10)
    assert signal.getsignal(signal.SIGINT) is before


def test_runs_outside_the_main_thread(store):
    thread = threading.Thread(target=run_study, args=(store, STUDY, evaluate, 10))
    thread.start()
    thread.join()
    assert len(store.trials("s")) == 10


def test_progress_follows_every_trial(store):
    class Recorded:
        def __init__(self) -> None:
            self.seen = []

        def start(self, done, total):
            self.seen.append((done, total))

        def update(self, trial, best, feasible):
            self.seen.append((trial.number, best and best.reward, feasible))

    run_study(store, STUDY, evaluate, 60)
    recorded = Recorded()
    result = run_study(store, STUDY, evaluate, 90, recorded)
    assert recorded.seen[0] == (60, 90)
    assert [seen[0] for seen in recorded.seen[1:]] == list(range(60, 90))
    assert recorded.seen[-1] == (89, result.best.reward, result.feasible)


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"seed": 2}, "seed 1, not 2"),
        ({"optimizer": "random", "settings": {}}, "optimizer evolutionary, not random"),
        ({"version": "2"}, "simulator version 1, not 2"),
        ({"batch": 16}, "batch 8, not 16"),
        ({"settings": {"founders": 3}}, "evolutionary.founders 2, not 3"),
        ({"options": {"networks": ["a", "b"]}}, 'networks ["a"], not ["a","b"]'),
        ({"options": {"networks": ["a"], "max_area": 6.8}}, "max_area none, not 6.8"),
        ({"options": {"content": {"b": "0f"}, "networks": ["b"]}}, 'networks ["a"], not ["b"]'),
    ],
)
def test_another_identity_is_refused_by_naming_the_difference(store, changed, difference):
    study = replace(STUDY, options={"networks": ["a"]}, settings={"founders": 2})
    changed = {"options": study.options} | changed
    run_study(store, study, evaluate, 4)
    sentence = (
        f"Study 's' was made with {difference}: give it the same options to resume it, or another "
        "name."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        run_study(store, replace(study, **changed), evaluate, 4)


def test_a_log_with_other_points_is_refused(store):
    result = run_study(store, STUDY, evaluate, 4)
    store.add("s", [replace(result.trials[0], number=4, index=SPACE - 1)])
    asked = uninterrupted(Path(store.name).parent, STUDY, 5)[4].index
    sentence = (
        f"Study 's' cannot be resumed: its trial 4 is point {SPACE - 1:,}, where the optimizer "
        f"now asks for {asked:,}."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        run_study(store, STUDY, evaluate, 10)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": ""}, "A study must have a name."),
        ({"seed": -1}, "The seed must be at least 0, not -1."),
        ({"seed": 2**63}, f"The seed must be at most {2**63 - 1}, not {2**63}."),
        ({"batch": 0}, "The batch must be at least 1, not 0."),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(changed, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        replace(STUDY, **changed)


def test_a_study_of_no_trials_is_refused(store):
    with pytest.raises(ValueError, match=r"^A study must have at least 1 trial, not 0\.$"):
        run_study(store, STUDY, evaluate, 0)
