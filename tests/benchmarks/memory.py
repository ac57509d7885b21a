"""Peak memory of a process that simulates a long program: `python -m tests.benchmarks.memory N`.

Prints the peak in bytes after a short program, and after one of N instructions.
"""

import re
import resource
import subprocess
import sys
from pathlib import Path

from apollo.arch.accelerator import load_design
from apollo.simulator.engine import simulate
from tests.benchmarks.programs import mobilenet_like

SHORT = 1000


def bytes_per_instruction(instructions: int) -> float:
    """Columns of the program included, above the same process with a short program."""
    command = [sys.executable, "-m", __spec__.name, str(instructions)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    short, long = map(int, result.stdout.split())
    return (long - short) / (instructions - SHORT)


def peak_bytes() -> int:
    """Of this process. What `resource` says can begin with the peak of the process before it."""
    status = Path("/proc/self/status")
    if status.exists():
        (kibibytes,) = re.findall(r"VmHWM:\s*(\d+) kB", status.read_text(encoding="utf-8"))
        return int(kibibytes) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Run in the process that is measured."""
    design = load_design("edge_tpu_v1")
    for instructions in (SHORT, int(sys.argv[1])):
        simulate(mobilenet_like(instructions, 3000 * instructions), design)
        print(peak_bytes())


if __name__ == "__main__":
    main()
