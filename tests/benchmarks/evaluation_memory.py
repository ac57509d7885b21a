"""Peak memory of evaluations: `python -m tests.benchmarks.evaluation_memory`.

Prints by how many bytes the resident set of a process grows over evaluations of the built-in CNNs,
lowering included, one after another, above what it is after a small network; and the peak itself,
with Python, NumPy and the kernels. So both are at least those of any single evaluation.
"""

import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import apollo
from apollo.arch.accelerator import load_design
from apollo.compiler.errors import DoesNotFit
from apollo.search.measure import measure_graph
from apollo.workloads.catalogue import NETWORKS
from tests.benchmarks.memory import peak_bytes
from tests.benchmarks.random_designs import is_cnn

SMALL = "mobilenet_v1_0.25_128"


def evaluation_memory() -> tuple[int, int]:
    """Growth and peak in bytes of a process of its own."""
    command = [sys.executable, "-m", __spec__.name]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    growth, peak = map(int, result.stdout.split())
    return growth, peak


def resident_bytes() -> int:
    """Of this process now; its peak where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return peak_bytes()
    (kibibytes,) = re.findall(r"VmRSS:\s*(\d+) kB", status.read_text(encoding="utf-8"))
    return int(kibibytes) * 1024


def main() -> None:
    """Run in the process that is measured."""
    design = load_design("edge_tpu_v1")
    measure_graph(apollo.load(SMALL), design)
    before = resident_bytes()
    for name in NETWORKS:
        graph = apollo.load(name)
        if is_cnn(graph):
            with suppress(DoesNotFit):
                measure_graph(graph, design)
    print(peak_bytes() - before, peak_bytes())


if __name__ == "__main__":
    main()
