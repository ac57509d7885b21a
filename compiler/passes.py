"""A large batch in passes: some images go through all nests, then the next ones.

Layer by layer, a batch whose activations do not fit PE memories together goes by way of DRAM. In
passes a nest is there once for every pass, with that pass's images. Tensors inside are a pass's
own; of what is in DRAM anyway it sees its images. Parameters are the same bytes for all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from apollo.compiler.errors import DoesNotFit
from apollo.compiler.fusion import CLEARLY
from apollo.compiler.kernels.parameters import FREE
from apollo.compiler.mapping import Mapped, Mapper
from apollo.compiler.network import Network
from apollo.compiler.tables import NO_TENSOR, Ints, Map, Nest, TensorColumn

Flags = npt.NDArray[np.bool_]

_MOST_NESTS = 1 << 15  # of all passes
_OPERANDS = (Nest.SOURCE, Nest.SECOND, Nest.DESTINATION)


def pass_by_pass(mapper: Mapper, network: Network, forced: Ints, whole: Mapped) -> Mapped:
    """The mapping in as many passes as end first, if that is clearly before `whole` does.

    Only of networks that put something out as a whole, or run in strips lest they do.
    """
    if network.batch == 1 or (forced != FREE).any():
        return whole
    if not whole.put_out.size and not (whole.mapping[:, Map.STRIPS] > 0).any():
        return whole
    best = whole
    for count in _counts(network):
        cut = in_passes(network, count)
        if cut is None:
            return whole
        try:
            found = mapper.cheapest(cut, np.tile(forced, (count, 1)), thorough=False)
        except DoesNotFit:
            continue
        if found.end < best.end:
            best = found
        elif not found.put_out.size:
            break
    if best is whole:
        return whole
    count = len(best.network.nests) // len(network.nests)
    again = mapper.cheapest(best.network, np.tile(forced, (count, 1)))
    best = min(best, again, key=lambda mapped: mapped.end)
    return best if best.is_clearly_before(whole, CLEARLY) else whole


def _counts(network: Network) -> Iterator[int]:
    """Of passes: powers of two, what is between them, and as many as there are images."""
    most = min(network.batch, _MOST_NESTS // len(network.nests))
    tried = {count << shift for count in (2, 3) for shift in range(most.bit_length())}
    return iter(sorted(count for count in {*tried, network.batch} if count <= most))


def in_passes(network: Network, count: int) -> Network | None:
    """The same in so many passes; None where images are no stored coordinate throughout."""
    nests, tensors, images = network.nests, network.tensors, network.batch
    flows = np.ones(len(tensors), bool)
    flows[[*network.constants]] = False
    if network.prepared or not _is_by_images(network, flows) or images < count:
        return None
    part, passes = _Part(network, np.flatnonzero(flows), count), range(count)
    tables = np.concatenate([part.nests_of(number) for number in passes])
    stored = np.concatenate([_left(tensors, flows), *map(part.tensors_of, passes)])
    _enter_last_uses(tables, stored)
    return replace(
        network,
        layer_names=tuple(
            f"{name} {number + 1}/{count}" for number in passes for name in network.layer_names
        ),
        nests=tables,
        tensors=stored,
        tensor_names=(
            *network.tensor_names,
            *(f"{name} {number + 1}/{count}" for number in passes for name in part.names),
        ),
        recipes=network.recipes * count,
        origins=np.tile(np.arange(len(nests)), count),
    )


def _is_by_images(network: Network, flows: Flags) -> bool:
    """Whether all nests and tensors have all images of the batch, one after the other."""
    nests, tensors = network.nests, network.tensors
    return bool(
        (nests[:, Nest.IMAGES] == network.batch).all()
        and (nests[:, Nest.FIRST_IMAGE] == 0).all()
        and (tensors[flows, TensorColumn.IMAGES] == network.batch).all()
        and (tensors[~flows, TensorColumn.IMAGES] == 1).all()
        and (tensors[:, TensorColumn.ALIAS] == NO_TENSOR).all()
    )


@dataclass(frozen=True)
class _Part:
    """What every pass has, but for the numbers of its tensors.

    Attributes:
        flowing: tensors that are no constants, [F].
        count: passes, of as equally many images as can be.

    """

    network: Network
    flowing: Ints
    count: int

    def first(self, number: int) -> int:
        """The first image of a pass."""
        return self.network.batch * number // self.count

    @property
    def names(self) -> list[str]:
        """Of the tensors, [F]."""
        return [self.network.tensor_names[tensor] for tensor in self.flowing]

    def nests_of(self, number: int) -> Ints:
        """The nests of a pass; their parameters are those of the first one."""
        nests, count = self.network.nests.copy(), len(self.network.tensors)
        nests[:, Nest.IMAGES] = self.first(number + 1) - self.first(number)
        homes = np.arange(count + 1)
        homes[self.flowing] = count + number * len(self.flowing) + np.arange(len(self.flowing))
        homes[NO_TENSOR] = NO_TENSOR
        nests[:, _OPERANDS] = homes[nests[:, _OPERANDS]]
        return nests

    def tensors_of(self, number: int) -> Ints:
        """The tensors of a pass: its own, and its images of what is in DRAM anyway."""
        tensors = self.network.tensors[self.flowing]
        is_view = tensors[:, TensorColumn.IN_DRAM] > 0
        tensors[:, TensorColumn.IMAGES] = self.first(number + 1) - self.first(number)
        tensors[is_view, TensorColumn.ALIAS] = self.flowing[is_view]
        tensors[is_view, TensorColumn.ALIAS_IMAGE] = self.first(number)
        return tensors


def _left(tensors: Ints, flows: Flags) -> Ints:
    """The tensors of the whole batch: no nest has those that are not in DRAM any more."""
    left = tensors.copy()
    left[flows, TensorColumn.LAST_USE] = 0
    return left


def _enter_last_uses(nests: Ints, tensors: Ints) -> None:
    for index, operands in enumerate(nests[:, _OPERANDS].tolist()):
        for tensor in operands:
            if tensor != NO_TENSOR:
                tensors[tensor, TensorColumn.LAST_USE] = index
