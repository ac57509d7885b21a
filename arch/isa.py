"""The instruction set: opcodes, their engines, and the fields of an encoded instruction.

The bits of an operand are by its name, the same in every format (docs/machine.md, M3, M22-M31).
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from apollo.arch.operands import (
    OPERANDS,
    Axis,
    ComputeFlag,
    Drain,
    Load,
    Matmul,
    Move,
    Shift,
    Transfer,
    TransferFlag,
    Vector,
    Window,
)


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
    CONVOLVE_SPARSE = 14
    SHIFT_WEIGHTS = 15  # systolic: core memory -> a weight buffer of the array
    MATMUL = 16  # systolic: PE memory x weight buffer -> accumulators
    DRAIN = 17  # systolic: accumulators -> requantised in PE memory
    STANDARDIZE = 18  # a layer normalisation before its scales


ENGINES = len(Engine)
OPCODE_BITS = 5
WAIT_BITS = 13  # modulo 8192: the ring holds fewer instructions (M3)

_ADDRESS_BITS, _DRAM_BITS, _PITCH_BITS, _STEP_BITS = 28, 31, 20, 16
# Operands that are below zero in some instruction, and so carry a sign.
_SIGNED_BITS = {
    "FIRST_ROW": 21,
    "FIRST_COLUMN": 15,
    "FIRST_CHANNEL": 17,
    "FILL": 8,
    "ZERO_POINT": 16,
    "LOW": 16,
    "HIGH": 16,
}
_USUAL = {"LOW": -128, "HIGH": 127}
# Sizes: at least one, but for what crosses the bus where a move only fills (M25).
_MAY_BE_NOTHING = ("BYTES",)
_SIZE_BITS = {
    "SEGMENTS": 20,
    "SEGMENT_BYTES": 31,
    "BLOCK_BYTES": 28,
    "BYTES": 28,
    "ROWS": 20,
    "COLUMNS": 14,
    "CHANNELS": 16,
    "IN_CHANNELS": 20,
    "OUT_CHANNELS": 16,
    "PASSES": 8,
    "KERNEL_ROWS": 9,
    "KERNEL_COLUMNS": 9,
    "STRIDE_ROWS": 6,
    "STRIDE_COLUMNS": 6,
    "DILATION_ROWS": 6,
    "DILATION_COLUMNS": 6,
    "BOX_ROWS": 20,
    "BOX_COLUMNS": 14,
    "BOX_CHANNELS": 16,
}
_OTHER_BITS = {
    "DRAM_ADDRESS": _DRAM_BITS,
    "DRAM_PITCH": _DRAM_BITS,
    "PAIRS": 22,
    "BUFFER": 1,
    "ACCUMULATOR": 20,
    "CORE_STEP": _STEP_BITS,
    "STEP_CORE": 13,
    **dict.fromkeys(("SOURCE", "SECOND", "DESTINATION", "ADDRESS"), _ADDRESS_BITS),
    **dict.fromkeys(("PARAMETERS", "PARTIAL"), _ADDRESS_BITS),
}


class Field(NamedTuple):
    """An operand's place in an encoded instruction."""

    slot: IntEnum
    bits: int
    low: int  # least value
    high: int

    @property
    def name(self) -> str:
        """The operand's name in listings."""
        return self.slot.name.lower()

    @property
    def usual(self) -> int:
        """The value that listings leave out: the least, but for what has a sign."""
        return _USUAL.get(self.slot.name, 0 if self.low < 0 else self.low)


class Specification(NamedTuple):
    """How an opcode is executed and encoded."""

    engine: Engine
    fields: tuple[Field, ...]

    @property
    def encoded_bytes(self) -> int:
        """Size of the instruction: its bits, in steps of 16 bytes."""
        waits = (ENGINES - 1) * WAIT_BITS
        bits = OPCODE_BITS + waits + sum(field.bits for field in self.fields)
        return -(-bits // 128) * 16


def _field(slot: IntEnum, opcode: Opcode) -> Field:
    name = slot.name
    if name in _SIGNED_BITS:
        bits = _SIGNED_BITS[name]
        return Field(slot, bits, -(1 << bits - 1), (1 << bits - 1) - 1)
    if name in _SIZE_BITS:
        bits = _SIZE_BITS[name]
        return Field(slot, bits, int(name not in _MAY_BE_NOTHING), (1 << bits) - 1)
    if name == "FLAGS":
        most = max(TransferFlag if opcode <= Opcode.STORE else ComputeFlag) * 2 - 1
        return Field(slot, most.bit_length(), 0, most)
    if "SPLIT" in name:
        return Field(slot, 2, 0, max(Axis))
    if name.endswith("PITCH") and name not in _OTHER_BITS:
        return Field(slot, _PITCH_BITS, 0, (1 << _PITCH_BITS) - 1)
    bits = _OTHER_BITS.get(name, _STEP_BITS)
    return Field(slot, bits, 0, (1 << bits) - 1)


_WINDOWS = (
    Opcode.CONVOLVE,
    Opcode.DEPTHWISE,
    Opcode.POOL_MAX,
    Opcode.POOL_AVERAGE,
    Opcode.CONVOLVE_SPARSE,
)
_FORMATS: dict[Opcode, tuple[Engine, type[IntEnum]]] = {
    Opcode.LOAD_PARAMETERS: (Engine.PARAM, Load),
    Opcode.LOAD_ACTIVATIONS: (Engine.ACT, Transfer),
    Opcode.MOVE: (Engine.MOVE, Move),
    Opcode.STORE: (Engine.STORE, Transfer),
    Opcode.SHIFT_WEIGHTS: (Engine.MOVE, Shift),
    Opcode.MATMUL: (Engine.COMPUTE, Matmul),
    Opcode.DRAIN: (Engine.MOVE, Drain),
}
SPECIFICATIONS: dict[Opcode, Specification] = {}
for _opcode in Opcode:
    _of_lanes = (Engine.COMPUTE, Window if _opcode in _WINDOWS else Vector)
    _engine, _format = _FORMATS.get(_opcode, _of_lanes)
    SPECIFICATIONS[_opcode] = Specification(
        _engine, tuple(_field(slot, _opcode) for slot in _format)
    )

_NARROW_OR_WIDE = ComputeFlag.WIDE_SOURCE | ComputeFlag.WIDE_DESTINATION
_LANES = ComputeFlag.SPLIT_POSITIONS | _NARROW_OR_WIDE
_SUMS = ComputeFlag.ACCUMULATE | ComputeFlag.PARTIAL | ComputeFlag.UNIFORM
_BINARY = _LANES | ComputeFlag.WIDE_SECOND | ComputeFlag.TFLITE_ROUNDING
# The flags that mean something to an opcode; a program sets no others.
FLAGS: dict[Opcode, int] = {
    Opcode.LOAD_PARAMETERS: 0,
    Opcode.LOAD_ACTIVATIONS: TransferFlag.WIDE,
    Opcode.MOVE: TransferFlag.WIDE | TransferFlag.HALO | TransferFlag.TO_CORE,
    Opcode.STORE: TransferFlag.WIDE,
    Opcode.CONVOLVE: _LANES | _SUMS | ComputeFlag.TFLITE_ROUNDING,
    Opcode.DEPTHWISE: _LANES | _SUMS | ComputeFlag.TFLITE_ROUNDING,
    Opcode.POOL_MAX: _LANES,
    Opcode.POOL_AVERAGE: _LANES,
    Opcode.ADD: _BINARY,
    Opcode.MULTIPLY: _BINARY,
    Opcode.LOOKUP: _LANES,
    Opcode.COPY: _LANES,
    Opcode.SOFTMAX: ComputeFlag.SPLIT_POSITIONS | ComputeFlag.WIDE_DESTINATION,
    Opcode.NORMALIZE: ComputeFlag.SPLIT_POSITIONS,
    Opcode.STANDARDIZE: ComputeFlag.SPLIT_POSITIONS | ComputeFlag.WIDE_DESTINATION,
    Opcode.CONVOLVE_SPARSE: _LANES | ComputeFlag.TFLITE_ROUNDING,
    Opcode.SHIFT_WEIGHTS: ComputeFlag.WIDE_SECOND,
    Opcode.MATMUL: ComputeFlag.ACCUMULATE
    | ComputeFlag.WIDE_SOURCE
    | ComputeFlag.WIDE_SECOND
    | ComputeFlag.OUTPUT_STATIONARY,
    Opcode.DRAIN: ComputeFlag.PARTIAL
    | ComputeFlag.TFLITE_ROUNDING
    | ComputeFlag.WIDE_DESTINATION
    | ComputeFlag.UNIFORM
    | ComputeFlag.OUTPUT_STATIONARY,
}

# The same as columns by opcode, for kernels.
ENGINE_OF = np.array([SPECIFICATIONS[opcode].engine for opcode in Opcode], dtype=np.int64)
BYTES_OF = np.array([SPECIFICATIONS[opcode].encoded_bytes for opcode in Opcode], dtype=np.int64)
FLAGS_OF = np.array([FLAGS[opcode] for opcode in Opcode], dtype=np.int64)
LEAST = np.zeros((len(Opcode), OPERANDS), dtype=np.int64)  # by opcode and slot
MOST = np.zeros((len(Opcode), OPERANDS), dtype=np.int64)
USUAL = np.zeros((len(Opcode), OPERANDS), dtype=np.int64)
for _opcode, _specification in SPECIFICATIONS.items():
    for _entry in _specification.fields:
        LEAST[_opcode, _entry.slot], MOST[_opcode, _entry.slot] = _entry.low, _entry.high
        USUAL[_opcode, _entry.slot] = _entry.usual
