from dataclasses import replace

import pytest

from apollo.arch.accelerator import load_design
from apollo.compiler.memory_map import Kind, memory_map, stored_tensors
from apollo.compiler.pipeline import compile_network
from apollo.compiler.tables import Map, Nest, TensorColumn
from apollo.compiler.verify import (
    Broken,
    verify,
    verify_layout,
    verify_mapping,
    verify_memory,
    verify_nests,
    verify_programs,
    verify_residency,
)
from tests.compiler.checks import network


def test_every_artifact_keeps_its_rules(compiled_networks):
    for compiled in compiled_networks:
        verify(compiled)


@pytest.fixture
def compiled():
    return compile_network(network("mobilenet_v2_0.35_96"), load_design("edge_tpu_v1"))


def test_two_tensors_in_one_place_are_found(compiled):
    memory = memory_map(compiled)
    first, second = (b for b in memory.blocks if b.kind is Kind.TENSOR and b.first <= 1 <= b.last)
    moved = replace(second, address=first.address + first.bytes - 1)
    blocks = tuple(moved if block is second else block for block in memory.blocks)
    with pytest.raises(Broken, match="overlap"):
        verify_memory(replace(memory, blocks=blocks))


def test_a_block_outside_pe_memory_is_found(compiled):
    memory = memory_map(compiled)
    with pytest.raises(Broken, match="leaves PE memory"):
        verify_memory(replace(memory, pe_memory_bytes=memory.high_water - 1))


def test_parameters_beyond_core_memory_are_found(compiled):
    memory = memory_map(compiled)
    assert memory.residents
    with pytest.raises(Broken, match="exceeds the ring"):
        verify_residency(replace(memory, ring_bytes=max(memory.tiles) - 1))
    with pytest.raises(Broken, match="exceed core memory"):
        verify_residency(replace(memory, core_memory_bytes=memory.residents[-1].address))


def test_a_part_that_leaves_something_out_is_found(compiled):
    for column in (Map.PE_ROWS, Map.TILE_ROWS, Map.TILE_CHANNELS, Map.CORE_CHANNELS):
        mapping = compiled.mapping.copy()
        mapping[0, column] = 0
        with pytest.raises(Broken, match="not covered"):
            verify_mapping(replace(compiled, mapping=mapping))


def test_bytes_of_dram_given_twice_are_found(compiled):
    dram = compiled.dram.copy()
    first, second = sorted(stored_tensors(compiled))[:2]
    dram[second] = dram[first]
    with pytest.raises(Broken, match="overlap"):
        verify_layout(replace(compiled, dram=dram))


def test_a_tensor_read_before_it_is_written_or_after_its_end_is_found():
    lowered = network("mobilenet_v2_0.35_96")
    nests = lowered.nests.copy()
    nests[[0, 1]] = nests[[1, 0]]
    with pytest.raises(Broken, match="before it is written"):
        verify_nests(replace(lowered, nests=nests))
    tensors = lowered.tensors.copy()
    tensors[lowered.nests[3, Nest.SOURCE], TensorColumn.LAST_USE] = 2
    with pytest.raises(Broken, match="after its last use"):
        verify_nests(replace(lowered, tensors=tensors))


def test_an_instruction_that_leaves_a_memory_is_found(compiled):
    small = replace(compiled.accelerator, pe_memory_bytes=1024)
    with pytest.raises(Broken, match="PE memory"):
        verify_programs(replace(compiled, accelerator=small))
