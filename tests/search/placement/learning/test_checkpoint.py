"""Policies and trainings in files."""

import json
import zipfile

import numpy as np
import pytest
from toys import random_problem

from apollo.search.placement.found import Budget
from apollo.search.placement.learning.checkpoint import (
    load_policy,
    load_training,
    save_policy,
    save_training,
)
from apollo.search.placement.learning.learn import place
from apollo.search.placement.learning.policy import Policy
from apollo.search.placement.learning.settings import Algorithm, LearningSettings
from apollo.search.placement.learning.train import Training

SETTINGS = LearningSettings(visit=3)
FAMILY = [random_problem(seed, 12, 2, tight=seed == 1) for seed in range(3)]
BUDGET = Budget(6 + 16 * 14 + 5)


class StoppedError(Exception):
    pass


def test_a_policy_comes_back(tmp_path):
    policy = Policy.new(LearningSettings(Algorithm.REINFORCE, hidden=16), 3)
    save_policy(tmp_path / "policy.npz", policy)
    back = load_policy(tmp_path / "policy.npz")
    assert back.settings == policy.settings
    assert back.parameters.keys() == policy.parameters.keys()
    assert all((back.parameters[name] == policy.parameters[name]).all() for name in back.parameters)


@pytest.mark.parametrize("stop", [1, 5, 9, 14])
def test_what_is_resumed_goes_on_as_if_it_had_not_stopped(tmp_path, stop):
    whole = Training(FAMILY, Policy.new(SETTINGS, 0), BUDGET, 0)
    whole.run()
    path = tmp_path / "training.npz"

    def stopping(training):
        if training.update == stop:
            save_training(path, training)
            raise StoppedError

    with pytest.raises(StoppedError):
        Training(FAMILY, Policy.new(SETTINGS, 0), BUDGET, 0).run(stopping)
    resumed = load_training(path, FAMILY)
    resumed.run()
    assert resumed.rows == whole.rows
    for one, two in zip(resumed.lessons, whole.lessons, strict=True):
        found, expected = one.tries.found(), two.tries.found()
        assert found.curve == expected.curve
        assert found.simulations == expected.simulations
        assert (found.placement == expected.placement).all()
    for name, value in whole.policy.parameters.items():
        assert (resumed.policy.parameters[name] == value).all()
    assert place(FAMILY[0], load_policy(path), Budget(20)).simulations == 20


def test_what_has_begun_again_is_resumed(tmp_path):
    settings, path = LearningSettings(patience=3), tmp_path / "training.npz"
    whole = Training(FAMILY[:1], Policy.new(settings, 0), Budget(800), 0)

    def saving(training):
        if training.update == 30:
            save_training(path, training)

    whole.run(saving)
    assert whole.begun > 0
    resumed = load_training(path, FAMILY[:1])
    resumed.run()
    assert resumed.rows == whole.rows


def test_nothing_is_pickled(tmp_path):
    path = tmp_path / "training.npz"
    save_training(path, Training(FAMILY, Policy.new(SETTINGS, 0), BUDGET, 0))
    with np.load(path, allow_pickle=False) as file:
        assert all(file[name].dtype.kind in "fiUu" for name in file.files)


def test_what_is_no_checkpoint(tmp_path):
    path = tmp_path / "file.npz"
    policy = Policy.new(SETTINGS, 0)
    sentence = r"^'file\.npz' is not a checkpoint of a placement policy\.$"
    for content in (b"", b"text", b"PK\x03\x04 cut"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=sentence):
            load_policy(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(ValueError, match=sentence):
        load_policy(path)
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match=sentence):
        load_policy(path)
    save_policy(path, policy)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=sentence):
        load_policy(path)
    save_policy(path, policy)
    with pytest.raises(
        ValueError, match=r"^Checkpoint 'file\.npz' has a policy, but no training to go on with\.$"
    ):
        load_training(path, FAMILY)
    save_training(path, Training(FAMILY, policy, BUDGET, 0))
    assert zipfile.is_zipfile(path)
    with pytest.raises(
        ValueError,
        match=r"^Checkpoint 'file\.npz' is of other problems: random0, random1, random2\.$",
    ):
        load_training(path, FAMILY[:2])


def _change(path, change):
    """Change the header and the arrays of a checkpoint; what is returned is a header instead."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(str(arrays.pop("header")))
    other = change(header, arrays)
    text = json.dumps(header if other is None else other)
    np.savez(path, header=np.array(text), **arrays)


def _without(key):
    def change(header, arrays):
        header.pop(key, None)
        arrays.pop(key, None)

    return change


def _with_settings(**settings):
    return lambda header, arrays: header["settings"].update(settings)


DAMAGES = {
    "no matrix": _without("parameter/head"),
    "no settings": _without("settings"),
    "no version": _without("version"),
    "other shape": lambda header, arrays: arrays.update({"parameter/head": np.zeros((2, 2))}),
    "unknown setting": _with_settings(colour=1),
    "unknown algorithm": _with_settings(algorithm="a2c"),
    "a text": _with_settings(hidden="many"),
    "negative": _with_settings(rate=-1),
    "list of settings": lambda header, arrays: header.update(settings=[1]),
    "list": lambda header, arrays: [1, 2],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_policy_that_is_damaged(tmp_path, damage):
    path = tmp_path / "policy.npz"
    save_policy(path, Policy.new(SETTINGS, 0))
    _change(path, damage)
    with pytest.raises(ValueError, match=r"^['A-Z][^\n]*\.$"):
        load_policy(path)


@pytest.mark.parametrize("key", ["budget", "seed", "rows", "update", "first/head", "best/0"])
def test_a_training_that_lacks_something(tmp_path, key):
    path = tmp_path / "training.npz"
    save_training(path, Training(FAMILY[:1], Policy.new(SETTINGS, 0), Budget(40), 0))
    _change(path, _without(key))
    with pytest.raises(ValueError, match="is damaged"):
        load_training(path, FAMILY[:1])
