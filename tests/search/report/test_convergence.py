from pathlib import Path

import pytest
from landscape import evaluate

from apollo.search.report.convergence import convergence_figure, write_html
from apollo.search.study import Study, run_study


@pytest.fixture
def trials(store):
    return run_study(store, Study("s", "evolutionary", 1, "1"), evaluate, 640).trials


def traces(figure) -> dict:
    return {trace.name.split(":")[0]: trace for trace in figure.data}


def test_best_so_far_never_falls_and_ends_at_the_best(trials):
    best = [y for y in traces(convergence_figure(trials, "s"))["best so far"].y if y is not None]
    assert best == sorted(best)
    assert best[-1] == max(trial.reward for trial in trials)


def test_every_trial_is_a_mark_above_or_in_the_lane_of_its_cause(trials):
    marks = traces(convergence_figure(trials, "s"))
    counts = {name: len(marks[name].x) for name in ("feasible trial", "area", "core memory")}
    assert sum(counts.values()) == len(trials)
    assert min(counts.values()) > 0
    assert set(marks["area"].y) == {"area"}


@pytest.mark.parametrize("count", [0, 1])
def test_a_study_with_nothing_feasible_has_a_figure(trials, count):
    infeasible = [trial for trial in trials if not trial.feasible][:count]
    assert "nothing feasible" in convergence_figure(infeasible, "s").layout.title.text


def test_the_page_needs_no_network(trials, tmp_path):
    page: Path = tmp_path / "convergence.html"
    write_html(convergence_figure(trials, "s"), page)
    assert 'src="plotly.min.js"' in page.read_text()
    assert "https://cdn" not in page.read_text()
    assert (tmp_path / "plotly.min.js").stat().st_size > 1_000_000


def test_the_page_has_a_title_and_the_width_of_its_screen(trials, tmp_path):
    write_html(convergence_figure(trials, "a < b<br>more"), tmp_path / "page.html")
    head = (tmp_path / "page.html").read_text(encoding="utf-8").partition("</head>")[0]
    assert "<title>a &lt; b</title>" in head
    assert 'name="viewport" content="width=device-width' in head
