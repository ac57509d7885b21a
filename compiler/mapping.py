"""A network mapped to a design: splits, tiles, places and residents of all its nests."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.kernels.mapping import map_network
from apollo.compiler.kernels.parameters import FREE
from apollo.compiler.kernels.residency import keep_resident, shelf
from apollo.compiler.kernels.retiling import retile
from apollo.compiler.kernels.sharing import find_owners
from apollo.compiler.kernels.workspace import workspace
from apollo.compiler.network import Network
from apollo.compiler.tables import MAPS, PLACES, Form, Ints, Map, Nest, Resource, TensorColumn


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


class Mapped(NamedTuple):
    """A mapping of a network of `L` nests and `T` tensors."""

    network: Network
    mapping: Ints  # [L, MAPS]
    places: Ints  # [T, PLACES]
    ring_bytes: int
    end: int  # of a following inference, as estimated
    has_spills: bool  # a tensor had to be put out to DRAM

    @property
    def put_out(self) -> Ints:
        """The numbers of the tensors inside that go by way of DRAM."""
        nests, tensors = self.network.nests, self.network.tensors
        written = nests[self.mapping[:, Map.TO_DRAM] > 0, Nest.DESTINATION]
        return np.asarray(written[tensors[written, TensorColumn.IN_DRAM] == 0])

    def is_clearly_before(self, other: Self, part: int) -> bool:
        """Whether it ends earlier by one part in so many: what the estimate may be wrong by."""
        return self.end * part < other.end * (part - 1)


_CLEARLY = 24  # one part in so many: what the estimate may be wrong by where little stays
_SHARES = 8, 16  # of core memory: smaller tiles that are tried
_MORE_STATES = 4  # times as many, where something had to be put out: a layout may avoid it


@dataclass(frozen=True)
class Mapper:
    """Maps networks to a design, with so many states."""

    accelerator: Accelerator
    units: Ints
    states: int

    def quicker(self) -> Self:
        """The same with half as many states."""
        return replace(self, states=max(1, self.states // 2))

    def cheapest(self, network: Network, forced: Ints, *, thorough: bool = True) -> Mapped:
        """The mapping with dense and sparse nests that ends first once residents are known.

        A nest weighs its forms by what they take to load, but one whose parameters stay is not
        loaded: so those that stay when all are dense are also tried dense, and all of them. What
        has sparse nests must be clearly earlier: the estimate is that of even tiles.

        Where something is put out, `thorough` tries more states. Raises `DoesNotFit`, and
        `ValueError` where a layer has no mapping with what is forced.
        """
        free = network.nests[:, Nest.FORM] == Form.EITHER
        if not free.any():
            return self._mapped(network, forced, thorough)
        kept = free
        tries = []
        for _ in range(2):
            dense = network.nests.copy()
            dense[kept, Nest.FORM] = Form.DENSE
            try:
                alone = self._mapped(replace(network, nests=dense), forced, thorough)
            except DoesNotFit:
                break
            tries.append(alone._replace(network=network))
            kept = kept & (alone.mapping[:, Map.RESIDENT] > 0)
        try:
            tries.append(self._mapped(network, forced, thorough))
        except DoesNotFit:
            if not tries:
                raise
        first, *others = tries
        best = min(others, key=lambda mapped: mapped.end, default=first)
        return best if best.is_clearly_before(first, _CLEARLY) else first

    def _mapped(self, network: Network, forced: Ints, thorough: bool) -> Mapped:
        """Splits, tiles and places, given where each layer finds its operands; then residents."""
        found = self._mapped_by(network, forced, self.states)
        if not thorough:
            return found
        if found.has_spills and self.states > 1:
            with suppress(DoesNotFit):
                other = self._mapped_by(network, forced, _MORE_STATES * self.states)
                found = min(found, other, key=lambda mapped: mapped.end)
        return self._retiled(found, forced)

    def _mapped_by(self, network: Network, forced: Ints, states: int) -> Mapped:
        """The same with so many states."""
        nests, tensors, units = network.nests, network.tensors, self.units
        layers, count = len(nests), len(tensors)
        mapping, places = np.zeros((layers, MAPS), np.int64), np.zeros((count, PLACES), np.int64)
        space = workspace(count, states, network.pairs, forced)
        out = np.empty(count, np.int64)
        layer, resource, demanded = map_network(nests, tensors, units, space, out, places, mapping)
        if layer >= 0:
            raise self._refusal(network, forced, layer, resource, int(demanded))
        ring_bytes, end = self._keep(network, forced, mapping)
        has_spills = bool((out > tensors[:, TensorColumn.IN_DRAM]).any())
        return Mapped(network, mapping, places, ring_bytes, end, has_spills)

    def _retiled(self, found: Mapped, forced: Ints) -> Mapped:
        """The same with smaller tiles of parameters, where more stay and that is worth it."""
        best, network = found, found.network
        space = workspace(len(network.tensors), 1, network.pairs, forced)
        for share in _SHARES:
            mapping, nowhere = best.mapping.copy(), np.zeros_like(best.places)
            tables = network.nests, network.tensors, self.units
            if not retile(*tables, share, space, nowhere, mapping):
                break
            ring_bytes, end = self._keep(network, forced, mapping)
            if end < best.end:
                best = best._replace(mapping=mapping, ring_bytes=ring_bytes, end=end)
        return best

    def _keep(self, network: Network, forced: Ints, mapping: Ints) -> tuple[int, int]:
        """Enter what stays in core memory; bytes of its ring, and when an inference ends."""
        # After mapping: only then is it known what a layer's parameters take in a core.
        scratch = np.empty((2, len(mapping)), np.int64)
        find_owners(network.nests, scratch[0], scratch[1], mapping)
        places = shelf(len(mapping))
        return keep_resident(network.nests, network.tensors, self.units, forced, places, mapping)

    def _refusal(
        self, network: Network, forced: Ints, layer: int, resource: int, demanded: int
    ) -> ValueError | DoesNotFit:
        """Why a layer has no mapping."""
        name = Resource(resource).name.lower()
        bound = int(getattr(self.accelerator, f"{name}_bytes"))
        if (forced[layer] != FREE).any() and demanded <= bound:
            return ValueError(
                f"Layer '{network.layer_names[layer]}' has no mapping with what is fixed."
            )
        return DoesNotFit(name, network.layer_names[layer], demanded, bound, nest=int(layer))
