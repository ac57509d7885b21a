"""A graph with measured times, as columns: what is split over accelerators and CPUs.

`V` nodes, each after all that it reads; `E` edges; `G` groups, the colour classes, of nodes that
must share a device. A node writes one output. Where a reader is on another device, the output
goes through the memory of the host: out of the accelerator that wrote it, into each that reads it.
"""

from dataclasses import dataclass

import numpy as np

from apollo.search.placement.problem import Bools, Ints


@dataclass(frozen=True)
class PartitionGraph:
    """Nodes, edges and limits, valid by construction: `read_partition_file` makes it.

    Raises `ValueError` when a group can run nowhere, or edges do not go forward.
    """

    name: str
    ids: Ints  # [V] of the file
    names: tuple[str, ...]  # [V]
    accelerator_ns: Ints  # [V]
    cpu_ns: Ints  # [V]
    output_ns: Ints  # [V] between an accelerator and the memory of the host
    size_bytes: Ints  # [V] taken on an accelerator
    on_accelerator: Bools  # [V] whether one can run it
    is_backward: Bools  # [V] of a training step
    group: Ints  # [V] 0..G-1 in the order of their first nodes
    source: Ints  # [E]
    target: Ints  # [E]
    edge_bytes: Ints  # [E]
    accelerators: int
    cpus: int
    accelerator_bytes: int  # of one

    def __post_init__(self) -> None:
        """Refuse a group that no device can run, and an edge that goes back."""
        if (self.source >= self.target).any():
            raise ValueError(f"Nodes of '{self.name}' must be in an order that edges follow.")
        if self.accelerators + self.cpus < 1:
            raise ValueError(f"'{self.name}' must have an accelerator or a CPU.")
        if self.cpus == 0 and not self.supported.all():
            first = self.ids[np.argmax(self.group == np.argmin(self.supported))]
            raise ValueError(
                f"The colour class of node {first} in '{self.name}' can run nowhere: no "
                "accelerator supports all of its nodes, and there is no CPU."
            )

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return int(self.group.max()) + 1

    @property
    def supported(self) -> Bools:
        """[G] Whether an accelerator can run all nodes of a group."""
        supported: Bools = self.of_groups(~self.on_accelerator) == 0
        return supported

    def of_groups(self, column: Ints | Bools) -> Ints:
        """[G] The sum of a column [V] over the nodes of every group."""
        sums: Ints = np.zeros(self.groups, dtype=np.int64)
        np.add.at(sums, self.group, column)
        return sums
