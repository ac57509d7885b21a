"""`apollo explain`: tables and JSON, of what fits and what does not."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from apollo.arch.accelerator import design_text, load_design
from apollo.cli import app

SMALL = "mobilenet_v1_0.25_128"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def poor(tmp_path: Path) -> Path:
    design = replace(load_design("edge_tpu_v1"), core_memory_bytes=200)
    path = tmp_path / "poor.toml"
    path.write_text(design_text(design), encoding="utf-8")
    return path


def test_what_does_not_fit_is_explained_and_that_is_a_success(poor: Path) -> None:
    result = run("explain", SMALL, "--design", poor)
    assert result.exit_code == 0, result.output
    for words in ("does not fit", "core memory", "The demand", "from", "each tried"):
        assert words in result.stdout
    facts = json.loads(run("explain", SMALL, "--design", poor, "--json").stdout)
    assert facts["feasible"] is False
    assert sum(term["total"] for term in facts["terms"]) == facts["demand"] > facts["bound"]
    assert {"parameter": "core_memory_bytes", "before": 200, "after": 4096, "steps": 1} in [
        change for lever in facts["levers"] for change in lever
    ]


def test_what_fits_has_bounds_headroom_and_steps() -> None:
    result = run("explain", SMALL)
    assert result.exit_code == 0, result.output
    for words in ("Where the time", "Headroom", "DRAM bandwidth", "layers that take longest"):
        assert words in result.stdout
    facts = json.loads(run("explain", SMALL, "--json").stdout)
    assert facts["feasible"] is True
    assert sum(facts["time_shares"].values()) == pytest.approx(1)
    for memory in facts["memories"].values():
        assert 0 < memory["used"] <= memory["bound"]


def test_bad_input_is_a_sentence() -> None:
    for arguments in (("mobilenet_v9",), (SMALL, "--design", "edge_tpu_v9"), (SMALL, "--batch", 0)):
        result = run("explain", *arguments)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.startswith("apollo: ")
