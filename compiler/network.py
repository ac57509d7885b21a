"""A lowered graph: the artifact between the workloads and the mapping."""

from dataclasses import dataclass

from apollo.compiler.recipe import Recipe
from apollo.compiler.tables import Ints


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
    prepared: dict[int, str]  # tensors that the host looks up before: by number, whose output
    finished: tuple[str, ...]  # operators whose work the host does behind, in order
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: dict[str, int]  # of the tensor that holds a tensor of the graph
    macs: int  # of one inference (the whole batch)
    parameters: int
    batch: int
