"""Sections of all kinds of studies: what is there is shown, what is not is said."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import plotly.graph_objects
import pytest

from apollo.search.merge import MERGED
from apollo.search.report.page import report_sections
from apollo.search.report.section import Section, Slot, Table, always
from apollo.search.report.source import Source
from apollo.search.report.summary import provenance_table, studies_table, tiles
from apollo.search.store import StudyRow
from apollo.search.store.detail import DesignRow, LeversRow
from apollo.search.trial import Outcome, Trial, best_of
from tests.stored import row, trials

LOG = trials(60)


def shown(sources: Sequence[Source], chosen: int | None = None) -> dict[str, Section]:
    """The sections by key; every view is JSON and every figure one of plotly's."""
    sections = {section.key: section for section in report_sections(sources, chosen)}
    json.dumps([section.as_json() for section in sections.values()], allow_nan=False)
    for section in sections.values():
        for slot in section.slots:
            for view in slot.views.values():
                if isinstance(view, dict):
                    plotly.graph_objects.Figure(view)
    return sections


def texts(section: Section) -> list[str]:
    """What is said where nothing is shown."""
    views = (view for slot in section.slots for view in slot.views.values())
    return [view for view in views if isinstance(view, str)]


def table(section: Section, number: int, choice: str = "") -> Table:
    found = section.slots[number].views[choice]
    assert isinstance(found, Table)
    return found


def test_a_whole_study_leaves_nothing_unsaid(
    log: Sequence[Trial], designs: Sequence[DesignRow], levers: Sequence[LeversRow]
) -> None:
    sections = shown([Source(row("s"), log, designs, levers)])
    said = {key: texts(section) for key, section in sections.items()}
    assert set(said.pop("design")) == {
        f"Reward {designs[0].reward:.4f}, 2.00 mm², 0.002 ms and 4 µJ a following inference.",
        "2.00 mm². It is infeasible: Too large.",
        "Too large.",
        "Nothing is held in core memory.",
    }
    assert said.pop("front") == ["The trials have no two quantities to compare."]  # no speed-up
    assert not any(said.values())
    assert [len(section.slots) for section in sections.values()][:2] == [2, 1]


def test_the_best_designs_stand_beside_the_presets(
    log: Sequence[Trial], designs: Sequence[DesignRow]
) -> None:
    source = Source(row("s"), log, designs)
    found = table(shown([source])["best"], 0, "0")
    best = best_of(log)[0]
    number = min(trial.number for trial in log if trial.index == best.index)
    assert list(found.columns) == ["", f"trial {number}", "edge"]
    values = {row[0]: row[1:] for row in found.rows}
    assert values["reward"] == (best.reward, None)
    assert values["lanes"] == (best.parameters["lanes"], 8)
    assert "clock, MHz" not in values  # the same in all
    assert values["infeasible for"] == (None, "area")


def test_without_details_the_best_are_those_of_the_log() -> None:
    sections = shown([Source(row("s"), LOG, note="Study 's' is of another simulator.")])
    assert len(table(sections["best"], 0, "0").columns) == 6
    assert texts(sections["design"]) == [
        "The studies hold no details of designs. Study 's' is of another simulator."
    ]
    assert sections["summary"].text == "Study 's' is of another simulator."


@pytest.mark.parametrize("count", [0, 1, 12])
def test_a_study_without_feasible_trials_says_so(count: int) -> None:
    log = [Trial(n, n, Outcome(False, 0.0, {}, "area", "No."), {"a": n}) for n in range(count)]
    sections = shown([Source(row("s"), log)])
    for key in ("front", "convergence", "best", "parallel"):
        assert texts(sections[key]) == ["No trial of this study is feasible."]
    assert tiles([Source(row("s"), log)])[-1] == ("none", "design found")


def test_a_study_in_which_everything_is_feasible_says_so() -> None:
    log = [trial for trial in LOG if trial.feasible]
    numbered = [replace(trial, number=number) for number, trial in enumerate(log)]
    assert set(texts(shown([Source(row("s"), numbered)])["causes"])) == {
        "Every trial of this study is feasible."
    }


def test_placements_have_too_many_parameters_for_lines() -> None:
    parameters = {f"group{number}": number % 3 for number in range(40)}
    log = [Trial(n, n, Outcome(True, 1.0 + n, {"cost": 3.0 - n}), parameters) for n in range(3)]
    sections = shown([Source(StudyRow("p", "placement", 0, {"graph": "g"}, "1"), log)])
    assert texts(sections["parallel"]) == ["Designs of 40 parameters are not drawn as lines."]
    assert texts(sections["front"]) == ["The trials have no two quantities to compare."]
    assert texts(sections["map"]) == ["There are too few different points for a map."]


def test_several_studies_are_chosen_from_and_share_presets(designs: Sequence[DesignRow]) -> None:
    best = best_of(LOG)[0]
    first = replace(designs[0], point=best.index)
    sources = [Source(row(n), LOG, [first, designs[1]]) for n in ("a", "b")]
    sections = shown(sources)
    options = list(sections["design"].selectors[0].options)
    number = min(trial.number for trial in LOG if trial.index == best.index)
    kinds = [option.partition(",")[0] for option in options]
    assert kinds == [f"a: trial {number}", "a: preset edge", f"b: trial {number}"]
    assert list(sections["map"].selectors[0].options) == ["a", "b"]
    assert table(sections["front"], 1, "0").columns[0] == "study"
    assert sections["summary"].text == ""


def test_studies_of_different_problems_are_told_apart() -> None:
    other = Source(row("b", baseline="edge_tpu_v2"), LOG)
    said = shown([Source(row("a"), LOG), other])["summary"].text
    assert said == "The studies are not of one problem, so their rewards do not compare."


def test_the_design_that_is_asked_for_is_shown_first(
    log: Sequence[Trial], designs: Sequence[DesignRow]
) -> None:
    other = next(trial for trial in log if trial.index != designs[0].point)
    more = replace(designs[0], name=str(other.index), point=other.index)
    source = Source(row("s"), log, [designs[0], more, designs[1]])
    assert shown([source], other.number)["design"].selectors[0].selected == 1
    assert shown([source])["design"].selectors[0].selected == 0


def test_provenance_has_every_option_and_the_parts_of_a_merged_study() -> None:
    part = {"study": "a", "optimizer": "random", "seed": 3, "trials": 9}
    merged = Source(row("m", **{MERGED: [part]}), LOG)
    found = provenance_table([Source(row("a", seed=3), LOG), merged])
    values: dict[Any, Any] = {name: cells for name, *cells in found.rows}
    assert values["seed"] == ["3", "0"]
    assert values["made of, 1"] == ["", "a: random, seed 3, 9 trials"]
    assert values["simulator version"] == ["1", "1"]
    assert studies_table([merged]).rows[0][:4] == ("m", "random", 0, 60)


def test_a_table_of_uneven_rows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Table t must have 2 cells a row\.$"):
        Table(("a", "b"), [(1,)], "t")


def test_a_view_is_a_figure_a_table_or_a_sentence() -> None:
    views = Slot("t", always("Nothing.")).as_json()["views"]
    assert views == {"": {"text": "Nothing."}}
