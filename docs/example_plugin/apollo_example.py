"""A network, a design and an optimizer for Apollo, in a distribution of their own."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from apollo.arch.accelerator import load_design
from apollo.search.optimizers.base import Ints, Optimizer
from apollo.search.trial import Trial
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.operators import FullyConnected


def two_layers() -> Graph:
    """A classifier of two layers, for a batch of one."""
    builder = GraphBuilder("two_layers", [Tensor("features", (1, 64))])
    hidden = builder.add(FullyConnected("hidden", ("features",), "hidden", 128))
    return builder.build([builder.add(FullyConnected("classes", (hidden,), "classes", 10))])


HALF_EDGE = replace(load_design("edge_tpu_v1"), pes_x=2)


class Sweeping(Optimizer):
    """Every point of the space, in order, however good: its state is how many it was told."""

    told = 0

    def ask(self, count: int, generator: np.random.Generator) -> Ints:
        """The points after those that it was told."""
        return self.points_of(self.told + np.arange(count))

    def tell(self, trials: Sequence[Trial]) -> None:
        """Count them."""
        self.told += len(trials)
