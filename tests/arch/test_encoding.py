"""Encoding (docs/machine.md, M31) against a second one, and what decoding refuses."""

import re

import numpy as np
import pytest
from hypothesis import given, settings

from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.encoding import decode, encode
from apollo.arch.isa import BYTES_OF, ENGINE_OF, ENGINES, USUAL, Engine, Opcode
from apollo.arch.operands import Shift
from apollo.arch.program import Program
from apollo.simulator.engine import simulate
from tests.arch.programs import (
    NAMES,
    assert_same_program,
    encoded_by_hand,
    programs,
    random_program,
)


def decoded(code: bytes, count: int) -> Program:
    return decode(code, np.zeros(count, np.int64), ("layer",))


@given(programs())
def test_random_programs_round_trip(program: Program) -> None:
    code = encode(program)
    assert code == encoded_by_hand(program)
    assert len(code) == program.encoded_bytes.sum()
    again = decode(code, program.layer, NAMES)
    assert_same_program(again, program)
    assert encode(again) == code


def test_every_opcode_round_trips() -> None:
    program = random_program(1, [opcode for opcode in Opcode for _ in range(50)])
    assert_same_program(decode(encode(program), program.layer, NAMES), program)


def test_an_instruction_written_out() -> None:
    """SHIFT_WEIGHTS: opcode 15; waits for PARAM, ACT, COMPUTE, STORE; buffer 1 from bit 57."""
    operand = np.zeros((1, 30), np.int64)
    operand[0, [Shift.BUFFER, Shift.IN_CHANNELS, Shift.OUT_CHANNELS]] = 1, 3, 5
    program = Program(
        np.array([Opcode.SHIFT_WEIGHTS]), np.zeros(1, np.int64), np.zeros((1, 5), np.int64),
        operand, ("layer",),
    )  # fmt: skip
    value = 15 | 1 << 57 | 3 << 58 | 5 << 78
    assert encode(program) == value.to_bytes(32, "little")


def test_old_waits_are_raised_to_the_newest_implied_ones() -> None:
    random = np.random.default_rng(2)
    program = random_program(3, random.integers(0, len(Opcode), 20_000).tolist())
    again = decode(encode(program), program.layer, NAMES)
    retired = np.maximum(np.arange(len(program)) - 8191, 0)  # the ring holds at most 8,191 more
    implied = np.array([np.bincount(program.engine[:n], minlength=5) for n in retired[::100]])
    implied[np.arange(len(implied)), program.engine[::100]] = 0
    np.testing.assert_array_equal(again.wait[::100], np.maximum(program.wait[::100], implied))
    assert (again.wait >= program.wait).all()
    np.testing.assert_array_equal(again.wait[:8192], program.wait[:8192])
    assert (again.wait != program.wait).any()
    for column in ("opcode", "layer", "operand"):
        np.testing.assert_array_equal(getattr(again, column), getattr(program, column))
    assert encode(again) == encode(program)
    assert_same_program(decode(encode(again), program.layer, NAMES), again)


@pytest.mark.parametrize("behind", [0, 1, 8190, 8191])
def test_waits_as_far_back_as_the_ring_are_exact(behind: int) -> None:
    """One store behind so many moves: all waits that a wait of 13 bits can mean."""
    moves = 9000
    program = random_program(0, [Opcode.MOVE] * moves + [Opcode.STORE])
    wait = np.zeros((moves + 1, ENGINES), np.int64)
    wait[-1, ENGINE_OF[Opcode.MOVE]] = moves - behind
    program = Program(program.opcode, program.layer, wait, program.operand, NAMES)
    assert_same_program(decode(encode(program), program.layer, NAMES), program)


def test_100_000_instructions_round_trip() -> None:
    random = np.random.default_rng(5)
    code = encode(random_program(5, random.integers(0, len(Opcode), 100_000).tolist()))
    decoded = decode(code, np.zeros(100_000, np.int32), NAMES)
    assert encode(decoded) == code  # waits that are implied are raised once


def test_decoding_names_the_instruction_that_is_wrong() -> None:
    code = encode(random_program(4, [Opcode.MOVE, Opcode.SHIFT_WEIGHTS, Opcode.ADD]))
    move, shift = 64, 32
    cases = {
        code[:move] + b"\x1f" + code[move + 1 :]: "Instruction 1 has an unknown opcode, 31 (M31).",
        code[: move + shift - 1] + b"\x80" + code[move + shift :]: (
            "Instruction 1 of 3 (SHIFT_WEIGHTS) must have zeros behind its operands (M31)."
        ),
        code[:-16]: "Instruction 2 (ADD) is cut off: it has 48 of 64 bytes (M31).",
        code[: move + shift + 1]: "Instruction 2 (ADD) is cut off: it has 1 of 64 bytes (M31).",
    }
    for wrong, sentence in cases.items():
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            decoded(wrong, 3)


def test_decoding_refuses_what_a_program_refuses() -> None:
    zeros = int(Opcode.MOVE).to_bytes(64, "little")
    with pytest.raises(ValueError, match=r"^Instruction 0 of 1 \(MOVE\) must have rows in 1\.\."):
        decoded(zeros, 1)
    later = (int(Opcode.MOVE) | 1 << 5).to_bytes(64, "little")
    with pytest.raises(ValueError, match=r"^Instruction 0 of 1 waits for an instruction that"):
        decoded(later, 1)
    with pytest.raises(ValueError, match=r"^The columns of 1 instructions must not have shapes"):
        decoded(encode(random_program(0, [Opcode.ADD])), 2)


def test_no_code_is_an_empty_program() -> None:
    assert len(decoded(b"", 0)) == 0
    assert encode(decoded(b"", 0)) == b""


@settings(max_examples=10, deadline=None)
@given(programs())
def test_a_flipped_bit_is_refused_or_another_program(program: Program) -> None:
    code = encode(program)
    for bit in range(0, 8 * len(code), 61):
        flipped = bytearray(code)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            again = decode(bytes(flipped), program.layer, NAMES)
        except ValueError:
            continue
        assert encode(again) == flipped


def test_sizes_are_those_of_the_manual() -> None:
    assert set(BYTES_OF.tolist()) == {32, 48, 64}


def test_a_run_does_not_depend_on_old_waits() -> None:
    """The smallest instructions fill the largest ring, so that its bound of 8,192 is met."""
    random = np.random.default_rng(7)
    opcode = np.full(30_000, Opcode.SHIFT_WEIGHTS, np.int64)
    opcode[random.random(len(opcode)) < 0.01] = Opcode.LOAD_PARAMETERS
    is_load = opcode == Opcode.LOAD_PARAMETERS
    wait = np.zeros((len(opcode), ENGINES), np.int64)
    moves = np.cumsum(~is_load)
    wait[is_load, Engine.MOVE] = moves[is_load] * random.random(int(is_load.sum()))
    operand = USUAL[opcode]
    program = Program(opcode, np.zeros(len(opcode), np.int64), wait, operand, ("layer",))
    again = decode(encode(program), program.layer, program.layer_names)
    assert (again.wait != program.wait).any()
    fields = vars(load_design("edge_tpu_v1")) | {
        "pes_x": 1, "pes_y": 1, "cores": 1, "instruction_memory_bytes": 1 << 18,
        "array_rows": 16, "array_columns": 16, "accumulator_rows": 16,
    }  # fmt: skip
    before, after = (simulate(p, Accelerator(**fields)) for p in (program, again))
    in_flight = np.arange(len(opcode)) - np.searchsorted(
        np.maximum.accumulate(before.finish), before.visible
    )
    assert in_flight.max() > 7900
    for column in ("visible", "start", "finish"):
        np.testing.assert_array_equal(getattr(before, column), getattr(after, column))
