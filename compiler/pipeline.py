"""The compiler as a list of stages: graph -> nests -> mapping -> residency -> program."""

from dataclasses import dataclass

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Opcode
from apollo.arch.program import Program
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.kernels.emit import emit
from apollo.compiler.kernels.mapping import map_network
from apollo.compiler.kernels.residency import keep_resident
from apollo.compiler.kernels.tiling import Design
from apollo.compiler.lower import Network
from apollo.compiler.tables import Ints, Map, Nest, Resource


@dataclass(frozen=True)
class Compiled:
    """A network for one design."""

    network: Network
    accelerator: Accelerator
    mapping: Ints  # [L, MAPS]
    cold: Program  # the first inference
    warm: Program  # a following one: resident parameters are in place

    @property
    def has_residents(self) -> bool:
        """Whether the warm program differs from the cold one."""
        return bool(self.mapping[:, Map.RESIDENT].any())


def design_of(accelerator: Accelerator) -> Design:
    """The numbers that the compiler's kernels need of an accelerator."""
    rate = accelerator.dram_bytes_per_cycle
    return Design(
        pes_x=accelerator.pes_x,
        pes_y=accelerator.pes_y,
        cores=accelerator.cores,
        lanes=accelerator.lanes,
        pe_memory_bytes=accelerator.pe_memory_bytes,
        core_memory_bytes=accelerator.core_memory_bytes,
        instruction_memory_bytes=accelerator.instruction_memory_bytes,
        bus_bytes=accelerator.activation_bus_bytes,
        dram_num=rate.numerator,
        dram_den=rate.denominator,
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
    design = design_of(accelerator)
    # Splits, tiles and places, given where each layer finds its operands.
    mapping, layer, resource, demand = map_network(network.nests, network.tensors, design)
    if layer >= 0:
        name = Resource(resource).name.lower()
        bound = int(getattr(design, f"{name}_bytes"))
        raise DoesNotFit(name, network.layer_names[layer], int(demand), bound)
    # After mapping: only then is it known what a layer's parameters take in a core.
    ring_bytes = keep_resident(network.nests, design.core_memory_bytes, mapping)
    cold = _program(network, design, ring_bytes, mapping, cold=True)
    warm = cold
    if mapping[:, Map.RESIDENT].any():
        warm = _program(network, design, ring_bytes, mapping, cold=False)
    return Compiled(network, accelerator, mapping, cold, warm)


def _program(
    network: Network, design: Design, ring_bytes: int, mapping: Ints, *, cold: bool
) -> Program:
    columns = emit(network.nests, network.tensors, design, ring_bytes, cold, mapping)
    opcode, layer, wait, operand = columns
    return Program(opcode, layer, wait, operand, network.layer_names)


def layer_macs(network: Network) -> Ints:
    """Multiply-accumulates of each nest that multiplies parameters, [L]."""
    nests = network.nests
    work = nests[:, Nest.ROWS] * nests[:, Nest.COLUMNS] * nests[:, Nest.CHANNELS]
    work = work * nests[:, Nest.GROUPS] * nests[:, Nest.TAPS] * nests[:, Nest.IN_CHANNELS]
    multiplies = (nests[:, Nest.OPCODE] == Opcode.CONVOLVE) | (
        nests[:, Nest.OPCODE] == Opcode.DEPTHWISE
    )
    return np.asarray(work * multiplies)
