"""Any optimizer, asked again for the points that are known to be infeasible without compiling."""

from collections.abc import Callable, Sequence

import numpy as np

from apollo.search.optimizers.base import Ints, Optimizer, Proposals
from apollo.search.trial import Trial

ROUNDS = 64  # a batch that is not full after as many is filled with what was proposed last


class Filtered(Optimizer):
    """Passes on the proposals that `admits` admits, each point once a batch.

    The optimizer is told of no other, so its state is that of the log. Random search becomes
    random search within the admitted set.
    """

    def __init__(self, optimizer: Optimizer, admits: Callable[[int], bool]) -> None:
        """Filter an optimizer; `admits` says of the index of a point whether it may be asked."""
        super().__init__(radices=optimizer.radices.tolist())
        self._optimizer = optimizer
        self._admits = admits

    def ask(self, count: int, generator: np.random.Generator) -> Ints:
        """Points that are admitted, [count, D]."""
        return self.propose(count, generator).points

    def propose(self, count: int, generator: np.random.Generator) -> Proposals:
        """The points of `ask`, with who proposed each."""
        kept: dict[int, str | None] = {}
        refused: list[tuple[int, str | None]] = []
        for _ in range(ROUNDS):
            refused = []
            proposals = self._optimizer.propose(count, generator)
            indices = self.indices_of(proposals.points).tolist()
            for index, proposer in zip(indices, proposals.proposers, strict=True):
                if index not in kept and self._admits(index):
                    kept[index] = proposer
                else:
                    refused.append((index, proposer))
            if len(kept) >= count:
                break
        chosen = [*kept.items(), *refused][:count]
        points = self.points_of(self.index_array(index for index, _ in chosen))
        return Proposals(points, [proposer for _, proposer in chosen])

    def tell(self, trials: Sequence[Trial]) -> None:
        """Tell the optimizer."""
        self._optimizer.tell(trials)
