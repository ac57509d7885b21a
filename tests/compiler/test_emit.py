import math

import numpy as np

from apollo.arch.accelerator import load_design
from apollo.arch.isa import Engine, Opcode
from apollo.arch.operands import ComputeFlag, Transfer, Vector, Window
from apollo.compiler.kernels.parameters import has_parameters
from apollo.compiler.options import Fixed, Options
from apollo.compiler.pipeline import compile_network
from apollo.compiler.tables import From, Map, Nest, Split, TensorColumn
from apollo.simulator.engine import simulate
from tests.compiler.checks import network


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
            sizes = (Nest.IMAGES, Nest.ROWS, Nest.COLUMNS, Nest.CHANNELS)
            elements = math.prod(int(n[size]) for size in sizes)
            each = int(n[Nest.GROUPS] * n[Nest.IN_CHANNELS] * n[Nest.TAPS])
            assert busiest * design.pes * design.cores >= elements * each
            assert busiest <= most_work(design, n, m) * int(n[Nest.IMAGES]) * each


def most_work(design, n, m):
    """Positions times channels of the busiest core, rounded up as the parts are."""
    positions = int(m[Map.PE_ROWS] * m[Map.PE_COLUMNS])
    if m[Map.SPLIT_CORES] == Split.ROWS:  # one position more a row tile at most
        positions = -(-positions // design.cores) + int(m[Map.ROW_TILES]) - 1
    owners = 1
    for axis, pes in ((Map.SPLIT_X, design.pes_x), (Map.SPLIT_Y, design.pes_y)):
        if m[axis] == Split.CHANNELS:
            owners *= pes
    groups = int(n[Nest.GROUPS])
    share = -(-groups // owners) / groups if groups > 1 else 1
    return positions * int(m[Map.CORE_CHANNELS]) * share


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


def test_parameters_are_loaded_again_for_whole_passes(compiled_networks):
    for compiled in compiled_networks:
        total, _ = loaded(compiled, compiled.cold, Opcode.LOAD_PARAMETERS)
        ends = np.unique([*compiled.parameters, compiled.dram.min()])
        for i, (n, m) in enumerate(zip(compiled.network.nests, compiled.mapping, strict=True)):
            first = compiled.parameters[i]
            size = int(ends[ends > first].min() - first) if has_parameters(n) else 0
            passes = int(n[Nest.IMAGES] * m[Map.ROW_TILES])
            # Strips of a nest may find them where an earlier one has put them.
            assert total[i] in (size, size * passes) or (m[Map.OWNER] != i and total[i] == 0)


def test_activations_move_through_dram_as_they_must(compiled_networks):
    for compiled in compiled_networks:
        tensors = compiled.network.tensors
        loads, _ = loaded(compiled, compiled.warm, Opcode.LOAD_ACTIVATIONS)
        stores, _ = loaded(compiled, compiled.warm, Opcode.STORE)
        for i, (n, m) in enumerate(zip(compiled.network.nests, compiled.mapping, strict=True)):
            if m[Map.SOURCE_FROM] == From.DRAM:
                assert loads[i] > 0
            else:
                assert not tensors[n[Nest.SOURCE], TensorColumn.IN_DRAM]
            sizes = (Nest.IMAGES, Nest.ROWS, Nest.COLUMNS, Nest.CHANNELS, Nest.GROUPS)
            result = math.prod(int(n[size]) for size in sizes)
            assert stores[i] == (result if m[Map.TO_DRAM] else 0)
            assert m[Map.TO_DRAM] or not tensors[n[Nest.DESTINATION], TensorColumn.IN_DRAM]


def test_instructions_take_what_the_mapping_says(compiled_networks):
    for compiled in compiled_networks:
        mapping = compiled.mapping
        total = np.zeros(len(mapping), np.int64)
        np.add.at(total, compiled.cold.layer, compiled.cold.encoded_bytes)
        resident = mapping[:, Map.RESIDENT] == 1
        said = mapping[:, Map.INSTRUCTION_BYTES] * compiled.network.nests[:, Nest.IMAGES]
        # Resident parameters are one load; the last tile may have no rest to store.
        assert (total <= said).all()
        assert (2 * total[~resident] > mapping[~resident, Map.INSTRUCTION_BYTES]).all()


def test_two_tiles_use_two_buffers():
    compiled = compile_network(network("mobilenet_v1_0.25_128"), load_design("edge_tpu_v3"))
    small = compiled.accelerator.__class__(
        **vars(compiled.accelerator) | {"pe_memory_bytes": 8192, "name": "small"}
    )
    whole = Options(fixed=(Fixed.of("*:strips=1"),))
    compiled = compile_network(network("mobilenet_v1_0.25_128"), small, whole)
    program = compiled.cold
    chosen = (program.layer == 0) & (program.opcode == Opcode.LOAD_ACTIVATIONS)
    addresses = program.operand[chosen, Transfer.ADDRESS]
    assert len(addresses) > 2
    assert len(set(addresses.tolist())) == 2
    assert (addresses[2:] == addresses[:-2]).all()
