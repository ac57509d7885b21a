"""Plans of seconds: a layer, a space of some hundred designs, few trials."""

from dataclasses import replace

from apollo.search.reproduce.plan import (
    CLASSIFICATION,
    EVOLUTIONARY,
    RANDOM,
    SINGLE,
    TRANSFER,
    UNBOUND,
    Plan,
    grid,
    quick_plan,
    transferred,
)

BUDGET_MM2 = 4.8


def tiny_plan(trials: int = 40) -> Plan:
    """Two tasks of the quick plan, with a part of every kind."""
    quick = quick_plan()
    tasks = [(SINGLE, goal, BUDGET_MM2) for goal in ("speedup", "throughput_per_area")]
    single = grid(SINGLE, tasks, (RANDOM, EVOLUTIONARY), 2, trials)
    sources = [r for r in single if r.optimizer == EVOLUTIONARY and r.objective == "speedup"]
    runs = {
        SINGLE: single,
        UNBOUND: grid(UNBOUND, [(SINGLE, "speedup", None)], (EVOLUTIONARY,), 1, trials),
        TRANSFER: transferred(sources, (CLASSIFICATION, "speedup", 6.8), (EVOLUTIONARY,)),
    }
    return replace(quick, runs=runs, enumerated=(SINGLE,), budgets_mm2=(6.8, BUDGET_MM2))
