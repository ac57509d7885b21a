"""The copy of a study in Optuna's form."""

from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import text

from apollo.search.dashboard import mirror as module
from apollo.search.dashboard.mirror import FITS, Mirror
from apollo.search.explore import make_problem
from apollo.search.store import Store
from apollo.search.store.follow import read_only, trials_from
from apollo.search.trial import Outcome, Trial
from tests.stored import put, row, save, trials

LOG = trials(60)


@pytest.fixture
def store(tmp_path: Path):
    with Store(save(tmp_path, row("s"), LOG)) as opened:
        yield opened


def copies(mirror: Mirror) -> list:
    return mirror.storage.get_all_trials(0)


def test_every_trial_is_there_with_its_values(store: Store) -> None:
    found = copies(Mirror(store, "s"))
    assert [copy.user_attrs["trial"] for copy in found] == list(range(60))
    for copy, trial in zip(found, LOG, strict=True):
        assert copy.values == [trial.reward]
        assert copy.params == trial.parameters
        assert copy.user_attrs.items() >= trial.metrics.items()
        assert copy.user_attrs.get("reason") == trial.reason
        assert copy.state.name == "COMPLETE"


def test_constraints_are_there_in_both_forms(store: Store) -> None:
    for copy, trial in zip(copies(Mirror(store, "s")), LOG, strict=True):
        wanted = [0.0, 0.0] if trial.feasible else [1.0, 0.0]
        assert copy.system_attrs["constraints"] == wanted
        assert copy.system_attrs["constraints:area_mm2 <= 6.8"] == wanted[0]
        assert copy.system_attrs[f"constraints:{FITS}"] == wanted[1]


@pytest.mark.parametrize(
    ("resource", "broken"),
    [("latency_ms", "net.latency_ms <= 5"), ("core_memory", FITS), ("area", "area_mm2 <= 6.8")],
)
def test_what_is_broken_is_the_constraint_of_the_resource(
    store: Store, resource: str, broken: str
) -> None:
    study = row("t", constraints=["area_mm2 <= 6.8", "net.latency_ms <= 5"])
    put(store, study, [])
    store.add("t", [Trial(0, 0, Outcome(False, 0.0, {}, resource, "Why."), {"lanes": 4})])
    (copy,) = copies(Mirror(store, "t"))
    marked = {name for name, value in copy.system_attrs.items() if value == 1.0}
    assert marked == {f"constraints:{broken}"}


def test_several_objectives_are_directions_with_names(store: Store) -> None:
    put(store, row("t", objectives=["speedup", "area"]), trials(20, goals=2))
    mirror = Mirror(store, "t")
    assert mirror.storage.get_study_system_attrs(0)["study:metric_names"] == ["speedup", "area"]
    for copy, trial in zip(copies(mirror), trials(20, goals=2), strict=True):
        assert tuple(copy.values) == (trial.objectives or (0, 0))


def test_parameters_have_the_bounds_of_the_space(store: Store) -> None:
    problem = make_problem(["mobilenet_v2"], fix=["cores=4"], ranges=["lanes=16..64"])
    put(store, row("t", **problem.options()), [])
    parameters = {"lanes": 16, "cores": 4, "pe_memory_bytes": 1 << 20}
    store.add("t", [Trial(0, 0, Outcome(True, 1.0), parameters)])
    bounds = copies(Mirror(store, "t"))[0].distributions
    found = {name: (each.low, each.high, each.log) for name, each in bounds.items()}
    assert found["lanes"] == (16, 64, False)
    assert found["pe_memory_bytes"] == (256 << 10, 16 << 20, True)


def test_it_follows_the_study(store: Store) -> None:
    mirror = Mirror(store, "s")
    more = trials(90)[60:]
    store.add("s", more[:10])
    mirror.follow()
    assert (mirror.seen, mirror.held) == (70, 70)
    store.add("s", more[10:])
    mirror.follow()
    mirror.follow()
    assert [copy.user_attrs["trial"] for copy in copies(mirror)] == list(range(90))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MOST_TRIALS", 40), ("FOR_BETTER", 8), ("BEST", 6), ("_AT_ONCE", 7)):
        monkeypatch.setattr(module, name, value)


@pytest.mark.usefixtures("short")
def test_of_a_long_study_it_holds_the_best_and_a_sample(store: Store) -> None:
    mirror = Mirror(store, "s")
    numbers = [copy.user_attrs["trial"] for copy in copies(mirror)]
    assert len(numbers) == len(set(numbers)) == mirror.held == 32
    assert numbers == sorted(numbers)
    ranked = sorted(LOG, key=lambda trial: -trial.reward)
    assert ranked[0].number in numbers
    assert max(b - a for a, b in pairwise(numbers)) <= 4
    worse = Outcome(True, 1e-9, LOG[1].metrics)
    store.add("s", [Trial(60, 0, worse, LOG[0].parameters)])
    mirror.follow()
    assert (mirror.seen, mirror.held) == (61, 32)
    for number in range(61, 81):
        better = Outcome(True, float(number), LOG[1].metrics)
        store.add("s", [Trial(number, 0, better, LOG[0].parameters)])
    mirror.follow()
    assert (mirror.seen, mirror.held) == (81, 40)
    assert len(copies(mirror)) == 40


@pytest.mark.usefixtures("short")
def test_a_study_that_grows_long_is_held_as_far_as_there_is_room(store: Store) -> None:
    put(store, row("t"), [])
    mirror = Mirror(store, "t")
    store.add("t", LOG)
    mirror.follow()
    numbers = [copy.user_attrs["trial"] for copy in copies(mirror)]
    assert numbers[:32] == list(range(32))
    assert mirror.held <= 40
    best = max(LOG, key=lambda trial: trial.reward)
    assert max(copy.values[0] for copy in copies(mirror)) == best.reward


def test_a_study_that_is_not_there_or_was_deleted_is_a_sentence(store: Store) -> None:
    with pytest.raises(ValueError, match=r"holds no study 'r'\.$"):
        Mirror(store, "r")
    mirror = Mirror(store, "s")
    with store.engine.begin() as connection:
        connection.execute(text("PRAGMA foreign_keys=OFF"))
        connection.execute(text("DELETE FROM trial_evaluation"))
        connection.execute(text("DELETE FROM trial"))
        connection.execute(text("DELETE FROM study"))
    with pytest.raises(ValueError, match=r"holds no study 's'\.$"):
        mirror.follow()


def test_a_store_that_is_read_only_refuses_to_write(storage: str) -> None:
    with Store(storage) as store:
        put(store, row("s"), LOG)
        read_only(store)
        assert trials_from(store, "s", 50, 100) == store.trials("s")[50:]
        assert Mirror(store, "s").held == 60
        with pytest.raises(ValueError, match=r"^The database '.*' cannot be written\.$"):
            store.add("s", trials(61)[60:])


def test_looking_leaves_every_byte_of_a_file(tmp_path: Path) -> None:
    path = save(tmp_path, row("s"), LOG)
    before = path.read_bytes()
    with Store(path) as store:
        Mirror(read_only(store), "s").follow()
    assert path.read_bytes() == before
