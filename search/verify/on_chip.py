"""Multiplications whose data are on the chip: what the array does when nothing else holds it.

The program is shifts and multiplications only. Closed forms and the identities that relate them to
SCALE-Sim's (Samajdar et al., 2018) are derived in docs/systolic.md.
"""

import math
from dataclasses import dataclass

from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.isa import Opcode
from apollo.arch.operands import ComputeFlag
from apollo.arch.program import Program
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.geometry import Piece, Reduction, cut, pieces, reductions
from apollo.compiler.systolic.hazards import Access, Memory
from apollo.compiler.systolic.layers import Convolution, Shape, Window
from apollo.simulator.engine import simulate


@dataclass(frozen=True)
class Work:
    """A convolution (a matrix multiplication is one with rows of one position)."""

    name: str
    source: Shape
    window: Window
    out_channels: int

    @property
    def output(self) -> Shape:
        """Positions and channels of the result."""
        rows, columns = self.window.outputs(self.source)
        return Shape(self.source.images, rows, columns, self.out_channels)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """M, K and N of the multiplication that it amounts to."""
        output = self.output
        reduction = math.prod(self.window.kernel) * self.source.channels
        return output.images * output.positions, reduction, self.out_channels


def gemm(m: int, k: int, n: int) -> Work:
    """[m, k] x [k, n]."""
    return Work(f"gemm {m}x{k}x{n}", Shape(1, m, 1, k), Window((1, 1)), n)


@dataclass(frozen=True)
class Run:
    """Cycles of a work on an array of R x C, beside the closed forms."""

    work: Work
    rows: int
    columns: int
    output_stationary: bool
    depth_parts: int  # of K, weight-stationary
    position_parts: int  # of M, output-stationary
    cycles: int

    @property
    def tiles(self) -> int:
        """Ours: of weights, or of outputs."""
        across = math.ceil(self.work.out_channels / self.columns)
        return across * (self.position_parts if self.output_stationary else self.depth_parts)

    @property
    def least_tiles(self) -> int:
        """SCALE-Sim's: K (or M) in whole array rows."""
        m, k, n = self.work.sizes
        along = m if self.output_stationary else k
        return math.ceil(along / self.rows) * math.ceil(n / self.columns)

    @property
    def closed_form(self) -> int:
        """Ours, M21: from the first shift (or multiplication) to the last retirement."""
        m, k, _ = self.work.sizes
        if self.output_stationary:
            return self.tiles * max(k, self.rows)
        return self.rows + (self.tiles - 1) * max(m, self.rows) + m

    @property
    def scale_sim(self) -> int:
        """SCALE-Sim's: every tile alone, from its first fill to its last result."""
        return self.least_tiles * self._alone - 1

    @property
    def _alone(self) -> int:
        m, k, _ = self.work.sizes
        if self.output_stationary:
            return k + self.rows + self.columns - 2
        return m + 2 * self.rows + self.columns - 2

    @property
    def overlapped_skew(self) -> int:
        """Cycles in which results of a tile still run through the array beside the next one."""
        return self.tiles * (self.rows + self.columns - 2)

    @property
    def overlapped_shifts(self) -> int:
        """Cycles of shifts beside multiplications; below zero, of sums that wait to go out."""
        m, k, _ = self.work.sizes
        if self.output_stationary:
            return -self.tiles * max(0, self.rows - k)
        return (self.tiles - 1) * min(m, self.rows)

    @property
    def ragged_tiles(self) -> int:
        """Cycles of the tiles that are more than SCALE-Sim's, in its terms."""
        return (self.tiles - self.least_tiles) * self._alone

    @property
    def explained(self) -> int:
        """SCALE-Sim's cycles less ours, by cause; 1 is its count from zero."""
        return self.overlapped_skew + self.overlapped_shifts - self.ragged_tiles - 1


def run(work: Work, rows: int, columns: int, *, output_stationary: bool) -> Run:
    """Simulate a work on an array of that size."""
    accelerator = _chip(work, rows, columns)
    parts = reductions(
        Convolution("work", "x", "y", work.out_channels, work.window),
        (work.source,),
        work.sizes[1] if output_stationary else rows,
        work.source.channels,
    )
    spans = pieces(work.output, rows if output_stationary else work.sizes[0])
    program = _program(work, parts, spans, columns, output_stationary=output_stationary)
    timeline = simulate(program, accelerator)
    cycles = timeline.latency_cycles - int(timeline.start[0])
    return Run(work, rows, columns, output_stationary, len(parts), len(spans), cycles)


def _chip(work: Work, rows: int, columns: int) -> Accelerator:
    """TPU v1 with another array, and memories and an instruction stream that never bind."""
    tpu = load_design("tpu_v1")
    m, k, n = work.sizes
    values = {
        "array_rows": rows,
        "array_columns": columns,
        "accumulator_rows": m,
        "pe_memory_bytes": work.source.elements,
        "core_memory_bytes": k * n,
        "dram_gb_per_s": 170,
        "host_gb_per_s": 170,
    }
    fields = {name: getattr(tpu, name) for name in tpu.__dataclass_fields__} | values
    return Accelerator(**fields)


def _program(
    work: Work,
    parts: list[Reduction],
    spans: list[Piece],
    columns: int,
    *,
    output_stationary: bool,
) -> Program:
    builder = Builder()
    builder.layer(work.name)
    number = 0
    for _, width in cut(work.out_channels, columns):
        for part in parts:
            weights = Access(Memory.BUFFERS, number % 2, number % 2 + 1)
            if not output_stationary:
                _shift(builder, part, width, number % 2)
            for piece in spans:
                _multiply(builder, work, part, piece, width, weights, output_stationary)
            number += 1
    return builder.program(1 << 40)


def _shift(builder: Builder, part: Reduction, width: int, number: int) -> None:
    builder.add(
        Opcode.SHIFT_WEIGHTS,
        0,
        [Access(Memory.BUFFERS, number, number + 1, writes=True)],
        buffer=number,
        in_channels=part.size,
        out_channels=width,
        parameter_pitch=width,
    )


def _multiply(
    builder: Builder,
    work: Work,
    part: Reduction,
    piece: Piece,
    width: int,
    weights: Access,
    output_stationary: bool,
) -> None:
    window, source = work.window, work.source
    pitch = source.columns * source.channels
    row, column = piece.row * window.stride[0], piece.column * window.stride[1]
    at = (row + part.taps.row) * pitch + (column + part.taps.column) * source.channels
    extra = {"parameter_pitch": width} if output_stationary else {"buffer": weights.start}
    builder.add(
        Opcode.MATMUL,
        0,
        [] if output_stationary else [weights],
        rows=piece.rows,
        columns=piece.columns,
        in_channels=part.channels,
        out_channels=width,
        kernel_rows=part.taps.height,
        kernel_columns=part.taps.width,
        stride_rows=window.stride[0],
        stride_columns=window.stride[1],
        flags=int(ComputeFlag.OUTPUT_STATIONARY if output_stationary else ComputeFlag.NONE),
        source=piece.image * source.rows * pitch + at + part.first,
        source_row_pitch=pitch,
        source_column_pitch=source.channels,
        source_channel_pitch=1,
        **extra,
    )
