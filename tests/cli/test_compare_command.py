"""`apollo compare`: kinds of arguments, tables, JSON, sentences."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from apollo.cli import app

SMALL = "mobilenet_v1_0.25_128"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def answer(*arguments: object) -> dict:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_designs_on_a_network() -> None:
    arguments = ("compare", "edge_tpu_v1", "edge_tpu_v1,lanes=16", "--network", SMALL)
    facts = answer(*arguments)
    assert facts["kind"] == "designs"
    stages = {stage["stage"]: stage for stage in facts["stages"]}
    lanes = next(d for d in stages["parameters"]["differences"] if d["what"] == "lanes")
    assert (lanes["first"], lanes["second"], lanes["change"], lanes["ratio"]) == (64, 16, -48, 0.25)
    arguments = ("compare", "edge_tpu_v1", "edge_tpu_v3", "--network", SMALL)
    short, full = run(*arguments), run(*arguments, "--all")
    assert short.exit_code == full.exit_code == 0
    assert "smaller differences" in short.stdout
    assert "smaller differences" not in full.stdout
    assert len(full.stdout.splitlines()) > len(short.stdout.splitlines())
    assert run("compare", "edge_tpu_v1", "edge_tpu_v1", "--network", SMALL).stdout == (
        "Nothing differs.\n"
    )


def test_programs_and_listings() -> None:
    run("compile", SMALL, "--design", "edge_tpu_v3", "--program", "a.program")
    run("compile", SMALL, "--design", "edge_tpu_v3", "--warm", "--program", "b.program")
    facts = answer("compare", "a.program", "b.program", "--design", "edge_tpu_v3")
    assert facts["kind"] == "programs"
    assert any(stage["differences"] for stage in facts["stages"])
    Path("a.lst").write_text(run("disassemble", "a.program").stdout, encoding="utf-8")
    same = run("compare", "a.program", "a.lst", "--design", "edge_tpu_v3")
    assert same.stdout == "Nothing differs.\n"


def test_studies() -> None:
    for name, seed in (("one", 1), ("two", 2)):
        options = ("--trials", 30, "--study", name, "--seed", seed, "--optimizer", "random")
        assert run("explore", SMALL, *options).exit_code == 0
    stages = {s["stage"]: s for s in answer("compare", "one", "two")["stages"]}
    differing = {d["what"] for d in stages["definition"]["differences"]}
    assert differing == {"name", "seed"}
    assert run("compare", "one", "two").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("edge_tpu_v1", "edge_tpu_v2"), "--network must name it"),
        (("edge_tpu_v1", "edge_tpu_v9", "--network", SMALL), "There is no design"),
        (("edge_tpu_v1", "edge_tpu_v9"), "Did you mean 'edge_tpu_v"),
        (("edge_tpu_v1", "a.program"), "both must be of one kind"),
        (("a.program", "b.program", "--network", SMALL), "--network must be left out"),
        (("nothing", "nowhere"), "must be a preset, a .toml file, a program, or a study"),
        (("edge_tpu_v1", "edge_tpu_v2", "--network", "mobilenet_v9"), "There is no network"),
    ],
)
def test_bad_input_is_a_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    result = run("compare", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("apollo: ")
    assert sentence in result.stderr
