"""Details of a study in a file and on a server: what is written is read, and goes with it."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from apollo.search.store import Store
from apollo.search.store.detail import (
    DesignRow,
    LeversRow,
    RunRow,
    design_names,
    designs_of,
    levers_of,
    replace_designs,
    replace_levers,
)
from apollo.search.store.removal import remove_study
from apollo.search.store.schema import DesignTable, LeverTable, RunTable
from tests.stored import put, row, trials

RUN = RunRow(
    "net",
    {"cycles": 9, "dram_bytes_per_cycle": 0.1 + 0.2},
    {"layer": ["stem", "top"], "busy": [4, 5]},
    {"engine": ["ACT"], "begin": [0], "end": [9]},
    {"kind": [], "bytes": []},
    {"dram": 0.5},
)
DESIGN = DesignRow(
    "7", 7, {"lanes": 4, "dram": "LPDDR4"}, {"lanes": 1.5}, 0.3, None, None, {"a": 1.0}
)
PRESET = DesignRow("edge", None, {"lanes": 8}, {"lanes": 3.0}, 0.0, "area", "Too large.", {})
LEVER = {"helped": 2, "steps": 1, "trial": 3, "changes": [{"parameter": "lanes", "after": 4}]}


@pytest.fixture
def opened(storage: str):
    with Store(storage) as store:
        put(store, row("s"), trials(20))
        put(store, row("other"), trials(20))
        yield store


def test_designs_are_read_as_they_were_written(opened: Store) -> None:
    run = replace(DESIGN, runs=(replace(RUN, network="b"), RUN))  # in the order of the study
    replace_designs(opened, "s", ["7", "edge"], [PRESET, run])
    assert designs_of(opened, "s") == [run, PRESET]
    assert designs_of(opened, "other") == []
    assert [design.is_preset for design in designs_of(opened, "s")] == [False, True]


def test_designs_that_are_not_named_go_and_others_are_moved(opened: Store) -> None:
    replace_designs(opened, "s", ["7", "edge"], [PRESET, replace(DESIGN, runs=(RUN,))])
    third = replace(DESIGN, name="8", point=8)
    replace_designs(opened, "s", ["edge", "8"], [third])
    assert designs_of(opened, "s") == [PRESET, third]
    assert design_names(opened, "s") == ["edge", "8"]


def test_levers_are_read_as_they_were_written(opened: Store) -> None:
    rows = [LeversRow("area", 2, 2, []), LeversRow("core_memory", 9, 8, [LEVER])]
    for _ in range(2):
        replace_levers(opened, "s", rows)
        assert levers_of(opened, "s") == rows[::-1]
    assert levers_of(opened, "other") == []


def test_details_go_with_their_study(opened: Store) -> None:
    for name in ("s", "other"):
        replace_designs(opened, name, ["7"], [replace(DESIGN, runs=(RUN,))])
        replace_levers(opened, name, [LeversRow("area", 2, 2, [LEVER])])
    remove_study(opened, "s")
    with opened.engine.connect() as connection:
        for table in (DesignTable, RunTable, LeverTable):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == 1
    assert len(designs_of(opened, "other")) == 1


def test_a_study_that_was_deleted_is_said(opened: Store) -> None:
    with pytest.raises(ValueError, match=r"holds no study 'gone' any more\.$"):
        replace_levers(opened, "gone", [])
