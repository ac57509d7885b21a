"""`apollo place`: optimizers, files, studies, refusals."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from apollo.cli import app

GRAPH = "random:4x3:1"


def place(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["place", *arguments])


def test_optimizers_are_tabled_and_the_best_is_written(tmp_path: Path) -> None:
    common = [GRAPH, "--cluster", "2gpu", "--output", str(tmp_path), "--simulations", "64"]
    found = place(*common, "--optimizer", "single,heft,rl", "--json")
    assert found.exit_code == 0, found.output
    value = json.loads(found.stdout)
    steps = {each["optimizer"]: each["step_ms"] for each in value["optimizers"]}
    assert list(steps) == ["single", "heft", "rl"]
    assert steps["rl"] <= steps["single"]
    folder = tmp_path / "place-random_4x3_1-2gpu-seed0"
    files = {file.name for file in folder.iterdir()}
    assert {"study.db", "placement.json", "gantt.html", "step.pftrace"} <= files

    # The placement feeds back in, and gives the same step.
    again = place(*common, "--placement", str(folder / "placement.json"), "--json")
    assert again.exit_code == 0
    assert json.loads(again.stdout)["step_ms"] == min(steps.values())

    # The same study goes on with what it lacks.
    more = place(*common, "--optimizer", "single,heft,rl,round_robin")
    assert more.exit_code == 0
    assert more.stderr.split() == ["round_robin", "…"]
    assert "GRAPH" not in more.stdout
    other = place(*common[:-1], "65", "--optimizer", "single")
    assert other.exit_code == 2
    assert "was made with simulations 64, not 65" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((GRAPH, "--optimizer", "hefd"), "There is no optimizer 'hefd' for placements"),
        ((GRAPH, "--cluster", "4gpus"), "There is no cluster '4gpus'"),
        (("inception_v4",), "There is no graph 'inception_v4' to place"),
        ((GRAPH, "--simulations", "0"), "--simulations must be at least 1, not 0."),
        ((GRAPH, "--micro-batches", "2"), "give --batch too"),
        (("nmt_2", "--batch", "9", "--micro-batches", "2"), "must be a multiple of 2"),
        ((GRAPH, "--groups", "0"), "The number of most-groups must be at least 1."),
        ((GRAPH, "--placement", "none.json"), "There is no placement file 'none.json'."),
        (("train", "nmd", "-o", "p.npz"), "There is no family 'nmd' of graphs"),
        (("eval", "nmt", "--policy", "none.npz"), "none.npz"),
        (("partition", "throughput/gmnt"), "There is no partition graph 'throughput/gmnt'."),
        (("partition", "latency/gnmt_inference", "--objective", "load"), "not 'load'"),
        (("partition", "latency/gnmt_inference", "--optimizer", "heft"), "places by operators"),
        (("codesign", "rnnt_joint", "--chips", "2,x"), "--chips must be counts"),
        (("codesign", "rnnt_joint", "--chips", "1"), "must be at least 2, not 1."),
        (("codesign", "rnnt_joint", "--design", "edge_tpu_v9"), "There is no design"),
        (("codesign", "rnnt_joint", "--cluster", "4gpus"), "There is no cluster"),
        (("benchmark", "--seeds", "0"), "--seeds must be at least 1, not 0."),
        (("benchmark", "--first-seed", "-1"), "--first-seed must be at least 0, not -1."),
        (("benchmark", "--graphs", "nmt_2"), "--graphs must be as nmt_2@4gpu, not 'nmt_2'."),
    ],
)
def test_wrong_input_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = place(*arguments)
    assert refused.exit_code == 2, refused.output
    assert sentence in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert not refused.stdout


TWO_GPUS = """
[[devices]]
name = "gpu"
count = 2
memory_bytes = 40_000_000
gflop_per_s = 2_800
gb_per_s = 240
efficiency_percent = { default = 50 }
"""
LINKS = """
[[links]]
bytes_per_us = 7_600
"""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TWO_GPUS, "Cluster 'my': there is no link from 'gpu0' to 'gpu1'."),
        (
            TWO_GPUS.replace("40_000_000", "10") + LINKS,
            "Device 'gpu0' of cluster 'my' has no memory for any group of 'random:4x3:1': it has "
            "10 bytes.",
        ),
        (
            TWO_GPUS.replace("default", "Convolution") + LINKS,
            "No device of cluster 'my' has a cost for operator 'layer0/operator0' "
            "(FullyConnected): give its kind, or default, in efficiency_percent.",
        ),
    ],
)
def test_a_cluster_that_cannot_run_the_graph_is_one_sentence(
    text: str, sentence: str, tmp_path: Path
) -> None:
    cluster = tmp_path / "my.toml"
    cluster.write_text(text)
    refused = place(GRAPH, "--cluster", str(cluster), "--output", str(tmp_path))
    assert refused.exit_code == 2, refused.output
    assert refused.stderr.endswith(f"{sentence}\n")
    assert len(refused.stderr.splitlines()) == 1


def test_a_cycle_is_one_sentence(tmp_path: Path) -> None:
    nodes = [
        {"id": number, "fpgaLatency": 1.0, "cpuLatency": 2.0, "size": 10, "supportedOnFpga": 1}
        | {"isBackwardNode": 0}
        for number in (1, 2)
    ]
    edges = [{"sourceId": one, "destId": 3 - one, "cost": 0.1} for one in (1, 2)]
    limits = {"maxFPGAs": 2, "maxCPUs": 1, "maxSizePerFPGA": 100}
    file = tmp_path / "cycle.json"
    file.write_text(json.dumps({"nodes": nodes, "edges": edges, **limits}))
    refused = place("partition", str(file))
    assert refused.exit_code == 2, refused.output
    assert refused.stderr.endswith(": there is a cycle 2 -> 1 -> 2.\n")
    assert len(refused.stderr.splitlines()) == 1


def test_what_fits_no_memory_is_said(tmp_path: Path) -> None:
    cluster = tmp_path / "tiny.toml"
    cluster.write_text(TWO_GPUS + LINKS)
    refused = place(
        "random:40x3:1",
        *("--cluster", str(cluster), "--optimizer", "single", "--output", str(tmp_path)),
    )
    assert refused.exit_code == 3
    assert "No placement of random:40x3:1 fits the memories of tiny: " in refused.stderr


def test_a_policy_learns_a_family_and_places_what_it_has_not_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    few = ["random", "--cluster", "2gpu", "--members", "2", "--held-out", "1"]
    trained = place("train", *few, "-o", "policy.npz", "--simulations", "100")
    assert trained.exit_code == 0, trained.output
    curve = Path("policy.csv").read_text().splitlines()
    assert curve[0].startswith("update,problem,simulations,best_cost")
    evaluated = place("eval", *few, "--policy", "policy.npz", "--simulations", "40", "--json")
    assert evaluated.exit_code == 0, evaluated.output
    (row,) = json.loads(evaluated.stdout)
    assert row["zero_shot_ms"] <= row["early_ms"][-1] <= row["single_ms"]
    assert row["losses"][-1] == pytest.approx(row["zero_shot_ms"] / row["fine_tuned_ms"] - 1)
    # The same command goes on with a training that is there: this one is at its end.
    assert place("train", *few, "-o", "policy.npz", "--simulations", "100").exit_code == 0


def test_a_policy_learns_graphs_by_name_and_places_only_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    common = ["--cluster", "2gpu", "--simulations", "40"]
    trained = place("train", f"{GRAPH},random:3x2:1", *common, "-o", "policy.npz")
    assert trained.exit_code == 0, trained.output
    found = place("eval", "random:3x2:2", *common, "--policy", "policy.npz")
    assert found.exit_code == 0, found.output
    assert "random:3x2:2 on 2gpu" in found.stdout
    learned = place("eval", f"random:3x2:2,{GRAPH}", *common, "--policy", "policy.npz")
    assert learned.exit_code == 2
    assert f"Policy 'policy.npz' has learned '{GRAPH} on 2gpu': only graphs" in learned.stderr


def test_the_benchmark_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    common = ["benchmark", "--graphs", f"{GRAPH}@2gpu", "--optimizers", "random,single"]
    common += ["--first-seed", "7", "--simulations", "40", "--output", str(tmp_path)]
    one = place(*common, "--seeds", "1")
    assert one.exit_code == 0, one.output
    assert one.stderr.splitlines() == [
        f"{GRAPH}-2gpu-seed7: {name}" for name in ("random", "single")
    ]
    two = place(*common, "--seeds", "2", "--json")
    assert two.stderr.splitlines() == [f"{GRAPH}-2gpu-seed8: random"]
    steps = {row["optimizer"]: row["steps_ms"] for row in json.loads(two.stdout)}
    assert [len(each) for each in steps.values()] == [2, 1]


def test_the_benchmark_is_a_table_a_graph(tmp_path: Path) -> None:
    found = place(
        *("benchmark", "--graphs", f"{GRAPH}@2gpu", "--optimizers", "rl,single,random"),
        *("--seeds", "2", "--simulations", "40", "--output", str(tmp_path), "--json"),
    )
    assert found.exit_code == 0, found.output
    rows = {row["optimizer"]: row for row in json.loads(found.stdout)}
    assert {name: len(row["steps_ms"]) for name, row in rows.items()} == {
        "rl": 2,
        "single": 1,
        "random": 2,
    }
    best = {name: row["median_ms"] for name, row in rows.items()}
    assert rows["random"]["faster_than"]["single"] == best["single"] / best["random"]
    assert rows["rl"]["faster_than"]["metis"] is None  # which was not asked for
    assert not rows["rl"]["published_faster_than"]


def test_optimizers_stand_beside_the_methods_of_a_partition_graph() -> None:
    graph = "throughput/resnet50_inference"
    found = place("partition", graph, "--optimizer", "random", "--simulations", "50", "--json")
    assert found.exit_code == 0, found.output
    rows = {row["method"]: row for row in json.loads(found.stdout)}
    assert rows["expert"]["published_ms"] == pytest.approx(rows["expert"]["cost_ms"], abs=0.05)
    assert rows["random"]["cost_ms"] > rows["dynamic program"]["cost_ms"]
    assert {row["objective"] for row in rows.values()} == {"max_load"}


def test_several_chips_stand_beside_one() -> None:
    found = place("codesign", "rnnt_joint_4096", "--chips", "2", "--json")
    assert found.exit_code == 0, found.output
    rows = json.loads(found.stdout)
    assert {row["chips"] for row in rows} == {1, 2}
    alone = next(row for row in rows if row["chips"] == 1)
    assert max(row["throughput_per_s"] for row in rows) >= 2 * alone["throughput_per_s"] * 0.99


def test_clusters_are_listed() -> None:
    found = place("clusters", "--json")
    assert "4gpu" in {each["cluster"] for each in json.loads(found.stdout)}
