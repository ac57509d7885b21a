"""The space and the trials as google-vizier takes them."""

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from apollo.search.optimizers.base import Ints

_METRIC = "reward"
# One thread: the matrices are small, and sums in another order would give other points. Read by
# JAX when it is first used.
_ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


@contextmanager
def vizier_library() -> Iterator[None]:
    """Where the library is imported and called: without its warnings and its log.

    They are about other libraries' deprecations and about batches, which are made by us.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    logger = logging.getLogger("absl")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)


def problem_of(radices: Sequence[int]) -> Any:
    """A problem whose parameters are digits, integers from 0, and whose reward is maximised."""
    from vizier import pyvizier

    problem = pyvizier.ProblemStatement()
    for number, radix in enumerate(radices):
        problem.search_space.root.add_int_param(_parameter(number), 0, int(radix) - 1)
    goal = pyvizier.ObjectiveMetricGoal.MAXIMIZE
    problem.metric_information.append(pyvizier.MetricInformation(_METRIC, goal=goal))
    return problem


def trial_of(number: int, point: Ints, reward: float | None, metadata: Any = None) -> Any:
    """A completed trial; without a reward it is infeasible, with a reason and a NaN as its metric.

    The library needs both: some designers look at the reason only, some at the metric only.
    """
    from vizier import pyvizier

    parameters = {_parameter(digit): int(value) for digit, value in enumerate(point)}
    trial = pyvizier.Trial(id=number + 1, parameters=parameters)
    if metadata is not None:
        trial.metadata.attach(metadata)
    value = float("nan") if reward is None else reward
    measurement = pyvizier.Measurement(metrics={_METRIC: value})
    trial.complete(measurement, infeasibility_reason="infeasible" if reward is None else None)
    return trial


def points_of(suggestions: Sequence[Any], digits: int) -> Ints:
    """The points, [N, digits], of suggestions."""
    names = [_parameter(number) for number in range(digits)]
    rows = [[int(s.parameters.get_value(name)) for name in names] for s in suggestions]
    return np.array(rows, dtype=np.int64).reshape(len(rows), digits)


def _parameter(number: int) -> str:
    return f"digit_{number}"
