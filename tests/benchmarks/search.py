"""`make bench-search`: optimizers on the main problem, how good they become and how long they take.

MobileNet V2 under 6.8 mm², a database of its own for each so that none reads what another ran. The
libraries' designers stand beside ours; Gaussian processes take minutes.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from apollo.search.contest import Entrant, contest
from apollo.search.explore import make_problem
from apollo.search.store import Store

NETWORK, BUDGET_MM2, TRIALS, CHECKPOINTS = "mobilenet_v2", 6.8, 4096, (256, 1024)
OURS = ("random", "random+filter", "evolutionary", "nsga2", "mbo", "p3bo", "adaptive_p3bo")
THEIRS = (
    "nevergrad:TwoPointsDE",
    "nevergrad:DiscreteOnePlusOne",
    "nevergrad:PortfolioDiscreteOnePlusOne",
    "nevergrad:CMA",
    "nevergrad:PSO",
    "vizier:eagle",
    "bayesian",
)


def main(names: Sequence[str]) -> None:
    """A row for every optimizer."""
    problem = make_problem([NETWORK], objectives=["speedup"], max_area_mm2=BUDGET_MM2)
    print(f"{NETWORK} under {BUDGET_MM2} mm2, speed-up over {problem.baseline}, {TRIALS:,} trials")
    heads = "".join(f"{f'after {count:,}':>14}" for count in (*CHECKPOINTS, TRIALS))
    print(f"{'optimizer':38}{heads}{'seconds':>10}{'own':>8}{'own, %':>8}")
    for name in names:
        with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "study.db") as store:
            (result,) = contest(
                problem, [Entrant(name)], store, seeds=1, trials=TRIALS, checkpoints=CHECKPOINTS
            )
        (run,) = result.runs
        assert run.seconds is not None  # none was stored before
        assert run.own_seconds is not None
        best = "".join(f"{reward:14.3f}" for reward in run.best)
        share = 100 * run.own_seconds / run.seconds
        print(f"{name:38}{best}{run.seconds:10.1f}{run.own_seconds:8.1f}{share:8.0f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or [*OURS, *THEIRS])
