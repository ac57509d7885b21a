"""How near the compiler's programs come to the lower bound of docs/quality.md."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import ENGINE_OF, Engine, Opcode
from apollo.arch.operands import Move
from apollo.compiler.bound import Bound, bound, is_layered
from apollo.compiler.network import Network, origins_of
from apollo.compiler.tables import Nest
from apollo.search.measure import Measurement, measure
from apollo.simulator.metrics import LayerRow
from apollo.simulator.stalls import StallCause, stall_cycles_by_layer
from apollo.simulator.timeline import Ints, Timeline

_WAITS = {
    StallCause.FETCH: "the program",
    StallCause.PARAM: "parameters",
    StallCause.ACT: "activations from DRAM",
    StallCause.MOVE: "moves",
    StallCause.STORE: "stores",
}


@dataclass(frozen=True)
class Quality:
    """A network on a design beside its bounds, in cycles."""

    network: Network
    accelerator: Accelerator
    bound: Bound
    measurement: Measurement

    @property
    def is_layered(self) -> bool:
        """Whether the layered bound holds for these programs."""
        runs = (self.measurement.cold, self.measurement.warm)
        return all(is_layered(run.program, self.compiled) for run in runs)

    @property
    def compiled(self) -> Network:
        """The network with what runs in strips cut into them."""
        return self.measurement.network or self.network

    @property
    def cold(self) -> float:
        """The tightest bound that holds over the cycles of a first inference."""
        least = self.bound.layered_cold if self.is_layered else self.bound.cold
        return least / self.measurement.cold.latency_cycles

    @property
    def warm(self) -> float:
        """The same of a following inference."""
        least = self.bound.layered_warm if self.is_layered else self.bound.warm
        return least / self.measurement.warm.latency_cycles

    @property
    def spills(self) -> list[str]:
        """Layers whose results are put out to DRAM though the network does not give them out."""
        program, nests = self.measurement.warm.program, self.compiled.nests
        stored = np.unique(program.layer[program.opcode == Opcode.STORE])
        outputs = {self.network.numbers[name] for name in self.network.outputs}
        names, origins = self.network.layer_names, origins_of(self.compiled)
        found = {int(origins[i]) for i in stored if int(nests[i, Nest.DESTINATION]) not in outputs}
        return [names[i] for i in sorted(found)]


@dataclass(frozen=True)
class Loss:
    """Cycles of a layer beyond its own bound, in a following inference."""

    quality: Quality
    row: LayerRow
    bound_cycles: int
    reason: str

    @property
    def cycles(self) -> int:
        """Lost cycles; below zero where parameters came while others ran."""
        return self.row.cycles - self.bound_cycles

    @property
    def share(self) -> float:
        """Of the whole inference."""
        return self.cycles / self.quality.measurement.warm.latency_cycles


def quality_of(network: Network, accelerator: Accelerator) -> Quality:
    """Compile, simulate and bound.

    Raises `DoesNotFit` when no mapping of some layer fits the design.
    """
    return Quality(network, accelerator, bound(network, accelerator), measure(network, accelerator))


def losses(quality: Quality) -> Iterator[Loss]:
    """Of every layer: the longer of its array cycles and traffic, beside what it took."""
    run, limits = quality.measurement.warm, quality.bound
    stalls = stall_cycles_by_layer(run)[:, Engine.COMPUTE]
    moved = _moved_bytes(run)
    alone = limits.of_layers()
    rows, origins = quality.measurement.layers(), origins_of(quality.compiled)
    for index, name in enumerate(quality.network.layer_names):
        (own,) = np.nonzero(origins == index)
        row = _joined(name, [rows[i] for i in own])
        array = int(limits.array_cycles[index])
        reason = _reason(row, array, stalls[own].sum(axis=0), int(moved[own].sum()))
        yield Loss(quality, row, int(alone[index]), reason)


def _joined(name: str, rows: Sequence[LayerRow]) -> LayerRow:
    """The row of a layer that ran in strips; of others their own."""
    if len(rows) == 1:
        return rows[0]
    cycles = sum(row.cycles for row in rows)
    return LayerRow(
        layer=name,
        cycles=cycles,
        compute_cycles=sum(row.compute_cycles for row in rows),
        bound_by=max(rows, key=lambda row: row.cycles).bound_by,
        macs=sum(row.macs for row in rows),
        utilisation=sum(row.utilisation * row.cycles for row in rows) / max(1, cycles),
    )


def worst(qualities: Sequence[Quality], count: int) -> list[Loss]:
    """The layers that lose the largest shares of their inferences."""
    every = [loss for quality in qualities for loss in losses(quality)]
    return sorted(every, key=lambda loss: -loss.share)[:count]


def explanation(qualities: Sequence[Quality]) -> str:
    """What the compute engine does in following inferences, mean shares of the largest three."""
    shares: dict[str, float] = {}
    for quality in qualities:
        run = quality.measurement.warm
        stalls = stall_cycles_by_layer(run)[:, Engine.COMPUTE].sum(axis=0)
        parts = {f"waits for {what}": int(stalls[cause]) for cause, what in _WAITS.items()}
        array = int(quality.bound.array_cycles.sum())
        busy = run.latency_cycles - int(stalls.sum())
        parts |= {"a perfect split": array, "more than a perfect split": busy - array}
        for text, cycles in parts.items():
            shares[text] = shares.get(text, 0.0) + cycles / run.latency_cycles / len(qualities)
    largest = sorted(shares.items(), key=lambda item: -item[1])[:3]
    return f"Warm: {', '.join(f'{text} {share:.0%}' for text, share in largest)}."


def _moved_bytes(run: Timeline) -> Ints:
    """Bytes that each layer's moves bring over the activation bus, [L]."""
    program = run.program
    moved = np.zeros(len(program.layer_names), np.int64)
    moves = program.opcode == Opcode.MOVE
    np.add.at(moved, program.layer[moves], program.operand[moves, Move.BYTES])
    assert (ENGINE_OF[program.opcode[moves]] == Engine.MOVE).all()
    return moved


def _reason(row: LayerRow, array: int, stalls: Sequence[int] | Ints, moved: int) -> str:
    """Where the cycles went, the two largest parts: waits by cause, uneven work."""
    parts = [(int(stalls[cause]), f"waits for {what}") for cause, what in _WAITS.items()]
    parts.append((row.compute_cycles - array, "computes more than a perfect split"))
    whole = row.compute_cycles + sum(int(stalls[cause]) for cause in _WAITS)
    largest = sorted(parts, reverse=True)[:2]
    said = [f"{text} {cycles / whole:.0%}" for cycles, text in largest if 100 * cycles > whole]
    if moved > 0 and any("moves" in text for text in said):
        said.append(f"{moved / 1000:,.0f} kB moved")
    return ", ".join(said) or "latencies"
