"""What a run amounts to: latency, throughput, utilisation, stalls, traffic; whole and by layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Engine, Ints
from apollo.simulator.stalls import StallCause, stall_cycles_by_layer
from apollo.simulator.timeline import STREAMS, Timeline

_BOUND = {
    StallCause.FETCH: "instruction fetch",
    StallCause.PARAM: "parameter loads",
    StallCause.ACT: "activation loads",
    StallCause.MOVE: "moves between PEs",
    StallCause.STORE: "stores",
}


@dataclass(frozen=True)
class Metrics:
    """A first (cold) and a following (warm) inference on a design."""

    cycles: int  # cold
    warm_cycles: int
    latency_ms: float  # cold
    warm_latency_ms: float
    throughput_per_s: float  # images (inferences of batch 1), warm, back to back
    utilisation: float  # executed over peak multiply-accumulates, warm
    dram_utilisation: float  # burst bytes over sustained bandwidth, warm
    dram_bytes: dict[str, int]  # by stream, whole bursts, warm
    busy_cycles: dict[str, int]  # by engine, warm
    stall_cycles: dict[str, dict[str, int]]  # by engine and cause, warm
    instructions: int  # warm

    def scalars(self) -> dict[str, float]:
        """The metrics that are one number each, and bytes and stalls under flat names."""
        flat: dict[str, float] = {
            name: value
            for name, value in vars(self).items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        flat |= {f"dram_{name.lower()}_bytes": value for name, value in self.dram_bytes.items()}
        compute = self.stall_cycles[Engine.COMPUTE.name]
        flat |= {f"compute_stall_{cause.lower()}_cycles": n for cause, n in compute.items()}
        return flat


@dataclass(frozen=True)
class LayerRow:
    """One layer's share of a run; the cycles of all layers add up to the latency."""

    layer: str
    cycles: int  # from the end of the layers before it to its own end
    compute_cycles: int  # of them, the compute engine worked on this layer
    bound_by: str
    macs: int
    utilisation: float


def metrics_of(
    cold: Timeline, warm: Timeline, accelerator: Accelerator, macs: int, images: int = 1
) -> Metrics:
    """Metrics of a network of `macs` multiply-accumulates on so many images, from its two runs."""
    stalls = stall_cycles_by_layer(warm).sum(axis=0)
    cycles, warm_cycles = cold.latency_cycles, warm.latency_cycles
    cycles_per_ms = accelerator.clock_mhz * 1000
    moved = int(warm.channel_bytes.sum())
    rate = accelerator.dram_bytes_per_cycle
    return Metrics(
        cycles=cycles,
        warm_cycles=warm_cycles,
        latency_ms=cycles / cycles_per_ms,
        warm_latency_ms=warm_cycles / cycles_per_ms,
        throughput_per_s=images * cycles_per_ms * 1000 / warm_cycles,
        utilisation=macs / (accelerator.peak_macs_per_cycle * warm_cycles),
        dram_utilisation=moved * rate.denominator / (rate.numerator * warm_cycles),
        dram_bytes=dict(zip(STREAMS, warm.channel_bytes.tolist(), strict=True)),
        busy_cycles={e.name: warm_cycles - int(stalls[e].sum()) for e in Engine},
        stall_cycles={e.name: {c.name: int(stalls[e, c]) for c in StallCause} for e in Engine},
        instructions=len(warm.program),
    )


def layer_rows(timeline: Timeline, accelerator: Accelerator, macs: Ints) -> list[LayerRow]:
    """A row for every layer, in order; `macs` [layers]."""
    program = timeline.program
    layers = len(program.layer_names)
    ends = np.zeros(layers, np.int64)
    np.maximum.at(ends, program.layer, timeline.finish)
    ends = np.maximum.accumulate(ends)
    cycles = np.diff(ends, prepend=0)
    compute = np.zeros(layers, np.int64)
    is_compute = program.engine == Engine.COMPUTE
    busy = (timeline.finish - timeline.start)[is_compute]
    np.add.at(compute, program.layer[is_compute], busy)
    stalls = stall_cycles_by_layer(timeline)[:, Engine.COMPUTE]
    peak = accelerator.peak_macs_per_cycle
    return [
        LayerRow(
            layer=name,
            cycles=int(cycles[i]),
            compute_cycles=int(compute[i]),
            bound_by=_bound_by(int(compute[i]), stalls[i]),
            macs=int(macs[i]),
            utilisation=float(macs[i] / (peak * max(1, cycles[i]))),
        )
        for i, name in enumerate(program.layer_names)
    ]


def _bound_by(compute_cycles: int, stalls: Sequence[int] | Ints) -> str:
    """What the compute engine spent the layer's time on, or waiting for."""
    cause = max(_BOUND, key=lambda cause: int(stalls[cause]))
    return _BOUND[cause] if int(stalls[cause]) > compute_cycles else "compute"
