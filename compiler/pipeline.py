"""The compiler as a list of stages: graph -> nests -> mapping -> residency -> program."""

from dataclasses import dataclass, replace

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import ENGINES
from apollo.arch.operands import OPERANDS
from apollo.arch.program import Program
from apollo.compiler.addresses import refuse_beyond_addresses
from apollo.compiler.fusion import fuse
from apollo.compiler.kernels.boxes import BOX_NUMBERS
from apollo.compiler.kernels.computes import WORK
from apollo.compiler.kernels.emit import PLAN, count_instructions, emit
from apollo.compiler.kernels.layout import lay_out
from apollo.compiler.kernels.stream import NUMBERS, Stream
from apollo.compiler.kernels.views import VIEWS
from apollo.compiler.mapping import Mapper, units_of
from apollo.compiler.network import Network
from apollo.compiler.options import USUAL, Options
from apollo.compiler.passes import pass_by_pass
from apollo.compiler.tables import Ints, Map


@dataclass(frozen=True)
class Compiled:
    """A network for one design."""

    network: Network  # with what runs in strips cut into them
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
    units = units_of(accelerator)
    restricted = replace(network, nests=options.restrict(network.nests))
    mapper, forced = Mapper(accelerator, units, options.states), options.forced(network)
    found = pass_by_pass(mapper, restricted, forced, fuse(mapper, restricted, forced))
    nests, mapping = found.network.nests, found.mapping
    if found.network is not restricted:
        network = found.network
    parameters, dram = np.empty(len(nests), np.int64), np.empty(len(network.tensors), np.int64)
    dram_bytes = lay_out(nests, network.tensors, network.pairs, units, mapping, parameters, dram)
    refuse_beyond_addresses(network, dram, dram_bytes)
    tables = (mapping, found.places, parameters, dram)
    cold = _program(network, units, found.ring_bytes, tables, cold=True)
    warm = cold
    if mapping[:, Map.RESIDENT].any():
        warm = _program(network, units, found.ring_bytes, tables, cold=False)
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
        network.pairs,
        np.zeros((len(network.nests), 2), np.int64),
    )
    views, box = np.zeros((3, VIEWS), np.int64), np.zeros((3, BOX_NUMBERS), np.int64)
    work, plan = np.zeros(WORK, np.int64), np.zeros(PLAN, np.int64)
    scratch = (views, box, work, plan)
    total = emit(network.nests, network.tensors, units, ring_bytes, cold, *tables, *scratch, stream)
    opcode, layer, wait, operand = (column[:total] for column in stream[:4])
    return Program(opcode, layer, wait, operand, network.layer_names)
