"""Checks of every artifact of the compiler, one function a stage.

Tests run them on all that they compile. A broken rule is a fault of the compiler and not of its
input: `Broken`, which names rule and layer.
"""

import itertools

import numpy as np

from apollo.arch.extents import refuse_misfit
from apollo.compiler.memory_map import MemoryMap, memory_map, parameter_bytes, stored_tensors
from apollo.compiler.network import Network
from apollo.compiler.pipeline import Compiled
from apollo.compiler.tables import IN_ORDER, NO_TENSOR, Map, Nest, Split, TensorColumn


class Broken(Exception):  # noqa: N818 - says what is broken
    """The compiler broke a rule of its own."""


def verify(compiled: Compiled) -> None:
    """Check every artifact; raises `Broken` for the first that breaks a rule."""
    verify_nests(compiled.network)
    verify_rows(compiled.network)
    verify_mapping(compiled)
    verify_memory(memory_map(compiled))
    verify_residency(memory_map(compiled))
    verify_layout(compiled)
    verify_programs(compiled)


def _require(holds: bool, layer: str, rule: str) -> None:
    if not holds:
        raise Broken(f"Layer '{layer}': {rule}.")


def verify_nests(network: Network) -> None:
    """Tensors are written before they are read, and not read after their last use."""
    known = {network.numbers[name] for name in network.inputs if name in network.numbers}
    known |= {*network.constants, *network.prepared}
    for index, (name, n) in enumerate(zip(network.layer_names, network.nests, strict=True)):
        for column in (Nest.SOURCE, Nest.SECOND):
            tensor = int(n[column])
            if tensor == NO_TENSOR and column == Nest.SECOND:
                continue
            _require(0 <= tensor < len(network.tensors), name, f"{column.name} is no tensor")
            t = network.tensors[tensor]
            stored = tensor
            while network.tensors[stored, TensorColumn.ALIAS] != NO_TENSOR:
                stored = int(network.tensors[stored, TensorColumn.ALIAS])
            what = f"reads '{network.tensor_names[tensor]}'"
            _require(not known.isdisjoint({tensor, stored}), name, f"{what} before it is written")
            _require(index <= t[TensorColumn.LAST_USE], name, f"{what} after its last use")
        known.add(int(n[Nest.DESTINATION]))


def verify_rows(network: Network) -> None:
    """Of a tensor that is written row by row, every row is written before it is read."""
    written: dict[int, set[int]] = {}
    for name, n in zip(network.layer_names, network.nests, strict=True):
        source, second = int(n[Nest.SOURCE]), int(n[Nest.SECOND])
        for tensor, first, extent in (
            (source, -int(n[Nest.PAD_ROWS]), int(n[Nest.EXTENT_ROWS])),
            (second, int(n[Nest.SECOND_ROW]), 1),
        ):
            if tensor not in written:
                continue  # stored before, or a view
            size = int(network.tensors[tensor, TensorColumn.ROWS])
            steps = range(0, int(n[Nest.ROWS] * n[Nest.STRIDE_ROWS]), int(n[Nest.STRIDE_ROWS]))
            reads = {first + step + tap for step in steps for tap in range(extent)}
            if n[Nest.PERMUTATION] != IN_ORDER or n[Nest.DYNAMIC] or size == 1:
                reads = set(range(size))
            missing = (reads & set(range(size))) - written[tensor]
            what = f"reads rows of '{network.tensor_names[tensor]}' before they are written"
            _require(not missing, name, what)
        rows = int(n[Nest.FIRST_ROW]) + np.arange(n[Nest.ROWS]) * int(n[Nest.RESULT_ROWS])
        written.setdefault(int(n[Nest.DESTINATION]), set()).update(rows.tolist())


def verify_mapping(compiled: Compiled) -> None:
    """Parts and tiles cover the nest; its instructions fit the instruction memory."""
    design = compiled.accelerator
    rows = zip(compiled.network.layer_names, compiled.network.nests, compiled.mapping, strict=True)
    for name, n, m in rows:
        pes = dict.fromkeys(Split, 1)
        pes[Split(int(m[Map.SPLIT_X]))] *= design.pes_x
        pes[Split(int(m[Map.SPLIT_Y]))] *= design.pes_y
        owners = pes[Split.CHANNELS]
        if m[Map.SPLIT_CORES] == Split.CHANNELS:
            owners *= design.cores
        channels = n[Nest.CHANNELS] * n[Nest.GROUPS]
        for what, whole, parts, part in (
            ("rows", n[Nest.ROWS], pes[Split.ROWS], m[Map.PE_ROWS]),
            ("columns", n[Nest.COLUMNS], pes[Split.COLUMNS], m[Map.PE_COLUMNS]),
            ("channels", channels, owners, m[Map.CORE_CHANNELS] * m[Map.PE_GROUPS]),
            ("row tiles", m[Map.PE_ROWS], m[Map.ROW_TILES], m[Map.TILE_ROWS]),
            ("channel tiles", m[Map.CORE_CHANNELS], m[Map.CHANNEL_TILES], m[Map.TILE_CHANNELS]),
            ("input tiles", n[Nest.IN_CHANNELS], m[Map.INPUT_TILES], m[Map.TILE_INPUTS]),
        ):
            _require(part >= 1 and part * parts >= whole, name, f"{what} are not covered")
        size, room = int(m[Map.INSTRUCTION_BYTES]), design.instruction_memory_bytes
        _require(size <= room, name, f"its {size} B of instructions exceed {room}")


def verify_memory(memory: MemoryMap) -> None:
    """No two blocks that live at the same time share a byte of PE memory, and all are in it."""
    for nest, layer in enumerate(memory.layers):
        live = memory.live(nest)
        for below, above in itertools.pairwise(live):
            _require(
                below.end <= above.address,
                layer,
                f"{below.kind} of '{below.name}' and {above.kind} of '{above.name}' overlap",
            )
        for block in live:
            inside = block.address >= 0 and block.end <= memory.pe_memory_bytes
            _require(inside, layer, f"{block.kind} of '{block.name}' leaves PE memory")


def verify_residency(memory: MemoryMap) -> None:
    """Resident parameters and the largest streamed tile fit core memory together."""
    end = 0
    for resident in memory.residents:
        layer = memory.layers[resident.nest]
        _require(resident.address == end, layer, "its resident parameters overlap others")
        end += resident.bytes
    _require(end <= memory.core_memory_bytes, "", "resident parameters exceed core memory")
    for layer, size in zip(memory.layers, memory.tiles, strict=True):
        _require(size <= memory.ring_bytes, layer, f"a tile of {size} B exceeds the ring")


def verify_layout(compiled: Compiled) -> None:
    """Parameters and tensors have bytes of their own in DRAM."""
    network = compiled.network
    regions, stored = [], stored_tensors(compiled)
    for nest, name in enumerate(network.layer_names):
        first = int(compiled.parameters[nest])
        regions.append((first, first + parameter_bytes(compiled, nest), name))
    for tensor, t in enumerate(network.tensors):
        first, name = int(compiled.dram[tensor]), network.tensor_names[tensor]
        if t[TensorColumn.ALIAS] == NO_TENSOR and tensor in stored:
            size = t[[TensorColumn.IMAGES, TensorColumn.ROWS, TensorColumn.COLUMNS]].prod()
            size *= t[TensorColumn.CHANNELS] * t[TensorColumn.WIDTH]
            regions.append((first, first + int(size), name))
    regions.sort()
    for (_, end, name), (first, _, other) in itertools.pairwise(regions):
        _require(end <= first, name, f"its bytes in DRAM overlap those of '{other}'")
    _require(regions[-1][1] <= compiled.dram_bytes, regions[-1][2], "leaves DRAM")


def verify_programs(compiled: Compiled) -> None:
    """Every byte that an instruction touches is there; the layers come in order."""
    for program in (compiled.cold, compiled.warm):
        try:
            refuse_misfit(program, compiled.accelerator, compiled.dram_bytes)
        except ValueError as error:
            raise Broken(str(error)) from None
        if (program.layer[1:] < program.layer[:-1]).any():
            raise Broken("Instructions of a layer come behind those of a later one.")
