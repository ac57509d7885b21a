"""The bytes of DRAM that an instruction can name."""

import numpy as np

from apollo.compiler.errors import DoesNotFit, Term
from apollo.compiler.network import Network
from apollo.compiler.tables import NO_TENSOR, Ints, Nest, TensorColumn

ADDRESSES = 1 << 31  # of DRAM_ADDRESS (M31)
_NAMED = 3  # tensors that the terms name


def refuse_beyond_addresses(network: Network, dram: Ints, dram_bytes: int) -> None:
    """Raises `DoesNotFit` when the layout in DRAM has more bytes than there are addresses.

    Dram: [T] addresses of the tensors. The layer is the one that writes the largest.
    """
    if dram_bytes <= ADDRESSES:
        return
    owners = [i for i, t in enumerate(network.tensors) if t[TensorColumn.ALIAS] == NO_TENSOR]
    firsts = np.append(dram[owners], dram_bytes)
    following = np.array([int(firsts[firsts > first].min(initial=dram_bytes)) for first in firsts])
    sizes = (following - firsts)[:-1]
    order = np.argsort(-sizes, kind="stable")
    largest = [(network.tensor_names[owners[i]], int(sizes[i])) for i in order[:_NAMED]]
    terms = [Term("parameters of all layers", int(firsts.min()))]
    terms += [Term(f"tensor '{name}'", size) for name, size in largest]
    rest = dram_bytes - sum(term.total for term in terms)
    terms.append(Term("other tensors that are in DRAM", rest))
    writers = np.flatnonzero(network.nests[:, Nest.DESTINATION] == owners[order[0]])
    nest = int(writers[0]) if len(writers) else 0
    raise DoesNotFit(
        "dram_addresses",
        network.layer_names[nest],
        dram_bytes,
        ADDRESSES,
        nest=nest,
        terms=tuple(term for term in terms if term.bytes),
    )
