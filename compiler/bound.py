"""Lower bounds on the cycles of a network on a design: what no program for lanes can beat.

Two bounds, each cold (first inference) and warm (a following one), proven in docs/quality.md:

- *free*: the longer of the cycles that the compute engine needs at a perfect split over PEs and
  cores, and of compulsory DRAM traffic over bandwidth; of any program that runs every nest;
- *layered*: at least the free one, of programs that run nest after nest and load parameters
  straight to core memories (`is_layered`). Parameters of a stretch of layers that core memories
  cannot hold when it begins come while it runs, so every stretch is bound by itself.

Nests that may be stored as non-zeros are bound by the form that is less (M28).
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from apollo.arch.accelerator import Accelerator, Channel
from apollo.arch.cycles import CHANNEL_GROUP, PIPELINE_CYCLES, TAPS_PER_CYCLE
from apollo.arch.isa import Engine, Opcode
from apollo.arch.operands import RECORD_BYTES, ComputeFlag, Move, TransferFlag
from apollo.arch.program import Program
from apollo.compiler.network import Network, origins_of
from apollo.compiler.recipe import Ingredients
from apollo.compiler.tables import (
    IN_ORDER,
    NO_TENSOR,
    Dynamic,
    Form,
    Ints,
    Nest,
    PairColumn,
    TensorColumn,
)

_WINDOWS = (Opcode.DEPTHWISE, Opcode.POOL_MAX, Opcode.POOL_AVERAGE)
_BINARY = (Opcode.ADD, Opcode.MULTIPLY)
_OVER_CHANNELS = (Opcode.SOFTMAX, Opcode.NORMALIZE, Opcode.STANDARDIZE)
_RESULTS = [Nest.IMAGES, Nest.ROWS, Nest.COLUMNS, Nest.CHANNELS, Nest.GROUPS]
_AXES = (
    (
        TensorColumn.ROWS,
        (Nest.ROWS, Nest.STRIDE_ROWS, Nest.PAD_ROWS, Nest.KERNEL_ROWS, Nest.DILATION_ROWS),
    ),
    (
        TensorColumn.COLUMNS,
        (
            Nest.COLUMNS,
            Nest.STRIDE_COLUMNS,
            Nest.PAD_COLUMNS,
            Nest.KERNEL_COLUMNS,
            Nest.DILATION_COLUMNS,
        ),
    ),
)


@dataclass(frozen=True)
class Bound:
    """Lower bounds of a network of `L` nests on a design, in cycles."""

    array_cycles: Ints  # [L] of the compute engine, at a perfect split
    traffic_cycles: Ints  # [L] of the nest's parameters and of network inputs and outputs
    cold: int  # free: any program
    warm: int
    layered_cold: int  # programs for which `is_layered` holds
    layered_warm: int

    def of_layers(self) -> Ints:
        """Of every nest alone, [L]: the longer of the array and of its compulsory traffic."""
        return np.maximum(self.array_cycles, self.traffic_cycles)


def bound(network: Network, accelerator: Accelerator) -> Bound:
    """The lower bounds; `accelerator` has lanes."""
    machine = _machine_of(accelerator)
    array = array_cycles(network, accelerator)
    parameters = parameter_bytes(network)
    reads, writes, stored = _compulsory_bytes(network)
    flow, all_parameters = int(reads.sum() + writes.sum()), int(parameters.sum()) + stored
    slowest = max(int(array.sum()), _ceil(int(reads.sum()) * machine.input_cycles))
    kept = accelerator.pes * accelerator.pe_memory_bytes + machine.held_bytes
    cold, warm = (
        machine.start + max(slowest, _ceil((moved - machine.burst_bytes) / machine.rate))
        for moved in (flow + all_parameters, flow + max(0, all_parameters - kept))
    )
    # Of nests with the same parameters each needs them, whatever happened in between.
    shares = network.nests[:, Nest.SHARES]
    loads = parameters[shares], _previous(shares)
    layered = [
        max(whole, machine.start + _longest(machine, array, loads, (reads, writes), there))
        for whole, there in ((cold, 0), (warm, machine.held_bytes))
    ]
    traffic = [
        _ceil(max(moved / machine.rate, read * machine.input_cycles))
        for moved, read in zip((parameters + reads + writes).tolist(), reads.tolist(), strict=True)
    ]
    return Bound(array, np.array(traffic, np.int64), cold, warm, *layered)


def array_cycles(network: Network, accelerator: Accelerator) -> Ints:
    """Cycles of the compute engine that each nest takes at least, [L].

    Nothing for what only brings elements elsewhere: a `MOVE`, or whoever writes them, may do it.
    """
    nests, lanes, units = network.nests, accelerator.lanes, accelerator.pes * accelerator.cores
    code = nests[:, Nest.OPCODE]
    positions = nests[:, Nest.IMAGES] * nests[:, Nest.ROWS] * nests[:, Nest.COLUMNS]
    channels, groups, taps = nests[:, Nest.CHANNELS], nests[:, Nest.GROUPS], nests[:, Nest.TAPS]
    results = positions * channels * groups
    wide = 1 + ((nests[:, Nest.FLAGS] & int(ComputeFlag.WIDE_SOURCE)) > 0)
    wide_second = 1 + ((nests[:, Nest.FLAGS] & int(ComputeFlag.WIDE_SECOND)) > 0)
    wide_result = 1 + ((nests[:, Nest.FLAGS] & int(ComputeFlag.WIDE_DESTINATION)) > 0)
    across = positions * _ceil_div(channels, lanes)  # lanes are channels of a position
    along = channels * _ceil_div(positions, lanes)  # or positions of a channel
    anyhow = _ceil_div(results, lanes)
    # Either ceiling of a convolution holds by itself, but not their product.
    inputs = nests[:, Nest.IN_CHANNELS] * taps
    of_lanes = _ceil_div(np.minimum(across, along) * groups * inputs, CHANNEL_GROUP)
    of_inputs = _ceil_div(results * _ceil_div(inputs, CHANNEL_GROUP), lanes)
    pairs = _ceil_div(positions, lanes) * _of_pairs(network, PairColumn.STEPS)
    steps = np.select(
        [code == Opcode.CONVOLVE, np.isin(code, _WINDOWS), np.isin(code, _OVER_CHANNELS)],
        [
            wide * _of_either(network, np.maximum(of_lanes, of_inputs), pairs),
            wide * anyhow * _ceil_div(taps, TAPS_PER_CYCLE),
            across * groups * taps,
        ],
        anyhow * taps,
    )
    read = results * taps * (wide + np.where(np.isin(code, _BINARY), wide_second, 0))
    read = np.where(code >= Opcode.ADD, read, 0)  # windows read as they step
    port = _ceil_div(np.maximum(read, results * wide_result), 2 * lanes)
    cycles = _ceil_div(np.maximum(steps, port), units) + PIPELINE_CYCLES
    only_moves = (code == Opcode.COPY) | ((code == Opcode.POOL_MAX) & (taps == 1))
    return np.where(only_moves, 0, cycles)


def parameter_bytes(network: Network) -> Ints:
    """Compulsory bytes of each nest's parameters, [L]: weights, and a record for every channel.

    Tables are left out, which nests may share, and weights of one, with which a `MOVE` can fill.
    Of nests with the same parameters the first has them.
    """
    nests = network.nests
    each = nests[:, Nest.TAPS] * nests[:, Nest.IN_CHANNELS] + RECORD_BYTES
    dense = nests[:, Nest.CHANNELS] * nests[:, Nest.GROUPS] * each
    is_stored = [recipe.ingredients is not Ingredients.ONES for recipe in network.recipes]
    has = (nests[:, Nest.WEIGHTS] > 0) & (nests[:, Nest.DYNAMIC] == Dynamic.NO) & is_stored
    has &= nests[:, Nest.SHARES] == np.arange(len(nests))
    return np.where(has, _of_either(network, dense, _of_pairs(network, PairColumn.BYTES)), 0)


def _of_pairs(network: Network, column: PairColumn) -> Ints:
    """A sum over all channels of each nest that may be sparse, [L]; 0 for others."""
    nests, sums = network.nests, np.zeros(len(network.nests), np.int64)
    (sparse,) = np.nonzero(nests[:, Nest.FORM] != Form.DENSE)
    first = nests[sparse, Nest.FIRST_PAIRS]
    last = first + nests[sparse, Nest.CHANNELS] * nests[sparse, Nest.GROUPS]
    sums[sparse] = network.pairs[last, column] - network.pairs[first, column]
    return sums


def _of_either(network: Network, dense: Ints, sparse: Ints) -> Ints:
    """The number of the form that each nest has, the less where it may have either, [L]."""
    form = network.nests[:, Nest.FORM]
    return np.select(
        [form == Form.DENSE, form == Form.SPARSE], [dense, sparse], np.minimum(dense, sparse)
    )


def is_layered(program: Program, network: Network) -> bool:
    """Whether the layered bound holds: computes in the order of the nests, nothing parked.

    `network` is what was compiled: strips of a nest are that nest. Parameters might be parked in
    PE memories, and moved to the cores as computed weights are.
    """
    computes = origins_of(network)[program.layer[program.engine == Engine.COMPUTE]]
    moves = program.opcode == Opcode.MOVE
    to_core = program.operand[moves, Move.FLAGS] & TransferFlag.TO_CORE
    is_stored = network.nests[program.layer[moves], Nest.DYNAMIC] == Dynamic.NO
    return bool((np.diff(computes) >= 0).all() and not (to_core * is_stored).any())


@dataclass(frozen=True)
class _Machine:
    """What bounds traffic on a design.

    Attributes:
        start: the cycle before which no instruction is visible (M5, M12).
        rate: bytes a cycle of all channels.
        burst_bytes: that credit moves which was saved up by then.
        input_cycles: at least, of a byte of activations from outside.
        held_bytes: of parameters, in core memories or on their way, which staging bounds.

    """

    start: int
    rate: Fraction
    burst_bytes: int
    input_cycles: Fraction
    held_bytes: int


def _machine_of(accelerator: Accelerator) -> _Machine:
    burst = accelerator.burst_bytes
    by_stream: dict[str, Channel] = {}
    for channel in accelerator.channels:
        by_stream |= dict.fromkeys(channel.streams, channel)
    fetch, latency = by_stream["FETCH"], by_stream["ACT"].latency_cycles
    # A slot is taken from the start of a burst to the end of its bus transfer (M8).
    in_slot = Fraction(latency, burst) + Fraction(1, accelerator.activation_bus_bytes)
    cores = accelerator.pes * accelerator.cores * accelerator.core_memory_bytes
    return _Machine(
        start=_ceil(burst / fetch.bytes_per_cycle) + fetch.latency_cycles,
        rate=sum((channel.bytes_per_cycle for channel in accelerator.channels), Fraction(0)),
        burst_bytes=burst,
        input_cycles=in_slot / (accelerator.activation_memory_bytes // burst),
        held_bytes=cores + accelerator.parameter_memory_bytes,
    )


def _previous(shares: Ints) -> list[int]:
    """The nest before each that has the same parameters, or -1, [L]."""
    latest: dict[int, int] = {}
    found = []
    for index, key in enumerate(shares.tolist()):
        found.append(latest.get(key, -1))
        latest[key] = index
    return found


def _longest(
    machine: _Machine,
    array: Ints,
    parameters: tuple[Ints, list[int]],
    moved: tuple[Ints, Ints],
    there_bytes: int,
) -> int:
    """The longest sum over stretches that divide the nests between them.

    `parameters`: bytes that each nest needs, and the nest before it that needs the same; `moved`:
    bytes of inputs read and of outputs written, [L] each; `there_bytes` of the parameters are there
    when the first stretch begins.
    """
    count = len(array)
    work, inputs, outputs = (np.concatenate([[0], np.cumsum(each)]) for each in (array, *moved))
    longest = np.zeros(count + 1, np.int64)
    needed = np.zeros(count, np.int64)  # from each begin to the end: every parameter once
    for end in range(1, count + 1):
        needed[parameters[1][end - 1] + 1 : end] += parameters[0][end - 1]
        missing = np.maximum(0, needed[:end] - machine.held_bytes)
        # Inputs may come early to PE memories: only the first stretch has them all to load.
        missing[0] = max(0, int(needed[0]) - there_bytes) + inputs[end]
        if end == count:
            missing += outputs[end] - outputs[:end]
        scaled = (missing - machine.burst_bytes) * machine.rate.denominator
        stretch = np.maximum(work[end] - work[:end], scaled // machine.rate.numerator)
        stretch[0] = max(int(stretch[0]), int(int(inputs[end]) * machine.input_cycles))
        longest[end] = (longest[:end] + stretch).max()
    return int(longest[count])


def _compulsory_bytes(network: Network) -> tuple[Ints, Ints, int]:
    """Bytes of inputs, at the nest that reads most of them [L], of outputs [L], of constants."""
    nests, tensors = network.nests, network.tensors
    reads, writes = np.zeros(len(nests), np.int64), np.zeros(len(nests), np.int64)
    inputs = {network.numbers[name] for name in network.inputs if name in network.numbers}
    inputs |= set(network.prepared)
    for tensor in inputs:
        needed = _read_bytes(nests, tensors, tensor)
        if needed.any():
            reads[int(needed.argmax())] += needed.max()
    results = (network.numbers.get(name, NO_TENSOR) for name in network.outputs)  # not of the host
    outputs = {*results} - inputs - {NO_TENSOR}
    for tensor in outputs:
        for writer in np.flatnonzero(nests[:, Nest.DESTINATION] == tensor):
            results = nests[writer, _RESULTS].prod()
            writes[writer] += results * tensors[tensor, TensorColumn.WIDTH]
    # Given values may be zeros, with which a `MOVE` can fill.
    constants = [tensor for tensor, what in network.constants.items() if isinstance(what, str)]
    stored = sum(int(_read_bytes(nests, tensors, tensor).max()) for tensor in constants)
    return reads, writes, stored


def _read_bytes(nests: Ints, tensors: Ints, tensor: int) -> Ints:
    """Distinct bytes of a tensor that each nest reads at least, [L]."""
    row = tensors[tensor]
    needed = np.zeros(len(nests), np.int64)
    for index, nest in enumerate(nests):
        if nest[Nest.SECOND] == tensor and _reads_whole(nest, row):
            needed[index] = row[: TensorColumn.TOP].prod() * row[TensorColumn.WIDTH]
        elif nest[Nest.SOURCE] == tensor:
            needed[index] = _source_elements(nest, row) * row[TensorColumn.WIDTH]
    return needed


def _reads_whole(nest: Ints, row: Ints) -> bool:
    """Whether every element of a second operand meets an element of the result."""
    sizes = [int(size) for size in row[: TensorColumn.TOP]]
    wanted = [int(nest[column]) for column in _RESULTS[:4]]
    return nest[Nest.DYNAMIC] == Dynamic.NO and all(
        size in (1, want) for size, want in zip(sizes, wanted, strict=True)
    )


def _source_elements(nest: Ints, row: Ints) -> int:
    """Distinct elements of its source that a nest reads at least."""
    if nest[Nest.PERMUTATION] != IN_ORDER:
        return int(row[: TensorColumn.TOP].prod())
    count = int(min(nest[Nest.IMAGES], row[TensorColumn.IMAGES]))
    for size, columns in _AXES:
        outputs, stride, pad, kernel, dilation = (int(nest[column]) for column in columns)
        first = np.arange(outputs) * stride - pad
        read = np.unique(first[:, None] + np.arange(kernel) * dilation)
        count *= int(((read >= 0) & (read < row[size])).sum())
    channels = nest[Nest.IN_CHANNELS] if nest[Nest.MIXES_CHANNELS] else nest[Nest.CHANNELS]
    if nest[Nest.SOURCE_STEP] > 0:
        channels = channels * nest[Nest.GROUPS]
    return count * int(min(channels, row[TensorColumn.CHANNELS]))


def _ceil_div(values: Ints, by: int) -> Ints:
    return -(-values // by)


def _ceil(value: Fraction | int) -> int:
    return -int(-value // 1)
