"""The compiler as a list of stages: graph -> nests -> mapping -> residency -> program."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import ENGINES
from apollo.arch.operands import OPERANDS
from apollo.arch.program import Program
from apollo.compiler.addresses import refuse_beyond_addresses
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.kernels.boxes import BOX_NUMBERS
from apollo.compiler.kernels.computes import WORK
from apollo.compiler.kernels.emit import PLAN, count_instructions, emit
from apollo.compiler.kernels.layout import lay_out
from apollo.compiler.kernels.mapping import map_network
from apollo.compiler.kernels.parameters import FREE
from apollo.compiler.kernels.residency import keep_resident, shelf
from apollo.compiler.kernels.sharing import find_owners
from apollo.compiler.kernels.stream import NUMBERS, Stream
from apollo.compiler.kernels.views import VIEWS
from apollo.compiler.kernels.workspace import workspace
from apollo.compiler.network import Network
from apollo.compiler.options import USUAL, Options
from apollo.compiler.tables import MAPS, PLACES, Form, Ints, Map, Nest, Resource, TensorColumn


@dataclass(frozen=True)
class Compiled:
    """A network for one design."""

    network: Network
    accelerator: Accelerator
    mapping: Ints  # [L, MAPS]
    places: Ints  # [T, PLACES] where each tensor was last in PE memory
    parameters: Ints  # [L] DRAM addresses of the nests' parameters
    dram: Ints  # [T] DRAM addresses of the tensors
    dram_bytes: int
    cold: Program  # the first inference
    warm: Program  # a following one: resident parameters are in place

    @property
    def has_residents(self) -> bool:
        """Whether the warm program differs from the cold one."""
        return bool(self.mapping[:, Map.RESIDENT].any())


def units_of(accelerator: Accelerator) -> Ints:
    """The numbers that the compiler's kernels need of an accelerator, in the order of `Unit`."""
    rate = accelerator.dram_bytes_per_cycle
    return np.array(
        (
            accelerator.pes_x,
            accelerator.pes_y,
            accelerator.cores,
            accelerator.lanes,
            accelerator.pe_memory_bytes,
            accelerator.core_memory_bytes,
            accelerator.instruction_memory_bytes,
            accelerator.activation_bus_bytes,
            rate.numerator,
            rate.denominator,
            accelerator.dram_latency_cycles,
            accelerator.activation_memory_bytes,
        ),
        np.int64,
    )


def compile_network(
    network: Network, accelerator: Accelerator, options: Options = USUAL
) -> Compiled:
    """Compile a lowered network for a design; `options` fix decisions.

    Raises `DoesNotFit` when no mapping of some layer fits, `ValueError` for a systolic design and
    for decisions that no mapping of a layer has.
    """
    if accelerator.is_systolic:
        raise ValueError(
            f"Design '{accelerator.name}' must have lanes for this compiler, not a systolic array "
            f"(docs/systolic.md)."
        )
    units, forced = units_of(accelerator), options.forced(network)
    restricted = replace(network, nests=options.restrict(network.nests))
    found = _cheapest(restricted, accelerator, units, forced, options.states)
    nests, mapping = restricted.nests, found.mapping
    parameters, dram = np.empty(len(nests), np.int64), np.empty(len(network.tensors), np.int64)
    dram_bytes = lay_out(nests, network.tensors, network.pairs, units, mapping, parameters, dram)
    refuse_beyond_addresses(network, dram, dram_bytes)
    tables = (mapping, found.places, parameters, dram)
    cold = _program(network, units, found.ring_bytes, tables, cold=True)
    warm = cold
    if mapping[:, Map.RESIDENT].any():
        warm = _program(network, units, found.ring_bytes, tables, cold=False)
    return Compiled(network, accelerator, *tables, dram_bytes, cold, warm)


_CLEARLY = 32  # one part in so many


class _Mapped(NamedTuple):
    mapping: Ints
    places: Ints
    ring_bytes: int
    end: int  # of a following inference, as estimated


def _cheapest(
    network: Network, accelerator: Accelerator, units: Ints, forced: Ints, states: int
) -> _Mapped:
    """The mapping with dense and sparse nests that ends first once residents are known.

    A nest weighs its forms by what they take to load, but one whose parameters stay is not loaded:
    so those that stay when all are dense are also tried dense, and all of them. What has sparse
    nests must be clearly earlier: the estimate is that of even tiles.
    """
    free = network.nests[:, Nest.FORM] == Form.EITHER
    if not free.any():
        return _mapped(network, accelerator, units, forced, states)
    kept = free
    tries = []
    for _ in range(2):
        dense = network.nests.copy()
        dense[kept, Nest.FORM] = Form.DENSE
        try:
            alone = replace(network, nests=dense)
            tries.append(_mapped(alone, accelerator, units, forced, states))
        except DoesNotFit:
            break
        kept = kept & (tries[-1].mapping[:, Map.RESIDENT] > 0)
    try:
        tries.append(_mapped(network, accelerator, units, forced, states))
    except DoesNotFit:
        if not tries:
            raise
    first, *others = tries
    best = min(others, key=lambda mapped: mapped.end, default=first)
    return best if best.end * _CLEARLY < first.end * (_CLEARLY - 1) else first


_MORE_STATES = 4  # times as many, where something had to be put out: a layout may avoid it


def _mapped(
    network: Network, accelerator: Accelerator, units: Ints, forced: Ints, states: int
) -> _Mapped:
    """Splits, tiles and places, given where each layer finds its operands; then residents."""
    found, has_spills = _mapped_by(network, accelerator, units, forced, states)
    if not has_spills or states == 1:
        return found
    try:
        other, _ = _mapped_by(network, accelerator, units, forced, _MORE_STATES * states)
    except DoesNotFit:
        return found
    return min(found, other, key=lambda mapped: mapped.end)


def _mapped_by(
    network: Network, accelerator: Accelerator, units: Ints, forced: Ints, states: int
) -> tuple[_Mapped, bool]:
    """The same with so many states; whether a tensor had to be put out to DRAM."""
    nests, tensors = network.nests, network.tensors
    layers, count = len(nests), len(tensors)
    mapping, places = np.zeros((layers, MAPS), np.int64), np.zeros((count, PLACES), np.int64)
    space = workspace(count, states, network.pairs, forced)
    out = np.empty(count, np.int64)
    layer, resource, demanded = map_network(nests, tensors, units, space, out, places, mapping)
    if layer >= 0:
        name = Resource(resource).name.lower()
        bound = int(getattr(accelerator, f"{name}_bytes"))
        if (forced[layer] != FREE).any() and demanded <= bound:
            raise ValueError(
                f"Layer '{network.layer_names[layer]}' has no mapping with what is fixed."
            )
        raise DoesNotFit(name, network.layer_names[layer], int(demanded), bound, nest=int(layer))
    # After mapping: only then is it known what a layer's parameters take in a core.
    find_owners(nests, np.empty(layers, np.int64), np.empty(layers, np.int64), mapping)
    ring_bytes, end = keep_resident(nests, tensors, units, forced, shelf(layers), mapping)
    has_spills = bool((out > tensors[:, TensorColumn.IN_DRAM]).any())
    return _Mapped(mapping, places, ring_bytes, end), has_spills


def _program(
    network: Network,
    units: Ints,
    ring_bytes: int,
    tables: tuple[Ints, Ints, Ints, Ints],
    *,
    cold: bool,
) -> Program:
    most, loads = count_instructions(network.nests, tables[0])
    stream = Stream(
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty((most, ENGINES), np.int32),
        np.empty((most, OPERANDS), np.int32),
        np.zeros(NUMBERS, np.int64),
        np.empty((loads, 3), np.int64),
        network.pairs,
        np.zeros((len(network.nests), 2), np.int64),
    )
    views, box = np.zeros((3, VIEWS), np.int64), np.zeros((3, BOX_NUMBERS), np.int64)
    work, plan = np.zeros(WORK, np.int64), np.zeros(PLAN, np.int64)
    scratch = (views, box, work, plan)
    total = emit(network.nests, network.tensors, units, ring_bytes, cold, *tables, *scratch, stream)
    opcode, layer, wait, operand = (column[:total] for column in stream[:4])
    return Program(opcode, layer, wait, operand, network.layer_names)
