"""`apollo study`: lists, facts, best designs and fronts of what is stored."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import apollo
from apollo.cli import app
from apollo.search.store import Store
from apollo.search.trial import best_of
from tests.stored import put, row, save, trials

LOG = trials(60)


def study(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["study", *map(str, arguments)])


def answer(*arguments: object) -> Any:
    result = study(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(*arguments: object, code: int = 2) -> str:
    result = study(*arguments)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert len(result.stderr.strip().splitlines()) == 1
    return result.stderr.strip().removeprefix("apollo: ")


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    save(Path("results"), row("s"), LOG)
    return Path("results")


def test_list_has_every_study(results: Path) -> None:
    save(results, row("other"), [])
    assert [(each["study"], each["trials"]) for each in answer("list")] == [("other", 0), ("s", 60)]
    assert "best reward" in study("list").stdout


def test_show_says_what_it_is_of_and_how_far_it_came(results: Path) -> None:
    facts = answer("show", "s")
    feasible = [trial for trial in LOG if trial.feasible]
    assert facts["trials"] == 60
    assert facts["feasible"] == facts["evaluations"]["used"] == len(feasible)
    assert facts["best"]["trial"] == best_of(LOG)[0].number
    assert facts["infeasible_by_cause"] == {"area": 60 - len(feasible)}
    assert facts["options"]["networks"] == ["net"]
    shown = study("show", "s").stdout
    for word in ("area_mm2 <= 6.8", "member#1", "edge_tpu_v3", "from the cache"):
        assert word in shown


def test_best_has_the_best_with_their_designs(results: Path) -> None:
    found = answer("best", "s", "--count", 3)
    assert [each["trial"] for each in found] == [trial.number for trial in best_of(LOG, 3)]
    assert found[0]["parameters"] == dict(best_of(LOG)[0].parameters)
    assert "core_memory B" in study("best", "s").stdout


def test_front_is_over_speedup_and_area_or_what_is_asked_for(results: Path) -> None:
    front = answer("front", "s")
    assert front["objectives"] == ["speedup", "least area_mm2"]
    assert [each["objectives"][0] for each in front["front"]] == [
        each["metrics"]["speedup"] for each in front["front"]
    ]
    assert len(answer("front", "s", "--least", "net.latency_ms")["front"]) == 1
    assert refused("front", "s", "--most", "sped").startswith("There is no metric 'sped'")


def test_a_long_front_is_cut_and_says_so(results: Path) -> None:
    log = [trial for trial in trials(400) if trial.feasible]
    save(results, row("wide"), log)
    options = ("front", "wide", "--most", "speedup", "--most", "net.latency_ms")
    assert len(answer(*options)["front"]) == len({trial.index for trial in log}) == 40
    assert "and 20 more (--all shows them)" in study(*options).stdout
    assert "more (" not in study(*options, "--all").stdout


@pytest.mark.parametrize("command", ["best", "front"])
def test_nothing_feasible_is_code_3(results: Path, command: str) -> None:
    save(results, row("bad"), [trial for trial in LOG if not trial.feasible])
    assert refused(command, "bad", code=3) == "No trial of 'bad' is feasible."


@pytest.mark.parametrize("command", ["show", "best", "front"])
def test_an_unknown_study_is_one_sentence_and_makes_nothing(results: Path, command: str) -> None:
    assert refused(command, "t") == "There is no study 't' in 'results'."
    assert refused(command, "s", "--storage", "no.db") == "There is no database 'no.db'."
    assert not Path("no.db").exists()


def test_a_storage_of_several_studies_is_read(results: Path) -> None:
    with Store("shared.db") as store:
        for name in ("a", "b"):
            put(store, row(name), LOG)
    assert [each["study"] for each in answer("list", "--storage", "shared.db")] == ["a", "b"]
    assert answer("show", "b", "--storage", "shared.db")["trials"] == 60
    assert refused("show", "c", "--storage", "shared.db") == (
        "The database 'shared.db' holds no study 'c'."
    )


def test_a_study_in_the_folder_of_another_is_found(results: Path) -> None:
    with Store(results / "contest" / "study.db") as store:
        put(store, row("random-seed0"), LOG)
    assert answer("show", "random-seed0")["trials"] == 60
    with Store(results / "again" / "study.db") as store:
        put(store, row("random-seed0"), LOG)
    assert refused("show", "random-seed0") == (
        "Study 'random-seed0' is in 'results/again/study.db' and 'results/contest/study.db': "
        "--storage must say which is meant."
    )


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_export_writes_every_trial(results: Path, suffix: str) -> None:
    file = results / f"rows.{suffix}"
    assert study("export", "s", "-o", file).stdout == f"60 trials written to '{file}'.\n"
    table = pd.read_csv(file) if suffix == "csv" else pd.read_parquet(file)
    assert table["reward"].tolist() == [trial.reward for trial in LOG]
    assert table.columns.tolist() == apollo.trials("s").columns.tolist()


def test_export_refuses_other_formats_and_missing_folders(results: Path) -> None:
    assert refused("export", "s", "-o", "rows.xlsx") == (
        "The file's name must end with .csv or .parquet, not 'rows.xlsx'."
    )
    assert refused("export", "s", "-o", "no/rows.csv") == (
        "There is no folder 'no' to write 'no/rows.csv' into."
    )


def test_merge_makes_a_study_of_several(results: Path) -> None:
    save(results, row("t", seed=1), trials(30, seed=1))
    assert study("merge", "s", "t", "--into", "both").stdout == (
        "Study 'both' has 90 trials; `apollo study best both` ranks them.\n"
    )
    assert answer("best", "both", "--count", 1)[0]["proposer"].startswith(("s/", "t/"))
    assert "Made of" in study("show", "both").stdout
    assert "a/b" in refused("merge", "s", "t", "--into", "a/b")


def test_delete_asks_nobody_who_is_not_there(results: Path) -> None:
    assert refused("delete", "s") == (
        "Nobody can be asked here: --yes must be given to delete for good."
    )
    assert refused("delete", "s", "t", "--yes").startswith("There is no study 't'")
    assert answer("list")[0]["study"] == "s"
    assert study("delete", "s", "--yes").stdout == "Study 's' with its 60 trials was deleted.\n"
    assert answer("list") == []


@pytest.mark.parametrize(("said", "code", "left"), [("n\n", 0, 1), ("y\n", 0, 0), ("", 130, 1)])
def test_delete_asks_at_a_terminal(
    results: Path, monkeypatch: pytest.MonkeyPatch, said: str, code: int, left: int
) -> None:
    monkeypatch.setattr("apollo.console.is_terminal", lambda: True)
    result = CliRunner().invoke(app, ["study", "delete", "s"], input=said)
    assert result.exit_code == code
    assert "Delete 's' (60 trials) for good?" in result.stderr
    assert len(answer("list")) == left
