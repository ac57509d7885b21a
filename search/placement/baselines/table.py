"""The ways to place a graph without learning, by the name that `--optimizer` takes.

A new one is one file and one line here. A function raises `ValueError`, one sentence, where it
cannot serve: a problem without operators, or one that is too large to be proved.
"""

from collections.abc import Callable
from functools import partial

from apollo.arch.text import suggestion
from apollo.search.placement.baselines.by_optimizer import by_optimizer
from apollo.search.placement.baselines.contiguous import contiguous
from apollo.search.placement.baselines.cp_sat import cp_sat
from apollo.search.placement.baselines.exhaustive import exhaustive
from apollo.search.placement.baselines.heft import heft
from apollo.search.placement.baselines.local_search import local_search
from apollo.search.placement.baselines.m_etf import m_etf
from apollo.search.placement.baselines.m_sct import m_sct
from apollo.search.placement.baselines.m_topo import m_topo
from apollo.search.placement.baselines.metis import metis
from apollo.search.placement.baselines.random_search import random_search
from apollo.search.placement.baselines.round_robin import round_robin
from apollo.search.placement.baselines.single import single_device
from apollo.search.placement.found import Budget, Found
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import PlacementProblem

Baseline = Callable[[PlacementProblem, Instance | None, Budget, int], Found]

BASELINES: dict[str, Baseline] = {
    "single": single_device,
    "random": random_search,
    "round_robin": round_robin,
    "contiguous": contiguous,
    "metis": metis,
    "heft": heft,
    "m_topo": m_topo,
    "m_etf": m_etf,
    "m_sct": m_sct,
    "local_search": local_search,
    "evolutionary": partial(by_optimizer, "evolutionary"),
    "p3bo": partial(by_optimizer, "p3bo"),
    "exhaustive": exhaustive,
    "cp_sat": cp_sat,
}
FAMILY = "nevergrad"  # `nevergrad:NAME` is any of that library's optimizers


def baseline_of(name: str) -> Baseline:
    """The way of that name.

    Raises `ValueError`, one sentence, when there is none.
    """
    if name.startswith(f"{FAMILY}:"):
        from apollo.search.optimizers.table import optimizer_type  # which imports the library

        optimizer_type(name)
        return partial(by_optimizer, name)
    if name not in BASELINES:
        known = [*BASELINES, f"{FAMILY}:NAME"]
        raise ValueError(
            f"There is no baseline '{name}' (known: {', '.join(known)}).{suggestion(name, known)}"
        )
    return BASELINES[name]
