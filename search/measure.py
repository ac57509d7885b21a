"""One evaluation: a network compiled for a design and simulated, cold and warm."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib import metadata
from pathlib import Path

import numpy as np
import numpy.typing as npt

from apollo.arch.accelerator import Accelerator
from apollo.arch.constants import DEFAULT, Technology
from apollo.arch.extents import memory_peaks
from apollo.compiler.high_water import high_water
from apollo.compiler.lower import lower
from apollo.compiler.network import Network, layer_macs
from apollo.compiler.options import USUAL, Options, refuse_options
from apollo.compiler.pipeline import Compiled, compile_network
from apollo.compiler.systolic.graph import compile_graph
from apollo.compiler.systolic.nests import CompiledNests
from apollo.compiler.systolic.network import Compiled as SystolicCompiled
from apollo.simulator.engine import simulate
from apollo.simulator.metrics import (
    LayerRow,
    Metrics,
    instruction_memory_peak,
    layer_rows,
    metrics_of,
)
from apollo.simulator.timeline import Timeline
from apollo.workloads.graph import Graph
from apollo.workloads.sparsity import Masks

Ints = npt.NDArray[np.int64]
Compiler = Callable[[Network, Accelerator, Options], Compiled]

_ROOT = Path(__file__).resolve().parent.parent
# What a result can depend on; not what only shows one (listings, traces) or checks it.
_SOURCES = (
    "arch/accelerator.py",
    "arch/area.py",
    "arch/constants.py",
    "arch/cycles.py",
    "arch/energy.py",
    "arch/isa.py",
    "arch/operands.py",
    "arch/scaling.py",
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


_VIEWS = ("compiler/dump/*.py", "compiler/memory_map.py", "compiler/verify.py")


@dataclass(frozen=True)
class Measurement:
    """A network on a design: its runs and what they amount to.

    Attributes:
        accelerator: the design.
        cold: the run of a first inference, when and why every instruction waited, in cycles.
        warm: that of a following one, whose resident parameters are on the chip.
        metrics: cycles, milliseconds, inferences a second, µJ, bytes; units are in the names.
        layer_macs: makes [layers] multiply-accumulates; only who asks pays for it.
        memory_peaks: makes the bytes of PE memory and core memory in use, by name; the same.
        network: as it was compiled for lanes, strips cut; None on a systolic array.

    """

    accelerator: Accelerator
    cold: Timeline
    warm: Timeline
    metrics: Metrics
    layer_macs: Callable[[], Ints]
    memory_peaks: Callable[[], dict[str, int]]
    network: Network | None = None

    def _repr_html_(self) -> str:
        """For notebooks: the totals."""
        from apollo.search.tables import measurement_html

        return measurement_html(self)

    def layers(self) -> list[LayerRow]:
        """A row for every layer of the warm run."""
        return layer_rows(self.warm, self.accelerator, self.layer_macs())

    def high_water(self) -> dict[str, int]:
        """The most bytes of each memory in use, over both inferences."""
        runs = (self.cold, self.warm)
        ring = max(instruction_memory_peak(run, self.accelerator) for run in runs)
        return self.memory_peaks() | {"instruction_memory_bytes": ring}


def compute_shares(metrics: Metrics) -> dict[str, float]:
    """What the compute engine does with a following inference, the largest share first.

    The names are `compute` and, in small letters, the stall causes.
    """
    cycles = {"compute": metrics.busy_cycles["COMPUTE"]} | metrics.stall_cycles["COMPUTE"]
    shares = {name.lower(): count / metrics.warm_cycles for name, count in cycles.items() if count}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def measure(
    network: Network,
    accelerator: Accelerator,
    options: Options = USUAL,
    constants: Technology = DEFAULT,
    compiler: Compiler = compile_network,
) -> Measurement:
    """Compile for lanes and simulate; `options` fix decisions of the compiler.

    Raises `DoesNotFit` when no mapping of some layer fits the design.
    """
    compiled = compiler(network, accelerator, options)
    cold = simulate(compiled.cold, accelerator)
    warm = simulate(compiled.warm, accelerator) if compiled.has_residents else cold
    metrics = metrics_of(cold, warm, accelerator, network.macs, network.batch, constants)
    macs, peaks = (
        partial(layer_macs, compiled.network.nests, of_nonzeros=True),
        partial(high_water, compiled),
    )
    return Measurement(accelerator, cold, warm, metrics, macs, peaks, compiled.network)


def measure_graph(
    graph: Graph,
    accelerator: Accelerator,
    masks: Masks | None = None,
    options: Options = USUAL,
) -> Measurement:
    """Compile for lanes or for an array, as the design has, and simulate.

    Only lanes skip weights that masks leave out.

    Raises `DoesNotFit` when the network does not fit, `ValueError` for an operator without
    lowering and for options of lanes on a systolic design.
    """
    if not accelerator.is_systolic:
        return measure(lower(graph, masks=masks), accelerator, options)
    refuse_options(accelerator, options)
    compiled = compile_graph(graph, accelerator)
    program = compiled.program
    run = simulate(program, accelerator)
    metrics = metrics_of(run, run, accelerator, graph.macs, graph.batch)
    macs = partial(_macs_of, graph, compiled)
    peaks = partial(memory_peaks, program, accelerator)
    return Measurement(accelerator, run, run, metrics, macs, peaks)


def _macs_of(graph: Graph, compiled: SystolicCompiled | CompiledNests) -> Ints:
    """Of every heading: of a single layer in blocks, the first has them all."""
    if isinstance(compiled, CompiledNests):
        return compiled.layer_macs
    macs = {layer.name: layer.macs for layer in graph.layers}
    return np.array([macs.get(name, 0) for name in compiled.program.layer_names], np.int64)


@cache
def evaluator_version() -> str:
    """The package's version and a hash of every source that an evaluation depends on."""
    digest = hashlib.sha256()
    sources = {path for pattern in _SOURCES for path in _ROOT.glob(pattern)}
    for path in sorted(sources - {path for pattern in _VIEWS for path in _ROOT.glob(pattern)}):
        digest.update(path.relative_to(_ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return f"{metadata.version('apollo-dse')}+{digest.hexdigest()[:12]}"
