"""`apollo reproduce` from the command line."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from apollo.cli import app
from apollo.search.verify.figures import Figure, Part


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["reproduce", *arguments])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_dry_run_says_what_would_run_and_leaves_nothing(tmp_path: Path) -> None:
    rows = json.loads(run("apollo", "--quick", "--dry-run", "--json"))
    assert [row["part"] for row in rows][-2:] == ["vizier", "enumeration"]
    assert all(row["done"] == 0 and row["minutes"] > 0 for row in rows)
    assert "About 0 minutes in all." in run("apollo", "--quick", "--dry-run", "--part", "unbound")
    assert not list(tmp_path.iterdir())


def test_a_part_is_run_published_and_put_into_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- reproduced --><!-- end -->", encoding="utf-8")
    options = ["apollo", "--quick", "--part", "unbound", "-j", "1", "--document", "page.md"]
    found = json.loads(run(*options, "--json"))
    assert {row["verdict"] for row in found} == {"not run"}
    assert "| throughput_per_area |" in page.read_text(encoding="utf-8")
    assert (tmp_path / "results" / "published" / "apollo" / "unbound.csv").is_file()
    assert "Random search finds very few feasible points." in run(*options)


def test_another_system_writes_its_figures(tmp_path: Path) -> None:
    rows = json.loads(run("placement", "--quick", "--json"))
    assert [row["optimizer"] for row in rows] == ["single", "expert", "m_etf"]
    expert = rows[1]["step_ms"]
    for row in rows:
        assert row["faster_than_expert"] == expert / row["step_ms"]
    folder = tmp_path / "results" / "published" / "placement"
    names = {"figures.csv", "third_party.csv", "provenance.json"}
    assert {path.name for path in folder.iterdir()} == names
    third = pd.read_csv(folder / "third_party.csv")
    assert (round(third.cost_ms[0], 1), third.published_ms[0]) == (43.9, 43.9)
    assert list(third.method) == ["expert", "contiguous"]
    assert "nmt_2" in run("placement", "--quick")


def test_a_part_of_the_verification_has_a_row_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = (Figure("MLP0", "TOPS", 12.3, 12.1), Figure("MLP1", "TOPS", 9.7, 1.0, 0.1))
    part = Part("tpu-v1", "TPU", figures, (), ())
    monkeypatch.setattr("apollo.search.verify.tpu.verify_tpu", lambda: part)
    rows = json.loads(run("tpu", "--json"))
    assert [(row["published"], row["ours"], row["holds"]) for row in rows] == [
        (12.3, 12.1, True),
        (9.7, 1.0, False),
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["apolo"],
            "There is no system 'apolo' to reproduce (known: apollo, sparse, tpu, placement). "
            "Did you mean 'apollo'?",
        ),
        (["apollo", "--quick", "-j", "0"], "--jobs must be at least 1, not 0."),
        (["apollo", "--quick", "--part", "x"], "There is no part 'x' (known: single, "),
    ],
)
def test_what_is_wrong_is_one_sentence(arguments: list[str], sentence: str) -> None:
    assert f"apollo: {sentence}" in run(*arguments, code=2)
