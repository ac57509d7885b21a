"""`--sparsity` of the commands that run a network."""

import json

import pytest
from typer.testing import CliRunner

from apollo.cli import app
from apollo.search.explore import default_study, make_problem
from apollo.search.task import Task

NETWORK = "mobilenet_v1_0.25_128"


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_a_sparse_network_is_simulated_and_said_to_be():
    cycles = [
        json.loads(run("simulate", NETWORK, *more, "--json").output)["warm_cycles"]
        for more in ((), ("--sparsity", "0.8"))
    ]
    assert cycles[1] < cycles[0]
    shown = run("simulate", NETWORK, "--sparsity", "0.8").output
    assert shown.startswith("Sparse: 80% of random weights are pruned in each layer.\n")


def test_a_listing_has_sparse_convolutions_and_can_be_read_back(tmp_path):
    listing = run("compile", NETWORK, "--sparsity", "0.8", "--listing").output
    assert "CONVOLVE_SPARSE" in listing
    path = tmp_path / "program.txt"
    path.write_text(listing, encoding="utf-8")
    result = run("simulate", str(path), "--json")
    assert result.exit_code == 0
    assert json.loads(result.output)["cycles"] > 0


def test_a_sparse_run_is_traced(tmp_path):
    file = tmp_path / "run.vcd"
    result = run("trace", NETWORK, "--sparsity", "0.8", "-o", str(file))
    assert result.exit_code == 0
    assert file.exists()


@pytest.mark.parametrize("command", ["simulate", "compile", "trace"])
def test_a_wrong_sparsity_is_refused(command):
    result = run(command, NETWORK, "--sparsity", "1.5")
    assert result.exit_code == 2
    assert result.stderr == "apollo: Sparsity must be in 0..1, below 1, not 1.5.\n"


@pytest.mark.parametrize("command", ["simulate", "trace"])
def test_programs_have_their_weights(command, tmp_path):
    path = tmp_path / "program.txt"
    path.write_text(run("compile", NETWORK, "--listing").output, encoding="utf-8")
    result = run(command, str(path), "--sparsity", "0.5")
    assert result.exit_code == 2
    assert result.stderr == (
        "apollo: --sparsity is for networks; a program has its weights in it.\n"
    )


def test_studies_of_sparse_networks_are_others():
    problems = [make_problem([NETWORK], sparsity=sparsity) for sparsity in (None, 0.5, 0.8)]
    names = {default_study(problem, "random", 0) for problem in problems}
    assert len(names) == 3
    dense, sparse = (Task.of(problems[number]) for number in (0, 2))
    assert len(dense.networks[NETWORK].pairs) == 0
    assert len(sparse.networks[NETWORK].pairs) > 0
