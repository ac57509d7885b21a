"""What notebooks show, and what `help` says of the public functions."""

import inspect
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import apollo
from apollo.notebook import html_table
from apollo.search.explore import Exploration
from apollo.search.measure import Measurement
from apollo.workloads.graph import Graph

TINY = "conv:8x8x3x8x3x1"


class Cells(HTMLParser):
    """The rows of a table, refusing what is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.title = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1] == "caption":
            self.title += data
        else:
            self.rows[-1][-1] += data


def test_a_table_keeps_what_looks_like_markup() -> None:
    page = html_table("a < b & c", ("name ", "<i>"), [("<script>x</script>", "&amp;")])
    cells = Cells(page)
    assert cells.title == "a < b & c"
    assert cells.rows == [["name", "<i>"], ["<script>x</script>", "&amp;"]]
    assert re.findall(r"text-align: (\w+)", page) == ["left", "left", "right", "left", "right"]


def test_a_network_shows_its_layers() -> None:
    graph = apollo.load("mobilenet_v1_0.25_128")
    shown = Cells(graph._repr_html_())
    assert shown.title.startswith("mobilenet_v1_0.25_128, batch 1: ")
    assert f"{graph.macs:,} MACs" in shown.title
    assert shown.rows[1][0] == graph.layers[0].name
    assert shown.rows[-1][0] == f"and {len(graph.layers) - 20} more"
    assert len(Cells(apollo.load(TINY)._repr_html_()).rows) == 1 + 1


def test_a_measurement_shows_its_totals() -> None:
    measurement = apollo.evaluate(TINY, "edge_tpu_v1")
    shown = Cells(measurement._repr_html_())
    assert shown.title == "On edge_tpu_v1, 800 MHz"
    cycles = next(row for row in shown.rows if row[0] == "cycles")
    assert cycles[2] == f"{measurement.metrics.warm_cycles:,}"


def test_an_exploration_shows_the_best_beside_the_presets(tmp_path: Path) -> None:
    found = apollo.explore(TINY, trials=20, output=tmp_path)
    shown = Cells(found._repr_html_())
    assert shown.title.endswith(f"20 trials, {found.result.feasible} feasible")
    names = [row[0] for row in shown.rows[1:]]
    assert names == ["best", *(preset.accelerator.name for preset in found.presets)]
    assert found.best is not None
    assert shown.rows[1][3] == f"{found.best.reward:.3f}"


@pytest.mark.parametrize("name", apollo.__all__)
def test_public_functions_say_what_they_take_return_and_raise(name: str) -> None:
    function = getattr(apollo, name)
    text = inspect.getdoc(function) or ""
    assert text.splitlines()[0].endswith(".")
    sections = dict(re.findall(r"^(Args|Returns|Raises):\n((?: +.*\n?|\n)+)", text, re.M))
    named = re.findall(r"^    (\w+):", sections["Args"], re.M)
    assert named == list(inspect.signature(function).parameters)
    assert sections["Returns"].strip()
    assert "ValueError:" in sections["Raises"]
    hints = inspect.signature(function)
    assert hints.return_annotation is not inspect.Signature.empty
    assert all(each.annotation is not each.empty for each in hints.parameters.values())


@pytest.mark.parametrize("kind", [Measurement, Exploration])
def test_their_results_say_what_every_field_is(kind: type) -> None:
    named = re.findall(r"^    (\w+):", inspect.getdoc(kind) or "", re.M)
    assert named == list(kind.__dataclass_fields__)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [Measurement, Exploration, Graph])
def test_whatever_is_public_of_the_results_is_described(kind: type) -> None:
    members = {name: value for name, value in vars(kind).items() if not name.startswith("_")}
    functions = (value for value in members.values() if callable(value) or hasattr(value, "func"))
    assert all(inspect.getdoc(value) for value in functions)


def test_types_are_there_for_those_who_check_them() -> None:
    assert (Path(apollo.__file__).parent / "py.typed").is_file()
