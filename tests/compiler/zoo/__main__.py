"""`python -m tests.compiler.zoo --designs 50 [--only NAME]`: executes and prints a table."""

import argparse
import sys
import time
from collections import Counter

from apollo.arch.accelerator import lane_presets
from tests.compiler.checks import random_designs
from tests.compiler.zoo.cases import NAMES
from tests.compiler.zoo.runs import executed


def main() -> int:
    """Status 1 if a program differs from the reference or the compiler fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.compiler.zoo", description=__doc__)
    parser.add_argument("--designs", type=int, default=50, help="random designs of each network")
    parser.add_argument("--only", choices=NAMES, action="append", help="this network; repeatable")
    parser.add_argument("--seed", type=int, default=5, help="of the designs")
    arguments = parser.parse_args()
    designs = [*lane_presets(), *random_designs(arguments.designs, arguments.seed)]
    seen: Counter[str] = Counter()
    failed = 0
    for name in arguments.only or NAMES:
        start = time.process_time()
        try:
            outcomes, found = executed(name, designs)
        except Exception as error:  # the other networks are still of interest
            failed += 1
            print(f"{name:32} FAILED: {type(error).__name__}: {error}", flush=True)
            continue
        seen += found
        states = Counter(outcome.state for outcome in outcomes.values())
        line = ", ".join(f"{count} {state}" for state, count in states.items())
        print(f"{name:32} {line} ({time.process_time() - start:.0f} s)", flush=True)
    print("\n".join(f"{count:8} {what}" for what, count in sorted(seen.items())))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
