"""Vizier's designers by name: `vizier:eagle`, ..."""

from apollo.arch.text import suggestion
from apollo.search.optimizers.base import Optimizer
from apollo.search.optimizers.vizier.bayesian import GpBandit, GpUcbPe
from apollo.search.optimizers.vizier.designers import Eagle, Grid, Nsga2, QuasiRandom

DESIGNERS: dict[str, type[Optimizer]] = {
    "eagle": Eagle,
    "gp_bandit": GpBandit,
    "gp_ucb_pe": GpUcbPe,
    "grid": Grid,
    "nsga2": Nsga2,
    "quasi_random": QuasiRandom,
}
_REFUSED = {
    "bocs": "it searches spaces of booleans",
    "cmaes": "it searches spaces of real numbers",
    "harmonica": "it searches spaces of booleans",
}


def vizier_optimizer(name: str) -> type[Optimizer]:
    """The optimizer that runs Vizier's designer of that name.

    Raises `ValueError`, one sentence, when there is none or when it cannot run on the space.
    """
    if name in _REFUSED:
        raise ValueError(f"Vizier's designer '{name}' cannot serve a study: {_REFUSED[name]}.")
    if name not in DESIGNERS:
        raise ValueError(
            f"Vizier has no designer '{name}' (known: {', '.join(DESIGNERS)})."
            f"{suggestion(name, DESIGNERS)}"
        )
    return DESIGNERS[name]
