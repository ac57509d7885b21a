"""The trace in the real trace processor, which is what the viewer runs."""

from pathlib import Path

import pytest

from apollo.arch.isa import Engine
from apollo.simulator.stalls import StallCause, stall_cycles
from apollo.simulator.timeline import STREAMS
from apollo.simulator.trace import spans
from apollo.simulator.trace.counters import counter_name
from apollo.simulator.trace.perfetto_file import write_perfetto
from tests.simulator.test_trace_files import Run, network_run, random_run
from tests.simulator.trace_processor import NODE, query

pytestmark = pytest.mark.skipif(NODE is None, reason="Node.js, which runs it, is not installed")

ERRORS = "SELECT name, value FROM stats WHERE severity IN ('error', 'data_loss') AND value > 0"
SLICES = """
SELECT track.name AS track, slice.name AS name, SUM(dur) AS cycles, MAX(depth) AS depth
FROM slice JOIN track ON slice.track_id = track.id GROUP BY 1, 2
"""
COUNTERS = """
SELECT track.name AS track, MAX(value) AS value
FROM counter JOIN track ON counter.track_id = track.id GROUP BY 1
"""
FLOWS = """
SELECT source.ts + source.dur AS source_end, target.ts AS target_begin
FROM flow JOIN slice source ON slice_out = source.id JOIN slice target ON slice_in = target.id
"""


@pytest.mark.parametrize("which", [7300, 7301, "cold"])
def test_the_trace_processor_reads_what_was_written(which: int | str, tmp_path: Path) -> None:
    run: Run = random_run(which) if isinstance(which, int) else network_run(warm=False)
    timeline, accelerator = run
    path = tmp_path / "run.pftrace"
    write_perfetto(*run, path, title="a run")
    errors, slices, counters, flows = query(path.read_bytes(), ERRORS, SLICES, COUNTERS, FLOWS)
    assert errors == []
    cycles = {(track, name): total for track, name, total, depth in slices if not depth}
    assert len(cycles) == len(slices)  # nothing is nested
    for engine in Engine:
        for cause in StallCause:
            found = cycles.get((f"{engine.name} stalls", cause.name), 0)
            assert found == stall_cycles(timeline)[engine, cause]
    values = dict(counters)
    moved = [values[counter_name(stream, accelerator)] for stream in STREAMS]
    assert moved == timeline.channel_bytes.tolist()
    assert len(flows) == (spans.released_by(timeline) != spans.NO_INSTRUCTION).sum()
    assert all(end <= begin for end, begin in flows)
