"""Searches with and without a warm start: `python -m tests.benchmarks.transfer FOLDER`.

For every seed a source study, and the same target study from nothing and from the source's trials.
docs/transfer.md shows the tables.
"""

import statistics
import sys
from pathlib import Path

from apollo.search.explore import Exploration, explore, make_problem
from apollo.search.transfer.warm_start import WarmStart

SEEDS = range(9)
SOURCE_TRIALS, TRIALS = 2048, 1024
MARKS = (64, 128, 256, 512, 1024)
SOURCE = ("mobilenet_v2", 6.8)
TARGETS = (
    ("mobilenet_v2", 4.8),  # another budget
    ("mobilenet_v3_large_0.75", 6.8),  # another network
    ("mobilenet_v3_large_0.75", 4.8),  # both
)


def search(
    task: tuple[str, float], seed: int, trials: int, folder: Path, start: WarmStart | None = None
) -> Exploration:
    network, max_area_mm2 = task
    problem = make_problem([network], objectives=["speedup"], max_area_mm2=max_area_mm2)
    return explore(problem, trials=trials, seed=seed, output=folder, warm_start=start)


def best_after(found: Exploration, count: int) -> float:
    return max((trial.reward for trial in found.result.trials[:count]), default=0.0)


def main() -> None:
    folder = Path(sys.argv[1])
    sources = [search(SOURCE, seed, SOURCE_TRIALS, folder) for seed in SEEDS]
    print("| target | start | " + " | ".join(f"{mark}" for mark in MARKS) + " |")
    for target in TARGETS:
        for warm in (False, True):
            rows = []
            for seed, source in zip(SEEDS, sources, strict=True):
                start = WarmStart((source.study,)) if warm else None
                found = search(target, seed, TRIALS, folder, start)
                rows.append([best_after(found, mark) for mark in MARKS])
            cells = (f"{statistics.median(c):.3f} ({min(c):.3f})" for c in zip(*rows, strict=True))
            print(f"| {target} | {'warm' if warm else 'cold'} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
