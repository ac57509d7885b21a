"""Random search: every point of the space with the same probability, whatever was seen before."""

from collections.abc import Sequence

import numpy as np

from apollo.search.optimizers.base import Ints, Optimizer
from apollo.search.trial import Trial


class Random(Optimizer):
    """Draws points uniformly; has no settings and learns nothing."""

    def ask(self, count: int, generator: np.random.Generator) -> Ints:
        """Points drawn uniformly, [count, D]; a repeat is as likely as any other point."""
        return self.random_points(count, generator)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Learn nothing."""
