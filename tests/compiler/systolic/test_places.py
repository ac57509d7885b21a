"""Places in PE memory: nothing that is needed at a time overlaps, and all of it can be read."""

import itertools

import pytest

import apollo
from apollo.compiler.dump import write_artifacts
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.systolic.boxes import Box, rows_of
from apollo.compiler.systolic.nests import compile_nests
from apollo.compiler.systolic.places import Tables
from apollo.compiler.systolic.sites import bytes_of
from tests.compiler.models import random_model
from tests.compiler.random_graphs import random_graph
from tests.compiler.systolic.nests import GEMMINI, SCRATCHPAD, SMALL, TPU, can_run


def blocks_at(compiled, nest):
    """[start, end) of every tensor and buffer that a nest finds in PE memory."""
    network, places = compiled.network, compiled.places
    for root, address in places.addresses.items():
        life = places.lives[root]
        if life.first <= nest <= life.last:
            yield address, address + life.size
    tables = Tables(rows_of(network.nests), rows_of(network.tensors), [1] * len(network.nests))
    buffers = places.buffers[nest]
    tile = Box(*((0, extent) for extent in buffers.tile))
    for operand, addresses in buffers.addresses.items():
        width = tables.width(int(network.nests[nest, operand]))
        size = bytes_of(tables.box(nest, operand, tile), width)
        yield from ((address, address + size) for address in addresses)


def assert_apart(compiled):
    for nest in range(len(compiled.network.nests)):
        blocks = sorted(blocks_at(compiled, nest))
        for (_, end), (start, _) in itertools.pairwise(blocks):
            assert end <= start
        assert blocks[-1][1] <= compiled.accelerator.pe_memory_bytes


@pytest.mark.parametrize("design", SMALL, ids=lambda design: design.name)
def test_nothing_that_lives_at_a_time_overlaps_where_memory_is_short(design):
    spilt = 0
    for seed in range(60):
        if not can_run(random_model(random_graph(seed), seed)):
            continue
        try:
            compiled = compile_nests(lower(random_graph(seed)), design)
        except DoesNotFit:
            continue
        assert_apart(compiled)
        spilt += any(buffers.addresses for buffers in compiled.places.buffers.values())
    assert spilt > 10


@pytest.mark.parametrize("name", ["mobilenet_v2_0.35_96", "mobilenet_v1_0.25_128"])
def test_nothing_that_lives_at_a_time_overlaps_in_networks(name):
    for design in (GEMMINI, TPU):
        assert_apart(compile_nests(lower(apollo.load(name)), design))


def test_every_stage_is_text(tmp_path):
    graph = apollo.load("conv:24x24x8x16x3x1")
    compiled = compile_nests(lower(graph), SCRATCHPAD)
    paths = {path.name: path for path in write_artifacts(graph, compiled, tmp_path)}
    assert [*paths] == [
        *("01_graph.txt", "02_nests.txt", "03_tensors.txt", "04_weights.txt"),
        *("05_places.txt", "06_layout.txt", "07_program.lst"),
    ]
    texts = {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
    # One unit, one column of 16, 72 rows of K: nine taps, two at a time, four times, and one.
    assert texts["04_weights.txt"].splitlines()[1].split() == [
        *("1", "1", "5", "16", "16", "1152"),
        *("0", "conv"),
    ]
    tile = "x".join(map(str, compiled.places.buffers[0].tile))
    assert texts["05_places.txt"].count(f"{tile}  source") == 1
    assert texts["06_layout.txt"].startswith(f"# DRAM: {compiled.dram_bytes:,} B")
    assert len(texts["07_program.lst"].splitlines()) >= len(compiled.program)
