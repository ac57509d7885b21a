"""`--fix`, `--states`, `--sparse` and `--dense` of `compile` and `simulate`."""

import json

import pytest
from typer.testing import CliRunner, Result

from apollo.cli import app

SMALL = "mobilenet_v1_0.25_128"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_fixed_decision_changes_the_run() -> None:
    free = json.loads(run("simulate", SMALL, "--json").stdout)
    fixed = run("simulate", SMALL, "--fix", "block*:to_dram=yes", "--json")
    assert fixed.exit_code == 0, fixed.output
    facts = json.loads(fixed.stdout)
    assert facts["dram_bytes"]["STORE"] > free["dram_bytes"]["STORE"]
    assert facts["warm_cycles"] > free["warm_cycles"]
    assert run("compile", SMALL, "--states", 1, "--dense").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((SMALL, "--fix", "stem"), "must be LAYERS:COLUMN=VALUE"),
        ((SMALL, "--fix", "nothing*:split_x=rows"), "No layer of"),
        ((SMALL, "--states", 0), "States must be in 1..64"),
        (("gemm:64x64x64", "--design", "tpu_v1", "--states", 1), "must have lanes"),
        (("a.program", "--states", 1), "are for networks, not programs"),
    ],
)
def test_what_is_no_option_is_a_sentence(arguments: tuple[object, ...], sentence: str) -> None:
    result = run("simulate", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert sentence in result.stderr
