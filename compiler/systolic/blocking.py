"""Blocks of a matrix multiplication that goes through scratchpads: the rule of Gemmini's library.

With a scratchpad rather than a weight FIFO, a block of I x J x K tiles of the array's size is
loaded while the one before it is multiplied. The rule (`tiled_matmul_auto`, double-buffered, of
ucb-bar/gemmini-rocc-tests): I and J start at the square root of half the accumulators, K at what
then fills half the scratchpad; J, I and K grow by one in turn as long as a block fits.
"""

import math
from dataclasses import dataclass

from apollo.arch.accelerator import Accelerator
from apollo.arch.operands import RECORD_BYTES
from apollo.compiler.errors import DoesNotFit


@dataclass(frozen=True)
class Block:
    """Tiles of a block: rows of the output, its columns, and the reduction."""

    rows: int
    columns: int
    depth: int


@dataclass(frozen=True)
class Room:
    """What a block may take, in tiles: of both operands together, of each, and of sums."""

    operands: int
    first: int
    second: int
    sums: int

    def holds(self, block: Block) -> bool:
        """Whether a block fits."""
        first, second = block.rows * block.depth, block.depth * block.columns
        return (
            first + second <= self.operands
            and first <= self.first
            and second <= self.second
            and block.rows * block.columns <= self.sums
        )


def grow(whole: Block, room: Room) -> Block:
    """The block of the rule for a multiplication of `whole` tiles."""
    side = max(1, math.isqrt(room.sums))
    depth = max(1, room.operands // 2 // side)
    block = Block(
        min(whole.rows, side),
        min(whole.columns, side),
        # Where each operand has its own memory, no more than it holds.
        min(whole.depth, depth, room.first // side or 1, room.second // side or 1),
    )
    while True:
        before = block
        for step in (Block(0, 1, 0), Block(1, 0, 0), Block(0, 0, 1)):
            larger = Block(
                block.rows + step.rows, block.columns + step.columns, block.depth + step.depth
            )
            within = (
                larger.rows <= whole.rows
                and larger.columns <= whole.columns
                and larger.depth <= whole.depth
            )
            if within and room.holds(larger):
                block = larger
        if block == before:
            return block


@dataclass(frozen=True)
class Halves:
    """What a block may take of each memory, all used in halves: bytes, of sums rows."""

    first_bytes: int  # of PE memory: first operands, from 0
    result_bytes: int  # behind both of them
    second_bytes: int  # of core memory: second operands, from 0
    record_bytes: int  # behind both of them
    sum_rows: int


def halve(accelerator: Accelerator) -> Halves:
    """Divide the memories.

    Results, which Gemmini stores from its accumulators, land in PE memory: a byte for every sum.
    Raises `DoesNotFit` when not even one tile of each operand fits in half of its memory.
    """
    rows, columns = accelerator.array_rows, accelerator.array_columns
    sum_rows = accelerator.accumulator_rows // 2
    result_bytes = min(sum_rows * columns, accelerator.pe_memory_bytes // 4)
    record_bytes = RECORD_BYTES * columns * max(1, sum_rows // rows)
    first_bytes = accelerator.pe_memory_bytes // 2 - result_bytes
    second_bytes = accelerator.core_memory_bytes // 2 - record_bytes
    tile = {"first": rows * rows, "second": rows * columns}
    for resource, demand, bound in (
        ("pe_memory", 2 * (tile["first"] + result_bytes), first_bytes - tile["first"]),
        ("core_memory", 2 * (tile["second"] + record_bytes), second_bytes - tile["second"]),
    ):
        if bound < 0:
            raise DoesNotFit(resource, "gemm", demand, getattr(accelerator, f"{resource}_bytes"))
    if sum_rows < rows:
        raise DoesNotFit("accumulator_rows", "gemm", 2 * rows, accelerator.accumulator_rows, "rows")
    return Halves(first_bytes, result_bytes, second_bytes, record_bytes, sum_rows)


def gemm_block(m: int, k: int, n: int, accelerator: Accelerator, halves: Halves) -> Block:
    """The block of a multiplication [m, k] x [k, n]."""
    rows, columns = accelerator.array_rows, accelerator.array_columns
    first = halves.first_bytes // (rows * rows)
    second = halves.second_bytes // (rows * columns)
    room = Room(first + second, first, second, halves.result_bytes // (rows * columns))
    whole = Block(math.ceil(m / rows), math.ceil(n / columns), math.ceil(k / rows))
    return grow(whole, room)
