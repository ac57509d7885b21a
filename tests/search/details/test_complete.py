"""What a study leaves for its report when it ends, and what a report adds."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from apollo.arch.accelerator import lane_presets
from apollo.search.details import complete as module
from apollo.search.details.complete import complete, task_of
from apollo.search.details.designs import BEST, design_row
from apollo.search.store import Store
from apollo.search.store.detail import designs_of, levers_of
from apollo.search.store.schema import StudyTable
from apollo.search.studies import row_of
from apollo.search.trial import best_of
from tests.stored import put, row, trials

PRESETS = [preset.name for preset in lane_presets()]


@pytest.fixture
def store(results: Path, tmp_path: Path) -> Iterator[Store]:
    """A copy of the finished study."""
    path = tmp_path / "study.db"
    shutil.copy(results / "two" / "study.db", path)
    with Store(path) as opened:
        yield opened


def points(store: Store, count: int = BEST) -> list[int]:
    return [trial.index for trial in best_of(store.trials("two"), count)]


def test_an_ended_study_has_its_best_designs_and_the_presets(store: Store) -> None:
    designs = designs_of(store, "two")
    assert [design.name for design in designs] == [*map(str, points(store)), *PRESETS]
    best = best_of(store.trials("two"))[0]
    assert designs[0].reward == best.reward
    assert designs[0].metrics == best.metrics
    assert [run.network for run in designs[0].runs] == list(
        row_of(store, "two").options["networks"]
    )
    assert sum(designs[0].area_mm2.values()) == pytest.approx(best.metrics["area_mm2"])
    assert {name: designs[0].machine[name] for name in best.parameters} == best.parameters


def test_what_is_stored_is_what_is_computed(store: Store) -> None:
    task = task_of(row_of(store, "two"))
    assert designs_of(store, "two") == [design_row(task, d.name) for d in designs_of(store, "two")]


def test_a_report_adds_levers_and_the_design_that_is_asked_for(store: Store) -> None:
    assert levers_of(store, "two") == []
    other = points(store, BEST + 1)[-1]
    assert complete(store, "two", [other]) is None
    assert str(other) in [design.name for design in designs_of(store, "two")]
    assert levers_of(store, "two")[0].resource == "area"
    assert complete(store, "two") is None
    assert [d.point for d in designs_of(store, "two") if not d.is_preset] == points(store)


def test_what_is_there_is_not_computed_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    complete(store, "two")
    monkeypatch.setattr(module, "task_of", lambda _row: pytest.fail("loaded"))
    assert complete(store, "two") is None


def test_a_study_of_another_simulator_is_left_as_it_is(store: Store) -> None:
    with Session(store.engine) as session, session.begin():
        session.execute(update(StudyTable).values(version="0.0+old"))
    said = complete(store, "two") or ""
    assert said.startswith("Study 'two' was made by simulator 0.0+old, this one is ")
    assert len(designs_of(store, "two")) == BEST + len(PRESETS)


@pytest.mark.parametrize("name", ["mobilenet_v1_0.25_128", "edge_tpu_v3"])
def test_networks_and_a_baseline_that_changed_are_refused(store: Store, name: str) -> None:
    stored = row_of(store, "two")
    content = {**stored.options["content"], name: "other"}
    changed = type(stored)(
        "two", "random", 0, {**stored.options, "content": content}, stored.version
    )
    sentence = f"'{name}' is not what it was when study 'two' was made."
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        task_of(changed)


def test_a_study_that_is_not_of_networks_says_so(store: Store) -> None:
    study = row("s")
    put(store, type(study)("s", "random", 0, {"graph": "g"}, "1"), trials(20))
    assert complete(store, "s") == "Study 's' is none of designs for networks."
