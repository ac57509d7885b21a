"""Placement files, charts and traces of a step."""

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from apollo.search.placement.instance import Instance
from apollo.search.placement.output.gantt import gantt
from apollo.search.placement.output.placement_file import read_placement, write_placement
from apollo.search.placement.output.spans import device_spans, transfer_spans
from apollo.search.placement.output.trace import write_step_trace
from apollo.search.placement.step import Simulator, problem_of
from tests.search.placement.cases import cluster_of, instance_of_columns

PLACEMENT = np.array([0, 1, 1])


def instance() -> Instance:
    edges = [(0, 2, 3), (1, 2, 1)]
    return instance_of_columns(
        [[5, 5], [7, 0], [1, 1]], edges, cluster_of([100, 100]), output_bytes=[3, 4, 4]
    )


def swapped() -> np.ndarray:
    return np.array([1, 0, 0])


def test_a_placement_comes_back(tmp_path: Path) -> None:
    problem, file = problem_of(instance()), tmp_path / "placement.json"
    write_placement(problem, swapped(), file)
    assert read_placement(file, problem).tolist() == swapped().tolist()
    assert json.loads(file.read_text())["devices"] == {"op0": "d1", "op1": "d0", "op2": "d0"}


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda v: v["devices"].pop("op1"), "does not place 'op1' of case on case"),
        (lambda v: v["devices"].update(op1="d7"), "there is no device 'd7' (there are d0, d1)"),
        (lambda v: v["devices"].update(op1="d1"), "device 'd1' cannot run 'op1'"),
        (lambda v: v.update(format="other"), "must have the format 'apollo placement 1'"),
        (lambda v: v.update(devices=[]), "must give 'devices', a device for every group"),
    ],
)
def test_wrong_files_are_refused_in_a_sentence(tmp_path: Path, edit, sentence: str) -> None:
    problem, file = problem_of(instance()), tmp_path / "placement.json"
    write_placement(problem, swapped(), file)
    value = json.loads(file.read_text())
    edit(value)
    file.write_text(json.dumps(value))
    with pytest.raises(ValueError, match=re.escape(sentence)):
        read_placement(file, problem)


@pytest.mark.parametrize("text", ["", "[", "3", "[" * 100_000])
def test_what_is_no_placement_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "placement.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"^Placement file '.*' (is not readable|must have)"):
        read_placement(file, problem_of(instance()))


def test_there_must_be_a_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="There is no placement file"):
        read_placement(tmp_path / "none.json", problem_of(instance()))


def test_spans_of_a_device_do_not_overlap_and_have_all_its_time() -> None:
    case = instance()
    step = Simulator(case).run(swapped())
    spans = sorted(device_spans(case, step), key=lambda span: (span.row, span.begin_ns))
    assert Counter(span.row for span in spans) == {"d0": 2, "d1": 1}
    for one, two in pairwise(spans):
        assert one.row != two.row or one.end_ns <= two.begin_ns
    (sent,) = transfer_spans(case, step)
    assert (sent.row, sent.name, sent.kind, sent.size_bytes) == ("d1->", "op0", "to d0", 3)
    assert (sent.begin_ns, sent.end_ns) == (5, 8)


def test_the_chart_has_every_span() -> None:
    case = instance()
    step = Simulator(case).run(swapped())
    figure = gantt(case, step, "a title")
    assert sum(len(trace.x) for trace in figure.data) == 4
    assert "a title" in figure.layout.title.text
    assert "d0 " in figure.layout.title.text


def test_the_trace_is_read_back(tmp_path: Path) -> None:
    from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

    case, file = instance(), tmp_path / "step.pftrace"
    write_step_trace(case, Simulator(case).run(swapped()), file, "a step")
    trace = Trace()
    trace.ParseFromString(file.read_bytes())
    events = [packet.track_event for packet in trace.packet if packet.HasField("track_event")]
    kinds = Counter(event.type for event in events)
    assert kinds[TrackEvent.TYPE_SLICE_BEGIN] == kinds[TrackEvent.TYPE_SLICE_END] == 4
    tracks = [p.track_descriptor.name for p in trace.packet if p.HasField("track_descriptor")]
    assert tracks == ["a step", "d0", "d1", "d0->", "d1->"]
