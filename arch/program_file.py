"""Programs in files.

A program file is little-endian and has, in this order:

    8 B    magic, 89 "APOLLO" 0A: no text begins like this
    u32    version of the format
    u32    layers
    u64    instructions
    u64    runs of layers
    u64    bytes of the layer names
    u64    bytes of the instructions
    ...    runs: layer u32 and number of instructions u32, neighbours of one layer together
    ...    layer names: length u32, then UTF-8, for each layer
    ...    instructions, encoded (docs/machine.md, M31; `encoding`)
    32 B   SHA-256 of all before it

The version grows with every change of this format or of an instruction's encoding.
"""

import hashlib
import os
import stat
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.assembler import assemble
from apollo.arch.encoding import decode, encode
from apollo.arch.isa import BYTES_OF
from apollo.arch.program import Program
from apollo.arch.whole_file import whole_file

MAGIC = b"\x89APOLLO\n"
VERSION = 1
# Far above any program: what a file may make its reader allocate.
MOST_INSTRUCTIONS = 1 << 24
MOST_LAYERS = 1 << 20
MOST_NAME_BYTES = 1 << 26

_HEADER = struct.Struct("<8sIIQQQQ")
_LENGTH = struct.Struct("<I")
_RUN_BYTES = 8
_DIGEST_BYTES = hashlib.sha256().digest_size


class _Header(NamedTuple):
    """The sizes of what follows."""

    layers: int
    instructions: int
    runs: int
    name_bytes: int
    code_bytes: int

    @property
    def file_bytes(self) -> int:
        """Size of the whole file."""
        body = self.runs * _RUN_BYTES + self.name_bytes + self.code_bytes
        return _HEADER.size + body + _DIGEST_BYTES

    def fault(self) -> str | None:
        """What cannot be right, or None: checked before anything is allocated."""
        for what, count, most in (
            ("layers", self.layers, MOST_LAYERS),
            ("instructions", self.instructions, MOST_INSTRUCTIONS),
            ("bytes of layer names", self.name_bytes, MOST_NAME_BYTES),
        ):
            if count > most:
                return f"states {count:,} {what}, of which a program has at most {most:,}"
        least, most = (self.instructions * int(size) for size in (BYTES_OF.min(), BYTES_OF.max()))
        if not least <= self.code_bytes <= most:
            return f"states {self.code_bytes:,} bytes for {self.instructions:,} instructions"
        if self.runs > self.instructions:
            return f"states {self.runs:,} runs of layers for {self.instructions:,} instructions"
        return None


def write_program(program: Program, path: Path) -> None:
    """Write a program file, whole or not at all.

    Raises `ValueError` for a program that is larger than a file may be.
    """
    data = _file_of(program)
    with whole_file(path) as part:
        part.write_bytes(data)


def read_program(path: Path) -> Program:
    """Read a program file.

    Raises `ValueError`, one sentence, for any file that `write_program` did not write.
    """
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(_HEADER.size)
        header = _header(path, start, size)
        data = start + file.read(header.file_bytes - len(start))
    if len(data) < header.file_bytes:
        raise _truncated(path, len(data), header.file_bytes)
    content, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        raise ValueError(f"Program file '{path}' is damaged: its checksum does not match.")
    try:
        return _program(header, content)
    except ValueError as error:
        raise ValueError(f"Program file '{path}' is not valid: {error}") from None


def is_program_file(path: Path) -> bool:
    """Whether a file begins as program files do."""
    with _opened(path) as file:
        return file.read(len(MAGIC)) == MAGIC


def load_program(path: Path) -> Program:
    """The program in a program file or, as text, in a listing.

    Raises `ValueError`, one sentence, when the file is neither or when it is wrong.
    """
    if is_program_file(path):
        return read_program(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"'{path}' is neither a program file nor a listing.") from None
    try:
        program = assemble(text)
    except ValueError as error:
        raise ValueError(f"Listing '{path}': {error}") from None
    if len(program) == 0:
        raise ValueError(f"Listing '{path}' has no instructions.")
    return program


def _opened(path: Path) -> BinaryIO:
    if path.exists() and not path.is_dir() and not stat.S_ISREG(path.stat().st_mode):
        raise ValueError(f"'{path}' is not a file.")  # reading a device might never end
    return path.open("rb")


def _file_of(program: Program) -> bytes:
    code = encode(program)
    runs = _runs_of(program.layer)
    names = b"".join(
        _LENGTH.pack(len(text)) + text
        for text in (name.encode("utf-8") for name in program.layer_names)
    )
    layers, count = len(program.layer_names), len(program)
    header = _Header(layers, count, len(runs), len(names), len(code))
    if fault := header.fault():
        raise ValueError(f"A program file cannot hold this program: it {fault}.")
    content = _HEADER.pack(MAGIC, VERSION, *header) + runs.tobytes() + names + code
    return content + hashlib.sha256(content).digest()


def _runs_of(layer: npt.NDArray[np.integer]) -> npt.NDArray[np.uint32]:
    """Runs [runs, 2] of a layer: which, and how many instructions."""
    first = np.flatnonzero(np.diff(layer, prepend=-1))
    counts = np.diff(first, append=len(layer))
    return np.column_stack([layer[first], counts]).astype("<u4")


def _header(path: Path, start: bytes, size: int) -> _Header:
    """The header of a file of this size, checked against it."""
    if not start.startswith(MAGIC):
        raise ValueError(f"'{path}' is not a program file.")
    if len(start) < _HEADER.size:
        raise _truncated(path, len(start), _HEADER.size)
    _, version, *counts = _HEADER.unpack(start)
    if version != VERSION:
        raise ValueError(
            f"Program file '{path}' has version {version} of the format; this release reads "
            f"version {VERSION}."
        )
    header = _Header(*counts)
    if fault := header.fault():
        raise ValueError(f"Program file '{path}' {fault}.")
    if size < header.file_bytes:
        raise _truncated(path, size, header.file_bytes)
    if size > header.file_bytes:
        extra = size - header.file_bytes
        raise ValueError(f"Program file '{path}' goes on for {extra:,} bytes after its end.")
    return header


def _truncated(path: Path, size: int, expected: int) -> ValueError:
    return ValueError(
        f"Program file '{path}' is cut off: it has {size:,} of at least {expected:,} bytes."
    )


def _program(header: _Header, content: bytes) -> Program:
    """The program in a file whose sizes and checksum are right."""
    names_at = _HEADER.size + header.runs * _RUN_BYTES
    code_at = names_at + header.name_bytes
    table = np.frombuffer(content[_HEADER.size : names_at], "<u4").reshape(-1, 2).astype(np.int64)
    layer, counts = table[:, 0], table[:, 1]
    if int(counts.sum()) != header.instructions:
        raise ValueError(
            f"its runs of layers have {int(counts.sum()):,} instructions, "
            f"not {header.instructions:,}."
        )
    by_instruction = np.repeat(layer, counts)
    if not np.array_equal(_runs_of(by_instruction), table):
        raise ValueError("its runs of layers are empty or neighbours of one layer.")
    names = _names(content[names_at:code_at], header.layers)
    program = decode(content[code_at:], by_instruction, names)
    if len(program) != header.instructions:
        raise ValueError(f"it has {len(program):,} instructions, not {header.instructions:,}.")
    return program


def _names(data: bytes, layers: int) -> tuple[str, ...]:
    names = []
    position = 0
    for layer in range(layers):
        begin = position + _LENGTH.size
        if begin > len(data):
            raise ValueError(f"the name of layer {layer} is missing.")
        position = begin + _LENGTH.unpack_from(data, position)[0]
        if position > len(data):
            raise ValueError(f"the name of layer {layer} is cut off.")
        try:
            names.append(data[begin:position].decode("utf-8"))
        except UnicodeDecodeError:
            raise ValueError(f"the name of layer {layer} is not UTF-8.") from None
    if position != len(data):
        raise ValueError(f"{len(data) - position:,} bytes follow the layer names.")
    return tuple(names)
