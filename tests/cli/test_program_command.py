"""Programs in files: the commands, and one sentence for every kind of bad input."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from apollo.arch.program_file import read_program
from apollo.cli import app

SMALL = "mobilenet_v1_0.25_128"
LISTING = """\
# layer 0: load
00000  LOAD_PARAMETERS   segment_bytes=864 block_bytes=864
00001  LOAD_ACTIVATIONS  segment_bytes=300 columns=30 channels=10 box_columns=30 box_channels=10
# layer 1: [/add]
00002  COPY              rows=2 columns=15 out_channels=10 row_pitch=150  | ACT>=1
"""


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hand.listing").write_text(LISTING, encoding="utf-8")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def answer(*arguments: object) -> dict:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("apollo: ")
    return line.removeprefix("apollo: ")


def assemble() -> bytes:
    result = run("assemble", "hand.listing", "-o", "hand.program")
    assert result.stdout == "3 instructions (176 B) written to 'hand.program'.\n"
    return Path("hand.program").read_bytes()


def test_a_listing_comes_back() -> None:
    assemble()
    result = run("disassemble", "hand.program")
    assert result.exit_code == 0
    assert result.stdout == LISTING
    facts = answer("disassemble", "hand.program")
    assert facts["instructions"] == 3
    assert facts["instruction_bytes"] == 176


def test_simulate_runs_both_forms_alike() -> None:
    assemble()
    facts = answer("simulate", "hand.program", "--design", "edge_tpu_v1")
    assert facts | {"program": "hand.listing"} == answer("simulate", "hand.listing")
    assert facts["latency_ms"] == facts["cycles"] / 800_000
    assert facts["dram_bytes"] == {"FETCH": 256, "PARAM": 1024, "ACT": 512, "STORE": 0}
    assert sum(layer["cycles"] for layer in facts["layers"]) == facts["cycles"]
    for engine, stalls in facts["stall_cycles"].items():
        assert facts["busy_cycles"][engine] + sum(stalls.values()) == facts["cycles"]


def test_simulate_prints_tables() -> None:
    result = run("simulate", "hand.listing", "--design", "edge_tpu_v2")
    assert result.exit_code == 0, result.output
    for word in ("edge_tpu_v2, 1066 MHz", "bytes, PARAM", "COMPUTE", "[/add]", "bound by"):
        assert word in result.stdout


def test_compile_writes_programs_that_run_as_the_network_does() -> None:
    options = (SMALL, "--design", "edge_tpu_v1")
    network = answer("simulate", *options)
    result = run("compile", *options, "--program", "cold.program")
    assert "written to 'cold.program'." in result.stdout
    compiled = answer("compile", *options, "--warm", "--program", "warm.program")
    assert compiled["instructions"] == len(read_program(Path("warm.program")))
    assert answer("simulate", "cold.program", *options[1:])["cycles"] == network["cycles"]
    warm = answer("simulate", "warm.program", *options[1:])
    assert warm["cycles"] == network["warm_cycles"]
    assert warm["stall_cycles"] == network["stall_cycles"]
    assert warm["dram_bytes"] == network["dram_bytes"]
    assert [row["cycles"] for row in warm["layers"]] == [row["cycles"] for row in network["layers"]]
    listing = run("compile", *options, "--listing").stdout
    assert run("disassemble", "cold.program").stdout == listing


def test_trace_takes_a_program() -> None:
    assemble()
    assert "hand_edge_tpu_v1.pftrace" in run("trace", "hand.program").stdout
    result = run("trace", "hand.listing", "--window", "0:50", "-o", "run.vcd")
    assert result.stdout.startswith("50 of ")
    assert "--warm is for networks" in refused("trace", "hand.program", "--warm")


def test_a_network_is_meant_where_no_path_is_given() -> None:
    Path(SMALL).write_text("a file that happens to be here")
    assert answer("simulate", SMALL)["network"] == SMALL
    assert "There is no file 'none.onnx'." in refused("simulate", "none.onnx")
    assert "There is no network 'hand'" in refused("simulate", "hand")
    Path("hand").write_bytes(assemble())
    assert answer("simulate", "hand")["program"] == "hand"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Listing 'x.listing' has no instructions."),
        ("Dear reader,\n", "Listing 'x.listing': Line 1: there is no opcode 'Dear'."),
        ("FLY rows=2\n", "Listing 'x.listing': Line 1: there is no opcode 'FLY'."),
        ("\0\0\0", r"Listing 'x.listing': Line 1: '\x00\x00\x00' is not an instruction."),
        (
            "ADD | MOVE>=1\nMOVE\n",
            "Listing 'x.listing': Instruction 0 of 2 waits for an instruction that comes later: "
            "1 of MOVE, of which 0 come before it (M3).",
        ),
        (
            "MOVE source=268435456\n",
            "Listing 'x.listing': Instruction 0 of 1 (MOVE) must have source in 0..268435455, not "
            "268435456 (M3).",
        ),
    ],
)
def test_bad_listings_are_one_sentence(text: str, sentence: str) -> None:
    Path("x.listing").write_text(text, encoding="utf-8")
    assert refused("simulate", "x.listing") == sentence
    assert refused("assemble", "x.listing", "-o", "x.program") == sentence
    assert not Path("x.program").exists()


def test_bad_program_files_are_one_sentence() -> None:
    data = assemble()
    path = Path("x.program")
    for command in (("simulate", path), ("disassemble", path), ("trace", path)):
        path.write_bytes(data[:-1])
        assert refused(*command).startswith("Program file 'x.program' is cut off: it has ")
        path.write_bytes(data[:-1] + b"\0")
        assert refused(*command) == (
            "Program file 'x.program' is damaged: its checksum does not match."
        )
        path.write_bytes(data + data)
        assert refused(*command).endswith(" bytes after its end.")
        path.write_bytes(data[:8] + b"\x09" + data[9:])
        assert refused(*command) == (
            "Program file 'x.program' has version 9 of the format; this release reads version 1."
        )
    path.write_bytes(b"\x00\xff" * 5000)
    assert refused("simulate", path) == "'x.program' is neither a program file nor a listing."
    assert refused("disassemble", path) == "'x.program' is not a program file."
    assert refused("disassemble", "hand.listing") == "'hand.listing' is not a program file."


def test_paths_that_are_no_files_are_one_sentence() -> None:
    Path("folder.program").mkdir()
    for command in ("simulate", "disassemble", "trace"):
        assert refused(command, "folder.program") == (
            "A file could not be used: 'folder.program': Is a directory."
        )
        assert refused(command, "none.program") == (
            "A file could not be used: 'none.program': No such file or directory."
        )
        assert refused(command, "/dev/zero") == "'/dev/zero' is not a file."
    assert refused("assemble", "hand.listing", "-o", "no/x.program") == (
        "A file could not be used: 'no/x.program': No such file or directory."
    )
    assert refused("assemble", "hand.listing", "-o", "folder.program") == (
        "A file could not be used: 'folder.program': Is a directory."
    )
    assert refused("assemble", "hand.listing", "-o", "hand.listing") == (
        "'hand.listing' is the listing itself; -o must name another file."
    )
    assert Path("hand.listing").read_text() == LISTING


def test_a_program_that_does_not_fit_the_design_is_refused() -> None:
    Path("x.listing").write_text("LOAD_PARAMETERS block_bytes=1 destination=32768\n")
    sentence = refused("simulate", "x.listing", "--design", "edge_tpu_v1")
    assert sentence.startswith("Instruction 0 of 1 (LOAD_PARAMETERS) ")
    Path("x.listing").write_text("MATMUL\n")
    assert refused("trace", "x.listing").startswith("Instruction 0 of 1 (MATMUL) ")


def test_a_program_without_an_end_in_sight_is_refused() -> None:
    Path("x.listing").write_text("LOAD_PARAMETERS segments=1048575 segment_bytes=2147483647\n")
    assert refused("simulate", "x.listing") == (
        "The program moves 8.8e+12 bursts to and from memory, of which at most 4,294,967,296 are "
        "simulated."
    )


def test_a_batch_is_in_the_program() -> None:
    sentence = "--batch 2 is for networks; a program has its batch in it."
    assert refused("simulate", "hand.listing", "--batch", 2) == sentence
