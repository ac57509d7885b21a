"""Programs as the bytes that the machine fetches, and back (docs/machine.md, M31).

An instruction is a little-endian bit string: opcode, the waits for the four other engines, the
operands of its format in order; zeros fill it up to 32, 48 or 64 bytes. Waits are modulo 8,192:
which instruction is meant follows from the newest wait that is implied by being fetched at all.

`I` instructions, `E` = 5 engines, `F` operand slots; all instructions of an opcode at a time.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import (
    BYTES_OF,
    ENGINE_OF,
    ENGINES,
    OPCODE_BITS,
    SPECIFICATIONS,
    WAIT_BITS,
    Engine,
    Opcode,
)
from apollo.arch.operands import OPERANDS
from apollo.arch.program import Program, narrow

Ints = npt.NDArray[np.integer]
Words = npt.NDArray[np.uint64]

WAIT_MODULUS = 1 << WAIT_BITS
ROW_BYTES = 16  # every size and so every beginning of an instruction is a multiple
_WORD_BITS = 64
_OPCODE_MASK = (1 << OPCODE_BITS) - 1


class _Place(NamedTuple):
    """Where a wait or operand is."""

    column: int  # of [I, E + F]: waits by engine, then operands by slot
    first_bit: int
    bits: int
    signed: bool


def encode(program: Program) -> bytes:
    """The instructions of a program; its layers are not in them.

    A wait that is older than the newest implied one is encoded as that one.
    """
    opcode = program.opcode
    sizes = BYTES_OF[opcode] // ROW_BYTES
    starts = np.cumsum(sizes) - sizes
    rows = np.zeros((int(sizes.sum()), ROW_BYTES // 8), "<u8")
    wait = np.maximum(program.wait, _implied_waits(ENGINE_OF[opcode])) % WAIT_MODULUS
    columns = np.concatenate([wait, program.operand], axis=1)
    for kind in map(Opcode, np.unique(opcode).tolist()):
        numbers = np.flatnonzero(opcode == kind)
        words = _pack(kind, columns[numbers])
        rows[_rows_of(kind, starts[numbers])] = words.reshape(len(numbers), -1, rows.shape[1])
    return rows.tobytes()


def decode(code: bytes, layer: Ints, layer_names: tuple[str, ...]) -> Program:
    """The program of these instructions, each with its layer.

    Raises `ValueError` that names the instruction: an unknown opcode, bits that must be zero,
    code that ends inside it, or what `Program` refuses.
    """
    opcode = _opcodes(code)
    sizes = BYTES_OF[opcode] // ROW_BYTES
    starts = np.cumsum(sizes) - sizes
    rows = np.frombuffer(code, "<u8").reshape(-1, ROW_BYTES // 8)
    columns = np.zeros((len(opcode), ENGINES + OPERANDS), np.int64)
    spare = np.zeros(len(opcode), np.bool_)
    for kind in map(Opcode, np.unique(opcode).tolist()):
        numbers = np.flatnonzero(opcode == kind)
        words = rows[_rows_of(kind, starts[numbers])].reshape(len(numbers), -1)
        columns[numbers] = _unpack(kind, words)
        spare[numbers] = (words & _spare_bits(kind)).any(axis=1)
    if spare.any():
        number = int(spare.argmax())
        name = Opcode(int(opcode[number])).name
        raise ValueError(
            f"Instruction {number} of {len(opcode)} ({name}) must have zeros behind its operands "
            "(M31)."
        )
    engine = ENGINE_OF[opcode]
    implied = _implied_waits(engine)
    wait = implied + (columns[:, :ENGINES] - implied) % WAIT_MODULUS
    wait[np.arange(len(opcode)), engine] = 0
    return Program(
        opcode=narrow(opcode, "opcode"),
        layer=narrow(layer, "layer"),
        wait=narrow(wait, "wait"),
        operand=narrow(columns[:, ENGINES:], "operand"),
        layer_names=layer_names,
    )


def _layout(opcode: Opcode) -> tuple[list[_Place], int]:
    """Places of waits and operands, and how many bits are used."""
    specification = SPECIFICATIONS[opcode]
    fields = [(int(e), WAIT_BITS, False) for e in Engine if e != specification.engine]
    fields += [(ENGINES + f.slot, f.bits, f.low < 0) for f in specification.fields]
    bit = OPCODE_BITS
    places = []
    for column, bits, signed in fields:
        places.append(_Place(column, bit, bits, signed))
        bit += bits
    return places, bit


def _pack(opcode: Opcode, columns: Ints) -> Words:
    """Columns [I, E + F] of an opcode as words [I, words of an instruction]."""
    words = np.zeros((len(columns), int(BYTES_OF[opcode]) * 8 // _WORD_BITS), np.uint64)
    words[:, 0] = opcode
    for place in _layout(opcode)[0]:
        bits = columns[:, place.column].astype(np.int64) & ((1 << place.bits) - 1)
        value = bits.astype(np.uint64)
        word, shift = divmod(place.first_bit, _WORD_BITS)
        words[:, word] |= value << np.uint64(shift)
        if shift + place.bits > _WORD_BITS:
            words[:, word + 1] |= value >> np.uint64(_WORD_BITS - shift)
    return words


def _unpack(opcode: Opcode, words: Words) -> Ints:
    """The inverse of `_pack`."""
    columns = np.zeros((len(words), ENGINES + OPERANDS), np.int64)
    for place in _layout(opcode)[0]:
        word, shift = divmod(place.first_bit, _WORD_BITS)
        value = words[:, word] >> np.uint64(shift)
        if shift + place.bits > _WORD_BITS:
            value |= words[:, word + 1] << np.uint64(_WORD_BITS - shift)
        number = (value & np.uint64((1 << place.bits) - 1)).astype(np.int64)
        if place.signed:
            number -= (number >> (place.bits - 1)) << place.bits
        columns[:, place.column] = number
    return columns


def _spare_bits(opcode: Opcode) -> Words:
    """The bits behind the operands, [words of an instruction]."""
    size = int(BYTES_OF[opcode])
    spare = (1 << 8 * size) - (1 << _layout(opcode)[1])
    return np.frombuffer(spare.to_bytes(size, "little"), "<u8")


def _rows_of(opcode: Opcode, starts: Ints) -> Ints:
    """The rows of 16 bytes of instructions that begin at these, [I, rows of an instruction]."""
    rows: Ints = starts[:, np.newaxis] + np.arange(int(BYTES_OF[opcode]) // ROW_BYTES)
    return rows


def _opcodes(code: bytes) -> npt.NDArray[np.int64]:
    """The opcode of every instruction, [I]."""
    sizes = BYTES_OF.tolist()
    opcodes: list[int] = []
    start = end = 0
    while end < len(code):
        start = end
        opcode = code[start] & _OPCODE_MASK
        if opcode >= len(sizes):
            raise ValueError(f"Instruction {len(opcodes)} has an unknown opcode, {opcode} (M31).")
        opcodes.append(opcode)
        end += sizes[opcode]
    if end > len(code):
        raise ValueError(
            f"Instruction {len(opcodes) - 1} ({Opcode(opcodes[-1]).name}) is cut off: it has "
            f"{len(code) - start} of {end - start} bytes (M31)."
        )
    return np.array(opcodes, np.int64)


def _implied_waits(engine: Ints) -> Ints:
    """For how many instructions of each engine nobody need wait, [I, E].

    An instruction is visible only when all but fewer than 8,192 before it have retired (M3, M12).
    """
    count = len(engine)
    before = np.zeros((count + 1, ENGINES), np.int64)
    np.cumsum(engine[:, np.newaxis] == np.arange(ENGINES), axis=0, out=before[1:])
    implied: Ints = before[np.maximum(np.arange(count) - (WAIT_MODULUS - 1), 0)]
    return implied
