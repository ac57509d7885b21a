"""The graphs to place, by name.

`inception_v3`, `rnnlm_LAYERS`, `nmt_LAYERS`, `rnnt` and `transformer` come in the batch they were
published in, or in one we chose (docs/placement_models.md); any other network of the catalogue or
file, for a batch of one. `random:LAYERSxWIDTH:SEED` is a random graph.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

from apollo.arch.text import suggestion
from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.grouping import grouped
from apollo.search.placement.graphs.lower import lower_graph
from apollo.search.placement.graphs.nmt import NMT
from apollo.search.placement.graphs.random_graphs import FORM, RANDOM, random_graph_of
from apollo.search.placement.graphs.rnnlm import RNNLM
from apollo.search.placement.graphs.step import Detail
from apollo.search.placement.graphs.training import training_step
from apollo.workloads.catalogue import find, load, network_names

Build = Callable[[int, Detail, bool], OperatorGraph]  # of batch, detail, and whether gates are kept
MOST_GROUPS = 256  # where none is published: as many as the hierarchical placer makes


@dataclass(frozen=True)
class Entry:
    """A model to place.

    Attributes:
        build: its forward graph.
        batch: the usual one.
        state_values: what the optimizer keeps for each weight.
        most_groups: of co-location; None where the cells of the model are its groups.

    """

    build: Build
    batch: int
    state_values: int
    most_groups: int | None = None


def _network(name: str) -> Build:
    """A network of the catalogue or a file."""
    return lambda batch, detail, keep_gates: lower_graph(
        load(name, batch), detail=detail, keep_gates=keep_gates
    )


def _unrolled(name: str, model: RNNLM | NMT) -> Build:
    return lambda batch, detail, keep_gates: model.graph(name, batch, detail, keep_gates)


DEPTHS = (2, 4, 8)
MODELS: dict[str, Entry] = {
    # RMSProp with momentum, as Szegedy et al. (2015) train it.
    "inception_v3": Entry(_network("inception_v3"), 32, 2, most_groups=83),
    # Plain gradient descent, as Zaremba et al. (2014); Adam, as Wu et al. (2016) begin with.
    **{
        f"rnnlm_{layers}": Entry(_unrolled(f"rnnlm_{layers}", RNNLM(layers)), 64, 0)
        for layers in DEPTHS
    },
    **{f"nmt_{layers}": Entry(_unrolled(f"nmt_{layers}", NMT(layers)), 64, 2) for layers in DEPTHS},
    "rnnt": Entry(_network("rnnt_utterance_100"), 32, 2, MOST_GROUPS),
    "transformer": Entry(_network("transformer_encoder"), 32, 2, MOST_GROUPS),
}


def placement_graph(
    name: str,
    batch: int | None = None,
    training: bool = True,
    detail: Detail = Detail.CELLS,
    most_groups: int | None = None,
) -> OperatorGraph:
    """The graph of that name with its groups, for a step of training or for inference.

    Without a `batch` it is the usual one, without `most_groups` the groups are the published ones.
    Raises `ValueError`, one sentence, when there is no such graph.
    """
    entry = MODELS.get(name) or _other(name)
    graph = entry.build(batch or entry.batch, detail, training)
    if training and not graph.is_backward.any():
        graph = training_step(graph, entry.state_values)
    most = most_groups or entry.most_groups
    return grouped(graph, most) if most else graph


def _other(name: str) -> Entry:
    """A random graph, or a network of the catalogue or of a file."""
    if name.startswith(RANDOM):
        return Entry(lambda batch, detail, keep_gates: random_graph_of(name), 1, 0)
    is_file = os.path.splitext(name)[1].lower() in (".onnx", ".tflite")
    if not is_file and not name.startswith(("gemm:", "conv:")) and find(name) is None:
        known = ", ".join(MODELS)
        raise ValueError(
            f"There is no graph {name!r} to place: it must be one of {known}, a network that "
            f"`apollo workloads` lists, a path ending in .onnx or .tflite, or {FORM}."
            f"{suggestion(name, [*MODELS, *network_names()])}"
        )
    return Entry(_network(name), 1, 0, MOST_GROUPS)
