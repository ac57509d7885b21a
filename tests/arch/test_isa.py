"""The tables of the instruction set, and what a program refuses (M3)."""

import re
from pathlib import Path

import numpy as np
import pytest

from apollo.arch.isa import (
    BYTES_OF,
    ENGINE_OF,
    ENGINES,
    FLAGS,
    FLAGS_OF,
    LEAST,
    MOST,
    OPCODE_BITS,
    SPECIFICATIONS,
    USUAL,
    Engine,
    Opcode,
)
from apollo.arch.listing import flags_of, listing
from apollo.arch.operands import OPERANDS, ComputeFlag, Load, Move, Window
from apollo.arch.program import Program
from tests.arch.programs import random_program

MANUAL = (Path(__file__).parents[2] / "docs" / "machine.md").read_text(encoding="utf-8")
Row = tuple[int, dict[int, int], dict[Engine, int]]


def program(*rows: Row) -> Program:
    """Instructions with usual operands but for those given."""
    opcode = np.array([row[0] for row in rows], np.int64)
    wait = np.zeros((len(rows), ENGINES), np.int64)
    operand = USUAL[np.clip(opcode, 0, len(Opcode) - 1)]
    for number, (_, operands, waits) in enumerate(rows):
        for slot, value in operands.items():
            operand[number, slot] = value
        for engine, value in waits.items():
            wait[number, engine] = value
    return Program(opcode, np.zeros(len(rows), np.int64), wait, operand, ("layer",))


LOAD = (Opcode.LOAD_PARAMETERS, {}, {})


@pytest.mark.parametrize("opcode", Opcode)
def test_every_opcode_is_specified_encoded_and_in_the_manual(opcode: Opcode) -> None:
    specification = SPECIFICATIONS[opcode]
    assert opcode < 1 << OPCODE_BITS
    assert f"`{opcode.name}`" in MANUAL
    assert ENGINE_OF[opcode] == specification.engine
    assert BYTES_OF[opcode] == specification.encoded_bytes
    slots = [field.slot for field in specification.fields]
    assert sorted(slots) == sorted(set(slots))
    for field in specification.fields:
        assert field.low <= field.usual <= field.high
        assert field.high - field.low < 1 << field.bits
        assert (LEAST[opcode, field.slot], MOST[opcode, field.slot]) == (field.low, field.high)
    others = [slot for slot in range(OPERANDS) if slot not in slots]
    assert not LEAST[opcode, others].any()
    assert not MOST[opcode, others].any()


@pytest.mark.parametrize("opcode", Opcode)
def test_the_flags_of_an_opcode_have_room_and_a_name(opcode: Opcode) -> None:
    assert FLAGS_OF[opcode] == FLAGS[opcode]
    fields = {field.name: field for field in SPECIFICATIONS[opcode].fields}
    if "flags" in fields:
        assert FLAGS[opcode] <= fields["flags"].high
        assert FLAGS[opcode] == sum(f for f in flags_of(opcode) if f & FLAGS[opcode])
    else:
        assert FLAGS[opcode] == 0


def test_the_tables_are_about_opcodes_and_nothing_else() -> None:
    assert set(SPECIFICATIONS) == set(FLAGS) == set(Opcode)
    assert set(BYTES_OF.tolist()) == {32, 48, 64}
    assert len(ENGINE_OF) == len(FLAGS_OF) == len(LEAST) == len(MOST) == len(Opcode)
    rules = {int(rule) for rule in re.findall(r"^\*\*M(\d+) ", MANUAL, re.M)}
    assert rules == set(range(1, max(rules) + 1))


def test_listing_names_operands_flags_and_waits() -> None:
    convolve = (
        Opcode.CONVOLVE,
        {Window.ROWS: 49, Window.FLAGS: ComputeFlag.ACCUMULATE | ComputeFlag.PARTIAL},
        {Engine.PARAM: 1},
    )
    assert list(listing(program(LOAD, convolve))) == [
        "# layer 0: layer",
        "00000  LOAD_PARAMETERS",
        "00001  CONVOLVE          rows=49 flags=accumulate+partial  | PARAM>=1",
    ]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ((99, {}, {}), "has an unknown opcode, 99"),
        ((-1, {}, {}), "has an unknown opcode, -1"),
        ((Opcode.MOVE, {Move.BYTES: -1}, {}), "(MOVE) must have bytes in 0..268435455, not -1"),
        (
            (Opcode.MOVE, {Move.SOURCE: 1 << 28}, {}),
            "(MOVE) must have source in 0..268435455, not 268435456",
        ),
        ((Opcode.MOVE, {Move.SPLIT_X: 4}, {}), "(MOVE) must have split_x in 0..3, not 4"),
        (
            (Opcode.CONVOLVE, {Window.ZERO_POINT: -32769}, {}),
            "(CONVOLVE) must have zero_point in -32768..32767, not -32769",
        ),
        (
            (Opcode.LOAD_PARAMETERS, {Load.STEP_CORE + 1: 7}, {}),
            "(LOAD_PARAMETERS) must have nothing in slot 9 in 0..0, not 7",
        ),
        (
            (Opcode.POOL_MAX, {Window.FLAGS: ComputeFlag.ACCUMULATE}, {}),
            "(POOL_MAX) must have no other flags than 84, not 1",
        ),
        ((Opcode.MOVE, {}, {Engine.STORE: -1}), "waits for -1 of STORE, which is below zero"),
        (
            (Opcode.MOVE, {}, {Engine.PARAM: 2}),
            "waits for an instruction that comes later: 2 of PARAM, of which 1 come before it",
        ),
        (
            (Opcode.MOVE, {}, {Engine.MOVE: 1}),
            "waits for its own engine, MOVE, which is in order by itself",
        ),
        ((Opcode.MOVE, {Move.BYTES: 1 << 40}, {}), f"must have 32-bit operands, not {1 << 40}"),
    ],
)
def test_invalid_programs_name_the_instruction(row: Row, what: str) -> None:
    with pytest.raises(ValueError, match=rf"^Instruction 1 of 2 {re.escape(what)} \(M3\)\.$"):
        program(LOAD, row)


def test_the_first_wrong_instruction_is_named() -> None:
    wrong = (Opcode.MOVE, {Move.BYTES: -1}, {})
    with pytest.raises(ValueError, match=r"^Instruction 1 of 4 "):
        program(LOAD, wrong, (77, {}, {}), wrong)


@pytest.mark.parametrize("layer", [-1, 1])
def test_a_layer_must_have_a_name(layer: int) -> None:
    good = program(LOAD)
    with pytest.raises(ValueError, match=rf"belongs to layer {layer}, but there are 1 \(M3\)\.$"):
        Program(good.opcode, np.array([layer]), good.wait, good.operand, ("layer",))


def test_columns_of_other_lengths_are_refused() -> None:
    good = program(LOAD)
    with pytest.raises(ValueError, match=r"^The columns of 1 instructions must not have shapes "):
        Program(good.opcode, good.layer, good.wait, good.operand[:, :-1], ("layer",))


def test_a_program_counts_its_instructions() -> None:
    counted = random_program(0, [Opcode.ADD, Opcode.MOVE, Opcode.ADD])
    assert counted.instructions_by_opcode() == {"MOVE": 1, "ADD": 2}
    assert counted.encoded_bytes.tolist() == [64, 64, 64]
    assert counted.engine.tolist() == [Engine.COMPUTE, Engine.MOVE, Engine.COMPUTE]
    assert len(counted) == 3
