"""A lowered network -> one program for a chip with an array: the stages in order."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Opcode
from apollo.arch.program import Program
from apollo.compiler.network import Network
from apollo.compiler.systolic.boxes import (
    Box,
    Span,
    alone,
    dims_of,
    part_dims,
    rows_of,
    source_box,
    whole_tile,
)
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.computed import Computed, largest_piece
from apollo.compiler.systolic.constants import Constants, ring_bytes
from apollo.compiler.systolic.estimate import Estimate
from apollo.compiler.systolic.geometry import cut
from apollo.compiler.systolic.layout import Layout
from apollo.compiler.systolic.machine import Array, plan_array
from apollo.compiler.systolic.nest_product import NestProduct
from apollo.compiler.systolic.nest_vector import emit_tile, size_of
from apollo.compiler.systolic.places import Buffers, Places, Tables, around, place, tiles
from apollo.compiler.systolic.sites import NO_MARGINS, Site, site_of
from apollo.compiler.systolic.stream import Stream
from apollo.compiler.systolic.transfers import Stored, dense, fill_margins, load, store
from apollo.compiler.systolic.weights import OF_WEIGHTS, Weights, plan_weights
from apollo.compiler.tables import NO_TENSOR, Ints, Nest, TensorColumn

_PRODUCTS = (Opcode.CONVOLVE, Opcode.DEPTHWISE)


@dataclass(frozen=True)
class CompiledNests:
    """A program of an inference of the whole batch, and where its data lie in DRAM."""

    network: Network
    accelerator: Accelerator
    program: Program
    places: Places  # in PE memory
    weights: dict[int, Weights]  # by nest
    constants: dict[int, int]  # address of a nest's table or record
    tensors: dict[int, int]  # address, of those that are ever in DRAM
    dram_bytes: int
    layer_macs: Ints  # [layers of the program]

    @property
    def cold(self) -> Program:
        """The program of a first inference."""
        return self.program

    @property
    def warm(self) -> Program:
        """The program of a following one, the same: parameters do not stay."""
        return self.program


def compile_nests(network: Network, accelerator: Accelerator) -> CompiledNests:
    """Compile a lowered network for a design with an array.

    Raises `DoesNotFit` with resource and layer, `ValueError` for a design without an array.
    """
    nests, tensors = rows_of(network.nests), rows_of(network.tensors)
    # Constants of vector operations first: weight tiles get what they leave of core memory.
    multiplies = [nest[Nest.OPCODE] in _PRODUCTS for nest in nests]
    sizes = [nest[Nest.TABLE_BYTES] for nest in nests if nest[Nest.OPCODE] not in _PRODUCTS]
    ring = ring_bytes([size for size in sizes if size], accelerator)
    first = multiplies.index(True) if any(multiplies) else 0
    name = network.layer_names[first]
    array = plan_array(accelerator, ring, output_stationary=False, layer=name)
    layout = Layout()
    weights = _plan_all_weights(network, (nests, tensors), array, layout)
    constants = {
        number: layout.reserve(nest[Nest.TABLE_BYTES])
        for number, nest in enumerate(nests)
        if nest[Nest.TABLE_BYTES]
    }
    computed = _plan_computed_weights(network, nests, array, constants)
    weights |= computed
    quanta = [_quantum(nest, weights.get(i), accelerator) for i, nest in enumerate(nests)]
    pieces = {number: largest_piece(nests[number], each) for number, each in computed.items()}
    tables = Tables(nests, tensors, quanta, pieces)

    estimate = Estimate(nests, weights, array)
    places = place(tables, accelerator.pe_memory_bytes, network.layer_names, estimate)
    stored = _store_in_dram(network, tables, places, layout)
    run = _Run(network, accelerator, tables, places, stored, weights, constants, array, ring)
    for number in range(len(nests)):
        run.nest(number)
    program = run.builder.program(accelerator.instruction_memory_bytes)
    macs = np.array([run.stream.macs[heading] for heading in range(len(program.layer_names))])
    addresses = {number: each.address for number, each in stored.items()}
    return CompiledNests(
        network, accelerator, program, places, weights, constants, addresses, layout.size, macs
    )


def _plan_all_weights(
    network: Network, rows: tuple[list[list[int]], list[list[int]]], array: Array, layout: Layout
) -> dict[int, Weights]:
    """By nest; nests with equal numbers that are cut alike, as the steps of a layer, share them."""
    nests, tensors = rows
    found, first = dict[int, Weights](), dict[tuple[int, ...], int]()
    for number, nest in enumerate(nests):
        if nest[Nest.OPCODE] not in _PRODUCTS or nest[Nest.DYNAMIC]:
            continue
        flat = _is_flat(nest, tensors)
        owner = first.setdefault((flat, *(nest[column] for column in OF_WEIGHTS)), number)
        if owner == number:
            recipe = network.recipes[number].ingredients
            found[number] = plan_weights(nest, number, recipe, array, layout.reserve, flat=flat)
        else:
            found[number] = found[owner]
    return found


def _plan_computed_weights(
    network: Network, nests: list[list[int]], array: Array, constants: dict[int, int]
) -> dict[int, Weights]:
    """By nest; every column has the nest's one record, and no tile has a place in DRAM."""
    found = dict[int, Weights]()
    for number, nest in enumerate(nests):
        if nest[Nest.DYNAMIC]:
            recipe, record = network.recipes[number].ingredients, constants[number]
            reserve = partial(_same_address, record)
            found[number] = plan_weights(nest, number, recipe, array, reserve, flat=False)
    return found


def _same_address(address: int, _: int) -> int:
    return address


def _written(nest: list[int], box: Box) -> list[Box]:
    """What a tile writes: group by group, if something of another nest lies between them."""
    step, each = nest[Nest.RESULT_STEP], nest[Nest.CHANNELS]
    if nest[Nest.GROUPS] == 1 or step <= each:
        return [box]
    return [box._replace(channels=(group * step, each)) for group in range(nest[Nest.GROUPS])]


def _is_flat(nest: list[int], tensors: list[list[int]]) -> bool:
    """Whether a window is all of an image, which then is a run of channels."""
    _, rows, columns, channels = dims_of(tensors[nest[Nest.SOURCE]])
    window = (nest[Nest.KERNEL_ROWS], nest[Nest.KERNEL_COLUMNS], nest[Nest.IN_CHANNELS])
    alone = nest[Nest.ROWS] * nest[Nest.COLUMNS] * nest[Nest.GROUPS] == 1
    pads = nest[Nest.PAD_ROWS] == nest[Nest.PAD_COLUMNS] == 0
    mixes = nest[Nest.OPCODE] == Opcode.CONVOLVE and nest[Nest.TAPS] > 1
    return alone and pads and mixes and window == (rows, columns, channels)


def _quantum(nest: list[int], weights: Weights | None, accelerator: Accelerator) -> int:
    """Channels that a nest can be cut into, for want of room: 0 where it needs all of them."""
    if weights is not None:
        return 0 if nest[Nest.MIXES_CHANNELS] else weights.quantum
    whole = (Opcode.SOFTMAX, Opcode.STANDARDIZE, Opcode.NORMALIZE)
    return 0 if nest[Nest.OPCODE] in whole else accelerator.lanes


def _given(network: Network, tables: Tables) -> set[int]:
    """Tensors that are in DRAM before the program runs: inputs, stored ones, the host's work."""
    found = {network.numbers[name] for name in network.inputs if name in network.numbers}
    return {tables.root(tensor) for tensor in (*found, *network.constants, *network.prepared)}


def _results(network: Network, tables: Tables) -> set[int]:
    """Tensors that must be in DRAM behind it: outputs, and what the host goes on with."""
    found = {network.numbers[name] for name in network.outputs if name in network.numbers}
    if network.finished:
        found |= set(np.flatnonzero(network.tensors[:, TensorColumn.IN_DRAM]).tolist())
    written = {tables.root(nest[Nest.DESTINATION]) for nest in tables.nests}
    return {tables.root(tensor) for tensor in found} & written


def _store_in_dram(
    network: Network, tables: Tables, places: Places, layout: Layout
) -> dict[int, Stored]:
    """Places in DRAM: of inputs, outputs, stored operands, and what is not on the chip."""
    roots: dict[int, int] = {}
    given, results = _given(network, tables), _results(network, tables)
    written = {tables.root(nest[Nest.DESTINATION]) for nest in tables.nests}
    found: dict[int, Stored] = {}
    for number in range(len(tables.tensors)):
        root = tables.root(number)
        if root in places.addresses and root not in given | results:
            continue
        width = tables.width(number)
        if root not in roots:
            roots[root] = layout.reserve(tables.whole(number).elements * width)
        dims = dims_of(tables.tensors[number])
        pitches, changes = dense(dims, width), root in written
        found[number] = Stored(roots[root], dims, pitches, width, number, changes, dims[3])
    return found


@dataclass
class _Run:
    """The program as it grows, nest by nest."""

    network: Network
    accelerator: Accelerator
    tables: Tables
    places: Places
    stored: dict[int, Stored]
    weights: dict[int, Weights]
    constants: dict[int, int]
    array: Array
    ring: int
    filled: dict[int, int] = field(default_factory=dict)  # fill in the margins, by root
    loaded: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.builder = Builder()
        self.stream = Stream(self.builder, self.array)
        self.ring_of = Constants(self.builder, self.ring)
        numbers = self.tables
        self.given = _given(self.network, numbers)
        self.results = _results(self.network, numbers)
        last: dict[int, int] = {}
        for number, nest in enumerate(numbers.nests):
            last[numbers.root(nest[Nest.DESTINATION])] = number
        self.last_write = last

    def heading(self, number: int, size: int) -> int:
        """Of a nest's next instructions."""
        name, capacity = self.network.layer_names[number], self.accelerator.instruction_memory_bytes
        return self.builder.section(name, size, capacity)

    def nest(self, number: int) -> None:
        """All of a nest: operands, tiles, results."""
        nest, buffers = self.tables.nests[number], self.places.buffers[number]
        for operand, tensor in self.tables.operands(number):
            if operand != Nest.DESTINATION:
                self._prepare(number, tensor, is_source=operand == Nest.SOURCE)
        self._fill_ahead(number, nest[Nest.DESTINATION])
        for count, tile in enumerate(tiles(nest, buffers.tile)):
            self._tile(number, tile, buffers, count)
        root = self.tables.root(nest[Nest.DESTINATION])
        if root in self.results and self.last_write[root] == number:
            self._give_out(number, root)

    def _give_out(self, number: int, root: int) -> None:
        """Store an output of the network, if it is on the chip."""
        if root not in self.places.addresses:
            return
        whole = self.tables.whole(root)
        for channels in self._strips(root):
            heading = self.heading(number, size_of(Opcode.STORE) * whole.images[1])
            box = whole._replace(channels=channels)
            store(self.builder, heading, self.stored[root], self._site(root), box)

    def _strips(self, tensor: int) -> list[Span]:
        """Channels of a tensor in parts as wide as the array, or as a burst where that is wider.

        So a product begins with the first part of K, and results leave column by column.
        """
        burst = self.accelerator.burst_bytes // self.tables.width(tensor)
        wide = max(self.array.rows, self.array.columns, burst)
        return cut(self.tables.whole(tensor).channels[1], wide)

    def _site(self, tensor: int) -> Site:
        """Of a tensor on the chip."""
        root = self.tables.root(tensor)
        margins = self.tables.margins[tensor]
        width, whole = self.tables.width(tensor), self.tables.whole(tensor)
        found = site_of(self.places.addresses[root], whole, width, tensor, margins)
        return found._replace(whole=True)

    def _prepare(self, number: int, tensor: int, *, is_source: bool) -> None:
        """Load what comes from outside and stays on the chip; fill the margins that are read."""
        root, nest = self.tables.root(tensor), self.tables.nests[number]
        if root not in self.places.addresses:
            return
        margins, site = self.tables.margins[tensor], self._site(tensor)
        if root in self.given and root not in self.loaded:
            self.loaded.add(root)
            whole = self.tables.whole(tensor)
            top, bottom, left, right = margins
            rows = (-top, top + whole.rows[1] + bottom)
            columns = (-left, left + whole.columns[1] + right)
            size, fill = size_of(Opcode.LOAD_ACTIVATIONS) * whole.images[1], nest[Nest.FILL]
            for channels in self._strips(tensor):
                box = Box(whole.images, rows, columns, channels)
                heading = self.heading(number, size)
                load(self.builder, heading, self.stored[tensor], site, box, fill)
            self.filled[root] = fill
        if is_source and self._reads_margins(nest):
            self._fill(number, tensor, nest[Nest.FILL])

    def _reads_margins(self, nest: list[int]) -> bool:
        dims = dims_of(self.tables.tensors[nest[Nest.SOURCE]])
        is_window = nest[Nest.OPCODE] < Opcode.ADD
        return is_window and around(source_box(nest, whole_tile(nest)), dims) != NO_MARGINS

    def _fill(self, number: int, tensor: int, fill: int) -> None:
        """Write the margins of a tensor on the chip, if they hold something else."""
        if self.filled.get(tensor) == fill:
            return
        dims, margins = dims_of(self.tables.tensors[tensor]), self.tables.margins[tensor]
        heading = self.heading(number, size_of(Opcode.MOVE) * dims[0])
        fill_margins(self.builder, heading, self._site(tensor), dims, margins, fill)
        self.filled[tensor] = fill

    def _fill_ahead(self, number: int, tensor: int) -> None:
        """Write the margins that the first reader wants before the first results come.

        Behind them, that reader's products would wait for the last.
        """
        if tensor in self.filled or tensor not in self.places.addresses:
            return
        readers = (nest for nest in self.tables.nests if nest[Nest.SOURCE] == tensor)
        first = next((nest for nest in readers if self._reads_margins(nest)), None)
        if first is not None:
            self._fill(number, tensor, first[Nest.FILL])

    def _tile(self, number: int, tile: Box, buffers: Buffers, count: int) -> None:
        nest = self.tables.nests[number]
        if Nest.DESTINATION in buffers.addresses:
            nest = alone(nest)  # in a buffer its results lie together
        sites: dict[Nest, Site] = {}
        for operand, tensor in self.tables.operands(number):
            if operand == Nest.SECOND and nest[Nest.DYNAMIC]:
                continue  # its pieces are brought tile by tile of the weights
            sites[operand] = self._operand(number, operand, tensor, tile, buffers, count)
        if number in self.weights:
            product = NestProduct(
                self.network.layer_names[number],
                nest,
                tile,
                sites[Nest.SOURCE],
                sites[Nest.DESTINATION],
                self.weights[number],
                self.builder,
                self.accelerator.instruction_memory_bytes,
                self._computed(number, buffers) if nest[Nest.DYNAMIC] else None,
            )
            self.stream.emit(product)
        else:
            self._vector(number, nest, tile, sites)
        if Nest.DESTINATION in buffers.addresses:
            for box in _written(nest, self.tables.box(number, Nest.DESTINATION, tile)):
                heading = self.heading(number, size_of(Opcode.STORE) * tile.images[1])
                store(self.builder, heading, self._part(number), sites[Nest.DESTINATION], box)

    def _computed(self, number: int, buffers: Buffers) -> Computed:
        """What brings the weights of a nest that multiplies by another tensor."""
        nest, addresses = self.tables.nests[number], buffers.addresses.get(Nest.SECOND, ())
        tensor = nest[Nest.SECOND]
        place = self.stored[tensor] if addresses else self._site(tensor)
        return Computed(nest, self.weights[number], self.builder, place, addresses)

    def _part(self, number: int) -> Stored:
        """What a nest writes of a tensor in DRAM."""
        nest = self.tables.nests[number]
        first = (Nest.FIRST_IMAGE, Nest.FIRST_ROW, Nest.FIRST_COLUMN, Nest.FIRST_CHANNEL)
        image, row, column, channel = (nest[each] for each in first)
        steps = (nest[Nest.RESULT_ROWS], nest[Nest.RESULT_COLUMNS])
        whole = self.stored[nest[Nest.DESTINATION]]
        return whole.part((image, row, column, channel), part_dims(nest), steps)

    def _operand(
        self, number: int, operand: Nest, tensor: int, tile: Box, buffers: Buffers, count: int
    ) -> Site:
        """Where a tile finds an operand, loaded if it comes from DRAM."""
        nest, row = self.tables.nests[number], self.tables.tensors[tensor]
        if operand not in buffers.addresses:
            site = self._site(tensor)
        else:
            addresses = buffers.addresses[operand]
            box, width = self.tables.box(number, operand, tile), row[TensorColumn.WIDTH]
            site = site_of(addresses[count % len(addresses)], box, width, tensor)
            if operand != Nest.DESTINATION:
                heading = self.heading(number, size_of(Opcode.LOAD_ACTIVATIONS) * box.images[1])
                load(self.builder, heading, self.stored[tensor], site, box, nest[Nest.FILL])
        if operand == Nest.SECOND:
            sizes = zip(site.pitches, dims_of(row), strict=True)
            image, rows, columns, deep = (0 if size == 1 else pitch for pitch, size in sizes)
            return site._replace(pitches=(image, rows, columns, deep))
        return site

    def _vector(self, number: int, nest: list[int], tile: Box, sites: dict[Nest, Site]) -> None:
        constants = None
        size = size_of(nest[Nest.OPCODE]) + size_of(Opcode.LOAD_PARAMETERS)
        heading = self.heading(number, size * nest[Nest.GROUPS] * tile.images[1])
        if nest[Nest.TABLE_BYTES]:
            address = self.constants[number]
            constants = self.ring_of.bring(heading, number, address, nest[Nest.TABLE_BYTES])
        second = nest[Nest.SECOND]
        row = None if second == NO_TENSOR else self.tables.tensors[second]
        places = (sites[Nest.SOURCE], sites.get(Nest.SECOND), sites[Nest.DESTINATION])
        emit_tile(self.builder, heading, nest, tile, places, constants, row)
        self.stream.clock.compute += tile.elements  # an order of magnitude is enough
