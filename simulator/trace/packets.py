"""The packets of a Perfetto trace: tracks, slices, counters, flows; names are written once."""

from collections.abc import Mapping, Sequence
from typing import IO, Any

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import (
    CounterDescriptor,
    TracePacket,
    TrackDescriptor,
    TrackEvent,
)
from perfetto.trace_builder.proto_builder import StreamingTraceProtoBuilder

_SEQUENCE = 1  # every packet is of one writer
_UNITS = {"B": CounterDescriptor.UNIT_SIZE_BYTES, "": CounterDescriptor.UNIT_COUNT}


class PacketWriter:
    """Writes packets to a file; the caller orders them by time, ends before begins."""

    def __init__(self, file: IO[bytes]) -> None:
        self._builder = StreamingTraceProtoBuilder(file)
        self._event_names: dict[str, int] = {}
        self._value_names: dict[str, int] = {}
        self._tracks = 0
        first = self._packet()
        first.sequence_flags = TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
        self._builder.write_packet(first)

    def track(
        self, name: str, parent: int | None = None, unit: str | None = None, description: str = ""
    ) -> int:
        """A new track below its parent, in the order of the calls; with a unit, a counter."""
        self._tracks += 1
        packet = self._packet()
        track = packet.track_descriptor
        track.uuid = self._tracks
        track.name = name
        track.description = description
        track.child_ordering = TrackDescriptor.EXPLICIT
        track.sibling_order_rank = self._tracks
        if parent is not None:
            track.parent_uuid = parent
        if unit is not None:
            track.counter.unit = _UNITS[unit]
        self._builder.write_packet(packet)
        return self._tracks

    def begin(
        self,
        cycle: int,
        track: int,
        name: str,
        values: Mapping[str, int | str],
        *,
        flows_out: Sequence[int] = (),
        flows_in: Sequence[int] = (),
    ) -> None:
        """A slice begins; arrows leave it and end in it by number."""
        packet = self._event(cycle, track, TrackEvent.TYPE_SLICE_BEGIN)
        interned = packet.interned_data
        event = packet.track_event
        event.name_iid = _number(self._event_names, name, interned.event_names)
        for key, value in values.items():
            note = event.debug_annotations.add()
            note.name_iid = _number(self._value_names, key, interned.debug_annotation_names)
            if isinstance(value, str):
                note.string_value = value
            else:
                note.int_value = value
        event.flow_ids.extend(flows_out)
        event.terminating_flow_ids.extend(flows_in)
        self._builder.write_packet(packet)

    def end(self, cycle: int, track: int) -> None:
        """The slice of a track ends."""
        self._builder.write_packet(self._event(cycle, track, TrackEvent.TYPE_SLICE_END))

    def count(self, cycle: int, track: int, value: int) -> None:
        """A counter takes a value."""
        packet = self._event(cycle, track, TrackEvent.TYPE_COUNTER)
        packet.track_event.counter_value = value
        self._builder.write_packet(packet)

    def _packet(self) -> Any:
        packet = self._builder.create_packet()
        packet.trusted_packet_sequence_id = _SEQUENCE
        return packet

    def _event(self, cycle: int, track: int, kind: int) -> Any:
        packet = self._packet()
        packet.sequence_flags = TracePacket.SEQ_NEEDS_INCREMENTAL_STATE
        packet.timestamp = cycle  # 1 ns is 1 cycle
        packet.track_event.type = kind
        packet.track_event.track_uuid = track
        return packet


def _number(numbers: dict[str, int], name: str, written: Any) -> int:
    """The number of a name, written with its first use."""
    if name not in numbers:
        numbers[name] = len(numbers) + 1
        entry = written.add()
        entry.iid = numbers[name]
        entry.name = name
    return numbers[name]
