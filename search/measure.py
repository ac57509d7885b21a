"""One evaluation: a network compiled for a design and simulated, cold and warm."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from apollo.arch.accelerator import Accelerator
from apollo.compiler.high_water import high_water
from apollo.compiler.lower import Network
from apollo.compiler.pipeline import Compiled, compile_network, layer_macs
from apollo.simulator.engine import simulate
from apollo.simulator.metrics import (
    LayerRow,
    Metrics,
    instruction_memory_peak,
    layer_rows,
    metrics_of,
)
from apollo.simulator.timeline import Timeline

_ROOT = Path(__file__).resolve().parent.parent
# What a result can depend on; not what only shows one (listings, traces) or checks it.
_SOURCES = (
    "arch/accelerator.py",
    "arch/area.py",
    "arch/cycles.py",
    "arch/energy.py",
    "arch/isa.py",
    "arch/operands.py",
    "arch/scaling.py",
    "arch/space.py",
    "arch/sram.py",
    "arch/technology.py",
    "arch/data/*.csv",
    "compiler/**/*.py",
    "search/measure.py",
    "simulator/activity.py",
    "simulator/engine.py",
    "simulator/kernels/*.py",
    "simulator/metrics.py",
    "simulator/stalls.py",
)


@dataclass(frozen=True)
class Measurement:
    """A network on a design: the program, its runs and what they amount to."""

    compiled: Compiled
    cold: Timeline
    warm: Timeline
    metrics: Metrics

    def layers(self) -> list[LayerRow]:
        """A row for every layer of the warm run."""
        macs = layer_macs(self.compiled.network)
        return layer_rows(self.warm, self.compiled.accelerator, macs)

    def high_water(self) -> dict[str, int]:
        """The most bytes of each memory in use, over both inferences."""
        accelerator = self.compiled.accelerator
        ring = max(instruction_memory_peak(run, accelerator) for run in (self.cold, self.warm))
        return high_water(self.compiled) | {"instruction_memory_bytes": ring}


def measure(network: Network, accelerator: Accelerator) -> Measurement:
    """Compile and simulate.

    Raises `DoesNotFit` when no mapping of some layer fits the design.
    """
    compiled = compile_network(network, accelerator)
    cold = simulate(compiled.cold, accelerator)
    warm = simulate(compiled.warm, accelerator) if compiled.has_residents else cold
    metrics = metrics_of(cold, warm, accelerator, network.macs, network.batch)
    return Measurement(compiled, cold, warm, metrics)


@cache
def evaluator_version() -> str:
    """The package's version and a hash of every source that an evaluation depends on."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _SOURCES for path in _ROOT.glob(pattern)):
        digest.update(path.relative_to(_ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return f"{metadata.version('apollo-dse')}+{digest.hexdigest()[:12]}"
