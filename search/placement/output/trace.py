"""A step as a Perfetto trace: a track a device and a channel, arrows from producers to readers."""

from collections import defaultdict
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from apollo.arch.whole_file import whole_file
from apollo.search.placement.instance import Instance
from apollo.search.placement.output.spans import Span, device_spans, transfer_spans
from apollo.search.placement.step import Step
from apollo.simulator.trace.packets import PacketWriter

_ENDS, _BEGINS = range(2)  # the order of what happens at one instant


class _Slice(NamedTuple):
    span: Span
    flows_out: list[int]
    flows_in: list[int]


def write_step_trace(instance: Instance, step: Step, path: Path, title: str) -> None:
    """Write a step, times in nanoseconds; the file is there whole or not at all."""
    with whole_file(path) as part, part.open("wb") as file:
        writer = PacketWriter(file)
        root = writer.track(title)
        rows = [device.name for device in instance.cluster.devices] + [*instance.cluster.channels]
        tracks = {row: writer.track(row, root) for row in rows}
        events = []
        for piece in _slices(instance, step):
            events.append((piece.span.begin_ns, _BEGINS, piece))
            events.append((piece.span.end_ns, _ENDS, piece))
        for at_ns, what, piece in sorted(events, key=itemgetter(0, 1)):
            track = tracks[piece.span.row]
            if what == _ENDS:
                writer.end(at_ns, track)
                continue
            values: dict[str, int | str] = {"kind": piece.span.kind, "bytes": piece.span.size_bytes}
            flows = {"flows_out": piece.flows_out, "flows_in": piece.flows_in}
            writer.begin(at_ns, track, piece.span.name, values, **flows)


def _slices(instance: Instance, step: Step) -> Iterator[_Slice]:
    """Operators and transfers; an arrow, numbered from 1, goes from each to the transfer of it."""
    sent = defaultdict[int, list[int]](list)
    for transfer, operator in enumerate(step.transfers.operator.tolist()):
        sent[operator].append(transfer + 1)
    for number, span in enumerate(device_spans(instance, step)):
        yield _Slice(span, sent[number], [])
    for number, span in enumerate(transfer_spans(instance, step)):
        yield _Slice(span, [], [number + 1])
