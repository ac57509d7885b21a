"""What runs where from when to when: rows of a chart, of devices first, then of channels."""

from collections.abc import Iterator
from typing import NamedTuple

from apollo.search.placement.instance import Instance
from apollo.search.placement.step import Step


class Span(NamedTuple):
    """One operator on a device, or one transfer on a channel."""

    row: str  # the device or the channel
    name: str
    kind: str  # of the operator; where a transfer goes
    begin_ns: int
    end_ns: int
    size_bytes: int  # written, or transferred


def device_spans(instance: Instance, step: Step) -> Iterator[Span]:
    """Every operator on its device, in their order."""
    graph = instance.graph
    devices = [device.name for device in instance.cluster.devices]
    columns = (step.device, step.start_ns, step.finish_ns, graph.output_bytes)
    for number, (device, begin, end, size) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        yield Span(devices[device], graph.names[number], graph.kinds[number], begin, end, size)


def transfer_spans(instance: Instance, step: Step) -> Iterator[Span]:
    """Every transfer on its channel, in the order in which they were handed to channels."""
    devices = [device.name for device in instance.cluster.devices]
    channels, sent = instance.cluster.channels, step.transfers
    columns = (sent.operator, sent.target, sent.start_ns, sent.left_ns, sent.sent_bytes)
    for operator, target, begin, end, size in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        channel = instance.links.channel[step.device[operator], target]
        name = instance.graph.names[operator]
        yield Span(channels[channel], name, f"to {devices[target]}", begin, end, size)
