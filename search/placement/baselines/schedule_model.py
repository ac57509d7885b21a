"""Placement and schedule together, as a model of constraints for CP-SAT.

Everything of docs/placement.md but the order in which devices and channels take what waits, which
is free here, and the memory of tensors, of which only parameters count. So every run of the
simulator that fits is a solution, and a bound of the solutions is one of all placements in any
order. `G` groups, `N` operators.
"""

from collections import defaultdict

from ortools.sat.python.cp_model import CpModel, CpSolverSolutionCallback, IntervalVar, IntVar

from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import PlacementProblem
from apollo.search.placement.step import Step


class ScheduleModel:
    """The model; its variables are named as in the simulator."""

    def __init__(self, problem: PlacementProblem, instance: Instance, horizon_ns: int) -> None:
        """Schedules that take at most `horizon_ns`."""
        self.problem, self.instance, self.model = problem, instance, CpModel()
        self.group: list[int] = instance.graph.group.tolist()
        self._horizon_ns = horizon_ns
        self._on_device: dict[int, list[IntervalVar]] = defaultdict(list)
        self._on_channel: dict[int, list[IntervalVar]] = defaultdict(list)
        self.step_ns = self._time()
        self.is_on = self._places()  # [G] by device
        self.start_ns = [self._time() for _ in self.group]
        self.finish_ns = [self._time() for _ in self.group]
        self._run_operators()
        for operator in range(len(self.group)):
            self._send(operator)
        for intervals in (*self._on_device.values(), *self._on_channel.values()):
            self.model.add_no_overlap(intervals)
        self._bound_devices()
        self.model.minimize(self.step_ns)

    def hint(self, step: Step) -> None:
        """Begin at a run of the simulator."""
        for operator, group in enumerate(self.group):
            self.model.add_hint(self.start_ns[operator], int(step.start_ns[operator]))
            self.model.add_hint(self.finish_ns[operator], int(step.finish_ns[operator]))
            if operator == self.group.index(group):
                for device, literal in self.is_on[group].items():
                    self.model.add_hint(literal, int(step.device[operator] == device))
        self.model.add_hint(self.step_ns, step.step_ns)

    def _time(self) -> IntVar:
        return self.model.new_int_var(0, self._horizon_ns, "")

    def _places(self) -> list[dict[int, IntVar]]:
        """P2: a group is on one of the devices that may run it."""
        places = [
            {device: self.model.new_bool_var("") for device in row.nonzero()[0].tolist()}
            for row in self.problem.groups.allowed
        ]
        for place in places:
            self.model.add_exactly_one(place.values())
        return places

    def _run_operators(self) -> None:
        """P1, P4, P7: an operator takes its time on its device, after its producers."""
        durations = self.instance.duration_ns.tolist()
        for operator, group in enumerate(self.group):
            start, finish = self.start_ns[operator], self.finish_ns[operator]
            for device, literal in self.is_on[group].items():
                run = self.model.new_optional_interval_var(
                    start, durations[operator][device], finish, literal, ""
                )
                self._on_device[device].append(run)
            self.model.add(finish <= self.step_ns)

    def _send(self, operator: int) -> None:
        """P5, P6: the tensor of an operator goes once to every other device that reads it."""
        edges, group = self.instance.edges, self.group[operator]
        own = slice(int(edges.first[operator]), int(edges.first[operator + 1]))
        consumers = edges.consumer[own].tolist()
        sizes = edges.sent_bytes[own].tolist()
        for consumer in consumers:
            self.model.add(self.start_ns[consumer] >= self.finish_ns[operator])
        others = [
            (consumer, size)
            for consumer, size in zip(consumers, sizes, strict=True)
            if self.group[consumer] != group
        ]
        for source in self.is_on[group]:
            for target in range(len(self.problem.device_names)):
                there = [each for each in others if target in self.is_on[self.group[each[0]]]]
                if there and source != target:
                    self._transfer(operator, source, target, there)

    def _transfer(
        self, operator: int, source: int, target: int, consumers: list[tuple[int, int]]
    ) -> None:
        links, model = self.instance.links, self.model
        rate, overhead_ns, latency_ns = (
            int(column[source, target])
            for column in (links.bytes_per_us, links.overhead_ns, links.latency_ns)
        )
        taken = [max(1, overhead_ns - (-1000 * size // rate)) for _, size in consumers]
        is_sent, start, left = model.new_bool_var(""), self._time(), self._time()
        size_ns = model.new_int_var(min(taken), max(taken), "")
        channel = self._on_channel[int(links.channel[source, target])]
        channel.append(model.new_optional_interval_var(start, size_ns, left, is_sent, ""))
        model.add(start >= self.finish_ns[operator]).only_enforce_if(is_sent)
        from_here = self.is_on[self.group[operator]][source]
        for (consumer, _), takes_ns in zip(consumers, taken, strict=True):
            ends = (from_here, self.is_on[self.group[consumer]][target])
            model.add_bool_and(is_sent).only_enforce_if(*ends)
            model.add(size_ns >= takes_ns).only_enforce_if(*ends)
            arrives = self.start_ns[consumer] >= left + latency_ns
            model.add(arrives).only_enforce_if(*ends)

    def _bound_devices(self) -> None:
        """P8, P9 for parameters; and a device is busy no longer than the step takes."""
        groups = self.problem.groups
        for device, memory in enumerate(self.problem.memory_bytes.tolist()):
            here = [(g, on[device]) for g, on in enumerate(self.is_on) if device in on]
            held = [int(groups.memory_bytes[group]) * literal for group, literal in here]
            busy = [int(groups.compute_ns[group, device]) * literal for group, literal in here]
            self.model.add(sum(held) <= memory)
            self.model.add(sum(busy) <= self.step_ns)


class Collector(CpSolverSolutionCallback):
    """The placement of every schedule that is found, each better than those before."""

    def __init__(self, made: ScheduleModel) -> None:
        """Nothing is found."""
        super().__init__()
        self._made = made
        self.placements: list[list[int]] = []

    def on_solution_callback(self) -> None:
        """A schedule is found."""
        self.placements.append(
            [
                next(device for device, literal in on.items() if self.boolean_value(literal))
                for on in self._made.is_on
            ]
        )
