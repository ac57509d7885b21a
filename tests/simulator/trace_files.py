"""Trace files read back: Perfetto's by its own protobuf classes, VCD by pyvcd's reader."""

import math
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent
from vcd.reader import TokenKind, tokenize


class Slice(NamedTuple):
    track: str
    name: str
    begin: int
    end: int
    values: dict[str, int | str]
    flows_out: list[int]
    flows_in: list[int]


class PerfettoFile(NamedTuple):
    slices: list[Slice]
    counters: dict[str, list[tuple[int, int]]]  # (cycle, value) by track

    def cycles(self, track: str) -> dict[str, int]:
        """Cycles by name of the slices of a track."""
        sums: dict[str, int] = defaultdict(int)
        for piece in self.slices:
            if piece.track == track:
                sums[piece.name] += piece.end - piece.begin
        return sums


def read_perfetto(path: Path) -> PerfettoFile:
    """Refuses what a viewer would: track 0, overlaps, time that goes back, what is left open."""
    tracks: dict[int, str] = {}
    names: dict[int, str] = {}
    keys: dict[int, str] = {}
    open_slices: dict[int, tuple[int, TrackEvent]] = {}
    slices = []
    counters: dict[str, list[tuple[int, int]]] = defaultdict(list)
    time = 0
    for packet in Trace.FromString(path.read_bytes()).packet:
        names |= {entry.iid: entry.name for entry in packet.interned_data.event_names}
        keys |= {entry.iid: entry.name for entry in packet.interned_data.debug_annotation_names}
        if packet.HasField("track_descriptor"):
            assert packet.track_descriptor.uuid > 0
            tracks[packet.track_descriptor.uuid] = packet.track_descriptor.name
        if not packet.HasField("track_event"):
            continue
        assert packet.timestamp >= time
        time, event = packet.timestamp, packet.track_event
        track = tracks[event.track_uuid]
        if event.type == TrackEvent.TYPE_COUNTER:
            counters[track].append((time, event.counter_value))
        elif event.type == TrackEvent.TYPE_SLICE_BEGIN:
            assert event.track_uuid not in open_slices
            open_slices[event.track_uuid] = time, event
        else:
            begin, opened = open_slices.pop(event.track_uuid)
            values = {
                keys[note.name_iid]: note.string_value or note.int_value
                for note in opened.debug_annotations
            }
            flows = (list(opened.flow_ids), list(opened.terminating_flow_ids))
            slices.append(Slice(track, names[opened.name_iid], begin, time, values, *flows))
    assert not open_slices
    assert len(set(tracks.values())) == len(tracks)
    return PerfettoFile(slices, counters)


def read_vcd(path: Path) -> dict[str, dict[int | str, int]]:
    """How many cycles each signal had each value."""
    signals: dict[str, str] = {}
    since: dict[str, tuple[int, int | str]] = {}
    cycles: dict[str, dict[int | str, int]] = defaultdict(lambda: defaultdict(int))
    scope: list[str] = []
    time = -1
    with path.open("rb") as file:
        for token in tokenize(file):
            if token.kind is TokenKind.SCOPE:
                scope.append(token.scope.ident)
            elif token.kind is TokenKind.UPSCOPE:
                scope.pop()
            elif token.kind is TokenKind.VAR:
                signals[token.var.id_code] = ".".join([*scope[1:], token.var.reference])
            elif token.kind is TokenKind.CHANGE_TIME:
                assert token.time_change > time
                time = token.time_change
            elif token.kind in (TokenKind.CHANGE_VECTOR, TokenKind.CHANGE_STRING):
                change = token.data
                name = signals[change.id_code]
                begin, value = since.get(name, (time, math.nan))
                cycles[name][value] += time - begin
                since[name] = time, change.value
    for name, (begin, value) in since.items():
        cycles[name][value] += time - begin
    return cycles
