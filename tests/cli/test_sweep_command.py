"""`apollo sweep`."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from apollo.cli import app

SMALL = "mobilenet_v1_0.25_128"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_table_json_and_csv_have_the_same_points(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    arguments = ("sweep", SMALL, "--over", "lanes=16,32", "--over", "size=128..160")
    result = run(*arguments, "--output", file)
    assert result.exit_code == 0, result.output
    assert "Sensitivity" in result.stdout
    facts = json.loads(run(*arguments, "--json").stdout)
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert len(facts["points"]) == len(rows) == 4
    for point, row in zip(facts["points"], rows, strict=True):
        assert {"lanes": int(row["lanes"]), "size": int(row["size"])} == point["values"]
        assert float(row["warm_latency_ms"]) == point["warm_latency_ms"]
        assert f"{point['warm_latency_ms']:.3f}" in result.stdout
    assert {item["axis"] for item in facts["sensitivity"]} == {"lanes", "size"}


def test_a_sweep_of_nothing_feasible_says_why_and_ends_with_3() -> None:
    result = run("sweep", SMALL, "--over", "core_memory_bytes=64,128")
    assert result.exit_code == 3
    assert "does not fit" in result.stdout
    assert "None of the points is feasible." in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (SMALL, "--over", "lans=1"),
        (SMALL, "--over", "size=96"),
        ("gemm:4x4x4", "--over", "size=1"),
        (SMALL, "--over", "batch=0"),
    ],
)
def test_bad_input_is_a_sentence(arguments: tuple[str, ...]) -> None:
    result = run("sweep", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("apollo: ")
