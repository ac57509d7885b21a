import numpy as np
import pytest

from apollo.arch.isa import (
    BYTES_OF,
    ENGINES,
    OPERANDS,
    SPECIFICATIONS,
    Compute,
    ComputeFlag,
    Engine,
    Opcode,
    Program,
)
from apollo.arch.listing import listing


def program(*rows: tuple[Opcode, dict[int, int], dict[Engine, int]]) -> Program:
    count = len(rows)
    opcode = np.array([row[0] for row in rows], np.int64)
    wait = np.zeros((count, ENGINES), np.int64)
    operand = np.ones((count, OPERANDS), np.int64)
    operand[:, Compute.FLAGS] = 0
    for number, (_, operands, waits) in enumerate(rows):
        for slot, value in operands.items():
            operand[number, slot] = value
        for engine, value in waits.items():
            wait[number, engine] = value
    return Program(opcode, np.zeros(count, np.int64), wait, operand, ("layer",))


LOAD = (Opcode.LOAD_PARAMETERS, {}, {})


def test_every_opcode_is_specified_in_16_32_or_48_bytes() -> None:
    assert set(SPECIFICATIONS) == set(Opcode)
    assert set(BYTES_OF.tolist()) <= {16, 32, 48}


def test_listing_names_operands_flags_and_waits() -> None:
    convolve = (
        Opcode.CONVOLVE,
        {Compute.POSITIONS: 49, Compute.FLAGS: ComputeFlag.ACCUMULATE | ComputeFlag.PARTIAL},
        {Engine.PARAM: 1},
    )
    assert list(listing(program(LOAD, convolve))) == [
        "# layer 0: layer",
        "00000  LOAD_PARAMETERS   segments=1 segment_bytes=1 dram_address=1 destination=0",
        "00001  CONVOLVE          positions=49 in_channels=1 out_channels=1 taps=1 "
        "flags=accumulate+partial source=1 parameters=1 destination=1  | PARAM>=1",
    ]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ((99, {}, {}), "has an unknown opcode"),
        ((Opcode.MOVE, {1: 0}, {}), "has a size below 1"),
        ((Opcode.CONVOLVE, {Compute.TAPS: 0}, {}), "has a size below 1"),
        ((Opcode.MOVE, {0: 2}, {}), "moves more than one segment"),
        ((Opcode.MOVE, {}, {Engine.STORE: -1}), "has a negative wait"),
        ((Opcode.MOVE, {}, {Engine.PARAM: 2}), "waits for an instruction that comes later"),
        ((Opcode.MOVE, {}, {Engine.MOVE: 1}), "waits for an instruction that comes later"),
    ],
)
def test_invalid_programs_name_the_instruction(row: tuple, what: str) -> None:
    with pytest.raises(ValueError, match=rf"^Instruction 1 of 2 {what} \(M3\)\.$"):
        program(LOAD, row)
