"""The instruction set: opcodes, their engines and operands, and a program as columns.

`I` instructions, `E` = 5 engines, `F` operand slots. The columns are the decoded form of the
instructions that the machine fetches (docs/machine.md, M3).
"""

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class Engine(IntEnum):
    """The five engines, each with its own in-order queue; also the order of stall causes."""

    PARAM = 0
    ACT = 1
    MOVE = 2
    COMPUTE = 3
    STORE = 4


class Opcode(IntEnum):
    """What an instruction does."""

    LOAD_PARAMETERS = 0
    LOAD_ACTIVATIONS = 1
    MOVE = 2
    STORE = 3
    CONVOLVE = 4
    DEPTHWISE = 5
    POOL_MAX = 6
    POOL_AVERAGE = 7
    ADD = 8
    MULTIPLY = 9
    LOOKUP = 10
    COPY = 11
    SOFTMAX = 12
    NORMALIZE = 13


class ComputeFlag(IntFlag):
    """What a compute instruction does with partial sums."""

    NONE = 0
    ACCUMULATE = 1  # adds to partial sums in PE memory
    PARTIAL = 2  # leaves partial sums instead of requantised outputs


class Transfer(IntEnum):
    """Operand slots of loads, stores and moves (a move has one segment)."""

    SEGMENTS = 0
    SEGMENT_BYTES = 1
    DRAM_ADDRESS = 2
    SOURCE = 3  # address in PE memory (stores, moves)
    DESTINATION = 4  # address in core memory or PE memory


class Compute(IntEnum):
    """Operand slots of compute instructions: the tile of the busiest core."""

    POSITIONS = 0
    IN_CHANNELS = 1
    OUT_CHANNELS = 2
    TAPS = 3
    FLAGS = 4
    SOURCE = 5  # address in PE memory
    PARAMETERS = 6  # address in core memory; second source of ADD and MULTIPLY
    DESTINATION = 7  # address in PE memory


ENGINES = len(Engine)
OPERANDS = 8


class Specification(NamedTuple):
    """How an opcode is executed and encoded."""

    engine: Engine
    encoded_bytes: int
    operands: tuple[IntEnum, ...]


_LOAD = (
    Transfer.SEGMENTS,
    Transfer.SEGMENT_BYTES,
    Transfer.DRAM_ADDRESS,
    Transfer.DESTINATION,
)
_MOVE = (Transfer.SEGMENT_BYTES, Transfer.SOURCE, Transfer.DESTINATION)
_STORE = (
    Transfer.SEGMENTS,
    Transfer.SEGMENT_BYTES,
    Transfer.DRAM_ADDRESS,
    Transfer.SOURCE,
)

SPECIFICATIONS: dict[Opcode, Specification] = {
    Opcode.LOAD_PARAMETERS: Specification(Engine.PARAM, 32, _LOAD),
    Opcode.LOAD_ACTIVATIONS: Specification(Engine.ACT, 32, _LOAD),
    Opcode.MOVE: Specification(Engine.MOVE, 32, _MOVE),
    Opcode.STORE: Specification(Engine.STORE, 32, _STORE),
} | {
    opcode: Specification(Engine.COMPUTE, 48, tuple(Compute))
    for opcode in Opcode
    if opcode >= Opcode.CONVOLVE
}

# The same as columns by opcode, for kernels.
ENGINE_OF = np.array([SPECIFICATIONS[opcode].engine for opcode in Opcode], dtype=np.int64)
BYTES_OF = np.array([SPECIFICATIONS[opcode].encoded_bytes for opcode in Opcode], dtype=np.int64)


@dataclass(frozen=True)
class Program:
    """An instruction stream.

    Raises `ValueError`, naming the instruction, when it breaks M3.
    """

    opcode: Ints  # [I] Opcode
    layer: Ints  # [I] index into layer_names
    wait: Ints  # [I, E] instructions each engine must have retired
    operand: Ints  # [I, F] by Transfer or Compute
    layer_names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check shapes, opcodes, layers, sizes and waits."""
        count = len(self.opcode)
        shapes = (self.layer.shape, self.wait.shape, self.operand.shape)
        if shapes != ((count,), (count, ENGINES), (count, OPERANDS)):
            raise ValueError(f"The columns of {count} instructions must not have shapes {shapes}.")
        self._refuse((self.opcode < 0) | (self.opcode >= len(Opcode)), "has an unknown opcode")
        layers = len(self.layer_names)
        self._refuse((self.layer < 0) | (self.layer >= layers), "belongs to no layer")
        sizes = np.where(
            self.engine == Engine.COMPUTE,
            self.operand[:, : Compute.FLAGS].min(axis=1),
            self.operand[:, : Transfer.DRAM_ADDRESS].min(axis=1),
        )
        self._refuse(sizes < 1, "has a size below 1")
        segments = self.operand[:, Transfer.SEGMENTS]
        self._refuse((self.opcode == Opcode.MOVE) & (segments != 1), "moves more than one segment")
        self._refuse(np.any(self.wait < 0, axis=1), "has a negative wait")
        self._refuse(
            np.any(self.wait > self._earlier(), axis=1), "waits for an instruction that comes later"
        )

    @property
    def engine(self) -> Ints:
        """The engine of each instruction, [I]."""
        return ENGINE_OF[self.opcode]

    @property
    def encoded_bytes(self) -> Ints:
        """The size of each instruction in bytes, [I]."""
        return BYTES_OF[self.opcode]

    def __len__(self) -> int:
        """Instructions."""
        return len(self.opcode)

    def _earlier(self) -> Ints:
        """For each instruction, how many of each engine come before it, [I, E]."""
        one_hot = np.eye(ENGINES, dtype=np.int64)[self.engine]
        return np.cumsum(one_hot, axis=0) - one_hot

    def _refuse(self, wrong: npt.NDArray[np.bool_], what: str) -> None:
        if wrong.any():
            first = int(np.argmax(wrong))
            raise ValueError(f"Instruction {first} of {len(self.opcode)} {what} (M3).")

    def instructions_by_opcode(self) -> dict[str, int]:
        """How often each opcode occurs, in order of opcode."""
        counts = Counter(self.opcode.tolist())
        return {opcode.name: counts[opcode] for opcode in Opcode if counts[opcode]}
