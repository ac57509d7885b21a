"""Program files: what is written is read, and nothing else is."""

import hashlib
import os
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from apollo.arch.encoding import encode
from apollo.arch.isa import Opcode
from apollo.arch.listing import listing
from apollo.arch.program import Program
from apollo.arch.program_file import MAGIC, load_program, read_program, write_program
from tests.arch.programs import assert_same_program, programs, random_program, refusal_of

HEADER = struct.Struct("<8sIIQQQQ")  # magic, version, layers, instructions, runs, names, code


def small() -> Program:
    return random_program(8, [Opcode.LOAD_PARAMETERS, Opcode.ADD, Opcode.SHIFT_WEIGHTS])


def written(program: Program, path: Path) -> bytes:
    write_program(program, path)
    return path.read_bytes()


def sealed(content: bytes) -> bytes:
    """With the checksum that these bytes should have."""
    return content + hashlib.sha256(content).digest()


def with_header(data: bytes, **changes: int) -> bytes:
    names = ("magic", "version", "layers", "instructions", "runs", "name_bytes", "code_bytes")
    fields = dict(zip(names, HEADER.unpack_from(data), strict=True)) | changes
    return sealed(HEADER.pack(*fields.values()) + data[HEADER.size : -32])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(programs())
def test_random_programs_round_trip(tmp_path: Path, program: Program) -> None:
    data = written(program, tmp_path / "a.program")
    again = read_program(tmp_path / "a.program")
    assert_same_program(again, program)
    assert written(again, tmp_path / "b.program") == data


def test_a_file_is_what_its_format_says(tmp_path: Path) -> None:
    program = small()
    first = Program(program.opcode, np.array([1, 0, 0]), program.wait, program.operand, ("a", "é"))
    code = encode(first)
    content = HEADER.pack(b"\x89APOLLO\n", 1, 2, 3, 2, 4 + 1 + 4 + 2, len(code))
    content += struct.pack("<IIII", 1, 1, 0, 2)  # one instruction of layer 1, two of layer 0
    content += b"\x01\0\0\0a" + b"\x02\0\0\0\xc3\xa9" + code
    assert written(first, tmp_path / "x") == content + hashlib.sha256(content).digest()


def test_an_empty_program_is_a_program(tmp_path: Path) -> None:
    empty = random_program(0, [])
    write_program(empty, tmp_path / "x")
    assert_same_program(read_program(tmp_path / "x"), empty)


def test_load_takes_both_forms(tmp_path: Path) -> None:
    program = small()
    write_program(program, tmp_path / "a")
    (tmp_path / "b").write_text("\n".join(listing(program)), encoding="utf-8")
    assert_same_program(load_program(tmp_path / "a"), program)
    assert_same_program(load_program(tmp_path / "b"), program)


def test_truncation_at_every_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.program"
    data = written(small(), path)
    for end in range(len(data)):
        path.write_bytes(data[:end])
        what = "is cut off: it has " if end >= len(MAGIC) else "is not a program file."
        assert what in refusal_of(read_program, path)
        assert f"'{path}'" in refusal_of(read_program, path)


def test_every_flipped_bit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.program"
    data = written(small(), path)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert re.search(r"'.*x\.program'.*\.$", refusal_of(read_program, path)), bit


def test_flips_below_the_checksum_are_refused_or_a_program(tmp_path: Path) -> None:
    """As a program that writes such files could: with a checksum that is right."""
    path = tmp_path / "x.program"
    content = written(small(), path)[:-32]
    for bit in range(0, 8 * len(content), 3):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(sealed(bytes(flipped)))
        sentence = refusal_of(read_program, path)
        if sentence == "accepted":
            assert written(read_program(path), tmp_path / "y") == sealed(bytes(flipped))
        else:
            assert sentence.endswith("."), sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"version": 2}, " has version 2 of the format; this release reads version 1."),
        ({"instructions": 1 << 60}, " states 1,152,921,504,606,846,976 instructions, of which a "),
        ({"layers": 1 << 31}, " states 2,147,483,648 layers, of which a program has at most "),
        ({"name_bytes": 1 << 62}, " bytes of layer names, of which a program has at most "),
        ({"code_bytes": 1 << 63}, " states 9,223,372,036,854,775,808 bytes for 3 instructions."),
        ({"code_bytes": 16}, " states 16 bytes for 3 instructions."),
        ({"runs": 4}, " states 4 runs of layers for 3 instructions."),
        ({"instructions": 4}, " instructions, not 4."),
        ({"name_bytes": 200}, " is cut off: it has "),
        ({"name_bytes": 0}, " bytes after its end."),
        ({"layers": 0}, " is not valid: "),
    ],
)
def test_absurd_counts_are_refused(tmp_path: Path, changes: dict[str, int], sentence: str) -> None:
    path = tmp_path / "x.program"
    path.write_bytes(with_header(written(small(), path), **changes))
    assert sentence in refusal_of(read_program, path)
    assert refusal_of(read_program, path).startswith(f"Program file '{path}' ")


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (b"\xff\0\0\0abcdefgh", "the name of layer 0 is cut off."),
        (b"\x08\0\0\0abcd\xffefg", "the name of layer 0 is not UTF-8."),
        (b"\x07\0\0\0abcdefgh", "1 bytes follow the layer names."),
    ],
)
def test_wrong_names_are_refused(tmp_path: Path, names: bytes, sentence: str) -> None:
    path = tmp_path / "x.program"
    program = small()
    one = Program(program.opcode, program.layer * 0, program.wait, program.operand, ("12345678",))
    data = written(one, path)
    at = HEADER.size + 8
    path.write_bytes(sealed(data[:at] + names + data[at + 12 : -32]))
    assert refusal_of(read_program, path) == f"Program file '{path}' is not valid: {sentence}"


def test_a_wrong_instruction_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.program"
    data = bytearray(written(small(), path))
    data[-32 - 32 - 64] |= 31  # the opcode of the second instruction
    path.write_bytes(sealed(bytes(data[:-32])))
    assert refusal_of(read_program, path) == (
        f"Program file '{path}' is not valid: Instruction 1 has an unknown opcode, 31 (M31)."
    )


def test_trailing_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.program"
    path.write_bytes(written(small(), path) + b"!")
    assert refusal_of(read_program, path) == (
        f"Program file '{path}' goes on for 1 bytes after its end."
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Listing 'x' has no instructions."),
        (b"# only a comment\n", "Listing 'x' has no instructions."),
        (bytes(range(256)) * 8, "'x' is neither a program file nor a listing."),
        (MAGIC[:5], "'x' is neither a program file nor a listing."),
        (b"Dear reader,\n", "Listing 'x': Line 1: there is no opcode 'Dear'."),
        (b"MOVE | ACT>=1\n", "Listing 'x': Instruction 0 of 1 waits for an instruction that "),
    ],
)
def test_other_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x").write_bytes(content)
    assert refusal_of(load_program, Path("x")).startswith(sentence)
    assert refusal_of(read_program, Path("x")) == "'x' is not a program file."


def test_devices_and_folders_are_no_files(tmp_path: Path) -> None:
    assert refusal_of(load_program, Path("/dev/zero")) == "'/dev/zero' is not a file."
    for function in (load_program, read_program):
        with pytest.raises(IsADirectoryError):
            function(tmp_path)
        with pytest.raises(FileNotFoundError):
            function(tmp_path / "none")


def test_writing_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.program"
    before = written(small(), path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*x\.program'$"):
        write_program(random_program(9, [Opcode.ADD]), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.program"]


def test_writing_names_the_file_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as refusal:
        write_program(small(), tmp_path / "none" / "x")
    assert refusal.value.filename == str(tmp_path / "none" / "x")
    with pytest.raises(IsADirectoryError):
        write_program(small(), tmp_path)
    write_program(small(), Path("/dev/null"))
    assert not Path("/dev/null").is_file()


def test_a_link_is_written_through(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    write_program(small(), link)
    assert link.is_symlink()
    assert_same_program(read_program(tmp_path / "target"), small())


def test_a_program_too_large_is_not_written(tmp_path: Path) -> None:
    program = small()
    long = Program(
        program.opcode, program.layer * 0, program.wait, program.operand, ("n" * (1 << 26),)
    )
    assert refusal_of(write_program, long, tmp_path / "x").startswith(
        "A program file cannot hold this program: it states 67,108,868 bytes of layer names,"
    )
    assert not list(tmp_path.iterdir())
