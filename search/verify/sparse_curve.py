"""Networks on the presets from dense to 95 % zeros: cycles with and without sparse convolutions."""

import math
from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Opcode
from apollo.arch.operands import Load
from apollo.compiler.lower import lower
from apollo.compiler.network import Network
from apollo.compiler.options import Options
from apollo.compiler.pipeline import compile_network
from apollo.compiler.tables import Map
from apollo.simulator.engine import simulate
from apollo.simulator.metrics import LayerRow, layer_rows
from apollo.workloads.catalogue import load_model
from apollo.workloads.graph import Graph
from apollo.workloads.operators import Operator
from apollo.workloads.sparsity import Layers, masks_at, pruned_names

SPARSITIES = tuple(percent / 100 for percent in range(0, 100, 5))
# Of a layer's cycles, so many are of the compute engine where compute binds it.
COMPUTE_BOUND = 0.9


@dataclass(frozen=True)
class Point:
    """A network pruned to a sparsity on a design, in a following inference, batch 1.

    Attributes:
        network: name.
        design: name of the preset.
        sparsity: share of zeros in the pruned layers.
        dense_cycles: all layers dense.
        cycles: the compiler's choice.
        sparse_layers: that are sparse by its choice.
        pointwise_share: of the dense cycles, those of all 1x1 convolutions.
        pointwise_speedup: dense cycles of the pruned 1x1 convolutions over those of the choice.
        bound_layers: pruned 1x1 convolutions that compute binds when they are dense: it takes
            nearly all of their time, and longer than to load their own parameters. Those of one
            position are none: a matrix times a vector gains bytes, never cycles.
        bound_share: of the dense cycles, those of these layers.
        bound_speedup: as for all of them, of these alone; 1 where there are none.
        dense_parameter_bytes: loaded with all layers dense, whole bursts.
        parameter_bytes: by the compiler's choice.

    """

    network: str
    design: str
    sparsity: float
    dense_cycles: int
    cycles: int
    sparse_layers: int
    pointwise_share: float
    pointwise_speedup: float
    bound_layers: int
    bound_share: float
    bound_speedup: float
    dense_parameter_bytes: int
    parameter_bytes: int

    @property
    def speedup(self) -> float:
        """Of the whole network."""
        return self.dense_cycles / self.cycles

    def record(self) -> dict[str, str | int | float]:
        """As a row of a table."""
        return asdict(self) | {"speedup": self.speedup}


@dataclass(frozen=True)
class _Run:
    cycles: int
    sparse_layers: int
    parameter_bytes: int
    layers: dict[str, LayerRow]
    load_cycles: dict[str, float]  # of each layer's own parameters at the rate of the DRAM

    def is_bound(self, layer: str) -> bool:
        """Whether compute binds a layer."""
        row = self.layers[layer]
        is_busy = row.compute_cycles >= COMPUTE_BOUND * row.cycles
        return is_busy and row.compute_cycles >= self.load_cycles[layer]


def curve(
    network: str, designs: Sequence[Accelerator], sparsities: Sequence[float] = SPARSITIES
) -> list[Point]:
    """A point for every sparsity and design."""
    model = load_model(network)
    pruned = pruned_names(model.graph, Layers.POINTWISE)
    wide = {op.name for op in model.graph.operators if _positions(model.graph, op) > 1}
    every = pruned_names(model.graph, Layers.POINTWISE, ends=True)
    points = []
    for sparsity in sparsities:
        lowered = lower(model.graph, masks=masks_at(model, sparsity))
        for design in designs:
            dense = _run(lowered, design, Options(sparse=False))
            chosen = _run(lowered, design, Options())
            points.append(
                _point(network, design.name, sparsity, (dense, chosen), (pruned, every, wide))
            )
    return points


def _run(network: Network, design: Accelerator, options: Options) -> _Run:
    compiled = compile_network(network, design, options)
    timeline = simulate(compiled.warm, design)
    rows = layer_rows(timeline, design, np.zeros(len(compiled.network.nests), np.int64))
    program = compiled.warm
    loads = program.opcode == Opcode.LOAD_PARAMETERS
    sizes = program.operand[loads, Load.SEGMENTS] * program.operand[loads, Load.SEGMENT_BYTES]
    loaded = np.bincount(program.layer[loads], sizes, len(rows)) / float(
        design.dram_bytes_per_cycle
    )
    return _Run(
        timeline.latency_cycles,
        int(compiled.mapping[:, Map.SPARSE].sum()),
        int(timeline.channel_bytes[1]),
        {row.layer: row for row in rows},
        {row.layer: float(cycles) for row, cycles in zip(rows, loaded, strict=True)},
    )


def _point(
    network: str,
    design: str,
    sparsity: float,
    runs: tuple[_Run, _Run],
    pointwise: tuple[Set[str], Set[str], Set[str]],
) -> Point:
    dense, chosen = runs
    pruned, every, wide = pointwise
    bound = {name for name in pruned & wide if dense.is_bound(name)}
    return Point(
        network=network,
        design=design,
        sparsity=sparsity,
        dense_cycles=dense.cycles,
        cycles=chosen.cycles,
        sparse_layers=chosen.sparse_layers,
        pointwise_share=_cycles(dense, every) / dense.cycles,
        pointwise_speedup=_cycles(dense, pruned) / max(1, _cycles(chosen, pruned)),
        bound_layers=len(bound),
        bound_share=_cycles(dense, bound) / dense.cycles,
        bound_speedup=_cycles(dense, bound) / _cycles(chosen, bound) if bound else 1.0,
        dense_parameter_bytes=dense.parameter_bytes,
        parameter_bytes=chosen.parameter_bytes,
    )


def _positions(graph: Graph, operator: Operator) -> int:
    return math.prod(graph.tensor(operator.outputs[0]).shape[2:])


def _cycles(run: _Run, layers: Set[str]) -> int:
    return sum(run.layers[name].cycles for name in layers)
