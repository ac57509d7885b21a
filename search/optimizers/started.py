"""An optimizer whose first points others chose: a warm start."""

from collections.abc import Sequence

import numpy as np

from apollo.search.optimizers.base import Ints, Optimizer, Proposals
from apollo.search.trial import Trial

PROPOSER = "warm_start"  # of a trial that begins a study


class Started(Optimizer):
    """Proposes the given points in their order, then what its optimizer proposes.

    The optimizer is told of all of them: how many points are left is a function of the log.
    """

    def __init__(self, optimizer: Optimizer, first: Sequence[int]) -> None:
        """`first` are indices of points."""
        super().__init__(None, optimizer.radices.tolist())
        self.settings = optimizer.settings
        self._optimizer = optimizer
        self._first = self.index_array(first)
        self._told = 0

    def ask(self, count: int, generator: np.random.Generator) -> Ints:
        """The next points of those given, and the optimizer's where they end, [count, D]."""
        return self.propose(count, generator).points

    def propose(self, count: int, generator: np.random.Generator) -> Proposals:
        """The points of `ask`, with who proposed each."""
        given = self.points_of(self._first[self._told : self._told + count])
        proposers = [PROPOSER] * len(given)
        if len(given) == count:
            return Proposals(given, proposers)
        others = self._optimizer.propose(count - len(given), generator)
        points = np.concatenate([given, others.points])
        return Proposals(points, [*proposers, *others.proposers])

    def tell(self, trials: Sequence[Trial]) -> None:
        """Let the optimizer learn from trials."""
        self._optimizer.tell(trials)
        self._told += len(trials)
