"""What parts of a network take on designs: compiled, simulated, remembered by content."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.compiler.errors import ComputesNothing, DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.network import Network, origins_of
from apollo.compiler.pipeline import compile_network
from apollo.compiler.tables import Map
from apollo.search.measure import Measurement, measure, measure_graph
from apollo.search.placement.codesign.cut import sub_network
from apollo.search.placement.codesign.nests import operators_of
from apollo.search.task import design_key
from apollo.workloads.graph import Graph

Operators = tuple[str, ...]


@dataclass(frozen=True)
class Timed:
    """A part on a design: a following inference, or the reason why there is none."""

    warm_ns: int
    cold_ns: int = 0  # with all parameters loaded
    loaded_bytes: int = 0  # of parameters, by a following inference
    reason: str | None = None

    @property
    def is_feasible(self) -> bool:
        """Whether the design can run it."""
        return self.reason is None


@dataclass
class Meter:
    """Measures parts of a network, none twice on the same machine."""

    graph: Graph
    _lowered: dict[Operators, Network | ValueError] = field(default_factory=dict)
    _timed: dict[tuple[str, Operators], Timed] = field(default_factory=dict)

    def timed(self, operators: Operators, design: Accelerator) -> Timed:
        """What the operators take on the design as one program; none computes takes nothing."""
        key = design_key(design), operators
        if key not in self._timed:
            self._timed[key] = self._measured(operators, design)
        return self._timed[key]

    def cycles(self, operators: Operators, design: Accelerator) -> Mapping[str, int]:
        """The share of each operator in a following inference, by name; they add up to it.

        The nests of an operator count for it, strips and blocks they are cut into too. Raises
        `DoesNotFit`, and `ValueError` for an operator without lowering.
        """
        measurement = self.measurement(operators, design)
        rows = measurement.layers()
        names = [row.layer for row in rows]
        if measurement.network is not None:
            lowered = self.lowered(operators)
            names = [lowered.layer_names[nest] for nest in origins_of(measurement.network)]
        shares = dict.fromkeys(operators, 0)
        part = sub_network(self.graph, operators)
        for name, row in zip(operators_of(part, names), rows, strict=True):
            shares[name] += row.cycles
        return shares

    def resident_bytes(self, operators: Operators, design: Accelerator) -> int:
        """What stays in each core memory between inferences; raises as `cycles` does."""
        if design.is_systolic:
            return 0
        compiled = compile_network(self.lowered(operators), design)
        mapping = compiled.mapping
        stays = (mapping[:, Map.RESIDENT] > 0) & (mapping[:, Map.OWNER] == np.arange(len(mapping)))
        return int(mapping[stays, Map.CORE_BYTES].sum())

    def measurement(self, operators: Operators, design: Accelerator) -> Measurement:
        """The operators on the design, in full; raises as `cycles` does."""
        if design.is_systolic:
            return measure_graph(sub_network(self.graph, operators), design)
        return measure(self.lowered(operators), design)

    def lowered(self, operators: Operators) -> Network:
        """The tables of the operators, once for all designs.

        Raises `ValueError` for an operator without lowering.
        """
        if operators not in self._lowered:
            self._lowered[operators] = self._lower(operators)
        found = self._lowered[operators]
        if isinstance(found, ValueError):
            raise found
        return found

    def _lower(self, operators: Operators) -> Network | ValueError:
        try:
            return lower(sub_network(self.graph, operators))
        except ValueError as error:
            return error

    def _measured(self, operators: Operators, design: Accelerator) -> Timed:
        try:
            measurement = self.measurement(operators, design)
        except ComputesNothing:
            return Timed(0)
        except (DoesNotFit, ValueError) as error:
            return Timed(0, reason=str(error))
        metrics = measurement.metrics
        return Timed(
            ns_of(metrics.warm_cycles, design),
            ns_of(metrics.cycles, design),
            metrics.dram_bytes["PARAM"],
        )


def ns_of(cycles: int, design: Accelerator) -> int:
    """Cycles of a design in nanoseconds, rounded up."""
    return -(-cycles * 1000 // design.clock_mhz)
