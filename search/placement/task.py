"""What is placed on what: names and options become an instance and a problem."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from apollo.arch.cluster import Cluster
from apollo.arch.cluster_file import load_cluster
from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.catalogue import placement_graph
from apollo.search.placement.instance import Instance, instance_of
from apollo.search.placement.pipelined import Pipelined, pipelined
from apollo.search.placement.problem import PlacementProblem
from apollo.search.placement.step import Simulator, problem_of


@dataclass(frozen=True)
class PlacementTask:
    """A graph on a cluster, as a user asks for it.

    Raises `ValueError`, one sentence, when a count is not positive.
    """

    graph_name: str
    cluster_name: str
    batch: int | None = None  # of the whole step; None: the usual one of the graph
    is_training: bool = True
    micro_batches: int = 1
    most_groups: int | None = None  # None: as published

    def __post_init__(self) -> None:
        """Check the counts."""
        for name in ("batch", "micro_batches", "most_groups"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"The number of {name.replace('_', '-')} must be at least 1.")
        if self.batch is not None and self.batch % self.micro_batches:
            raise ValueError(
                f"A batch of {self.batch} must be a multiple of {self.micro_batches} micro-batches."
            )

    @cached_property
    def _step(self) -> Pipelined:
        """The graph of the step, and the micro-batch of each operator."""
        batch = self.batch
        if self.micro_batches > 1:
            if batch is None:
                raise ValueError("Micro-batches must be parts of a batch: give --batch too.")
            batch //= self.micro_batches
        graph = placement_graph(
            self.graph_name, batch, self.is_training, most_groups=self.most_groups
        )
        return pipelined(graph, self.micro_batches)

    @property
    def graph(self) -> OperatorGraph:
        """The operators of a step."""
        return self._step.graph

    @cached_property
    def cluster(self) -> Cluster:
        """The devices and links."""
        return load_cluster(self.cluster_name)

    @cached_property
    def instance(self) -> Instance:
        """What is simulated."""
        batch = self._step.micro_batch if self.micro_batches > 1 else None
        return instance_of(self.graph, self.cluster, batch)

    @cached_property
    def problem(self) -> PlacementProblem:
        """What is to be placed."""
        return problem_of(self.instance)

    @cached_property
    def simulator(self) -> Simulator:
        """Runs a placement in full."""
        return Simulator(self.instance)

    def options(self) -> dict[str, Any]:
        """What a study of it depends on: JSON."""
        return {**asdict(self), "content": self._content()}

    def _content(self) -> str:
        """A key of all that the step time depends on: files may be edited."""
        digest = hashlib.sha256()
        instance = self.instance
        columns: Mapping[str, Any] = {
            **instance.edges._asdict(),
            **instance.links._asdict(),
            "group": instance.graph.group,
            "parameters": instance.graph.parameter_bytes,
            "outputs": instance.graph.output_bytes,
            "durations": instance.duration_ns,
            "rank": instance.rank,
            "memory": instance.memory_bytes,
        }
        for name, column in columns.items():
            digest.update(name.encode() + np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()[:32]
