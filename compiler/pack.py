"""A compiled model's memory: the DRAM image that its program finds, and what it leaves there."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.operands import RECORD_BYTES
from apollo.compiler.ahead import value_ahead
from apollo.compiler.ingredients import channels_of, table_of
from apollo.compiler.pipeline import Compiled
from apollo.compiler.records import Channels
from apollo.compiler.sparse_blocks import encoded, sparse_stream
from apollo.compiler.tables import NO_TENSOR, Ints, Map, Nest, Split, TensorColumn
from apollo.workloads.integer.context import Context
from apollo.workloads.integer.run import execute
from apollo.workloads.model import Model

Bytes = npt.NDArray[np.uint8]


class Tile(NamedTuple):
    """Parameters of one load: local groups, channels of a core and inputs, each a range."""

    groups: range
    channels: range
    inputs: range
    last: bool  # with records


def pack(compiled: Compiled, model: Model, inputs: Mapping[str, Any]) -> Bytes:
    """What is in DRAM before the program runs: parameters, stored tensors, inputs, guard rows."""
    image = np.zeros(compiled.dram_bytes, np.uint8)
    for layer in np.flatnonzero(compiled.mapping[:, Map.OWNER] == np.arange(len(compiled.mapping))):
        _pack_parameters(compiled, model, int(layer), image)
    for tensor in range(len(compiled.network.tensors)):
        _fill(compiled, tensor, image)
    for name in compiled.network.inputs:
        _put(compiled, compiled.network.numbers[name], np.asarray(inputs[name]), image)
    for tensor, stored in compiled.network.constants.items():
        if isinstance(stored, str):
            stored = model.constant(stored, "constant").values
        _put(compiled, tensor, stored, image)
    context = Context(model, {name: np.asarray(inputs[name]) for name in compiled.network.inputs})
    for tensor, name in compiled.network.prepared.items():
        _put(compiled, tensor, value_ahead(name, context), image)
    return image


def unpack(compiled: Compiled, model: Model, dram: Bytes) -> dict[str, Ints]:
    """The network's outputs, in the shapes of the graph; the host finishes what is left to it."""
    network = compiled.network
    operators = {operator.name: operator for operator in model.graph.operators}
    context = Context(model)
    for name in network.finished:
        operator = operators[name]
        for source in operator.inputs:
            if source not in context.tensors:
                context.tensors[source] = _stored(compiled, model, source, dram)
        context.tensors.update(zip(operator.outputs, execute(operator, context), strict=True))
    return {
        name: context.tensors[name]
        if name in context.tensors
        else _stored(compiled, model, name, dram)
        for name in network.outputs
    }


def _stored(compiled: Compiled, model: Model, name: str, dram: Bytes) -> Ints:
    """A tensor of the graph that is in DRAM, in its shape."""
    shape = model.graph.tensor(name).shape
    values = _interior(compiled, compiled.network.numbers[name], dram).astype(np.int64)
    if len(shape) >= 4:
        values = np.moveaxis(values, 3, 1)
    return np.asarray(values.reshape(shape), np.int64)


def _interior(compiled: Compiled, tensor: int, dram: Bytes) -> Any:
    """A view of a tensor's elements [images, rows, columns, channels], guards left out."""
    t = compiled.network.tensors[tensor]
    images, rows, columns, channels, top, bottom = (int(value) for value in t[:6])
    width = int(t[TensorColumn.WIDTH])
    tall = top + rows + bottom
    first = int(compiled.dram[tensor])
    size = images * tall * columns * channels * width
    values = dram[first : first + size].view("<i1" if width == 1 else "<i2")
    return values.reshape(images, tall, columns, channels)[:, top : top + rows]


def _put(compiled: Compiled, tensor: int, values: Any, image: Bytes) -> None:
    if values.ndim >= 4:
        values = values.reshape(values.shape[0], -1, *values.shape[-2:])
        values = np.moveaxis(values, 1, 3)
    place = _interior(compiled, tensor, image)
    place[...] = values.reshape(place.shape)


def _fill(compiled: Compiled, tensor: int, image: Bytes) -> None:
    """Guard rows hold the tensor's zero point; so does the rest, until it is written."""
    t = compiled.network.tensors[tensor]
    if t[TensorColumn.ALIAS] != NO_TENSOR:
        return
    # Of a large batch there are views that begin inside.
    owners = compiled.dram[compiled.network.tensors[:, TensorColumn.ALIAS] == NO_TENSOR]
    following = owners[owners > compiled.dram[tensor]]
    end = int(following.min(initial=compiled.dram_bytes))
    kind = "<i1" if t[TensorColumn.WIDTH] == 1 else "<i2"
    image[int(compiled.dram[tensor]) : end].view(kind)[:] = t[TensorColumn.FILL]


def tiles(n: Ints, m: Ints) -> Iterator[Tile]:
    """The loads of a nest's parameters, in the order of emission."""
    groups, channels, inputs = (
        int(m[Map.PE_GROUPS]),
        int(m[Map.CORE_CHANNELS]),
        int(n[Nest.IN_CHANNELS]),
    )
    if m[Map.RESIDENT]:
        yield Tile(range(groups), range(channels), range(inputs), True)
        return
    for group in range(groups):
        for first in range(0, channels, int(m[Map.TILE_CHANNELS])):
            end = min(channels, first + int(m[Map.TILE_CHANNELS]))
            for begin in range(0, inputs, int(m[Map.TILE_INPUTS])):
                stop = min(inputs, begin + int(m[Map.TILE_INPUTS]))
                yield Tile(
                    range(group, group + 1), range(first, end), range(begin, stop), stop == inputs
                )


def _pack_parameters(compiled: Compiled, model: Model, layer: int, image: Bytes) -> None:
    n, m = compiled.network.nests[layer], compiled.mapping[layer]
    recipe, first = compiled.network.recipes[layer], int(compiled.parameters[layer])
    following = compiled.parameters[compiled.parameters > first]
    end = int(min(following.min(initial=compiled.dram_bytes), compiled.dram.min()))
    if not n[Nest.WEIGHTS]:
        if n[Nest.TABLE_BYTES]:
            table = table_of(recipe, model)
            image[first : first + len(table)] = table
        return
    count = int(n[Nest.CHANNELS] * n[Nest.GROUPS])
    stored = channels_of(recipe, model, count, int(n[Nest.TAPS]), int(n[Nest.IN_CHANNELS]))
    if m[Map.SPARSE]:
        _check_nonzeros(compiled, layer, stored)
        owners, channels = _owners(compiled, n, m), encoded(stored)
        loads = [sparse_stream(n, m, owners, channels, tile.channels) for tile in tiles(n, m)]
    else:
        loads = [_load(compiled, n, m, stored, tile) for tile in tiles(n, m)]
    everything = np.concatenate(loads)
    if len(everything) != end - first:
        raise AssertionError(f"{len(everything)} bytes of parameters for {end - first}")
    image[first:end] = everything


def _check_nonzeros(compiled: Compiled, layer: int, stored: Channels) -> None:
    """Raise `ValueError` unless the network was lowered with the masks of the model."""
    name, wanted = compiled.network.layer_names[layer], compiled.network.nests[layer, Nest.NONZEROS]
    found = np.count_nonzero(stored.weights)
    if found != wanted:
        raise ValueError(
            f"The weights of '{name}' have {found:,} non-zeros, but it was compiled for {wanted:,}."
        )


def _load(compiled: Compiled, n: Ints, m: Ints, stored: Channels, tile: Tile) -> Bytes:
    """The stream of a load: block after block; of the last one what it has."""
    blocks = list(_blocks(compiled, n, m, tile))
    stream = np.concatenate([_block(compiled, n, m, stored, tile, block) for block in blocks])
    if n[Nest.GROUPS] > 1:
        return stream
    each = len(stream) // (len(blocks) * len(tile.channels))
    lacking = len(tile.channels) - sum(1 for _ in _wanted(compiled, n, m, tile, blocks[-1]))
    return stream[: len(stream) - lacking * each]


def _owners(compiled: Compiled, n: Ints, m: Ints) -> tuple[int, int]:
    """PEs and cores of a PE that share out the channels."""
    design = compiled.accelerator
    pes = 1
    if m[Map.SPLIT_X] == Split.CHANNELS:
        pes *= design.pes_x
    if m[Map.SPLIT_Y] == Split.CHANNELS:
        pes *= design.pes_y
    return pes, design.cores if m[Map.SPLIT_CORES] == Split.CHANNELS else 1


def _blocks(compiled: Compiled, n: Ints, m: Ints, tile: Tile) -> Iterator[tuple[int, int]]:
    """PE and core of the blocks of a load, up to the last that has any channel of it."""
    pes, cores = _owners(compiled, n, m)
    pairs = [(pe, core) for pe in range(pes) for core in range(cores)]
    if n[Nest.GROUPS] > 1:
        held = -(-(int(n[Nest.GROUPS]) - tile.groups.start) // int(m[Map.PE_GROUPS]))
        used = -(-int(n[Nest.CHANNELS]) // int(m[Map.CORE_CHANNELS]))
        yield from pairs[: ((held if pes > 1 else 1) - 1) * cores + used]
        return
    useful = [pair for pair in pairs if any(_wanted(compiled, n, m, tile, pair))]
    yield from pairs[: pairs.index(useful[-1]) + 1]


def _wanted(
    compiled: Compiled, n: Ints, m: Ints, tile: Tile, block: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """Group and channel of everything in a core's block."""
    pe, core = block
    for local in tile.groups:
        is_split = n[Nest.GROUPS] > 1 and _owners(compiled, n, m)[0] > 1
        group = pe * int(m[Map.PE_GROUPS]) + local if is_split else local
        part = n[Nest.CHANNELS] if n[Nest.GROUPS] > 1 else m[Map.PE_CHANNELS]
        begin = 0 if n[Nest.GROUPS] > 1 else pe * int(part)
        for channel in tile.channels:
            own = core * int(m[Map.CORE_CHANNELS]) + channel
            inside = channel < m[Map.CORE_CHANNELS] and own < part
            if inside and begin + own < n[Nest.CHANNELS] and group < n[Nest.GROUPS]:
                yield group, begin + own


def _block(
    compiled: Compiled, n: Ints, m: Ints, stored: Channels, tile: Tile, block: tuple[int, int]
) -> Bytes:
    """The bytes of a core's block; those of channels that it lacks are zero."""
    each = int(n[Nest.TAPS]) * len(tile.inputs) + (RECORD_BYTES if tile.last else 0)
    packed = np.zeros((len(tile.groups) * len(tile.channels), each), np.uint8)
    inputs = slice(tile.inputs.start, tile.inputs.stop)
    for group, channel in _wanted(compiled, n, m, tile, block):
        pe_groups = int(m[Map.PE_GROUPS])
        row = (group % pe_groups - tile.groups.start) * len(tile.channels)
        own = channel - (0 if n[Nest.GROUPS] > 1 else block[0] * int(m[Map.PE_CHANNELS]))
        row += own - block[1] * int(m[Map.CORE_CHANNELS]) - tile.channels.start
        output = group * int(n[Nest.RESULT_STEP]) + channel * int(n[Nest.RESULT_PITCH])
        weights = np.ascontiguousarray(stored.weights[output, :, inputs]).view(np.uint8).reshape(-1)
        packed[row, : len(weights)] = weights
        if tile.last:
            packed[row, len(weights) :] = stored.records[output]
    return packed.reshape(-1)
