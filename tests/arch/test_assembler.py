"""Listings: text to program and back."""

import numpy as np
import pytest
from hypothesis import given

import apollo
from apollo.arch.assembler import assemble
from apollo.arch.isa import Opcode
from apollo.arch.listing import listing
from apollo.arch.operands import Move
from apollo.arch.program import Program
from tests.arch.programs import assert_same_program, programs, random_program, refusal_of


@given(programs())
def test_random_programs_round_trip(program: Program) -> None:
    lines = list(listing(program))
    assert_same_program(assemble(lines), program)
    assert_same_program(assemble("\n".join(lines)), program)


def test_every_opcode_round_trips() -> None:
    program = random_program(6, [opcode for opcode in Opcode for _ in range(20)])
    assert_same_program(assemble(listing(program)), program)


def test_a_compiled_network_round_trips() -> None:
    program = apollo.compile("mobilenet_v1_0.25_128", "edge_tpu_v3").cold
    assembled = assemble("\n".join(listing(program)))
    assert_same_program(assembled, program)
    assert list(listing(assembled)) == list(listing(program))


def test_numbers_comments_and_blank_lines_are_free() -> None:
    program = assemble("\n# a comment\nMOVE bytes=5 split_x=rows flags=none | MOVE>=0\n")
    assert len(program) == 1
    assert program.layer_names == ("program",)
    assert program.operand[0, Move.SPLIT_X] == 1


def test_no_text_is_an_empty_program() -> None:
    assert len(assemble("")) == 0
    assert_same_program(assemble(listing(assemble(""))), assemble(""))


def test_layers_without_instructions_keep_their_names() -> None:
    program = assemble("# layer 0: used\nMOVE\n# layer 1: empty\n")
    assert program.layer_names == ("used", "empty")
    assert_same_program(assemble(listing(program)), program)


def test_odd_names_are_quoted() -> None:
    names = ("plain name", "", " a", '"', "a\nMOVE", "\u2028", "\x1b[0m", "caf\u00e9")
    empty = assemble("")
    program = Program(empty.opcode, empty.layer, empty.wait, empty.operand, names)
    lines = list(listing(program))
    assert lines[0] == "# layer 0: plain name"
    assert lines[4] == '# layer 4: "a\\nMOVE"'
    assert lines[7] == "# layer 7: caf\u00e9"
    assert_same_program(assemble("\n".join(lines)), program)


def test_layers_may_not_be_skipped() -> None:
    with pytest.raises(ValueError, match=r"^There is no heading of layer 0, but of a later one\.$"):
        assemble("# layer 1: late\nMOVE\n")


LATER = "Instruction 1 of 2 waits for an instruction that comes later: "


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("MOVES", "Line 2: there is no opcode 'MOVES'. Did you mean 'MOVE'?"),
        ("MOVE sourc=1", "Line 2: MOVE has no operand 'sourc'. Did you mean 'source'?"),
        ("MOVE source=1 source=1", "Line 2: operand 'source' is given twice."),
        ("MOVE source=", "Line 2: 'source=' must end with a number of at most 63 bits."),
        ("MOVE source=1.5", "Line 2: 'source=1.5' must end with a number of at most 63 bits."),
        (
            "MOVE source=\u0663",
            "Line 2: 'source=\u0663' must end with a number of at most 63 bits.",
        ),
        (
            "MOVE bytes=9999999999999999999",
            "Line 2: 'bytes=9999999999999999999' must end with a number of at most 63 bits.",
        ),
        ("MOVE bytes=99999999999", "Instruction 1 of 2 must have 32-bit operands, not 99999999999"),
        ("MOVE bytes=-5", "Instruction 1 of 2 (MOVE) must have bytes in 0..268435455, not -5"),
        ("MOVE split_x=diagonal", "Line 2: 'split_x=diagonal' must name one of none, rows, "),
        ("MOVE | PARAM=1", "Line 2: 'PARAM=1' is not a wait such as 'PARAM>=1'."),
        ("MOVE | PARAM>=0 PARAM>=0", "Line 2: the wait for PARAM is given twice."),
        ("MOVE | STORE>=1", f"{LATER}1 of STORE, of which 0 come before it (M3)."),
        ("ADD | MOVE>=2", f"{LATER}2 of MOVE, of which 1 come before it (M3)."),
        ("ADD | MOVE>=-2", "Instruction 1 of 2 waits for -2 of MOVE, which is below zero (M3)."),
        ("ADD flags=maybe", "Line 2: ADD has no flag 'maybe'."),
        ("POOL_MAX flags=partial", "Instruction 1 of 2 (POOL_MAX) must have no other flags than"),
        ("!", "Line 2: '!' is not an instruction."),
        ("\x00" * 1000, f"Line 2: '{chr(92)}x00{chr(92)}x00"),
        ('# layer 1: "open', "Line 2: '\"open' is not the name of a layer."),
        ('# layer 1: "\\ud800"', "Line 2: '\"\\\\ud800\"' is not the name of a layer."),
    ],
)
def test_wrong_lines_are_named(line: str, sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the sentence is compared below
        assemble(f"MOVE\n{line}\n")
    assert str(refusal.value).startswith(sentence)
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize("word", ["9", "a", "=", "|", ">", "\x00", '"', "# layer 1: "])
@pytest.mark.parametrize("before", ["", "MOVE ", "MOVE source=", "MOVE | PARAM>=", "# layer "])
def test_long_rubbish_is_refused_in_a_sentence(before: str, word: str) -> None:
    """Neither the limit of Python's integers nor a quarter of a megabyte in a message."""
    sentence = refusal_of(assemble, before + word * (250_000 // len(word)))
    assert len(sentence) < 800
    assert "int_max_str_digits" not in sentence


@given(programs())
def test_text_cut_anywhere_is_refused_or_a_program(program: Program) -> None:
    text = "\n".join(listing(program))
    for end in np.linspace(0, len(text), 20).astype(int):
        assert refusal_of(assemble, text[:end]).endswith((".", "?", "accepted"))
