"""Where the cycles of a systolic array go, in the categories of TPU v1's counters.

Jouppi et al., ISCA 2017, table 3: array active (useful and unused multiply-accumulates), weight
stall, weight shift, and non-matrix, which together are all cycles. A cycle in which the array
stands still belongs to

- the weight stall, if the next instruction is a multiplication whose weights are not on the chip,
- the weight shift, if they are being shifted into the array,
- non-matrix otherwise: the next multiplication waits for activations of layers before it, drained
  or from the vector unit (RAW stall), or of the host (input stall), for its instruction, or for the
  engine that shifts; or there is no multiplication left.
"""

from dataclasses import asdict, dataclass
from typing import NamedTuple

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Engine, Opcode
from apollo.arch.operands import ComputeFlag, Matmul, Shift
from apollo.arch.program import Column
from apollo.simulator.timeline import Timeline


@dataclass(frozen=True)
class TpuCounters:
    """Cycles of a run. `active` to `non_matrix` add up to `total`; the stalls are of the latter."""

    total: int
    active: int  # a multiplication feeds the array
    weight_stall: int
    weight_shift: int
    non_matrix: int
    raw_stall: int  # of non_matrix
    input_stall: int  # of non_matrix
    useful: float  # of active: times the share of cells that hold a weight of the layer

    @property
    def unused(self) -> float:
        """Of active: cells without a weight."""
        return self.active - self.useful

    def shares(self) -> dict[str, float]:
        """Every counter in percent of all cycles."""
        counts = asdict(self) | {"unused": self.unused}
        return {name: 100 * value / max(1, self.total) for name, value in counts.items()}


class _Weights(NamedTuple):
    """When the weights of a multiplication arrived, and when their shift ran."""

    arrival: int
    shift_start: int
    shift_end: int


_NONE = _Weights(0, 0, 0)


def tpu_counters(timeline: Timeline, accelerator: Accelerator) -> TpuCounters:
    """Count a run on a chip with an array.

    Raises `ValueError` for a chip without one.
    """
    if not accelerator.is_systolic:
        raise ValueError(f"Design '{accelerator.name}' must have a systolic array.")
    return _Counting(timeline, accelerator).run()


class _Counting:
    """Goes through the program once; the array and the vector unit share the COMPUTE engine."""

    def __init__(self, timeline: Timeline, accelerator: Accelerator) -> None:
        program = timeline.program
        self.timeline, self.program = timeline, program
        self.retired = [timeline.finish[program.engine == engine] for engine in Engine]
        self.cells = accelerator.array_rows * accelerator.array_columns
        self.buffers = {0: _NONE, 1: _NONE}
        self.cursor = 0  # end of the last compute instruction
        self.matmul_end = 0
        self.active = self.stall = self.shift = self.raw = self.input = 0
        self.useful = 0.0

    def run(self) -> TpuCounters:
        """Every instruction in order."""
        for number, opcode in enumerate(self.program.opcode.tolist()):
            if opcode == Opcode.SHIFT_WEIGHTS:
                self._note_shift(number)
            elif opcode == Opcode.MATMUL:
                self._multiplication(number)
            if self.program.engine[number] == Engine.COMPUTE:
                self.cursor = int(self.timeline.finish[number])
        total = self.timeline.latency_cycles
        rest = total - self.active - self.stall - self.shift
        return TpuCounters(
            total, self.active, self.stall, self.shift, rest, self.raw, self.input, self.useful
        )

    def _retirement(self, number: int, engine: Engine) -> int:
        """The cycle in which an instruction's wait for an engine was over."""
        count = int(self.program.wait[number, engine])
        return int(self.retired[engine][count - 1]) if count else 0

    def _note_shift(self, number: int) -> None:
        times = self.timeline
        self.buffers[int(self.program.operand[number, Shift.BUFFER])] = _Weights(
            self._retirement(number, Engine.PARAM),
            int(times.start[number]),
            int(times.finish[number]),
        )

    def _multiplication(self, number: int) -> None:
        operand = self.program.operand[number]
        start, end = int(self.timeline.start[number]), int(self.timeline.finish[number])
        stays = bool(operand[Matmul.FLAGS] & ComputeFlag.OUTPUT_STATIONARY)
        if stays:
            arrival = self._retirement(number, Engine.PARAM)
            weights = _Weights(arrival, arrival, arrival)
        else:
            weights = self.buffers[int(operand[Matmul.BUFFER])]
        self._idle(number, start, weights)
        self.active += end - start
        self.matmul_end = end
        self.useful += (end - start) * self._share(operand, end - start, stays=stays)

    def _idle(self, number: int, start: int, weights: _Weights) -> None:
        """Share out the cycles between the compute instruction before and this one."""
        self.raw += self.cursor - self.matmul_end  # the vector unit
        self.stall += _overlap(self.cursor, start, 0, weights.arrival)
        self.shift += _overlap(self.cursor, start, weights.shift_start, weights.shift_end)
        # With its weights in place it waits for activations or for its instruction.
        waits_from = max(self.cursor, weights.shift_end)
        visible = int(self.timeline.visible[number])
        arrived = self._retirement(number, Engine.ACT)
        self.input += _overlap(waits_from, start, visible, arrived)
        self.raw += _overlap(waits_from, start, max(visible, arrived), start)

    def _share(self, operand: Column, cycles: int, *, stays: bool) -> float:
        """Of the cells' work in these cycles, how much multiplies weights of the layer."""
        taps = int(operand[Matmul.KERNEL_ROWS]) * int(operand[Matmul.KERNEL_COLUMNS])
        depth = taps * int(operand[Matmul.IN_CHANNELS])
        used = depth * int(operand[Matmul.OUT_CHANNELS])
        if not stays:
            return used / self.cells
        positions = int(operand[Matmul.ROWS]) * int(operand[Matmul.COLUMNS])
        wide = (ComputeFlag.WIDE_SOURCE, ComputeFlag.WIDE_SECOND)
        rate = 1 << sum(bool(operand[Matmul.FLAGS] & flag) for flag in wide)
        return used * rate * positions / (self.cells * cycles)


def _overlap(start: int, end: int, low: int, high: int) -> int:
    return max(0, min(end, high) - max(start, low))
