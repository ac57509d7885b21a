"""Whatever is wrong with what a command is given: one sentence, its exit code, no traceback.

Three tables are products: of commands that read a file and what may be wrong with it, of commands
that write one and where that cannot be, of options and numbers that they refuse. The last one has
the sentences of everything else.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner, Result

from apollo.arch.accelerator import design_text, load_design
from apollo.cli import app
from apollo.search.store import StudyRow
from tests.stored import row, save, trials

TINY = "conv:8x8x3x8x3x1"
GRAPH = "random:2x2:1 --cluster 2gpu --optimizer single"
EXPLORE = f"explore {TINY} --trials 2"
GOOD = design_text(load_design("edge_tpu_v1"))
LIGHT = Path(onnx.__file__).parent / "backend/test/data/light/light_squeezenet.onnx"

READERS = {
    "onnx": ["simulate {}", "compile {}", "explain {}", "trace {}", "workloads show {}",
             f"{EXPLORE} {{}}", "sweep {} --over lanes=16", "place {} --optimizer single",
             "compare edge_tpu_v1 edge_tpu_v2 --network {}", "workloads picture {} -o a.svg"],
    "tflite": ["simulate {}", "workloads show {} --partial"],
    "toml": [f"simulate {TINY} --design {{}}", f"{EXPLORE} --baseline {{}}",
             f"{EXPLORE} --space {{}}",
             f"{EXPLORE} --technology {{}}", f"place {GRAPH} --cluster {{}}",
             f"compare {{}} edge_tpu_v1 --network {TINY}", f"place codesign {TINY} --design {{}}",
             f"place codesign {TINY} --cluster {{}}", "place train random --cluster {} -o a.npz"],
    "json": [f"place {GRAPH} --placement {{}}", "place partition {} --optimizer random"],
    "program": ["simulate {}", "trace {}", "disassemble {}", "assemble {} -o out.program",
                "compare {} {}"],
    "db": ["study list --storage {}", "study best s --storage {}", "report s --storage {}",
           "study delete s --yes --storage {}", f"{EXPLORE} --warm-start {{}}#s",
           "dashboard s --storage {}", "worker --study s --idle 0 --storage {}"],
    "npz": ["place eval random --policy {}"],
    "csv": [f"workloads picture {TINY} -o a.svg --values {{}}"],
    "md": ["reproduce apollo --quick --dry-run --document {}"],
}  # fmt: skip
CONTENTS = {
    "empty": b"",
    "noise": bytes(range(256)) * 20,
    "latin": 'größe = "ü"\n'.encode("latin-1"),
    "text": b"hello world\n",
    "zeros": bytes(5000),
}
DEEP = b"a = " + b"[" * 5000
LONG = b"a = " + b"9" * 5000
FILES = ("missing", "folder", "loop", *CONTENTS)
# An empty table is a space, a technology or a design of usual values; a worker and a study make an
# empty database theirs, and a worker waits where there is none.
READ = {
    ("toml", "empty"): (f"place {GRAPH} --cluster {{}}", f"place codesign {TINY} --cluster {{}}"),
    ("db", "empty"): (),
    ("db", "missing"): ("study list --storage {}", "report s --storage {}"),
}

WRITERS = {
    f"trace {TINY} -o {{}}": ".pftrace",
    "study export stored -o {}": ".csv",
    "report stored -o {}": ".html",
    f"workloads picture {TINY} -o {{}}": ".svg",
    f"compile {TINY} --program {{}}": ".program",
    f"sweep {TINY} --over lanes=16 --output {{}}": ".csv",
    "assemble one.listing -o {}": ".program",
}
PLACES = ("nowhere/out", "folder", "file/out", "x" * 300)

NUMBERS = {
    f"simulate {TINY} --batch": "0 -1 x 1.5 nan",
    f"simulate {TINY} --states": "0 -1 65 x 99999999999999999999",
    f"simulate {TINY} --sparsity": "-1 1 nan inf x",
    f"trace {TINY} --window": f"1 a:b 5:5 9:2 -1:4 0:-1 99999999999:999999999999 0:{'9' * 5000}",
    f"workloads show {TINY} --sparsity 0.5 --block": "1 0x1 -1x1 axb",
    f"explore {TINY} --trials": "0 -1 x nan",
    f"{EXPLORE} --seed": "-1 x 9223372036854775808",
    f"{EXPLORE} --max-area": "-1 nan inf x",
    f"{EXPLORE} --jobs": "0 -1 1025 x",
    f"{EXPLORE} --warm-start stored --warm-points": "0 -1 x",
    f"{EXPLORE} --setting population=": "0 1 1.5 nan x true 1e400",
    f"{EXPLORE} --setting mutation=": "-1 2 nan x",
    f"{EXPLORE} --weight {TINY}=": "0 -1 nan inf x",
    f"{EXPLORE} --fix lanes=": "-1 1.5 nan x 1..",
    f"{EXPLORE} --range lanes=": "-1..8 9..8 x..y 1..2..3",
    f"{EXPLORE} --objective speedup^": "0 -1 nan x",
    f"{EXPLORE} --constraint area_mm2<=": "nan x -1",
    f"sweep {TINY} --over lanes=": "-1 1.5 nan x 8..4 1..4:0",
    f"sweep {TINY} --over batch=": "0 -1 x 1..99999999999999",
    f"contest {TINY} --trials 2 --seeds": "0 -1 x",
    f"contest {TINY} --seeds 1 --optimizers random --trials": "0 -1 x",
    "study best stored --count": "0 -1 x 9223372036854775808",
    "report stored --trial": "-1 20 x",
    "dashboard stored --port": "-1 65536 x",
    "vizier-service --port": "0 -1 65536 x",
    "worker --storage results/stored/study.db --study stored --idle": "-1 nan x",
    f"place {GRAPH} --seed": "-1 x 9223372036854775808",
    f"place {GRAPH} --simulations": "0 -1 x 9223372036854775808",
    f"place {GRAPH} --seconds": "0 -1 nan x",
    f"place {GRAPH} --groups": "0 -1 x",
    f"place {GRAPH} --micro-batches": "0 -1 2 x",
    f"place {GRAPH} --batch": "0 -1 x",
    "place train random --cluster 2gpu -o a.npz --members": "0 -1 x 99999999999",
    "place train random --cluster 2gpu -o a.npz --held-out": "-1 x",
    "place train random --cluster 2gpu -o a.npz --simulations": "0 -1 x",
    "place train random --cluster 2gpu -o a.npz --seed": "-1 x",
    "place partition throughput/resnet50_inference --simulations": "0 -1 x",
    "place partition throughput/resnet50_inference --seed": "-1 x",
    "place benchmark --seeds": "0 -1 x",
    f"place codesign {TINY} --chips": f"0 1 -1 65 x 2, {'9' * 5000}",
    f"place codesign {TINY} --trials": "-1 x",
    "reproduce apollo --quick --dry-run --jobs": "0 -1 1025 x",
    "config set jobs": "0 many 1.5",
}

SENTENCES = {
    "simulate mobilnet_v2": "Did you mean 'mobilenet_v2'?",
    "simulate gemm:0x1x1": "must have the form gemm:MxKxN with integers in 1..65536, for example "
    "gemm:128x256x64.",
    "simulate conv:8x8x3x8": "must have the form conv:HxWxCIxCOxKxS with integers in 1..65536",
    "simulate mobilenet_v1_9_9": "Width of network 'mobilenet_v1_9_9' must be one of 0.25, 0.5, "
    "0.75, 1.0, not 9.",
    "simulate cut.onnx": "'cut.onnx'",
    f"simulate {TINY} --design edge_tpu_9": "Did you mean 'edge_tpu_v3'?",
    f"simulate {TINY} --design odd.toml": "'lane' is not a field of a design. Did you mean "
    "'lanes'?",
    f"simulate {TINY} --design zero.toml": "lanes must be a positive integer, not 0.",
    f"simulate {TINY} --design huge.toml": "lanes must be at most 1,024, not ",
    f"simulate {TINY} --design nan.toml": "lanes must be a positive integer, not nan.",
    f"simulate {TINY} --shape x=1": "is built in: shapes can be given of files only.",
    f"simulate {TINY} --fix conv:nothing=1": "can be fixed, not 'nothing' ('conv:nothing=1').",
    f"simulate {TINY} --design tpu_v1 --states 3": "'tpu_v1'",
    "simulate one.listing --batch 2": "--batch 2 is for networks; a program has its batch in it.",
    "simulate one.listing --states 2": "--fix, --states, --sparse and --dense are for networks, "
    "not programs.",
    "trace one.listing --warm": "--warm is for networks; a program is one inference.",
    f"trace {TINY} -o run.txt": "A trace file must end in .pftrace or .vcd, not 'run.txt'.",
    "assemble one.listing -o one.listing": "'one.listing' is the listing itself; -o must name "
    "another file.",
    f"workloads show {TINY} --ends": "--prune, --block, --layers and --ends must come with "
    "--sparsity.",
    f"workloads picture {TINY} -o a.svg --sparsity 0.5": "--sparsity must come with --colour "
    "density.",
    f"{EXPLORE} --optimizer evolution": "Did you mean 'evolutionary'?",
    f"{EXPLORE} --optimizer nevergrad:": "Nevergrad has no optimizer ''.",
    f"{EXPLORE} --setting x": "--setting must be NAME=VALUE, not 'x'.",
    f"{EXPLORE} --setting popul=3": "Did you mean 'population'?",
    f"{EXPLORE} --objective nothing": "There is no objective 'nothing' (known: ",
    f"{EXPLORE} --constraint nothing<=5": "Constraint 'nothing <= 5' names no metric.",
    f"{EXPLORE} --mean x": "The mean must be one of geometric, arithmetic, least, not 'x'.",
    f"{EXPLORE} --backend x": "--backend must be processes or ray, not 'x'.",
    f"{EXPLORE} --share --jobs 2": "A shared study has workers of its own: leave --jobs away.",
    f"{EXPLORE} --study a/b": "the first a letter, a digit or '_', not 'a/b'.",
    f"{EXPLORE} --study {'x' * 300}": "File name too long.",
    f"{EXPLORE} --study stored": "Study 'stored' was made with ",
    f"{EXPLORE} {TINY}": "An exploration must name conv:8x8x3x8x3x1 once.",
    f"{EXPLORE} --output file": "Not a directory.",
    f"{EXPLORE} --storage mysql://host/db": "The storage must be a path, sqlite:///PATH or "
    "postgresql://USER@HOST/DATABASE, not 'mysql://host/db'.",
    "study list --storage postgresql://[::1": "The storage must be a path, sqlite:///PATH or ",
    "study list --storage postgresql://127.0.0.1:1/x": "cannot be reached: ",
    f"{EXPLORE} --warm-start nothing": "There is no study 'nothing' in 'results'.",
    f"{EXPLORE} --warm-start stored --warm-by x": "--warm-by must be one of best, prime, not 'x'.",
    "study best nothing": "There is no study 'nothing' in 'results'.",
    "study best stord": "Did you mean 'stored'?",
    "study front stored --least nothing": "There is no metric 'nothing' in this study (known: ",
    "study export stored -o rows.txt": "The file's name must end with .csv or .parquet, not "
    "'rows.txt'.",
    "study delete stored": "Nobody can be asked here: --yes must be given to delete for good.",
    "study merge stored nothing --into both": "There is no study 'nothing'",
    "study merge stored --into stored": "Study 'stored' is there and was not made of these",
    "report stored stored": "A report must name each study once, not stored, stored.",
    "sweep mobilenet_v2 --over lane=3": "Did you mean 'lanes'?",
    f"sweep {TINY} --over size=8": f"Network '{TINY}' must be a built-in one with sizes to choose.",
    "compare edge_tpu_v1 edge_tpu_v2": "Designs are compared on a network: --network must name it.",
    "compare stored edge_tpu_v1": "both must be of one kind.",
    f"compare stored stored --network {TINY}": "--network must be left out for studies.",
    f"compare edge_tpu_v1,lanes edge_tpu_v2 --network {TINY}": "'lanes' of 'edge_tpu_v1,lanes' "
    "must be PARAMETER=VALUE",
    "verify nothing": "There is nothing named 'nothing' to verify (known: systolic, ",
    "verify systolic --networks crnn": "--networks chooses networks of the part 'compiler' only.",
    "verify systolic --output file": "'file': File exists.",
    "reproduce nothing": "There is no system 'nothing' to reproduce (known: apollo, sparse, tpu, "
    "placement).",
    "reproduce tpu --part x": "--part, --without, --dry-run and --document are of apollo only.",
    "reproduce apollo --quick --part unbound --published file": "'file/apollo': Not a directory.",
    "reproduce apollo --quick --part x": "There is no part 'x' (known: ",
    "place nothing": "There is no graph 'nothing' to place: ",
    "place random:0x1:1": "must have the form random:LAYERSxWIDTH:SEED",
    f"place {GRAPH} --cluster 4gp": "Did you mean '4gpu'?",
    f"place {GRAPH} --optimizer nothing": "There is no optimizer 'nothing' for placements",
    "place random:2x2:1 --cluster alone.toml --optimizer single": "there must be 1 to 64 devices",
    f"place codesign {TINY} --design study:of-others": "Study 'of-others' is none of designs for "
    "networks.",
    f"explore {TINY} --trials 2 --study of-others": "Study 'of-others' was made with ",
    "place train nothing -o a.npz": "There is no family 'nothing' of graphs",
    "place partition throughput/nothing": "There is no partition graph 'throughput/nothing'.",
    "config set nothing 1": "'nothing' is not a setting (known: output, ",
}  # fmt: skip
INFEASIBLE = {
    "simulate mobilenet_v1_0.25_128 --design tight.toml": "does not fit: it needs at least ",
    f"{EXPLORE} --constraint area_mm2>=1e9": "leaves no design: the largest has ",
    f"sweep {TINY} --over lanes=0": "None of the points is feasible.",
    "study best nothing-feasible": "No trial of 'nothing-feasible' is feasible.",
    "study front nothing-feasible": "No trial of 'nothing-feasible' is feasible.",
}


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The files that the tables name, made once: what is refused leaves them as they are."""
    folder, before = tmp_path_factory.mktemp("bad"), Path.cwd()
    os.chdir(folder)
    for suffix in READERS:
        Path(f"folder.{suffix}").mkdir()
        Path(f"loop.{suffix}").symlink_to(f"loop.{suffix}")
        for name, content in CONTENTS.items():
            Path(f"{name}.{suffix}").write_bytes(content)
    Path("cut.onnx").write_bytes(LIGHT.read_bytes()[:1000])
    for name, line in {
        "odd": "lane = 3",
        "zero": GOOD.replace("lanes = 64", "lanes = 0"),
        "huge": GOOD.replace("lanes = 64", f"lanes = {10**30}"),
        "nan": GOOD.replace("lanes = 64", "lanes = nan"),
        "tight": GOOD.replace("core_memory_bytes = 32768", "core_memory_bytes = 128"),
        "alone": "devices = []",
    }.items():
        Path(f"{name}.toml").write_text(line, encoding="utf-8")
    Path("file").write_text("a file")
    Path("folder").mkdir()
    save(Path("results"), row("stored"), trials(20))
    save(Path("results"), row("nothing-feasible"), [t for t in trials(50) if not t.feasible][:1])
    save(Path("results"), StudyRow("of-others", "random", 0, {}, "1"), trials(5))
    run(f"compile {TINY} --program one.program")
    Path("one.listing").write_text(run("disassemble one.program").stdout, encoding="utf-8")
    yield folder
    os.chdir(before)


def run(line: str) -> Result:
    return CliRunner().invoke(app, line.split(" "))


def refused(line: str, code: int = 2) -> str:
    """The sentence of a command, which is all that it says; progress may stand before it."""
    result = run(line)
    assert result.exit_code == code, (line, result.output)
    assert result.stdout == "" or code == 3, line
    assert "Traceback" not in result.stderr
    assert "Internal" not in result.stderr
    if "Usage: " in result.stderr:  # of an option that is none, or a value of another type
        boxed = result.stderr.partition("Error")[2]
        return " ".join(re.sub(r"[╭╰│─╮╯]", " ", boxed).split())
    *_, last = result.stderr.strip().splitlines()
    sentence = last.removeprefix("apollo: ")
    assert sentence != last, line
    assert re.search(r"[.?]$", sentence), line
    return sentence


def readings() -> Iterator[tuple[str, str]]:
    for suffix, commands in READERS.items():
        for kind in FILES:
            for command in READ.get((suffix, kind), commands):
                yield command.replace("{}", f"{kind}.{suffix}"), f"{kind}.{suffix}"


@pytest.mark.parametrize(("line", "name"), [*readings()])
def test_a_file_that_cannot_be_read_is_named(line: str, name: str) -> None:
    assert name in refused(line)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[:12])
@pytest.mark.parametrize("command", WRITERS)
def test_a_file_that_cannot_be_written_is_named(command: str, place: str) -> None:
    path = f"{place}{WRITERS[command]}"
    if place == "folder":
        Path(path).mkdir(exist_ok=True)
    before = sorted(Path().rglob("*"))
    assert path in refused(command.format(path))
    assert sorted(Path().rglob("*")) == before


def numbers() -> Iterator[str]:
    for option, values in NUMBERS.items():
        between = "" if option.endswith(("=", "^")) else " "
        yield from (f"{option}{between}{value}" for value in values.split())


@pytest.mark.parametrize("line", [*numbers()])
def test_a_number_that_cannot_be_is_refused(line: str) -> None:
    value = re.split(r"[ =^]", line)[-1]
    assert refused(line)
    assert not Path("a.npz").exists(), value


@pytest.mark.parametrize("line", SENTENCES)
def test_what_is_wrong_is_said(line: str) -> None:
    assert SENTENCES[line] in refused(line)


@pytest.mark.parametrize("line", INFEASIBLE)
def test_what_is_not_feasible_has_a_code_of_its_own(line: str) -> None:
    assert INFEASIBLE[line] in refused(line, code=3)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("apollo.toml", b"jobs ="),
        ("apollo.toml", b"seed = 1e400"),
        ("apollo.toml", b'output = "\xe9"'),
        ("pyproject.toml", bytes(range(256))),
        ("pyproject.toml", b"tool = 3\ntool = 4"),
    ],
)
def test_a_wrong_file_of_settings_stops_every_command(file: str, text: bytes) -> None:
    Path(file).write_bytes(text)
    try:
        assert file in refused("designs")
    finally:
        Path(file).unlink()


@pytest.mark.parametrize("command", READERS["toml"])
@pytest.mark.parametrize(("text", "why"), [(DEEP, "too deep."), (LONG, "a number is too long.")])
def test_toml_that_python_does_not_read_is_said(command: str, text: bytes, why: str) -> None:
    Path("too.toml").write_bytes(text)
    assert refused(command.format("too.toml")).endswith(f"'too.toml' is not readable TOML: {why}")


def test_a_full_disk_is_said() -> None:
    for command in ("report stored -o", f"trace {TINY} -o", "study list --storage"):
        link = Path("full.vcd")
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/full")
        sentence = refused(f"{command} full.vcd")
        assert re.search("No space left on device|disk is full", sentence), sentence
