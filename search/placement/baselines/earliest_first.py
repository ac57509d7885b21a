"""Earliest task first: of all operators and devices the pair that can start first.

J.-J. Hwang, Y.-C. Chow, F. D. Anger, C.-Y. Lee, "Scheduling precedence graphs in systems with
interprocessor communication times" (SIAM J. Comput. 18, 1989); among equals the operator with the
longest way to the end. A queue holds pairs by a start that was true once; it only becomes later,
so the first of the queue whose start is still true is the earliest of all.
"""

from heapq import heappop, heappush

from apollo.search.placement.baselines.plan import Plan

Favourites = dict[int, int]  # an operator's favourite child (m-SCT)


class EarliestFirst:
    """Plans all operators; with favourite children it is SCT's schedule (`m_sct.py`)."""

    def __init__(self, plan: Plan, devices: int, favourites: Favourites) -> None:
        """Nothing has run."""
        self.plan, self.favourites = plan, favourites
        self.ranks = plan.upward_ranks()
        self.free_ns = [0] * devices
        self.last = [-1] * devices  # operator of every device
        self.missing = [len(row) for row in plan.producers]
        self.queued: list[set[int]] = [set() for _ in plan.operators]  # devices
        self.done = [False] * len(self.missing)
        self.queue: list[tuple[int, bool, float, int, int]] = []

    def run(self) -> list[int]:
        """The device of every group."""
        for operator in self.plan.operators:
            if self.missing[operator] == 0:
                self._enqueue(operator)
        while self.queue:
            entry = heappop(self.queue)
            operator, device = entry[-2:]
            if self.done[operator]:
                continue
            if device not in self.plan.devices_of(operator):
                self.queued[operator].discard(device)
                self._enqueue(operator)
            elif (now := self._entry(operator, device)) > entry:
                heappush(self.queue, now)
            else:
                self._start(operator, device, now[0])
        return self.plan.placement

    def _enqueue(self, operator: int) -> None:
        for device in self.plan.devices_of(operator):
            if device not in self.queued[operator]:
                self.queued[operator].add(device)
                heappush(self.queue, self._entry(operator, device))

    def _entry(self, operator: int, device: int) -> tuple[int, bool, float, int, int]:
        """The start and what breaks ties: favourites, then the longest way to the end."""
        start = max(self.free_ns[device], self.plan.arrival_ns(operator, device))
        child = self._awaited(device)
        if child not in (None, operator) and not self._is_urgent(operator, device):
            start = max(start, self._awake_until_ns(device))
        return start, child != operator, -self.ranks[operator], operator, device

    def _start(self, operator: int, device: int, start_ns: int) -> None:
        self.plan.add(operator, device, start_ns)
        self.done[operator] = True
        self.free_ns[device] = self.plan.finish_ns[operator]
        self.last[device] = operator
        for consumer in self.plan.consumers[operator]:
            self.missing[consumer] -= 1
            if self.missing[consumer] == 0:
                self._enqueue(consumer)

    def _awaited(self, device: int) -> int | None:
        """The favourite child that a device waits for after its last operator."""
        child = self.favourites.get(self.last[device])
        if child is None or self.done[child] or device not in self.plan.devices_of(child):
            return None
        return child

    def _awake_until_ns(self, device: int) -> int:
        """Until the child could as well run elsewhere."""
        last = self.last[device]
        child = self.favourites[last]
        size = self.plan.input_bytes[child][self.plan.producers[child].index(last)]
        elsewhere = [
            self.plan.transfer_ns(size, device, other)
            for other in range(len(self.free_ns))
            if other != device
        ]
        return self.free_ns[device] + min(elsewhere, default=0)

    def _is_urgent(self, operator: int, device: int) -> bool:
        """Whether all inputs could be anywhere by the time the device is free."""
        others = [other for other in range(len(self.free_ns)) if other != device]
        return all(
            self.plan.arrival_ns(operator, other) <= self.free_ns[device]
            for other in [device, *others]
        )
