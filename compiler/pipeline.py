"""The compiler as a list of stages: graph -> nests -> mapping -> residency -> program."""

from dataclasses import dataclass

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import ENGINES, Opcode
from apollo.arch.operands import OPERANDS
from apollo.arch.program import Program
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.kernels.boxes import BOX_NUMBERS
from apollo.compiler.kernels.computes import WORK
from apollo.compiler.kernels.emit import PLAN, count_instructions, emit
from apollo.compiler.kernels.layout import lay_out
from apollo.compiler.kernels.mapping import RESOURCES, map_network
from apollo.compiler.kernels.residency import keep_resident
from apollo.compiler.kernels.sharing import find_owners
from apollo.compiler.kernels.stream import NUMBERS, Stream
from apollo.compiler.kernels.views import VIEWS
from apollo.compiler.network import Network
from apollo.compiler.tables import MAPS, PLACES, Ints, Map, Nest, Resource

_TENSORS_OF_A_NEST = 4  # source, second, destination, partial sums


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
        ),
        np.int64,
    )


def compile_network(network: Network, accelerator: Accelerator) -> Compiled:
    """Compile a lowered network for a design.

    Raises `DoesNotFit` when no mapping of some layer fits, `ValueError` for a systolic design.
    """
    if accelerator.is_systolic:
        raise ValueError(
            f"Design '{accelerator.name}' must have lanes for this compiler, not a systolic array "
            f"(docs/systolic.md)."
        )
    nests, tensors, units = network.nests, network.tensors, units_of(accelerator)
    layers, count = len(nests), len(tensors)
    # Splits, tiles and places, given where each layer finds its operands.
    mapping, places = np.zeros((layers, MAPS), np.int64), np.zeros((count, PLACES), np.int64)
    taken = np.empty((count + _TENSORS_OF_A_NEST, 2), np.int64)
    demand, candidate = np.zeros(RESOURCES, np.int64), np.zeros(MAPS, np.int64)
    layer, resource, demanded = map_network(
        nests, tensors, units, taken, demand, candidate, places, mapping
    )
    if layer >= 0:
        name = Resource(resource).name.lower()
        bound = int(getattr(accelerator, f"{name}_bytes"))
        raise DoesNotFit(name, network.layer_names[layer], int(demanded), bound)
    # After mapping: only then is it known what a layer's parameters take in a core.
    scratch = np.empty((3, layers), np.int64)
    find_owners(nests, scratch[0], scratch[1], mapping)
    ring_bytes = keep_resident(nests, units, scratch[0], scratch[1], scratch[2], mapping)
    parameters, dram = np.empty(layers, np.int64), np.empty(count, np.int64)
    dram_bytes = lay_out(nests, tensors, units, mapping, parameters, dram)
    tables = (mapping, places, parameters, dram)
    cold = _program(network, units, ring_bytes, tables, cold=True)
    warm = cold
    if mapping[:, Map.RESIDENT].any():
        warm = _program(network, units, ring_bytes, tables, cold=False)
    return Compiled(network, accelerator, *tables, dram_bytes, cold, warm)


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
    )
    views, box = np.zeros((3, VIEWS), np.int64), np.zeros((3, BOX_NUMBERS), np.int64)
    work, plan = np.zeros(WORK, np.int64), np.zeros(PLAN, np.int64)
    scratch = (views, box, work, plan)
    total = emit(network.nests, network.tensors, units, ring_bytes, cold, *tables, *scratch, stream)
    opcode, layer, wait, operand = (column[:total] for column in stream[:4])
    return Program(opcode, layer, wait, operand, network.layer_names)


def layer_macs(network: Network) -> Ints:
    """Multiply-accumulates of each nest that multiplies parameters, [L]."""
    nests = network.nests
    work = nests[:, Nest.IMAGES] * nests[:, Nest.ROWS] * nests[:, Nest.COLUMNS]
    work = (
        work
        * nests[:, Nest.CHANNELS]
        * nests[:, Nest.GROUPS]
        * nests[:, Nest.TAPS]
        * nests[:, Nest.IN_CHANNELS]
    )
    multiplies = (nests[:, Nest.OPCODE] == Opcode.CONVOLVE) | (
        nests[:, Nest.OPCODE] == Opcode.DEPTHWISE
    )
    return np.asarray(work * multiplies)
