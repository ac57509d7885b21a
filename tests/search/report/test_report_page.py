"""The page of a report, without a browser: one file, the same for the same rows, not large."""

import base64
import gzip
import json
import re
from pathlib import Path

import pytest
from landscape import evaluate

from apollo.search.report.page import compressed, report_html, write_report
from apollo.search.report.source import Source
from apollo.search.store import Store
from apollo.search.study import Study, run_study
from tests.stored import row, trials

LARGEST_BYTES = 5_000_000


@pytest.fixture(scope="module")
def page(source: Source) -> str:
    return report_html([source])


def test_a_page_asks_for_no_other_file(page: str) -> None:
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:)""", page)
    assert "@import" not in page
    assert "url(" not in page


def test_a_page_is_the_same_for_the_same_rows(page: str, source: Source) -> None:
    assert report_html([source]) == page


def test_a_page_is_not_large(page: str) -> None:
    assert len(page.encode()) < LARGEST_BYTES


@pytest.mark.slow
def test_a_page_of_a_long_study_is_not_large() -> None:
    with Store("sqlite:///:memory:") as store:
        study = Study("long", "evolutionary", 1, "1")
        log = run_study(store, study, evaluate, 30_000).trials
        assert len(report_html([Source(study.row(), log)]).encode()) < LARGEST_BYTES


def test_figures_are_within_the_page(page: str) -> None:
    packed = re.search(r'id="report-data">([^<]+)<', page)
    assert packed is not None
    data = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    assert [section["key"] for section in data["sections"]] == [
        *("summary", "convergence", "front", "best", "design"),
        *("parallel", "importance", "causes", "map"),
    ]


def test_names_are_text_and_not_html(tmp_path: Path) -> None:
    write_report([Source(row("<b>"), trials(20))], tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_text_is_packed_the_same_each_time() -> None:
    assert gzip.decompress(base64.b64decode(compressed("µ"))).decode() == "µ"
    assert compressed("a" * 1000) == compressed("a" * 1000)


def test_a_page_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    path = tmp_path / "no" / "r.html"
    sentence = f"There is no folder '{path.parent}' to write '{path}' into."
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        write_report([Source(row("s"), trials(5))], path)
