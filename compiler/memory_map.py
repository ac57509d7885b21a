"""Who lives where: PE memory over the nests, core memory, and the tensors that live in DRAM."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from apollo.compiler.kernels.parameters import has_parameters, nest_bytes, ring_bytes
from apollo.compiler.kernels.sparse import sparse_load
from apollo.compiler.mapping import units_of
from apollo.compiler.pipeline import Compiled
from apollo.compiler.tables import NO_TENSOR, From, Ints, Map, Nest, TensorColumn

BUFFERS = 2  # of a stream that is tiled


class Kind(StrEnum):
    """What a block of PE memory is for."""

    TENSOR = "tensor"  # from its producer to its last reader
    COPY = "copy"  # what a move brings
    SOURCE = "stream in"  # buffers of what comes from DRAM
    RESULT = "stream out"  # buffers of what goes to DRAM
    SUMS = "partial sums"


@dataclass(frozen=True)
class Block:
    """Bytes of every PE memory while some nests run."""

    kind: Kind
    name: str  # of the tensor
    first: int  # nest
    last: int  # nest, inclusive
    address: int
    bytes: int  # all buffers together
    buffers: int = 1

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.address + self.bytes


@dataclass(frozen=True)
class Resident:
    """Parameters of a nest that stay in every core memory between inferences."""

    nest: int
    address: int
    bytes: int


@dataclass(frozen=True)
class Stored:
    """A tensor in DRAM from the nest that writes it to its last reader."""

    name: str
    first: int  # nest; -1: before the inference
    last: int  # nest; the number of nests: after the inference
    bytes: int
    spilled: bool  # for want of room in PE memory, or to change its order


@dataclass(frozen=True)
class MemoryMap:
    """The memory of a compiled network."""

    layers: tuple[str, ...]  # [L] names
    blocks: tuple[Block, ...]  # of PE memory, by first nest and address
    pe_memory_bytes: int
    residents: tuple[Resident, ...]  # below the ring of core memory
    ring_bytes: int
    tiles: tuple[int, ...]  # [L] bytes of a tile of parameters in the ring; 0 for residents
    core_memory_bytes: int
    stored: tuple[Stored, ...]  # tensors in DRAM

    def live(self, nest: int) -> list[Block]:
        """Blocks while that nest runs, lowest address first."""
        found = [block for block in self.blocks if block.first <= nest <= block.last]
        return sorted(found, key=lambda block: block.address)

    def used(self, nest: int) -> int:
        """Bytes of PE memory in use while that nest runs."""
        return sum(block.bytes for block in self.live(nest))

    @property
    def high_water(self) -> int:
        """The end of the highest block of PE memory."""
        return max((block.end for block in self.blocks), default=0)


def memory_map(compiled: Compiled) -> MemoryMap:
    """The map of all memories of a compiled network."""
    design, network = compiled.accelerator, compiled.network
    residents = tuple(_residents(compiled))
    kept = sum(resident.bytes for resident in residents)
    tiles = tuple(
        0 if m[Map.RESIDENT] or not has_parameters(n) else int(ring_bytes(n, m))
        for n, m in zip(network.nests, compiled.mapping, strict=True)
    )
    return MemoryMap(
        layers=network.layer_names,
        blocks=tuple(sorted(_blocks(compiled), key=lambda b: (b.first, b.address, b.last))),
        pe_memory_bytes=design.pe_memory_bytes,
        residents=residents,
        ring_bytes=design.core_memory_bytes - kept,
        tiles=tiles,
        core_memory_bytes=design.core_memory_bytes,
        stored=tuple(_stored(compiled)),
    )


def parameter_bytes(compiled: Compiled, nest: int) -> int:
    """What the parameters of a nest take in DRAM; nothing where another nest owns them."""
    n, m = compiled.network.nests[nest], compiled.mapping[nest]
    if m[Map.OWNER] != nest:
        return 0
    units = units_of(compiled.accelerator)
    if m[Map.SPARSE] and m[Map.RESIDENT]:
        pairs = compiled.network.pairs
        return int(sparse_load(n, units, m, pairs, 0, m[Map.CORE_CHANNELS])[1])
    if m[Map.SPARSE]:
        return int(m[Map.LOAD_BYTES])
    return int(nest_bytes(n, units, m)) if has_parameters(n) else 0


def nest_blocks(n: Ints, m: Ints, names: tuple[str, ...], nest: int) -> Iterator[Block]:
    """What a nest itself takes of PE memory, its result included."""
    pair = BUFFERS if m[Map.ROW_TILES] * n[Nest.IMAGES] > 1 else 1
    for tensor, origin, size, address in (
        (n[Nest.SOURCE], m[Map.SOURCE_FROM], m[Map.SOURCE_BYTES], m[Map.SOURCE_ADDRESS]),
        (n[Nest.SECOND], m[Map.SECOND_FROM], m[Map.SECOND_BYTES], m[Map.SECOND_ADDRESS]),
    ):
        if size > 0:
            streams = origin == From.DRAM
            kind, buffers = (Kind.SOURCE, pair) if streams else (Kind.COPY, 1)
            yield _block(kind, names[tensor], nest, address, size, buffers)
    name = names[n[Nest.DESTINATION]]
    kind, buffers = (Kind.RESULT, pair) if m[Map.TO_DRAM] else (Kind.TENSOR, 1)
    yield _block(kind, name, nest, m[Map.DESTINATION_ADDRESS], m[Map.DESTINATION_BYTES], buffers)
    if m[Map.PARTIAL_BYTES] > 0:
        yield _block(Kind.SUMS, name, nest, m[Map.PARTIAL_ADDRESS], m[Map.PARTIAL_BYTES], 1)


def _block(kind: Kind, name: str, nest: int, address: int, size: int, buffers: int) -> Block:
    return Block(kind, name, nest, nest, int(address), int(size) * buffers, buffers)


def stored_tensors(compiled: Compiled) -> set[int]:
    """Tensors, and views of them, that have bytes in DRAM."""
    network = compiled.network
    written = network.nests[compiled.mapping[:, Map.TO_DRAM] > 0, Nest.DESTINATION]
    always = np.flatnonzero(network.tensors[:, TensorColumn.IN_DRAM])
    return set(written.tolist()) | set(always.tolist())


def _blocks(compiled: Compiled) -> Iterator[Block]:
    """Every block, a tensor once from its first writer to its last reader."""
    network = compiled.network
    homes = set[int]()
    for nest, (n, m) in enumerate(zip(network.nests, compiled.mapping, strict=True)):
        tensor = int(n[Nest.DESTINATION])
        for block in nest_blocks(n, m, network.tensor_names, nest):
            if block.kind is not Kind.TENSOR:
                yield block
            elif tensor not in homes:
                homes.add(tensor)
                last = int(network.tensors[tensor, TensorColumn.LAST_USE])
                address, size = block.address, block.bytes
                yield Block(Kind.TENSOR, block.name, nest, last, address, size)


def _residents(compiled: Compiled) -> Iterator[Resident]:
    for nest, m in enumerate(compiled.mapping):
        if m[Map.RESIDENT] and m[Map.OWNER] == nest and m[Map.CORE_BYTES]:
            yield Resident(nest, int(m[Map.RESIDENT_ADDRESS]), int(m[Map.CORE_BYTES]))


def _stored(compiled: Compiled) -> Iterator[Stored]:
    network, nests = compiled.network, compiled.network.nests
    inputs = {network.numbers[name] for name in network.inputs if name in network.numbers}
    inputs |= {*network.constants, *network.prepared}
    # What the host makes of the results has no number.
    outputs = {network.numbers[name] for name in network.outputs if name in network.numbers}
    for tensor, t in enumerate(network.tensors):
        writers = nests[:, Nest.DESTINATION] == tensor
        to_dram = writers & (compiled.mapping[:, Map.TO_DRAM] > 0)
        if not (to_dram.any() or tensor in inputs) or t[TensorColumn.ALIAS] != NO_TENSOR:
            continue
        size = t[TensorColumn.IMAGES] * t[TensorColumn.ROWS] * t[TensorColumn.COLUMNS]
        yield Stored(
            name=network.tensor_names[tensor],
            first=-1 if tensor in inputs else int(to_dram.argmax()),
            last=len(nests) if tensor in outputs else _last_reader(network.tensors, tensor),
            bytes=int(size * t[TensorColumn.CHANNELS] * t[TensorColumn.WIDTH]),
            spilled=tensor not in inputs | outputs,
        )


def _last_reader(tensors: Ints, tensor: int) -> int:
    """The last nest that reads a tensor, or a view of it."""
    views = tensors[:, TensorColumn.ALIAS] == tensor
    views[tensor] = True
    return int(tensors[views, TensorColumn.LAST_USE].max())
