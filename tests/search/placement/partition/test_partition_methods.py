"""Local search, greedy and expert splits, the problem, and the table of all."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollo.search.placement.partition.expert import expert_file, place_as_expert
from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.partition.greedy import place_greedily
from apollo.search.placement.partition.local_search import improve, place_by_local_search
from apollo.search.placement.partition.objectives import Objective, latency_of
from apollo.search.placement.partition.problem import partition_problem
from apollo.search.placement.partition.read import read_partition_file
from apollo.search.placement.partition.table import PartitionRow, partition_table
from tests.search.placement.partition.partition_cases import partition_graphs as drawn_graphs

ROOT = Path(__file__).resolve().parents[4]
GNMT = "throughput/gnmt_inference"


@settings(max_examples=40, deadline=None)
@given(drawn_graphs(largest=5), st.sampled_from(list(Objective)), st.integers(0, 99))
def test_no_single_move_is_better_after_local_search(
    graph: PartitionGraph, objective: Objective, seed: int
) -> None:
    problem = partition_problem(graph, objective)
    found = place_by_local_search(problem, np.random.default_rng(seed), restarts=2)
    costs = problem.costs(found[None, :])
    here = (costs.overflow_bytes[0], costs.cost[0])
    for group in range(graph.groups):
        for device in range(len(problem.device_names)):
            moved = found.copy()
            moved[group] = device
            there = problem.costs(moved[None, :])
            assert here <= (there.overflow_bytes[0], there.cost[0])


@pytest.mark.parametrize("name", [GNMT, "latency/resnet50_inference"])
def test_links_take_what_the_file_says_at_every_border_of_an_accelerator(name: str) -> None:
    graph, problem = read_partition_file(name), partition_problem(name)
    assert graph.groups == len(graph.names)  # so that every edge is one of the groups
    assert problem.links is not None
    per_byte, cpu = problem.links.ns_per_byte, graph.accelerators
    assert per_byte[0, 1] == 2 * per_byte[0, cpu] == 2 * per_byte[cpu, 1] > 0
    assert not per_byte.diagonal().any()
    assert not per_byte[cpu:, cpu:].any()
    assert not problem.links.fixed_ns.any()
    once = per_byte[0, cpu] * problem.groups.edge_bytes
    written = graph.output_ns[problem.groups.source]
    assert once == pytest.approx(written, rel=1e-3, abs=1)


def test_local_search_is_the_same_for_the_same_seed() -> None:
    problem = partition_problem(GNMT)
    runs = [place_by_local_search(problem, np.random.default_rng(3), 2) for _ in range(2)]
    assert np.array_equal(*runs)
    with pytest.raises(ValueError, match=r"^Restarts must be 1 or more, not 0\.$"):
        place_by_local_search(problem, np.random.default_rng(0), 0)


@settings(max_examples=100, deadline=None)
@given(drawn_graphs(coloured=False))
def test_the_greedy_split_fits_and_needs_no_pieces(graph: PartitionGraph) -> None:
    placement = place_greedily(graph)
    problem = partition_problem(graph, "latency")
    assert problem.costs(placement[None, :]).overflow_bytes[0] == 0
    if not graph.is_backward.any() and problem.groups.allowed.all():
        assert latency_of(graph)(placement[None, :])[1][0] == 0


@pytest.mark.parametrize(
    "name",
    [
        "gnmt_inference",
        pytest.param("inceptionv3_inference", marks=pytest.mark.slow),
        pytest.param("resnet50_inference", marks=pytest.mark.slow),
    ],
)
def test_local_search_makes_the_greedy_split_faster(name: str) -> None:
    graph = read_partition_file(f"latency/{name}")
    problem, greedy = partition_problem(graph, "latency"), place_greedily(graph)
    assert problem.cost(improve(problem, greedy)) < problem.cost(greedy)


def split(path: Path, accelerators: list[list[int]], cpus: list[list[int]]) -> Path:
    parts = {"fpgas": accelerators, "cpus": cpus}
    content = {kind: [{"nodes": nodes} for nodes in part] for kind, part in parts.items()}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("accelerators", "cpus", "reason"),
    [
        ([[1, 999]], [], "node 999 is not in 'gnmt_inference'"),
        ([list(range(1, 96))], [[]], "node 96 of 'gnmt_inference' is on no device"),
        ([[1], [1]], [], "the colour class of node 1 is on two devices"),
        ([[]] * 6 + [[1]], [], "there are 6 fpgas, not 7"),
    ],
)
def test_a_bad_split_is_one_sentence(
    accelerators: list[list[int]], cpus: list[list[int]], reason: str, tmp_path: Path
) -> None:
    path = split(tmp_path / "s.json", accelerators, cpus)
    with pytest.raises(ValueError, match=rf"^Split '.*': {reason}\.$"):
        place_as_expert(read_partition_file(GNMT), path)


@pytest.mark.parametrize("content", [{}, {"fpgas": 3}, {"fpgas": [{"nodes": [[1]]}]}])
def test_a_split_without_lists_is_one_sentence(content: object, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    reason = r"^Split '.*': 'fpgas' must be devices with a list 'nodes' of numbers\.$"
    with pytest.raises(ValueError, match=reason):
        place_as_expert(read_partition_file(GNMT), path)


def test_an_expert_of_inference_serves_for_training() -> None:
    graph = read_partition_file("throughput/resnet50_training")
    assert expert_file(graph).name == "resnet50_inference_expert.json"
    inference = read_partition_file("throughput/resnet50_inference")
    of_node = dict(zip(inference.ids, place_as_expert(inference)[inference.group], strict=True))
    placement = place_as_expert(graph)
    forward = ~graph.is_backward
    assert [of_node[node] for node in graph.ids[forward]] == placement[
        graph.group[forward]
    ].tolist()
    with pytest.raises(ValueError, match=r"^There is no expert's split of 'resnet50_operators_tr"):
        expert_file(read_partition_file("throughput/resnet50_operators_training"))


def test_the_problem_says_devices_and_groups() -> None:
    problem = partition_problem("throughput/gnmt_training", "max_load")
    assert problem.device_names == (*(f"accelerator {n}" for n in range(1, 7)), "cpu 1")
    groups = problem.groups
    assert groups.compute_ns[:, 0].sum() == 520_453_000
    assert groups.compute_ns[:, 6].sum() == 5_204_530_000
    assert (groups.source < groups.target).all()  # of this graph backward edges go forward too
    assert groups.memory_bytes.sum() == 4_933_015_040
    assert partition_problem("latency/gnmt_inference", "latency").device_names[-1] == "cpu 1"
    with pytest.raises(ValueError, match=r"^Objective must be max_load or latency, not 'speed'\.$"):
        partition_problem(GNMT, "speed")
    with pytest.raises(ValueError, match=r"^Devices must be numbers in 0\.\.6\.$"):
        problem.costs(np.full((1, 96), 7))


def cost_of(rows: list[PartitionRow], graph: str, method: str) -> float:
    (found,) = (row.cost_ms for row in rows if (row.graph, row.method) == (graph, method))
    assert found is not None
    return found


def test_the_table_shows_ours_beside_the_published() -> None:
    names = [GNMT, "throughput/resnet50_inference", "latency/gnmt_inference"]
    quick = ["one device", "expert", "local search", "dynamic program, one order", "greedy"]
    rows = partition_table(names, quick)
    assert [row.method for row in rows if row.graph == GNMT] == quick[:-1]
    exact = [row for row in rows if row.published_ms and row.method in ("expert", "greedy")]
    assert len(exact) == 3
    assert all(round(row.cost_ms or 0, 1) == row.published_ms for row in exact)
    assert all(row.cost_ms > row.bound_ms for row in rows if row.cost_ms and row.bound_ms)
    assert cost_of(rows, GNMT, "dynamic program, one order") < cost_of(rows, GNMT, "expert")
    (expert,) = (row for row in rows if (row.graph, row.method) == (names[2], "expert"))
    assert expert.lacking_bytes > 0
    with pytest.raises(ValueError, match=r"^Method must be one of .*, not 'luck'\.$"):
        partition_table([], ["luck"])


@pytest.fixture(scope="module")
def everything() -> list[PartitionRow]:
    return partition_table()


@pytest.mark.slow
def test_every_method_is_at_least_as_good_as_published(everything: list[PartitionRow]) -> None:
    compared = [row for row in everything if row.published_ms is not None]
    assert len(compared) == 12
    for row in compared:
        assert row.lacking_bytes == 0 or row.method == "one device"
        assert row.cost_ms == pytest.approx(row.published_ms, rel=0.002) or (
            row.method == "local search" and (row.cost_ms or np.inf) < (row.published_ms or 0)
        )


@pytest.mark.slow
def test_the_page_shows_the_figures_of_the_table(everything: list[PartitionRow]) -> None:
    page = (ROOT / "docs" / "placement_graphs.md").read_text(encoding="utf-8")
    for row in everything:
        if row.cost_ms is not None and row.lacking_bytes == 0 and row.method != "one device":
            assert f" {row.cost_ms:.2f} |" in page, row
        assert row.bound_ms is None or f" {row.bound_ms:.2f} |" in page, row
