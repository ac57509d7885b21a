import numpy as np
import pytest

from apollo.arch.accelerator import load_design
from apollo.arch.isa import Engine, Opcode
from apollo.arch.listing import listing
from apollo.arch.operands import ComputeFlag, Transfer, Vector, Window
from apollo.arch.program import Program
from apollo.compiler.pipeline import compile_network
from apollo.compiler.tables import Map, Nest, Split, TensorColumn
from apollo.simulator.engine import simulate
from tests.compiler.checks import (
    Judge,
    check_hazards,
    network,
    parameter_bytes,
    rows_read,
    split_counts,
    tensor_bytes,
)

LONGEST = 1_500  # instructions; pairs are counted


def programs(compiled):
    yield compiled.cold, True
    if compiled.has_residents:
        yield compiled.warm, False


def test_conflicting_instructions_are_ordered(compiled_networks):
    for compiled in compiled_networks:
        for program, cold in programs(compiled):
            if len(program) <= LONGEST:
                timeline = simulate(program, compiled.accelerator)
                check_hazards(Judge(compiled, program, cold), timeline)


@pytest.mark.parametrize("engine", [Engine.PARAM, Engine.ACT, Engine.MOVE, Engine.COMPUTE])
def test_the_judge_sees_missing_waits(engine):
    compiled = compile_network(network("mobilenet_v1_0.25_128"), load_design("edge_tpu_v3"))
    cold = compiled.cold
    wait = cold.wait.copy()
    wait[:, engine] = 0
    broken = Program(cold.opcode, cold.layer, wait, cold.operand, cold.layer_names)
    with pytest.raises(AssertionError):
        check_hazards(Judge(compiled, broken, True))


def macs_of_busiest_core(program, cores):
    """Multiply-accumulates, or passes over elements, of each compute instruction."""
    operand = program.operand.astype(np.int64)
    positions = operand[:, Window.ROWS] * operand[:, Window.COLUMNS]
    shared = operand[:, Window.FLAGS] & ComputeFlag.SPLIT_POSITIONS > 0
    positions = np.where(shared, -(-positions // cores), positions)
    is_window = (program.opcode < Opcode.ADD) | (program.opcode == Opcode.CONVOLVE_SPARSE)
    kernel = operand[:, Window.KERNEL_ROWS] * operand[:, Window.KERNEL_COLUMNS]
    each = np.where(is_window, kernel * operand[:, Window.IN_CHANNELS], operand[:, Vector.PASSES])
    work = positions * operand[:, Window.OUT_CHANNELS] * each
    return work * (program.engine == Engine.COMPUTE)


def test_the_work_is_done_once_but_for_rounding(compiled_networks):
    for compiled in compiled_networks:
        design, program = compiled.accelerator, compiled.warm
        work = macs_of_busiest_core(program, design.cores)
        done = np.zeros(len(compiled.mapping), np.int64)
        np.add.at(done, program.layer, work)
        for n, m, busiest in zip(compiled.network.nests, compiled.mapping, done, strict=True):
            rows, columns, channels = (int(n[c]) for c in (Nest.ROWS, Nest.COLUMNS, Nest.CHANNELS))
            each = int(n[Nest.GROUPS] * n[Nest.IN_CHANNELS] * n[Nest.TAPS])
            assert busiest * design.pes * design.cores >= rows * columns * channels * each
            pes = split_counts(design, m)
            positions = -(-rows // pes[Split.ROWS]) * -(-columns // pes[Split.COLUMNS])
            owners = pes[Split.CHANNELS]
            if m[Map.SPLIT_CORES] == Split.CHANNELS:
                owners *= design.cores
            else:  # one position more a row tile at most
                positions = -(-positions // design.cores) + int(m[Map.ROW_TILES]) - 1
            assert busiest <= positions * -(-channels // owners) * each


def test_no_faster_than_the_peak(compiled_networks):
    for compiled in compiled_networks:
        latency = simulate(compiled.warm, compiled.accelerator).latency_cycles
        assert latency * compiled.accelerator.peak_macs_per_cycle >= compiled.network.macs


def loaded(compiled, program, opcode):
    chosen = program.opcode == opcode
    sizes = program.operand[:, Transfer.SEGMENTS] * program.operand[:, Transfer.SEGMENT_BYTES]
    total = np.zeros(len(compiled.mapping), np.int64)
    np.add.at(total, program.layer[chosen], sizes[chosen])
    count = np.bincount(program.layer[chosen], minlength=len(total))
    return total, count


def test_every_parameter_is_loaded(compiled_networks):
    for compiled in compiled_networks:
        total, count = loaded(compiled, compiled.cold, Opcode.LOAD_PARAMETERS)
        for i, (n, m) in enumerate(zip(compiled.network.nests, compiled.mapping, strict=True)):
            passes = 1
            tiles = n[Nest.GROUPS] * m[Map.CHANNEL_TILES] * m[Map.INPUT_TILES]
            if count[i] > tiles:
                passes = m[Map.ROW_TILES]
            assert total[i] == passes * parameter_bytes(n)


def test_activations_move_through_dram_as_they_must(compiled_networks):
    for compiled in compiled_networks:
        nests, tensors = compiled.network.nests, compiled.network.tensors
        loads, _ = loaded(compiled, compiled.warm, Opcode.LOAD_ACTIVATIONS)
        stores, _ = loaded(compiled, compiled.warm, Opcode.STORE)
        for i, (n, m) in enumerate(zip(nests, compiled.mapping, strict=True)):
            source = tensors[n[Nest.SOURCE]]
            if m[Map.SOURCE_FROM_DRAM]:
                rows = int(source[TensorColumn.ROWS])
                assert loads[i] >= tensor_bytes(source) // rows * rows_read(n, rows)
            else:
                assert not tensors[n[Nest.SOURCE], TensorColumn.IN_DRAM]
            result = int(n[[Nest.ROWS, Nest.COLUMNS, Nest.CHANNELS, Nest.GROUPS]].prod())
            if m[Map.TO_DRAM]:
                assert result <= stores[i] < 2 * result
            else:
                assert stores[i] == 0
                assert not tensors[n[Nest.DESTINATION], TensorColumn.IN_DRAM]


def test_instructions_take_what_the_mapping_says(compiled_networks):
    for compiled in compiled_networks:
        mapping = compiled.mapping
        total = np.zeros(len(mapping), np.int64)
        np.add.at(total, compiled.cold.layer, compiled.cold.encoded_bytes)
        resident = mapping[:, Map.RESIDENT] == 1
        said = mapping[:, Map.INSTRUCTION_BYTES]
        assert (total[~resident] == said[~resident]).all()
        assert (total[resident] <= said[resident]).all()  # one load, whole tiles


def test_two_tiles_use_two_buffers():
    compiled = compile_network(network("mobilenet_v1_0.25_128"), load_design("edge_tpu_v3"))
    small = compiled.accelerator.__class__(
        **vars(compiled.accelerator) | {"pe_memory_bytes": 8192, "name": "small"}
    )
    compiled = compile_network(network("mobilenet_v1_0.25_128"), small)
    program = compiled.cold
    chosen = (program.layer == 0) & (program.opcode == Opcode.LOAD_ACTIVATIONS)
    addresses = program.operand[chosen, Transfer.ADDRESS]
    assert len(addresses) > 2
    assert len(set(addresses.tolist())) == 2
    assert (addresses[2:] == addresses[:-2]).all()


def test_the_listing_of_a_network_is_as_reviewed(golden):
    compiled = compile_network(network("mobilenet_v1_0.25_128"), load_design("edge_tpu_v3"))
    golden("mobilenet_v1_0.25_128_edge_tpu_v3.listing", "\n".join(listing(compiled.warm)) + "\n")


def test_the_mapping_of_a_network_is_as_reviewed(golden):
    compiled = compile_network(network("mobilenet_v1_0.25_128"), load_design("edge_tpu_v3"))
    lines = []
    for name, m in zip(compiled.network.layer_names, compiled.mapping, strict=True):
        cells = (f"{column.name.lower()}={m[column]}" for column in Map)
        lines.append(f"{name}: {' '.join(cells)}")
    golden("mobilenet_v1_0.25_128_edge_tpu_v3.mapping", "\n".join(lines) + "\n")
