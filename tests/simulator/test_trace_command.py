"""`apollo trace`: names, windows, sentences."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from apollo.arch.accelerator import design_text, load_design
from apollo.trace_command import trace
from tests.simulator.trace_files import read_perfetto, read_vcd

SMALL = "mobilenet_v1_0.25_128"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(trace)
    return CliRunner().invoke(app, arguments)


def test_the_file_is_named_by_network_and_design() -> None:
    result = run(SMALL, "--design", "edge_tpu_v3")
    assert result.exit_code == 0, result.output
    path = Path(f"{SMALL}_edge_tpu_v3.pftrace")
    assert f"written to '{path}'; open it in the viewer at ui.perfetto.dev." in result.stdout
    assert read_perfetto(path).slices


def test_names_become_one_file_name() -> None:
    Path("folder").mkdir()
    Path("folder/mine.toml").write_text(design_text(load_design("edge_tpu_v1")), encoding="utf-8")
    assert run("gemm:8x16x32", "--design", "folder/mine.toml").exit_code == 0
    (path,) = Path().glob("*.pftrace")
    assert path.stem.endswith("_mine")
    assert ":" not in path.name


def test_the_suffix_chooses_and_the_window_cuts() -> None:
    result = run(SMALL, "--warm", "--window", "1000:3000", "-o", "run.vcd")
    assert result.stdout.startswith("2,000 of ")
    cycles = read_vcd(Path("run.vcd"))
    assert sum(cycles["COMPUTE.state"].values()) == 2000


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-o", "run.json"], "A trace file must end in .pftrace or .vcd, not 'run.json'."),
        (["--window", "5"], "A window must be FIRST:LAST, two cycles, not '5'."),
        (
            ["-o", "no/run.vcd"],
            "A file could not be used: 'no/run.vcd': No such file or directory.",
        ),
    ],
)
def test_bad_arguments_are_refused_in_a_sentence(arguments: list[str], sentence: str) -> None:
    result = run(SMALL, *arguments)
    assert result.exit_code == 2
    assert result.stderr == f"apollo: {sentence}\n"
    assert not list(Path().iterdir())
