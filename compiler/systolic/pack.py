"""A compiled model's memory: the DRAM image that its program finds, and what it leaves there."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from apollo.arch.operands import RECORD_BYTES
from apollo.compiler.ahead import value_ahead
from apollo.compiler.ingredients import channels_of, table_of
from apollo.compiler.records import Channels
from apollo.compiler.systolic.nests import CompiledNests
from apollo.compiler.systolic.weights import Results, Tile, Weights
from apollo.compiler.tables import Ints, Nest, TensorColumn
from apollo.workloads.integer.context import Context
from apollo.workloads.integer.run import execute
from apollo.workloads.model import Model

Bytes = npt.NDArray[np.uint8]


def pack(compiled: CompiledNests, model: Model, inputs: Mapping[str, Any]) -> Bytes:
    """What is in DRAM before the program runs: parameters, stored operands, inputs."""
    image = np.zeros(compiled.dram_bytes, np.uint8)
    network = compiled.network
    for number, address in compiled.constants.items():
        table = table_of(network.recipes[number], model)
        image[address : address + len(table)] = table
    for number, weights in compiled.weights.items():
        if not network.nests[number, Nest.DYNAMIC]:
            _pack_weights(compiled, model, number, weights, image)
    given = {name: np.asarray(inputs[name]) for name in network.inputs}
    for name, values in given.items():
        if name in network.numbers:
            _put(compiled, network.numbers[name], values, image)
    for tensor, stored in network.constants.items():
        if isinstance(stored, str):
            stored = model.constant(stored, "constant").values
        _put(compiled, tensor, stored, image)
    context = Context(model, given)
    for tensor, name in network.prepared.items():
        _put(compiled, tensor, value_ahead(name, context), image)
    return image


def unpack(compiled: CompiledNests, model: Model, dram: Bytes) -> dict[str, Ints]:
    """The network's outputs, in the shapes of the graph; the host finishes what is left to it."""
    operators = {operator.name: operator for operator in model.graph.operators}
    context = Context(model)
    for name in compiled.network.finished:
        operator = operators[name]
        for source in operator.inputs:
            if source not in context.tensors:
                context.tensors[source] = _stored(compiled, model, source, dram)
        context.tensors.update(zip(operator.outputs, execute(operator, context), strict=True))
    found = dict(context.tensors)
    return {
        name: found[name] if name in found else _stored(compiled, model, name, dram)
        for name in compiled.network.outputs
    }


def _stored(compiled: CompiledNests, model: Model, name: str, dram: Bytes) -> Ints:
    """A tensor of the graph that is in DRAM, in its shape."""
    shape = model.graph.tensor(name).shape
    values = _elements(compiled, compiled.network.numbers[name], dram).astype(np.int64)
    if len(shape) >= 4:
        values = np.moveaxis(values, 3, 1)
    return np.asarray(values.reshape(shape), np.int64)


def _elements(compiled: CompiledNests, tensor: int, dram: Bytes) -> Any:
    """A view of a tensor's elements [images, rows, columns, channels]."""
    row = compiled.network.tensors[tensor]
    dims = [int(size) for size in row[: TensorColumn.TOP]]
    width, first = int(row[TensorColumn.WIDTH]), compiled.tensors[tensor]
    values = dram[first : first + int(np.prod(dims)) * width]
    return values.view("<i1" if width == 1 else "<i2").reshape(dims)


def _put(compiled: CompiledNests, tensor: int, values: Any, image: Bytes) -> None:
    if values.ndim >= 4:
        values = values.reshape(values.shape[0], -1, *values.shape[-2:])
        values = np.moveaxis(values, 1, 3)
    place = _elements(compiled, tensor, image)
    place[...] = values.reshape(place.shape)


def _pack_weights(
    compiled: CompiledNests, model: Model, number: int, weights: Weights, image: Bytes
) -> None:
    nest = compiled.network.nests[number]
    count = int(nest[Nest.CHANNELS] * nest[Nest.GROUPS])
    recipe, taps, inputs = compiled.network.recipes[number], nest[Nest.TAPS], nest[Nest.IN_CHANNELS]
    stored = channels_of(recipe, model, count, int(taps), int(inputs))
    for column in weights.columns:
        results = weights.results[column.number]
        records = stored.records[results.channels].reshape(-1)
        assert len(records) == column.width * RECORD_BYTES
        image[column.records : column.records + len(records)] = records
        for part in column.parts:
            tile = weights.tiles[column.number][part.number]
            block = np.zeros((part.rows, part.pitch), np.int8)
            block[:, : column.width] = _block(stored, weights, results, tile)
            raw = block.view(np.uint8).reshape(-1)
            image[part.address : part.address + len(raw)] = raw


def _block(stored: Channels, weights: Weights, results: Results, tile: Tile) -> Any:
    """A weight tile [taps * units * inputs, units * each]: block-diagonal in every tap."""
    values = stored.weights
    if weights.taps < values.shape[1]:  # a window is a run of channels, tap after tap
        values = values.reshape(len(values), 1, -1)
    values = values.reshape(len(values), *weights.kernel, values.shape[2])
    taps = tile.taps
    rows = slice(taps.row, taps.row + taps.height)
    columns = slice(taps.column, taps.column + taps.width)
    inputs = slice(tile.first, tile.first + tile.inputs)
    own = values[results.channels, rows, columns, inputs]
    # [units, each, taps, inputs]
    own = own.reshape(results.units, results.each, taps.taps, tile.inputs)
    block = np.zeros((taps.taps, results.units, tile.inputs, results.units, results.each), np.int8)
    for unit in range(results.units):
        block[:, unit, :, unit] = own[unit].transpose(1, 2, 0)
    return block.reshape(taps.taps * results.units * tile.inputs, -1)
