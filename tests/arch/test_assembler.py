import numpy as np
import pytest
from hypothesis import given

import apollo
from apollo.arch.assembler import assemble
from apollo.arch.isa import SPECIFICATIONS, Opcode, Program
from apollo.arch.listing import listing
from tests.strategies import programs


def assert_same_program(left: Program, right: Program) -> None:
    assert left.layer_names == right.layer_names
    for column in ("opcode", "layer", "wait"):
        np.testing.assert_array_equal(getattr(left, column), getattr(right, column))
    for number, opcode in enumerate(left.opcode):  # slots that an opcode has not are nobody's
        slots = list(SPECIFICATIONS[Opcode(int(opcode))].operands)
        np.testing.assert_array_equal(left.operand[number, slots], right.operand[number, slots])


@given(programs())
def test_random_programs_round_trip(program: Program) -> None:
    assert_same_program(assemble(listing(program)), program)


def test_a_compiled_network_round_trips() -> None:
    program = apollo.compile("mobilenet_v1_0.25_128", "edge_tpu_v3").cold
    assembled = assemble("\n".join(listing(program)))
    assert_same_program(assembled, program)
    assert list(listing(assembled)) == list(listing(program))


def test_numbers_comments_and_blank_lines_are_free() -> None:
    program = assemble("\n# a comment\nMOVE segment_bytes=5 source=0 destination=8 | MOVE>=0\n")
    assert len(program) == 1
    assert program.layer_names == ("program",)


def test_layers_may_not_be_skipped() -> None:
    with pytest.raises(ValueError, match=r"^There is no heading of layer 0, but of a later one\.$"):
        assemble("# layer 1: late\nMOVE segment_bytes=5 source=0 destination=8\n")


MOVE = "MOVE segment_bytes=5 source=0 destination=8"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("MOVES", "Line 2: there is no opcode 'MOVES'. Did you mean 'MOVE'?"),
        ("MOVE segment_bytes=5", "Line 2: MOVE lacks source, destination."),
        (MOVE + " sourc=1", "Line 2: MOVE has no operand 'sourc'. Did you mean 'source'?"),
        (MOVE + " source=1", "Line 2: operand 'source' is given twice."),
        ("MOVE segment_bytes=-5", "Line 2: 'segment_bytes=-5' must end with a number of at most"),
        (MOVE + " | PARAM=1", "Line 2: 'PARAM=1' is not a wait such as 'PARAM>=1'."),
        (MOVE + " | STORE>=1", "Instruction 1 of 2 waits for an instruction that comes later"),
        ("ADD flags=maybe", "Line 2: there is no flag 'maybe'."),
        ("!", "Line 2: '!' is not an instruction."),
        ("MOVE segment_bytes=9999999999999999999", "must end with a number of at most 63 bits."),
    ],
)
def test_wrong_lines_are_named(line: str, sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the sentence is compared below
        assemble(f"{MOVE}\n{line}\n")
    assert sentence in str(refusal.value)
