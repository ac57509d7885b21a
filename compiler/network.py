"""A lowered graph: the artifact between the workloads and the mapping."""

from dataclasses import dataclass

import numpy as np

from apollo.arch.isa import Opcode
from apollo.compiler.recipe import Recipe
from apollo.compiler.tables import Form, Ints, Nest


@dataclass(frozen=True)
class Network:
    """A lowered graph: `L` nests, `T` tensors."""

    name: str
    layer_names: tuple[str, ...]  # [L]
    nests: Ints  # [L, NESTS]
    tensors: Ints  # [T, TENSOR_COLUMNS]
    tensor_names: tuple[str, ...]  # [T]
    recipes: tuple[Recipe, ...]  # [L] of the nests' parameters
    constants: dict[int, str | Ints]  # stored tensors: whose operator's constant, or the values
    prepared: dict[int, str]  # tensors of the graph that the host makes before: by number, which
    finished: tuple[str, ...]  # operators whose work the host does behind, in order
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: dict[str, int]  # of the tensor that holds a tensor of the graph
    pairs: Ints  # [P, PAIR_COLUMNS] of the channels of nests that may be sparse
    macs: int  # of one inference (the whole batch), of weights that are not masked
    parameters: int
    batch: int
    origins: Ints | None = None  # [L] nests of the network before some were cut into strips


def origins_of(network: Network) -> Ints:
    """The nest of the lowered network that each is, or is a strip of, [L]."""
    return np.arange(len(network.nests)) if network.origins is None else network.origins


def layer_macs(nests: Ints, *, of_nonzeros: bool = False) -> Ints:
    """Multiply-accumulates of each nest that multiplies parameters, [L]; or of those not masked."""
    positions = nests[:, Nest.IMAGES] * nests[:, Nest.ROWS] * nests[:, Nest.COLUMNS]
    inputs = nests[:, Nest.TAPS] * nests[:, Nest.IN_CHANNELS]
    weights = nests[:, Nest.CHANNELS] * nests[:, Nest.GROUPS] * inputs
    if of_nonzeros:
        weights = np.where(nests[:, Nest.FORM] == Form.DENSE, weights, nests[:, Nest.NONZEROS])
    multiplies = (nests[:, Nest.OPCODE] == Opcode.CONVOLVE) | (
        nests[:, Nest.OPCODE] == Opcode.DEPTHWISE
    )
    return np.asarray(positions * weights * multiplies)
