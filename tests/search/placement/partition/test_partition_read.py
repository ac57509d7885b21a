"""The reader: what the files say, and one sentence for what they must not say."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apollo.search.placement.partition.order import topological_order
from apollo.search.placement.partition.read import DATA, partition_graphs, read_partition_file

Record = dict[str, Any]


def whole(sentence: str) -> str:
    """A pattern of which nothing but the sentence is an example."""
    return f"^{re.escape(sentence)}$"


def node(number: int, **fields: object) -> Record:
    record = {"id": number, "cpuLatency": 2.5, "fpgaLatency": 0.25, "size": 7.0}
    return record | {"supportedOnFpga": 1, "isBackwardNode": 0} | fields


def edge(source: int, target: int, cost: float = 0.5) -> Record:
    return {"sourceId": source, "destId": target, "cost": cost, "size": 3.0}


def record() -> Record:
    nodes = [node(4, colorClass=1), node(2), node(9, colorClass=1, name="last")]
    limits = {"maxFPGAs": 2, "maxCPUs": 1, "maxSizePerFPGA": 100.0}
    return limits | {"nodes": nodes, "edges": [edge(2, 4), edge(4, 9, 1.5)]}


def written(folder: Path, content: object) -> Path:
    path = folder / "g.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_columns_are_those_of_the_file_in_topological_order(tmp_path: Path) -> None:
    graph = read_partition_file(written(tmp_path, record()))
    assert graph.ids.tolist() == [2, 4, 9]
    assert graph.names == ("2", "4", "last")
    assert graph.group.tolist() == [0, 1, 1]
    assert graph.accelerator_ns.tolist() == [250_000] * 3
    assert graph.cpu_ns.tolist() == [2_500_000] * 3
    assert graph.output_ns.tolist() == [500_000, 1_500_000, 0]
    assert list(zip(graph.source.tolist(), graph.target.tolist(), strict=True)) == [(0, 1), (1, 2)]
    assert graph.edge_bytes.tolist() == [3, 3]
    assert (graph.accelerators, graph.cpus, graph.accelerator_bytes) == (2, 1, 100)
    assert graph.of_groups(graph.size_bytes).tolist() == [7, 14]


@pytest.mark.parametrize("name", partition_graphs())
def test_every_graph_that_comes_with_apollo_is_read_whole(name: str) -> None:
    graph = read_partition_file(name)
    found = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    nodes, edges = found["nodes"], found["edges"]
    assert sorted(graph.ids.tolist()) == sorted(item["id"] for item in nodes)
    assert len(graph.source) == len(edges)
    total_ms = sum(item["fpgaLatency"] for item in nodes)
    assert graph.accelerator_ns.sum() / 1e6 == pytest.approx(total_ms, abs=1e-3)
    ends = {(item["sourceId"], item["destId"]) for item in edges}
    assert {
        (graph.ids[a], graph.ids[b]) for a, b in zip(graph.source, graph.target, strict=True)
    } == ends


def test_there_are_ten_graphs() -> None:
    assert len(partition_graphs()) == 10
    assert "throughput/gnmt_inference" in partition_graphs()
    assert (DATA / "LICENSE.txt").read_text(encoding="utf-8").count("MIT License") == 1


def test_the_order_is_depth_first() -> None:
    ends = np.array([(0, 1), (0, 2), (1, 3), (2, 4)])
    order, cycle = topological_order(5, ends)
    assert order.tolist() == [0, 2, 4, 1, 3]
    assert cycle == []


def without(field: str) -> Callable[[Record], None]:
    return lambda found: found.pop(field)


DAMAGES: list[tuple[Callable[[Record], object], str]] = [
    (without("maxFPGAs"), "maxFPGAs of the graph must be a number of 0 or more; it is missing"),
    (without("nodes"), "'nodes' must be a list of objects"),
    (lambda g: g.update(nodes=[], edges=[]), "there must be nodes"),
    (
        lambda g: g["nodes"][0].pop("cpuLatency"),
        "cpuLatency of node 4 must be a number of 0 or more; it is missing",
    ),
    (
        lambda g: g["nodes"][1].update(fpgaLatency=-1),
        "fpgaLatency of node 2 must be a number of 0 or more; it is -1",
    ),
    (
        lambda g: g["nodes"][1].update(size="big"),
        "size of node 2 must be a number of 0 or more; it is 'big'",
    ),
    (
        lambda g: g["edges"][1].update(cost=-0.5),
        "cost of edge 1 must be a number of 0 or more; it is -0.5",
    ),
    (
        lambda g: g["edges"][0].update(size="big"),
        "size of edge 0 must be a number of 0 or more; it is 'big'",
    ),
    (lambda g: g["edges"].append(edge(9, 33)), "edge 2 names node 33, which is not there"),
    (lambda g: g["nodes"].append(node(2)), "there must be one node 2, not several"),
    (
        lambda g: g["edges"].append(edge(4, 2, 1.5)),
        "there is a cycle 2 -> 4 -> 2",
    ),
    (
        lambda g: g["edges"].append(edge(2, 9, 0.7)),
        "edges out of node 2 must have the same cost",
    ),
    (
        lambda g: g["nodes"][2].update(colorClass="red"),
        "colorClass of node 9 must be an integer, not 'red'",
    ),
]


@pytest.mark.parametrize(("damage", "reason"), DAMAGES, ids=[reason for _, reason in DAMAGES])
def test_a_bad_file_is_one_sentence(
    damage: Callable[[Record], object], reason: str, tmp_path: Path
) -> None:
    found = record()
    damage(found)
    path = written(tmp_path, found)
    with pytest.raises(ValueError, match=whole(f"Partition graph '{path}': {reason}.")):
        read_partition_file(path)


def test_no_file_and_no_json_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^There is no partition graph 'none\.json'\.$"):
        read_partition_file("none.json")
    path = written(tmp_path, [])
    with pytest.raises(ValueError, match=r"^Partition graph '.*' must be a JSON object\.$"):
        read_partition_file(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"^Partition graph '.*' is not readable JSON: .*\.$"):
        read_partition_file(path)


def test_a_colour_class_that_no_device_can_run_is_refused(tmp_path: Path) -> None:
    found = record() | {"maxCPUs": 0}
    found["nodes"][2]["supportedOnFpga"] = 0
    reason = (
        "The colour class of node 4 in 'g' can run nowhere: no accelerator supports all of its "
        "nodes, and there is no CPU."
    )
    with pytest.raises(ValueError, match=whole(reason)):
        read_partition_file(written(tmp_path, found))
