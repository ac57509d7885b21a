"""RNN-T as a decoder runs it on a chip: one step after the other, batch 1, state carried."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Engine
from apollo.search.measure import Measurement, measure_graph
from apollo.simulator.metrics import layer_rows
from apollo.simulator.stalls import StallCause, stall_cycles_by_layer
from apollo.simulator.timeline import STREAMS
from apollo.workloads.graph import Graph
from apollo.workloads.models.rnnt import (
    FRAME_MS,
    GRAPHEMES,
    LABELS_PER_FRAME,
    REDUCTION,
    rnnt_encoder,
    rnnt_joint,
    rnnt_prediction,
)

ENCODER, PREDICTION, JOINT = "encoder", "prediction", "joint"
ENCODER_STEPS_PER_S = 1000 / (REDUCTION * FRAME_MS)
LABELS_PER_S = LABELS_PER_FRAME * 1000 / FRAME_MS
# A greedy decoder: the joint network says of every label what it is, and of every frame that it
# has no more; the prediction network goes on with every label.
STEPS_PER_S: Mapping[str, float] = {
    ENCODER: ENCODER_STEPS_PER_S,
    PREDICTION: LABELS_PER_S,
    JOINT: ENCODER_STEPS_PER_S + LABELS_PER_S,
}


@dataclass(frozen=True)
class Step:
    """One network of the three, once.

    Attributes:
        ms: of an inference that finds nothing on the chip.
        following_ms: of one that finds what the same program left there.
        compute_cycles: in which the compute engine works.
        waits: cycles in which it does not, by cause.
        parameter_bytes: loaded, whole bursts.
        dram_bytes: moved on the DRAM's channel, whole bursts.
        dram_ms: what they take at the sustained bandwidth.
        layers: milliseconds of every layer.

    """

    ms: float
    following_ms: float
    compute_cycles: int
    waits: Mapping[StallCause, int]
    parameter_bytes: int
    dram_bytes: int
    dram_ms: float
    layers: Mapping[str, float]


@dataclass(frozen=True)
class Streaming:
    """The three networks on a design."""

    design: str
    steps: Mapping[str, Step]

    def ms_per_s(self, part: str) -> float:
        """Computing time of a network for a second of speech."""
        return STEPS_PER_S[part] * self.steps[part].ms

    @property
    def real_time_factor(self) -> float:
        """Computing time over the time of the speech; below 1 is faster than it is spoken."""
        return sum(self.ms_per_s(part) for part in self.steps) / 1000

    @property
    def dram_share(self) -> float:
        """Of the computing time, what the bytes on the DRAM's channel take at full bandwidth."""
        busy = sum(STEPS_PER_S[part] * step.dram_ms for part, step in self.steps.items())
        return busy / 1000 / self.real_time_factor

    def shares(self) -> dict[str, float]:
        """Of all cycles, those in which the compute engine works, or waits for what."""
        spent = defaultdict[str, float](float)
        for part, step in self.steps.items():
            spent["compute"] += STEPS_PER_S[part] * step.compute_cycles
            for cause, cycles in step.waits.items():
                spent[cause.name.lower()] += STEPS_PER_S[part] * cycles
        whole = sum(spent.values())
        return {name: cycles / whole for name, cycles in _descending(spent)}

    def largest_layers(self, count: int) -> list[tuple[str, float]]:
        """Layers of most computing time, and their shares of all of it."""
        spent = defaultdict[str, float](float)
        for part, step in self.steps.items():
            for layer, ms in step.layers.items():
                spent[layer] += STEPS_PER_S[part] * ms
        whole = 1000 * self.real_time_factor
        return [(layer, ms / whole) for layer, ms in _descending(spent)[:count]]


def _descending(spent: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(spent.items(), key=lambda item: -item[1])


def product_graphs() -> dict[str, Graph]:
    """Steps of the product: graphemes."""
    builders: dict[str, Callable[[], Graph]] = {
        ENCODER: lambda: rnnt_encoder("rnnt_encoder"),
        PREDICTION: lambda: rnnt_prediction("rnnt_prediction", GRAPHEMES),
        JOINT: lambda: rnnt_joint("rnnt_joint", GRAPHEMES),
    }
    return {part: build() for part, build in builders.items()}


def stream(graphs: Mapping[str, Graph], design: Accelerator) -> Streaming:
    """Every network on a design, each a program of its own.

    They take turns, and each takes the whole chip: none finds what it left there. Raises
    `DoesNotFit` and `ValueError` as `measure_graph`.
    """
    steps = {part: _step(measure_graph(graph, design)) for part, graph in graphs.items()}
    return Streaming(design.name, steps)


def _step(measurement: Measurement) -> Step:
    design, run = measurement.accelerator, measurement.cold
    cycles_per_ms = design.clock_mhz * 1000
    stalls = stall_cycles_by_layer(run)[:, Engine.COMPUTE].sum(axis=0)
    layers = defaultdict[str, float](float)
    for row in layer_rows(run, design, np.zeros(len(run.program.layer_names), np.int64)):
        layers[row.layer.partition(" #")[0]] += row.cycles / cycles_per_ms
    sent = dict(zip(STREAMS, run.channel_bytes.tolist(), strict=True))
    dram = design.channels[0]
    dram_bytes = sum(sent[name] for name in dram.streams)
    return Step(
        ms=run.latency_cycles / cycles_per_ms,
        following_ms=measurement.warm.latency_cycles / cycles_per_ms,
        compute_cycles=run.latency_cycles - int(stalls.sum()),
        waits={cause: int(stalls[cause]) for cause in StallCause if stalls[cause]},
        parameter_bytes=sent["PARAM"],
        dram_bytes=dram_bytes,
        dram_ms=float(dram_bytes / dram.bytes_per_cycle) / cycles_per_ms,
        layers=layers,
    )
