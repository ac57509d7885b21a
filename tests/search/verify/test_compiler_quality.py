"""The part `compiler`: what it prints of a network, and when it misses."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from apollo.arch.accelerator import Accelerator, lane_presets
from apollo.cli import app
from apollo.compiler.lower import lower
from apollo.search.verify.compiler import AIM, WORST, verify_compiler
from apollo.search.verify.figures import Figure
from apollo.search.verify.quality import explanation, losses, quality_of, worst
from apollo.workloads import load

NETWORK = "mobilenet_v2_0.35_96"


def test_a_network_is_held_against_its_bounds_on_every_preset() -> None:
    part = verify_compiler(["mobilenet_v2", "gemm:1x64x64"])
    designs = [design.name for design in lane_presets()]
    assert [row[1] for row in part.rows] == designs * 2
    for figure in part.figures:
        assert figure.name.startswith(("bound/", "results"))
        assert 0 <= figure.ours <= 1
    means = [figure for figure in part.figures if "geometric mean of 1 networks" in figure.name]
    assert [figure.subject for figure in means] == [name for name in designs for _ in range(2)]
    (spills,) = [figure for figure in part.figures if figure.name.startswith("results")]
    assert spills.holds == (spills.ours == 0)
    (table,) = part.tables
    assert len(table.rows) == WORST


# On which layers run in strips.
SMALL = replace(lane_presets()[1], name="small", pes_x=1, pes_y=2, pe_memory_bytes=1 << 16)


@pytest.mark.parametrize("design", [lane_presets()[0], SMALL], ids=lambda design: design.name)
def test_losses_add_up_to_what_an_inference_takes_beyond_its_layers(design: Accelerator) -> None:
    quality = quality_of(lower(load(NETWORK)), design)
    assert quality.is_layered == (design != SMALL)
    assert {*quality.spills} <= {*quality.network.layer_names}
    every = list(losses(quality))
    assert [loss.row.layer for loss in every] == [*quality.network.layer_names]
    alone = int(quality.bound.of_layers().sum())
    assert sum(loss.cycles for loss in every) + alone == quality.measurement.warm.latency_cycles
    shares = [loss.share for loss in worst([quality], 3)]
    assert shares == sorted((loss.share for loss in every), reverse=True)[:3]
    assert explanation([quality]).startswith("Warm: ")


def test_an_aim_that_is_a_least_value() -> None:
    assert Figure("s", "n", AIM, 0.9, 0.0, is_least=True).holds
    assert not Figure("s", "n", AIM, 0.7, 0.0, is_least=True).holds


def test_networks_are_chosen_by_name() -> None:
    result = CliRunner().invoke(
        app, ["verify", "compiler", "--networks", f"{NETWORK},gemm:1x64x64", "--json"]
    )
    assert result.exit_code == 0, result.output
    (part,) = json.loads(result.stdout)
    assert {figure["subject"].split(" on ")[0] for figure in part["figures"]} == {
        NETWORK,
        "gemm:1x64x64",
    }
    assert part["tables"][0]["rows"] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["systolic", "--networks", NETWORK], "--networks chooses networks of the part 'compiler'"),
        (["compiler", "--networks", "mobilnet"], "There is no network 'mobilnet'"),
    ],
)
def test_a_wrong_choice_of_networks_is_one_sentence(arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(app, ["verify", *arguments])
    assert result.exit_code == 2
    assert sentence in result.stderr
