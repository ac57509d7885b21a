"""Expected improvement, the upper confidence bound, and Vizier's own batches; see gaussian.py."""

from typing import Any

import numpy as np

from apollo.search.optimizers.base import Ints
from apollo.search.optimizers.vizier.gaussian import Gaussian
from apollo.search.optimizers.vizier.problem import points_of


class GpBandit(Gaussian):
    """Upper confidence bound, the library's default."""

    def designer(self, problem: Any, seed: int) -> Any:
        """The designer, trained with few steps, its arrays padded so that few sizes compile."""
        from vizier._src.algorithms.designers import gp_bandit
        from vizier.jax import optimizers
        from vizier.pyvizier.converters import padding

        return gp_bandit.VizierGPBandit.from_problem(
            problem,
            seed=seed,
            scoring_function_factory=self.scoring(),
            padding_schedule=padding.PaddingSchedule(num_trials=padding.PaddingType.POWERS_OF_2),
            ard_optimizer=optimizers.default_optimizer(maxiter=20),
            ard_random_restarts=1,
            use_trust_region=False,
        )

    def scoring(self) -> Any:
        """What makes the acquisition function of a trained process."""
        from vizier._src.algorithms.designers import gp_bandit

        return gp_bandit.default_scoring_function_factory

    def batch(self, designer: Any, count: int, generator: np.random.Generator) -> Ints:
        """Train the process, climb the acquisition, and pick."""
        from apollo.search.optimizers.vizier import batch

        data = designer._trials_to_data(designer._trials)
        scoring = designer._scoring_function_factory(data, designer._update_gp(data), False)
        radices = self.radices[self.free]
        starts = generator.integers(0, radices, size=(batch.CLIMBERS, len(radices)))
        best = self.best(batch.CLIMBERS // 8)
        starts[: batch.CLIMBERS // 2] = best[np.arange(batch.CLIMBERS // 2) % len(best)]
        ends = batch.climb(scoring, starts, radices, self.taken, generator)
        return batch.pick(scoring, ends, radices, count) if len(ends) else ends


class Bayesian(GpBandit):
    """Expected improvement."""

    def scoring(self) -> Any:
        """Expected improvement over the best reward that the process was fed."""
        from vizier._src.algorithms.designers.gp import acquisitions

        return acquisitions.bayesian_scoring_function_factory(
            lambda data: acquisitions.EI(acquisitions.get_best_labels(data.labels))
        )


class GpUcbPe(Gaussian):
    """Upper confidence bound and pure exploration; a batch is the library's own."""

    EVALUATIONS = 2000  # of the acquisition, for each point of a batch

    def designer(self, problem: Any, seed: int) -> Any:
        """The designer, trained with few steps, its arrays padded so that few sizes compile."""
        import jax
        from vizier._src.algorithms.designers import gp_ucb_pe
        from vizier._src.algorithms.optimizers import eagle_strategy, vectorized_base
        from vizier.jax import optimizers
        from vizier.pyvizier.converters import padding

        fireflies = eagle_strategy.VectorizedEagleStrategyFactory(
            eagle_config=gp_ucb_pe.VizierGPUCBPEBandit.default_eagle_config
        )
        return gp_ucb_pe.VizierGPUCBPEBandit(
            problem,
            rng=jax.random.PRNGKey(seed),
            acquisition_optimizer_factory=vectorized_base.VectorizedOptimizerFactory(
                strategy_factory=fireflies, max_evaluations=self.EVALUATIONS
            ),
            padding_schedule=padding.PaddingSchedule(num_trials=padding.PaddingType.POWERS_OF_2),
            ard_optimizer=optimizers.default_optimizer(maxiter=20),
            ard_random_restarts=1,
            use_trust_region=False,
        )

    def batch(self, designer: Any, count: int, generator: np.random.Generator) -> Ints:
        """What the designer suggests."""
        return points_of(designer.suggest(count), len(self.free))
