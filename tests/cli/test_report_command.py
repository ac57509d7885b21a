"""`apollo report`: where the page goes, and what is refused in one sentence."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from apollo.cli import app
from apollo.search.explore import explore, make_problem
from apollo.search.reports import report_studies
from apollo.search.store.detail import design_names, levers_of
from apollo.search.studies import open_study
from tests.stored import row, save, trials

NETWORK = "mobilenet_v1_0.25_128"


def report(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def refused(*arguments: object) -> str:
    result = report(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return result.stderr.strip().splitlines()[-1].removeprefix("apollo: ")


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    save(Path("results"), row("s"), trials(60))
    return Path("results")


def test_a_report_goes_into_the_folder_of_its_study(results: Path) -> None:
    result = report("s")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Report of s written to 'results/s/report.html' (")
    assert result.stderr.startswith("apollo: ")  # its network is none: why details lack
    page = (results / "s" / "report.html").read_text(encoding="utf-8")
    assert "<h1>s</h1>" in page


def test_json_has_the_file(results: Path) -> None:
    facts = json.loads(report("s", "--json").stdout)
    size = (results / "s" / "report.html").stat().st_size
    assert (facts["studies"], facts["file"], facts["bytes"]) == (
        ["s"],
        "results/s/report.html",
        size,
    )
    assert len(facts["notes"]) == 1


def test_a_report_of_several_goes_where_it_is_told(results: Path) -> None:
    save(results, row("t", seed=1), trials(20, seed=1))
    assert report("s", "t", "-o", "both.html").exit_code == 0
    assert "<h1>s and t</h1>" in Path("both.html").read_text(encoding="utf-8")
    assert report("s", "t").exit_code == 0
    assert Path("s-t-report.html").is_file()


def test_a_report_of_a_storage_is_written_here(results: Path) -> None:
    assert report("s", "--storage", results / "s" / "study.db").exit_code == 0
    assert Path("s-report.html").is_file()


def test_what_lacks_is_computed_once_and_stored(results: Path) -> None:
    explored = explore(make_problem([NETWORK], max_area_mm2=6.8), trials=64, study="e")
    best = explored.best
    assert best is not None
    other = next(t for t in explored.result.trials if t.resource == "area")
    assert report("e", "--trial", other.number).exit_code == 0
    with open_study(results, "e") as store:
        assert str(other.index) in design_names(store, "e")
        assert levers_of(store, "e")


def test_what_cannot_be_shown_is_refused(results: Path) -> None:
    assert refused("s", "s") == "A report must name each study once, not s, s."
    assert refused("nothing").startswith("There is no study 'nothing'")
    sentence = "The trial must be one of 's', 0 to 59, not 60."
    assert refused("s", "--trial", 60) == sentence
    assert refused("s", "-o", "no/r.html").startswith("There is no folder 'no'")


def test_no_study_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^A report must name each study once, not none\.$"):
        report_studies([], Path("results"))
