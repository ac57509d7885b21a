"""`python -m tests.compiler.zoo`: networks executed on random designs, as a table.

With `--arrays` on the presets with an array, with `--operators` operator by operator beside ONNX
Runtime, with `--top1` end to end beside it.
"""

import argparse
import sys

from tests.compiler.zoo import report
from tests.compiler.zoo.cases import NAMES


def main() -> int:
    """Status 1 if anything differs that must not, fails, or does not occur."""
    parser = argparse.ArgumentParser(prog="python -m tests.compiler.zoo", description=__doc__)
    parser.add_argument("--designs", type=int, default=50, help="random designs that fit, of each")
    parser.add_argument("--only", choices=NAMES, action="append", help="this network; repeatable")
    parser.add_argument("--seed", type=int, default=5, help="of the designs")
    parser.add_argument("--pictures", type=int, default=200, help="for --top1")
    what = parser.add_mutually_exclusive_group()
    for flag in ("--arrays", "--operators", "--top1"):
        what.add_argument(flag, action="store_true")
    arguments = parser.parse_args()
    names = tuple(arguments.only or NAMES)
    if arguments.arrays:
        return int(report.on_arrays(names))
    if arguments.operators:
        return int(report.by_operator(names))
    if arguments.top1:
        return int(report.end_to_end(names, arguments.pictures))
    return int(report.on_designs(names, arguments.designs, arguments.seed))


if __name__ == "__main__":
    sys.exit(main())
