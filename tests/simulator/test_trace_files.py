"""What the files say, read back, against the metrics of the run."""

from pathlib import Path

import numpy as np
import pytest

import apollo
from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.isa import Engine, Opcode
from apollo.arch.operands import Window as WindowSlot
from apollo.simulator.engine import simulate
from apollo.simulator.metrics import metrics_of
from apollo.simulator.stalls import StallCause, stall_cycles
from apollo.simulator.timeline import STREAMS, Timeline
from apollo.simulator.trace.counters import counter_name
from apollo.simulator.trace.files import write_trace
from apollo.simulator.trace.perfetto_file import write_perfetto
from apollo.simulator.trace.vcd_file import BUSY, write_vcd
from apollo.simulator.trace.window import Window
from tests.simulator.agreement import random_case
from tests.simulator.test_trace_spans import in_layers
from tests.simulator.trace_files import PerfettoFile, read_perfetto, read_vcd

Run = tuple[Timeline, Accelerator]
DESIGN = "edge_tpu_v1"


def network_run(warm: bool) -> Run:
    measurement = apollo.evaluate("mobilenet_v1_0.25_128", DESIGN)
    return measurement.warm if warm else measurement.cold, load_design(DESIGN)


def random_run(seed: int) -> Run:
    program, accelerator = random_case(seed, most=80)
    return in_layers(simulate(program, accelerator), 4), accelerator


RUNS = [*range(7300, 7312), "cold", "warm"]


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest) -> Run:
    if isinstance(request.param, int):
        return random_run(request.param)
    return network_run(request.param == "warm")


def perfetto(run: Run, folder: Path, window: Window | None = None) -> PerfettoFile:
    path = folder / "run.pftrace"
    write_perfetto(*run, path, title="a run", window=window)
    return read_perfetto(path)


def is_of(track: str, engine: Engine) -> bool:
    return track == engine.name or track.removeprefix(f"{engine.name} ").isdigit()


def test_perfetto_sums_are_the_metrics(run: Run, tmp_path: Path) -> None:
    timeline, accelerator = run
    metrics = metrics_of(timeline, timeline, accelerator, macs=1)
    trace = perfetto(run, tmp_path)
    for engine in Engine:
        stalled = trace.cycles(f"{engine.name} stalls")
        expected = {c: n for c, n in metrics.stall_cycles[engine.name].items() if n}
        assert stalled == expected
        busy = np.zeros(timeline.latency_cycles, bool)
        for piece in trace.slices:
            if is_of(piece.track, engine):
                busy[piece.begin : piece.end] = True
        assert busy.sum() == metrics.busy_cycles[engine.name]
    for stream in STREAMS:
        counter = trace.counters[counter_name(stream, accelerator)]
        assert counter[-1][1] == metrics.dram_bytes[stream]
    assert sum(trace.cycles("layer").values()) == metrics.cycles


def test_perfetto_slices_say_what_the_program_does(run: Run, tmp_path: Path) -> None:
    timeline, _ = run
    program = timeline.program
    shown = [piece for piece in perfetto(run, tmp_path).slices if "instruction" in piece.values]
    assert len(shown) == len(program)
    for piece in shown:
        number = piece.values["instruction"]
        assert (piece.begin, piece.end) == (timeline.start[number], timeline.finish[number])
        opcode = Opcode(program.opcode[number])
        assert piece.name == f"{opcode.name} {program.layer_names[program.layer[number]]}"
        assert is_of(piece.track, Engine(program.engine[number]))
        if opcode == Opcode.CONVOLVE:
            assert piece.values["rows"] == program.operand[number, WindowSlot.ROWS]


@pytest.mark.parametrize("share", [(0, 1), (0.2, 0.6), (0.5, 1)])
def test_arrows_lead_from_what_was_waited_for(
    run: Run, share: tuple[float, float], tmp_path: Path
) -> None:
    cycles = run[0].latency_cycles
    first, last = (int(part * cycles) for part in share)
    slices = perfetto(run, tmp_path, Window(first, max(last, first + 1))).slices
    sources = {flow: piece for piece in slices for flow in piece.flows_out}
    targets = {flow: piece for piece in slices for flow in piece.flows_in}
    assert sources.keys() == targets.keys()
    assert sum(len(piece.flows_out) for piece in slices) == len(sources)
    for flow, source in sources.items():
        assert source.end <= targets[flow].begin
        assert targets[flow].values["released_by"] == source.values["instruction"]


def test_a_window_cuts_the_whole_trace(run: Run, tmp_path: Path) -> None:
    cycles = run[0].latency_cycles
    window = Window(cycles // 3, cycles // 3 * 2 + 1)
    cut = perfetto(run, tmp_path, window).slices
    expected = [
        (max(piece.begin, window.first), min(piece.end, window.last), piece.name)
        for piece in perfetto(run, tmp_path).slices
        if piece.begin < window.last and piece.end > window.first
    ]
    assert sorted((piece.begin, piece.end, piece.name) for piece in cut) == sorted(expected)


@pytest.mark.parametrize("share", [(0, 1), (0.3, 0.8)])
def test_vcd_signals_agree_with_the_trace(
    run: Run, share: tuple[float, float], tmp_path: Path
) -> None:
    timeline, _ = run
    first, last = (int(part * timeline.latency_cycles) for part in share)
    window = Window(first, max(last, first + 1))
    write_vcd(*run, tmp_path / "run.vcd", title="a run", window=window)
    cycles = read_vcd(tmp_path / "run.vcd")
    trace = perfetto(run, tmp_path, window)
    for engine in Engine:
        state = dict(cycles[f"{engine.name}.state"])
        busy = state.pop(BUSY, 0)
        stalled = trace.cycles(f"{engine.name} stalls")
        assert {StallCause(code).name: n for code, n in state.items() if n} == stalled
        assert busy == window.cycles - sum(stalled.values())
        numbers = cycles[f"{engine.name}.instruction"]
        assert sum(n for value, n in numbers.items() if value != "x") == busy
    names = {name.replace("\\x20", " "): n for name, n in cycles["layer_name"].items() if n}
    assert names == trace.cycles("layer")
    if share == (0, 1):
        whole = {c.name: int(stall_cycles(timeline)[Engine.COMPUTE, c]) for c in StallCause}
        assert trace.cycles("COMPUTE stalls") == {c: n for c, n in whole.items() if n}


def test_the_suffix_decides_and_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    run = random_run(7299)
    for name, begin in (("a.pftrace", b"\n"), ("a.vcd", b"$comment")):
        write_trace(*run, tmp_path / name, title="a run")
        written = (tmp_path / name).read_bytes()
        assert written.startswith(begin)
        write_trace(*run, tmp_path / name, title="a run")
        assert (tmp_path / name).read_bytes() == written
    with pytest.raises(ValueError, match="A trace file must") as caught:
        write_trace(*run, tmp_path / "a.json", title="a run")
    assert str(caught.value) == "A trace file must end in .pftrace or .vcd, not 'a.json'."
