"""Fewer tasks: operators of a group that always run one after the other become one.

An operator joins the task that the latest of what it reads comes from, if that is of its group and
direction, no other group waits for that task already, and the operator waits for nothing of another
group that is not done when the task begins. Variables are there from the start, and a task that
computes nothing yet, but moves elements, may wait. Sums of all columns are kept, and so is every
tensor that leaves a group.

Lost is what happens inside of a task: tensors that live in it only take no memory, nothing of the
same device can run between its operators, and it writes all of its tensors at its end. A task
starts once: who prices a start by operator adds the times of a task's operators up (`total`).
Variables and updates can end up in other tasks, so that micro-batches are to be made before.

No cycle can come up. Every task has a rank above those of all tasks it reads from; what joins a
task reads, besides, from tasks of lower rank only, so that every edge goes on leading upwards.
"""

from dataclasses import dataclass, replace

import numpy as np

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.draft import HELD, Draft, Drafted, Tensor, ints
from apollo.search.placement.problem import Ints


@dataclass(frozen=True)
class Coarsened:
    """A graph of tasks, and the task of every operator.

    Attributes:
        graph: the tasks; each is named after its last operator and of the kind of that which has
            most operations, or most traffic.
        task: [N] of every operator of the graph before, its place in `graph`.

    """

    graph: OperatorGraph
    task: Ints

    def total(self, column: Ints) -> Ints:
        """[T] or [T, D] Sums by task of what operators have, such as times on devices."""
        sums = np.zeros((len(self.graph.names), *column.shape[1:]), dtype=np.int64)
        np.add.at(sums, self.task, column)
        return sums


def coarsened(graph: OperatorGraph) -> Coarsened:
    """Tasks instead of operators; groups keep their numbers."""
    tasks = _Tasks(graph)
    for operator in range(len(graph.names)):
        tasks.place(operator)
    return _rebuilt(graph, tasks.task)


class _Tasks:
    """Tasks so far, by number.

    Attributes:
        task: [N] of every operator placed.

    """

    def __init__(self, graph: OperatorGraph) -> None:
        self.graph = graph
        self.task = np.full(len(graph.names), -1, dtype=np.int64)
        self._reads: list[list[int]] = [[] for _ in graph.names]
        for source, target in zip(graph.source.tolist(), graph.target.tolist(), strict=True):
            self._reads[target].append(source)
        crosses = graph.group[graph.source] != graph.group[graph.target]
        self._leaves = np.zeros(len(graph.names), dtype=np.bool_)  # whether other groups read it
        self._leaves[graph.source[crosses]] = True
        self._rank: list[int] = []
        self._before: list[int] = []  # tasks that are done when a task begins, as a set of bits
        self._closed: list[bool] = []
        self._idle: list[bool] = []

    def place(self, operator: int) -> None:
        """Put an operator into a task of those it reads from, or into a new one."""
        sources = sorted({int(self.task[source]) for source in self._reads[operator]})
        task = self._fitting(operator, sources)
        if task is None:
            task = len(self._rank)
            self._rank.append(1 + max((self._rank[source] for source in sources), default=-1))
            self._before.append(0)
            self._closed.append(False)
            self._idle.append(True)
        self.task[operator] = task
        for source in sources:
            if source != task:
                self._before[task] |= self._before[source] | 1 << source
        self._closed[task] = bool(self._leaves[operator])
        self._idle[task] &= bool(self.graph.operations[operator] == 0)

    def _fitting(self, operator: int, sources: list[int]) -> int | None:
        """The task an operator can join."""
        if not sources:
            return None
        latest = max(sources, key=lambda task: self._rank[task])
        peers = [task for task in sources if self._rank[task] == self._rank[latest]]
        reads = [source for source in self._reads[operator] if self.task[source] == latest]
        if len(peers) > 1 or self._closed[latest] or not self._are_alike(reads[0], operator):
            return None
        return latest if self._idle[latest] or self._is_ready(operator, latest) else None

    def _is_ready(self, operator: int, task: int) -> bool:
        """Whether what an operator waits for of other groups is done when the task begins."""
        group = self.graph.group
        return all(
            self._before[task] >> int(self.task[source]) & 1
            for source in self._reads[operator]
            if group[source] != group[operator]
            and self.task[source] != task
            and self.graph.kinds[source] not in HELD
        )

    def _are_alike(self, one: int, other: int) -> bool:
        graph = self.graph
        same_group = graph.group[one] == graph.group[other]
        return bool(same_group and graph.is_backward[one] == graph.is_backward[other])


def _rebuilt(graph: OperatorGraph, task: Ints) -> Coarsened:
    """The graph of tasks, in order."""
    members: dict[int, list[int]] = {}
    for operator, number in enumerate(task.tolist()):
        members.setdefault(number, []).append(operator)
    names = {number: graph.names[items[-1]] for number, items in members.items()}
    reads: dict[int, list[Tensor]] = {number: [] for number in members}
    for (source, target), size in _edges(graph, task).items():
        reads[target].append(Tensor(names[source], size))
    kept = _kept_bytes(graph, task)
    draft = Draft(graph.name)
    for number, items in members.items():
        draft.operators[names[number]] = _task(graph, kept, items, tuple(reads[number]))
    tasks = draft.graph()
    place = {name: number for number, name in enumerate(tasks.names)}
    group = dict(zip(graph.names, graph.group, strict=True))
    return Coarsened(
        replace(tasks, group=ints(group[name] for name in tasks.names)),
        ints(place[names[number]] for number in task.tolist()),
    )


def _task(graph: OperatorGraph, kept: Ints, items: list[int], reads: tuple[Tensor, ...]) -> Drafted:
    """A task in place of operators, of which the last one names it."""
    heaviest = max(items, key=lambda item: (graph.operations[item], graph.traffic_bytes[item]))
    return Drafted(
        name=graph.names[items[-1]],
        kind=graph.kinds[heaviest],
        reads=reads,
        operations=int(graph.operations[items].sum()),
        traffic_bytes=int(graph.traffic_bytes[items].sum()),
        parameter_bytes=int(graph.parameter_bytes[items].sum()),
        output_bytes=int(kept[items].sum()),
        group="",
        is_backward=bool(graph.is_backward[heaviest]),
    )


def _kept_bytes(graph: OperatorGraph, task: Ints) -> Ints:
    """[N] Bytes of the output where another task reads it, or nobody does; else 0."""
    kept = np.ones(len(graph.names), dtype=np.bool_)
    kept[graph.source] = False
    kept[graph.source[task[graph.source] != task[graph.target]]] = True
    return np.where(kept, graph.output_bytes, 0)


def _edges(graph: OperatorGraph, task: Ints) -> dict[tuple[int, int], int]:
    """Bytes from task to task: of each operator the most that is read of it, as P5 has it."""
    read: dict[tuple[int, int], int] = {}  # by operator and task
    for source, target, size in zip(
        graph.source.tolist(), graph.target.tolist(), graph.edge_bytes.tolist(), strict=True
    ):
        if task[source] != task[target]:
            edge = source, int(task[target])
            read[edge] = max(read.get(edge, 0), size)
    edges: dict[tuple[int, int], int] = {}
    for (source, target), size in read.items():
        edge = (int(task[source]), target)
        edges[edge] = edges.get(edge, 0) + size
    return edges
