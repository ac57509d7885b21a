"""A run as a value change dump, for waveform viewers: what each engine does, and the layer."""

from operator import itemgetter
from pathlib import Path

from vcd import VCDWriter
from vcd.writer import Variable

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Engine
from apollo.arch.program import Ints
from apollo.simulator.stalls import StallCause
from apollo.simulator.timeline import Timeline
from apollo.simulator.trace import spans
from apollo.simulator.trace.spans import Spans
from apollo.simulator.trace.window import Window, whole

BUSY = len(StallCause)  # the state of an engine is this or its stall cause
_STATE_BITS = BUSY.bit_length()
_NONE = "x"
_Change = tuple[int, "Variable[object]", int | str]  # cycle, signal, value


def write_vcd(
    timeline: Timeline,
    accelerator: Accelerator,
    path: Path,
    *,
    title: str,
    window: Window | None = None,
) -> None:
    """Write a run, or the part in a window, as signals; 1 ns in it is 1 cycle."""
    window = window or whole(timeline.latency_cycles)
    scale = f"1 ns is 1 cycle at {accelerator.clock_mhz} MHz"
    states = ", ".join(f"{cause.value} {cause.name}" for cause in StallCause)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        writer = VCDWriter(
            file,
            timescale="1 ns",
            date="",
            comment=f"{title}; {scale}; state: {BUSY} busy, idle for {states}",
            init_timestamp=window.first,
        )
        changes = _layer_changes(writer, timeline, window)
        for engine in Engine:
            changes += _engine_changes(writer, timeline, engine, window)
        for cycle, signal, value in sorted(changes, key=itemgetter(0)):
            writer.change(signal, cycle, value)
        writer.close(window.last)


def _layer_changes(writer: VCDWriter, timeline: Timeline, window: Window) -> list[_Change]:
    """The layer by number, for every viewer, and by name, for those that know strings."""
    names = timeline.program.layer_names
    bits = max(2, len(names).bit_length())
    number: Variable[object] = writer.register_var("apollo", "layer", "integer", size=bits)
    name: Variable[object] = writer.register_var("apollo", "layer_name", "string")
    changes: list[_Change] = []
    part = spans.layers(timeline).within(window)
    for cycle, layer in zip(part.begin.tolist(), part.code.tolist(), strict=True):
        changes += [(cycle, number, layer), (cycle, name, names[layer])]
    return changes


def _engine_changes(
    writer: VCDWriter, timeline: Timeline, engine: Engine, window: Window
) -> list[_Change]:
    """The state of an engine and which of its instructions retires next."""
    scope = ("apollo", engine.name)
    bits = max(2, len(timeline.program).bit_length())
    state: Variable[object] = writer.register_var(scope, "state", "reg", size=_STATE_BITS)
    number: Variable[object] = writer.register_var(scope, "instruction", "reg", size=bits)
    busy = spans.oldest_in_flight(timeline, engine).within(window)
    idle = spans.stalls(timeline, engine).within(window)
    changes: list[_Change] = [
        *((cycle, state, BUSY) for cycle in busy.begin.tolist()),
        *((cycle, state, cause) for cycle, cause in _values(idle, idle.code)),
        *((cycle, number, instruction) for cycle, instruction in _values(busy, busy.instruction)),
        *((cycle, number, _NONE) for cycle in idle.begin.tolist()),
    ]
    return changes


def _values(part: Spans, values: Ints) -> list[tuple[int, int]]:
    return list(zip(part.begin.tolist(), values.tolist(), strict=True))
