"""Figures of a run beside its rows."""

from typing import Any

import plotly.graph_objects
import pytest

from apollo.search.report.breakdown import breakdown_figure, breakdown_table
from apollo.search.report.memory import CORE_MEMORY, PE_MEMORY, memory_figure
from apollo.search.report.roofline import roofline_figure
from apollo.search.report.stalls import layers_table, stalls_figure
from apollo.search.report.theme import Figure, words
from apollo.search.report.timeline import timeline_figure
from apollo.search.store.detail import RunRow


def checked(figure: Figure | None) -> dict[str, Any]:
    assert figure is not None
    plotly.graph_objects.Figure(figure)
    return {trace.get("name", ""): trace for trace in figure["data"]}


def test_cycles_of_a_layer_are_stacked_by_cause(run: RunRow) -> None:
    bars = checked(stalls_figure(run))
    assert {name: bar["y"] for name, bar in bars.items()} == {
        "computing": [400, 100],
        "waits for parameters": [100, 300],
        "done, last transfers run": [0, 100],
    }


def test_the_table_of_layers_has_what_the_bars_have(run: RunRow) -> None:
    table = layers_table(run, "layers")
    assert list(table.columns[:2]) == ["layer", "cycles"]
    assert table.rows[0] == ("stem", 500, 400, 100, 0, 40_000, 80.0, 2_000)
    assert table.rows[1][1] == 500


def test_layers_lie_under_the_roof(run: RunRow) -> None:
    marks = checked(roofline_figure(run))
    layer = marks["mostly computing"]
    assert layer["x"] == [20.0]  # 40,000 MACs over 2,000 bytes
    assert layer["y"] == [40.0]  # over 500 cycles of 2 ns
    rising, flat = marks["DRAM bandwidth"], marks["peak of the multipliers"]
    assert rising["x"][1] == flat["x"][0] == 25.0  # 100 MACs over 4 bytes a cycle
    assert flat["y"] == [50.0, 50.0]
    assert rising["y"][0] / rising["x"][0] == pytest.approx(2.0)  # GB/s


def test_a_run_without_multiply_accumulates_has_no_roofline(run: RunRow) -> None:
    layers = {**run.layers, "macs": [0, 0]}
    changed = RunRow(run.network, run.facts, layers, run.spans, run.memory, run.energy_uj)
    assert roofline_figure(changed) is None


def test_the_timeline_is_in_microseconds(run: RunRow) -> None:
    bars = checked(timeline_figure(run))
    assert bars["works"]["base"] == [0.0, 0.2]
    assert bars["works"]["x"] == [0.2, 0.8]
    assert bars["works"]["y"] == ["parameters", "compute"]
    assert bars["compute waits for parameters"]["base"] == [1.0]
    assert bars["compute waits for parameters"]["text"] == ["pool"]


def test_blocks_of_memory_are_rectangles(run: RunRow) -> None:
    blocks = checked(memory_figure(run, PE_MEMORY))
    tensor = blocks["tensor"]
    assert (tensor["x"], tensor["width"]) == ([0.5], [2])
    assert (tensor["base"], tensor["y"]) == ([1.0], [2.0])
    assert blocks["capacity, 4 KiB"]["y"] == [4.0, 4.0]
    assert memory_figure(run, CORE_MEMORY) is None


def test_parts_are_shares_of_the_whole(run: RunRow) -> None:
    (bar,) = checked(breakdown_figure(run.energy_uj, "µJ", "#000000")).values()
    assert (bar["y"], bar["text"]) == (["compute", "DRAM"], ["25.0 %", "75.0 %"])
    assert breakdown_table(run.energy_uj, "µJ", "energy").rows == [
        ("DRAM", 3.0, 75.0),
        ("compute", 1.0, 25.0),
    ]
    checked(breakdown_figure({}, "µJ", "#000000"))


def test_names_are_written_for_readers() -> None:
    assert words("pe_memory_bytes") == "PE memory, bytes"
    assert words("dram_gb_per_s") == "DRAM, GB/s"
    assert words("throughput_per_area") == "throughput per area"
