"""A run as a Perfetto trace: tracks of layers, engines and stalls, arrows, counters."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import SPECIFICATIONS, Engine, Opcode
from apollo.arch.program import Program
from apollo.simulator.stalls import StallCause
from apollo.simulator.timeline import Timeline
from apollo.simulator.trace import spans
from apollo.simulator.trace.counters import counters
from apollo.simulator.trace.packets import PacketWriter
from apollo.simulator.trace.spans import NO_INSTRUCTION, Spans
from apollo.simulator.trace.window import Window, whole

_ENDS, _BEGINS, _COUNTS = range(3)  # the order of what happens in one cycle
_Event = tuple[int, int, Callable[[], None]]  # cycle, one of these, what writes it


class _Slice(NamedTuple):
    begin: int  # cycle
    end: int  # cycle
    track: int
    name: str
    values: Mapping[str, int | str]
    flows_out: Sequence[int] = ()
    flows_in: Sequence[int] = ()


def write_perfetto(
    timeline: Timeline,
    accelerator: Accelerator,
    path: Path,
    *,
    title: str,
    window: Window | None = None,
) -> None:
    """Write a run, or the part in a window, as a trace; 1 ns in it is 1 cycle."""
    window = window or whole(timeline.latency_cycles)
    with path.open("wb") as file:
        writer = PacketWriter(file)
        scale = f"1 ns is 1 cycle at {accelerator.clock_mhz} MHz"
        root = writer.track(f"{title} ({scale})", description=scale)
        events: list[_Event] = []
        for piece in _Slices(writer, root, timeline, window).all():
            events.append((piece.begin, _BEGINS, partial(_begin, writer, piece)))
            events.append((piece.end, _ENDS, partial(writer.end, piece.end, piece.track)))
        for counter in counters(timeline, accelerator):
            track = writer.track(counter.name, root, counter.unit)
            part = counter.within(window)
            for cycle, value in zip(part.cycle.tolist(), part.value.tolist(), strict=True):
                events.append((cycle, _COUNTS, partial(writer.count, cycle, track, value)))
        for *_, write in sorted(events, key=itemgetter(0, 1)):
            write()


def _begin(writer: PacketWriter, piece: _Slice) -> None:
    writer.begin(
        piece.begin,
        piece.track,
        piece.name,
        piece.values,
        flows_out=piece.flows_out,
        flows_in=piece.flows_in,
    )


class _Slices:
    """The slices of a run in a window; `writer` gets their tracks."""

    def __init__(self, writer: PacketWriter, root: int, timeline: Timeline, window: Window) -> None:
        self.new_track = partial(writer.track, parent=root)
        self.timeline = timeline
        self.window = window
        self.program = timeline.program
        self.released_by: list[int] = spans.released_by(timeline).tolist()
        self.shown = ((timeline.start < window.last) & (timeline.finish > window.first)).tolist()
        self.releases = defaultdict[int, list[int]](list)
        for number, other in enumerate(self.released_by):
            if self._has_arrow(number):
                self.releases[other].append(number)

    def all(self) -> Iterator[_Slice]:
        """Track by track, from the top."""
        yield from self._layers()
        for engine in sorted(Engine, key=lambda engine: engine != Engine.COMPUTE):
            yield from self._instructions(engine)
            yield from self._stalls(engine)

    def _layers(self) -> Iterator[_Slice]:
        track = self.new_track("layer")
        for begin, end, layer, _ in _rows(spans.layers(self.timeline).within(self.window)):
            yield _Slice(begin, end, track, self.program.layer_names[layer], {})

    def _instructions(self, engine: Engine) -> Iterator[_Slice]:
        flight = spans.in_flight(self.timeline, engine).within(self.window)
        tracks = [self.new_track(engine.name)]
        for lane in range(1, int(flight.code.max(initial=0)) + 1):
            tracks.append(self.new_track(f"{engine.name} {lane + 1}"))
        for begin, end, lane, number in _rows(flight):
            values = {"instruction": number} | _operands(self.program, number)
            if self.released_by[number] != NO_INSTRUCTION:
                values["released_by"] = self.released_by[number]
            name = _name(self.program, number)
            # An arrow has the number of the instruction in which it ends, counted from 1.
            flows_out = [waiting + 1 for waiting in self.releases[number]]
            flows_in = [number + 1] if self._has_arrow(number) else []
            yield _Slice(begin, end, tracks[lane], name, values, flows_out, flows_in)

    def _stalls(self, engine: Engine) -> Iterator[_Slice]:
        track = self.new_track(f"{engine.name} stalls")
        stalls = spans.stalls(self.timeline, engine).within(self.window)
        for begin, end, cause, head in _rows(stalls):
            values: dict[str, int | str] = {}
            if head != NO_INSTRUCTION:
                values = {"head": head, "head_name": _name(self.program, head)}
            yield _Slice(begin, end, track, StallCause(cause).name, values)

    def _has_arrow(self, number: int) -> bool:
        """Whether an instruction waited, and it and the one that released it are shown."""
        other = self.released_by[number]
        return other != NO_INSTRUCTION and self.shown[other] and self.shown[number]


def _rows(part: Spans) -> Iterator[tuple[int, int, int, int]]:
    return zip(*(column.tolist() for column in part), strict=True)


def _name(program: Program, number: int) -> str:
    layer = program.layer_names[int(program.layer[number])]
    return f"{Opcode(int(program.opcode[number])).name} {layer}"


def _operands(program: Program, number: int) -> dict[str, int | str]:
    fields = SPECIFICATIONS[Opcode(int(program.opcode[number]))].fields
    return {field.name: int(program.operand[number, field.slot]) for field in fields}
