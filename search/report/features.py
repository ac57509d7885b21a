"""Designs as numbers for models: the place of each parameter's value among those that occur."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from apollo.search.trial import Trial

Floats = npt.NDArray[np.float64]


def features_of(trials: Sequence[Trial]) -> tuple[list[str], Floats]:
    """Names of the `D` parameters that vary, and a row of `[N, D]` a trial, each within 0 to 1."""
    names, columns = list[str](), list[Floats]()
    for name in trials[0].parameters if trials else ():
        values = np.array([trial.parameters[name] for trial in trials])
        known, places = np.unique(values, return_inverse=True)
        if len(known) > 1:
            names.append(name)
            columns.append(places / (len(known) - 1))
    return names, np.column_stack(columns) if columns else np.zeros((len(trials), 0))
