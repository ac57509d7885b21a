"""What a run amounts to: latency, throughput, utilisation, stalls, traffic; whole and by layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.constants import DEFAULT, Technology
from apollo.arch.energy import Action, energy_pj
from apollo.arch.isa import Engine
from apollo.simulator.activity import actions_of
from apollo.simulator.stalls import StallCause, stall_cycles_by_layer
from apollo.simulator.timeline import STREAMS, Ints, Timeline

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
    utilisation: float  # of the peak multiply-accumulates, warm: the product of its levels
    utilisation_by_level: dict[str, float]  # time, cores, PEs
    dram_utilisation: float  # burst bytes over sustained bandwidth, warm
    dram_bytes: dict[str, int]  # by stream, whole bursts, warm
    busy_cycles: dict[str, int]  # by engine, warm
    stall_cycles: dict[str, dict[str, int]]  # by engine and cause, warm
    instructions: int  # warm
    energy_uj: float  # warm
    power_w: float  # warm, back to back
    energy_uj_by_component: dict[str, float]  # warm, leakage among them
    energy_uj_by_action: dict[str, float]  # warm

    def scalars(self) -> dict[str, float]:
        """The metrics that are one number each, and bytes and stalls under flat names."""
        flat: dict[str, float] = {
            name: value
            for name, value in vars(self).items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        flat |= {f"dram_{name.lower()}_bytes": value for name, value in self.dram_bytes.items()}
        flat |= {f"energy_{part}_uj": uj for part, uj in self.energy_uj_by_component.items()}
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
    cold: Timeline,
    warm: Timeline,
    accelerator: Accelerator,
    macs: int,
    images: int = 1,
    constants: Technology = DEFAULT,
) -> Metrics:
    """Metrics of a network of `macs` multiply-accumulates on so many images, from its two runs."""
    stalls = stall_cycles_by_layer(warm).sum(axis=0)
    cycles, warm_cycles = cold.latency_cycles, warm.latency_cycles
    cycles_per_ms = accelerator.clock_mhz * 1000
    dram_bytes = dict(zip(STREAMS, warm.channel_bytes.tolist(), strict=True))
    dram = accelerator.channels[0]
    moved = sum(dram_bytes[stream] for stream in dram.streams)
    rate = dram.bytes_per_cycle
    busy = {e.name: warm_cycles - int(stalls[e].sum()) for e in Engine}
    actions = actions_of(warm, accelerator)
    energy = energy_pj(actions, accelerator, warm_cycles, constants)
    components = {str(part): pj / 1e6 for part, pj in energy.components_pj.items()}
    return Metrics(
        cycles=cycles,
        warm_cycles=warm_cycles,
        latency_ms=cycles / cycles_per_ms,
        warm_latency_ms=warm_cycles / cycles_per_ms,
        throughput_per_s=images * cycles_per_ms * 1000 / warm_cycles,
        utilisation=macs / (accelerator.peak_macs_per_cycle * warm_cycles),
        dram_utilisation=moved * rate.denominator / (rate.numerator * warm_cycles),
        utilisation_by_level=_levels(
            actions[Action.MAC], macs, busy[Engine.COMPUTE.name], warm_cycles, accelerator
        ),
        dram_bytes=dram_bytes,
        busy_cycles=busy,
        stall_cycles={e.name: {c.name: int(stalls[e, c]) for c in StallCause} for e in Engine},
        instructions=len(warm.program),
        energy_uj=energy.total_pj / 1e6,
        power_w=energy.total_pj * cycles_per_ms / (warm_cycles * 1e9),
        energy_uj_by_component=components | {"leakage": energy.leakage_pj / 1e6},
        energy_uj_by_action={str(a): pj / 1e6 for a, pj in energy.actions_pj.items()},
    )


def _levels(
    executed: int, macs: int, busy_cycles: int, cycles: int, accelerator: Accelerator
) -> dict[str, float]:
    """Shares whose product is the utilisation.

    Of the time the compute engine works; of that, what the multipliers of all cores do (padded
    lanes, uneven cores, other operations and 16-bit operands are what is lost); of that, what the
    network needs (the rest is the work of PEs at an edge).
    """
    peak = accelerator.peak_macs_per_cycle * busy_cycles
    return {
        "time": busy_cycles / cycles,
        "cores": executed / peak if peak else 0.0,
        "pes": macs / executed if executed else 0.0,
    }


def instruction_memory_peak(timeline: Timeline, accelerator: Accelerator) -> int:
    """The most bytes of the ring that bursts took, on their way or arrived (M12)."""
    burst, sizes = accelerator.burst_bytes, timeline.program.encoded_bytes
    ends = np.cumsum(sizes)
    _, first = np.unique((ends - 1) // burst, return_index=True)
    latency = next(c.latency_cycles for c in accelerator.channels if "FETCH" in c.streams)
    begin = timeline.visible[first] - latency
    leading = np.maximum.accumulate(timeline.finish)
    retired = np.searchsorted(leading, begin, side="right")
    freed = np.concatenate([[0], ends])[retired]
    fetched = ((ends[first] - 1) // burst + 1) * burst
    return int((fetched - freed).max(initial=0))


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
