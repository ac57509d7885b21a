"""Dumps as reviewed, and that they hold what the tables hold."""

from dataclasses import replace
from enum import IntEnum
from xml.etree import ElementTree

import numpy as np
import pytest

import apollo
from apollo.arch.accelerator import load_design
from apollo.compiler.dump import artifacts, write_artifacts
from apollo.compiler.dump.columns import table_text
from apollo.compiler.memory_map import memory_map
from apollo.compiler.tables import Map, Nest
from tests.compiler.checks import odd_graph
from tests.conftest import GOLDEN

POOR = replace(
    load_design("edge_tpu_v3"),
    name="poor",
    pes_x=2,
    pes_y=2,
    pe_memory_bytes=9216,
    core_memory_bytes=6144,
)
CASES = {
    "mobilenet_v1_0.25_128_edge_tpu_v3": ("mobilenet_v1_0.25_128", "edge_tpu_v3"),
    "odd_poor": (odd_graph(), POOR),
    "gemm_tpu_v1": ("gemm:64x300x77", "tpu_v1"),
    "gemm_gemmini": ("gemm:16x40x30", "gemmini"),
}


def dumped(case):
    network, design = CASES[case]
    graph = apollo.load(network)
    compiled = apollo.compile(graph, design)
    return compiled, artifacts(graph, compiled)


@pytest.mark.parametrize("case", CASES)
def test_the_artifacts_are_as_reviewed(golden, case):
    texts = dumped(case)[1]
    for name, text in texts.items():
        golden(f"{case}/{name}", text)
    assert {path.name for path in (GOLDEN / case).iterdir()} == set(texts)


def test_every_number_of_a_table_is_in_its_text():
    compiled, texts = dumped("odd_poor")
    for table, name in (
        (compiled.network.nests, "02_nests.txt"),
        (compiled.mapping, "04_mapping.txt"),
    ):
        columns = Nest if table is compiled.network.nests else Map
        for row, block in zip(table, texts[name].split("# ")[1:], strict=True):
            shown = dict(cell.split("=", 1) for cell in block.split() if "=" in cell)
            for column in columns:
                text = shown.get(column.name.lower())
                if text is None:
                    assert row[column] in (0, -1) or column is Nest.PERMUTATION
                elif text.lstrip("-").isdigit():
                    assert int(text) == row[column]


def test_a_new_column_appears_by_itself():
    class Columns(IntEnum):
        SIZE = 0
        SPLIT_NEW = 1
        THIRD_FROM = 2

    lines = list(table_text(Columns, np.array([[5, 2, 4]]), ["layer"], []))
    assert lines == ["# 0 layer", "  size=5 split_new=columns third_from=dram"]


def test_a_change_of_one_number_changes_one_line():
    compiled, texts = dumped("odd_poor")
    mapping = compiled.mapping.copy()
    mapping[3, Map.CYCLES] += 1
    changed = artifacts(odd_graph(), replace(compiled, mapping=mapping))
    old, new = (t["04_mapping.txt"].splitlines() for t in (texts, changed))
    assert sum(a != b for a, b in zip(old, new, strict=True)) == 1


def test_the_picture_shows_every_block_once():
    compiled, texts = dumped("odd_poor")
    memory = memory_map(compiled)
    root = ElementTree.fromstring(texts["memory_map.svg"])
    titles = [element.text for element in root.iter() if element.tag.endswith("title")]
    tiles = sum(size > 0 for size in memory.tiles)
    assert len(titles) == len(memory.blocks) + len(memory.residents) + len(memory.stored) + tiles
    for block in memory.blocks:
        assert any(
            f"from {block.address:,}, nests {block.first}..{block.last}" in t for t in titles
        )
    width, height = (float(root.get(side)) for side in ("width", "height"))
    for element in root.iter():
        if element.tag.endswith("rect") and element.get("class") == "block":
            assert 0 <= float(element.get("x")) + float(element.get("width")) <= width + 0.2
            assert 0 <= float(element.get("y")) + float(element.get("height")) <= height + 0.2


def test_a_spilled_tensor_is_told_from_inputs_and_outputs():
    compiled, texts = dumped("odd_poor")
    spilled = [tensor for tensor in memory_map(compiled).stored if tensor.spilled]
    assert spilled
    assert texts["05_memory.txt"].count("spilled") == len(spilled)


def test_files_are_written_in_the_order_of_the_stages(tmp_path):
    network, design = CASES["odd_poor"]
    paths = write_artifacts(network, apollo.compile(network, design), tmp_path / "new" / "dump")
    assert [path.name for path in paths][:3] == ["01_graph.txt", "02_nests.txt", "03_tensors.txt"]
    assert all(path.read_text(encoding="utf-8") for path in paths)
