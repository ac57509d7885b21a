"""The step time of docs/placement.md, one nanosecond at a time: slow, obvious, without columns.

Nothing is remembered that can be looked up: whether an operator is ready, and what a device holds,
is found anew in every nanosecond from what has started, ended and arrived so far.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from apollo.arch.cluster import Order
from apollo.search.placement.instance import Instance


@dataclass
class Sent:
    """A tensor, or a mere word, on its way to another device."""

    operator: int
    source: int
    target: int
    size_bytes: int
    start_ns: int | None = None
    left_ns: int | None = None
    arrived_ns: int | None = None


@dataclass
class Reference:
    """A placed graph that runs; every field is what happened so far."""

    instance: Instance
    device: Sequence[int]  # of every operator
    now: int = 0
    start_ns: dict[int, int] = field(default_factory=dict)
    finish_ns: dict[int, int] = field(default_factory=dict)
    ready_ns: dict[int, int] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)  # as they were handed to channels
    peak_bytes: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        graph, cluster = self.instance.graph, self.instance.cluster
        self.operators = range(len(graph.names))
        self.devices = range(len(cluster.devices))
        self.edges = list(
            zip(
                graph.source.tolist(), graph.target.tolist(), graph.edge_bytes.tolist(), strict=True
            )
        )

    def run(self) -> None:
        """Until all operators have ended: P3, instant by instant."""
        for self.now in count():
            ended = self.end()
            self.arrive()
            self.hand_over(ended)
            self.start_transfers()
            self.start_operators()
            for device in self.devices:
                held = self.held_bytes(device)
                self.peak_bytes[device] = max(held, self.peak_bytes.get(device, 0))
            if len(self.finish_ns) == len(self.operators):
                return

    @property
    def step_ns(self) -> int:
        return max(self.finish_ns.values())

    @property
    def overflow_bytes(self) -> int:
        memories = [device.memory_bytes for device in self.instance.cluster.devices]
        return sum(max(0, self.peak_bytes[d] - memories[d]) for d in self.devices)

    def end(self) -> list[int]:
        """P1, P5: what has taken its time."""
        ended = []
        for operator, start in self.start_ns.items():
            taken = int(self.instance.duration_ns[operator, self.device[operator]])
            if self.now == start + taken:
                self.finish_ns[operator] = self.now
                ended.append(operator)
        for sent in self.sent:
            if sent.start_ns is not None and self.now == sent.start_ns + self.channel_ns(sent):
                sent.left_ns = self.now
        return ended

    def arrive(self) -> None:
        """P5: tensors that left a latency ago."""
        for sent in self.sent:
            if sent.left_ns is not None and self.now == sent.left_ns + self.link(sent).latency_ns:
                sent.arrived_ns = self.now

    def hand_over(self, ended: Sequence[int]) -> None:
        """P5: once to every other device that has a consumer."""
        for operator in sorted(ended):
            for target in self.devices:
                there = [
                    size
                    for one, two, size in self.edges
                    if one == operator and self.device[two] == target
                ]
                if there and target != self.device[operator]:
                    self.sent.append(Sent(operator, self.device[operator], target, max(there)))

    def start_transfers(self) -> None:
        """P6: the first of the queue of each idle channel."""
        for channel in self.instance.cluster.channels:
            mine = [sent for sent in self.sent if self.link(sent).channel == channel]
            is_busy = any(sent.start_ns is not None and sent.left_ns is None for sent in mine)
            waiting = [sent for sent in mine if sent.start_ns is None]
            if waiting and not is_busy:
                waiting[0].start_ns = self.now

    def start_operators(self) -> None:
        """P4: one ready operator of each idle device."""
        for device in self.devices:
            mine = [operator for operator in self.operators if self.device[operator] == device]
            waiting = [operator for operator in mine if operator not in self.start_ns]
            ready = [operator for operator in waiting if self.is_ready(operator)]
            for operator in ready:
                self.ready_ns.setdefault(operator, self.now)
            is_busy = any(o in self.start_ns and o not in self.finish_ns for o in mine)
            if ready and not is_busy:
                self.start_ns[min(ready, key=self.urgency)] = self.now

    def urgency(self, operator: int) -> tuple[int, int]:
        """P4: the least is started."""
        if self.instance.order is Order.FIFO:
            return self.ready_ns[operator], operator
        return int(self.instance.rank[operator]), operator

    def is_ready(self, operator: int) -> bool:
        """P4: whether all that it waits for is there."""
        return all(
            self.is_there(one, self.device[operator])
            for one, two, _ in self.edges
            if two == operator
        )

    def is_there(self, operator: int, device: int) -> bool:
        if self.device[operator] == device:
            return operator in self.finish_ns
        return any(
            sent.arrived_ns is not None
            for sent in self.sent
            if sent.operator == operator and sent.target == device
        )

    def held_bytes(self, device: int) -> int:
        """P8: parameters, tensors and copies."""
        graph = self.instance.graph
        held = 0
        for operator in self.operators:
            if self.device[operator] == device:
                held += int(graph.parameter_bytes[operator])
                if self.holds_tensor(operator):
                    held += int(graph.output_bytes[operator])
        for sent in self.sent:
            is_there = sent.target == device and sent.start_ns is not None
            if is_there and not self.is_consumed(sent.operator, device):
                held += sent.size_bytes
        return held

    def holds_tensor(self, operator: int) -> bool:
        is_needed = operator not in self.finish_ns
        is_needed |= not self.is_consumed(operator, self.device[operator])
        is_needed |= any(sent.left_ns is None for sent in self.sent if sent.operator == operator)
        return operator in self.start_ns and is_needed

    def is_consumed(self, operator: int, device: int) -> bool:
        """Whether the consumers on a device have ended."""
        return all(
            two in self.finish_ns
            for one, two, _ in self.edges
            if one == operator and self.device[two] == device
        )

    def link(self, sent: Sent):
        devices = self.instance.cluster.devices
        return self.instance.cluster.links[devices[sent.source].name, devices[sent.target].name]

    def channel_ns(self, sent: Sent) -> int:
        """P5: what a transfer takes of its channel."""
        link = self.link(sent)
        return max(1, link.overhead_ns + -(-1000 * sent.size_bytes // link.bytes_per_us))


def reference_of(instance: Instance, placement: Sequence[int]) -> Reference:
    """The instance on a placement of its groups, run to its end."""
    device = [int(placement[group]) for group in instance.graph.group]
    reference = Reference(instance, device)
    reference.run()
    return reference
