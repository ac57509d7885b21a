"""Reports in headless Chromium, on a desk and on a phone: drawn whole, alone, without an error."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from landscape import evaluate

from apollo.search.report.page import write_report
from apollo.search.report.source import Source
from apollo.search.store import Store
from apollo.search.study import Study, run_study
from apollo.search.trial import best_of
from tests.browser import LARGE, SMALL, Opened, browser, opened
from tests.stored import row, trials

OUTSIDE = """e => e.getBoundingClientRect().right
    > e.closest('section').getBoundingClientRect().right + 1"""
DRAWN = "e => e.querySelectorAll('.main-svg path, canvas').length"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as launched:
        yield launched


@pytest.fixture(scope="module")
def report(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report([source], path)
    return path


def check(seen: Opened, path: Path) -> None:
    """Whole, alone and without an error, and nothing beyond the edge of the screen."""
    assert seen.errors == []
    assert seen.requests == [path.resolve().as_uri()]
    drawn = seen.all(DRAWN, ".js-plotly-plot")
    assert min(drawn) > 0
    assert seen.all("e => e.textContent", ".slot:has(.body:empty)") == []
    width = seen.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]
    assert not any(seen.all(OUTSIDE, ".slot:not(:has(.wide)) .js-plotly-plot, .rows, select"))


@pytest.fixture(scope="module")
def desk(chromium: Any, report: Path) -> Iterator[Opened]:
    """The report on a large screen, for all tests: opening takes longest."""
    with opened(chromium, report, LARGE) as seen:
        yield seen


@pytest.fixture(scope="module")
def phone(chromium: Any, report: Path) -> Iterator[Opened]:
    with opened(chromium, report, SMALL) as seen:
        yield seen


@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_a_report_is_drawn_whole_and_alone(
    report: Path, screen: str, request: pytest.FixtureRequest
) -> None:
    seen = request.getfixturevalue(screen)
    check(seen, report)
    assert len(seen.all("e => 1", ".js-plotly-plot")) == 13
    titles = seen.all("e => e.textContent", "h2")
    assert titles[:3] == ["Summary", "Convergence", "Pareto front"]


def test_every_table_is_saved_as_it_is_shown(desk: Opened, source: Source) -> None:
    links = desk.all("e => [e.download, e.href]", "a.csv")
    shown = desk.all("e => [...e.rows].map(r => r.cells.length)", "table")
    assert len(links) == len(shown) > 5
    for (name, address), cells in zip(links, shown, strict=True):
        kind, _, text = address.partition(",")
        assert (name[-4:], kind) == (".csv", "data:text/csv;charset=utf-8")
        rows = list(csv.reader(io.StringIO(unquote(text))))
        assert [len(row) for row in rows] == cells
    with desk.page.expect_download() as download:
        desk.page.click("#front a.csv")
    saved = Path(download.value.path()).read_text(encoding="utf-8")
    speedups = {float(row["speedup"]) for row in csv.DictReader(io.StringIO(saved))}
    assert max(t.metrics["speedup"] for t in source.feasible) in speedups  # to the last bit


def test_another_design_and_network_are_shown_when_chosen(phone: Opened) -> None:
    first = "() => document.querySelector('#design .js-plotly-plot').data[0].y.join()"
    page, found = phone.page, {phone.page.evaluate(first)}
    for number in range(2):  # the design, then the network
        page.locator("#design select").nth(number).select_option("1")
        page.wait_for_function(f"known => !known.includes(({first})())", arg=list(found))
        found.add(page.evaluate(first))
    assert len(found) == 3
    assert phone.errors == []


def test_an_infeasible_preset_says_why(desk: Opened, source: Source) -> None:
    (preset,) = (design for design in source.presets if design.resource == "area")
    number = [design.name for design in source.designs].index(preset.name)
    desk.page.locator("#design select").first.select_option(str(number))
    desk.page.wait_for_selector(f"#design >> text={preset.reason}")
    assert desk.errors == []


def _several(folder: Path) -> list[Source]:
    with Store(folder / "s.db") as store:
        run_study(store, Study("random", "random", 1, "1"), evaluate, 160)
        run_study(store, Study("evolved", "evolutionary", 1, "1"), evaluate, 160)
        return [Source.read(store, each.study) for each in store.studies()]


def _nothing_feasible(_folder: Path) -> list[Source]:
    infeasible = [trial for trial in trials(40) if not trial.feasible]
    return [Source(row("none"), infeasible)]


def _empty(_folder: Path) -> list[Source]:
    return [Source(row("empty"), [])]


@pytest.mark.parametrize(
    ("make", "size"), [(_several, SMALL), (_nothing_feasible, LARGE), (_empty, SMALL)]
)
def test_other_studies_are_drawn_too(
    chromium: Any, tmp_path: Path, make: Any, size: tuple[int, int]
) -> None:
    sources, path = make(tmp_path), tmp_path / "report.html"
    write_report(sources, path)
    with opened(chromium, path, size) as seen:
        is_feasible = any(best_of(source.trials) for source in sources)
        plots = len(seen.all("e => 1", ".js-plotly-plot"))
        if plots:
            check(seen, path)
        assert seen.errors == []
        assert (plots > 3) == is_feasible
        assert seen.page.locator(".message").count() > 0
