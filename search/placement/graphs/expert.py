"""Where people put the three published models (Mirhoseini et al., 2017, section 4.2).

Layers of LSTMs, each on a device (Sutskever et al., 2014; Wu et al., 2016); attention and softmax
on that of the highest layer, embeddings on that of the lowest. A network of other layers, as
Inception-V3, is cut into stages with about the same number of layers.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.gradients import PRODUCTS
from apollo.search.placement.problem import Ints

Rule = Callable[[OperatorGraph, int], Ints]  # [G] a number in 0..devices-1 for every group


def expert(graph: OperatorGraph, devices: Sequence[int]) -> Ints:
    """[G] The device of every group, by the rule for the graph's model.

    Raises `ValueError` without a device.
    """
    if not devices:
        raise ValueError("The expert's rule must have at least 1 device to use.")
    rules: dict[str, Rule] = {"rnnlm": language_model, "nmt": translation}
    rule = rules.get(graph.name.partition("_")[0], stages)
    return np.asarray(devices, dtype=np.int64)[rule(graph, len(devices))]


def language_model(graph: OperatorGraph, devices: int) -> Ints:
    """Layer by layer; embeddings are with the first, the softmax is with the last."""
    return _by_layer(graph, devices, ("layer",))


def translation(graph: OperatorGraph, devices: int) -> Ints:
    """Layer by layer; a layer of the encoder is with that of the decoder.

    With more devices than that fills, those of the decoder follow those of the encoder.
    """
    return _by_layer(graph, devices, ("encoder", "decoder"))


def stages(graph: OperatorGraph, devices: int) -> Ints:
    """Contiguous stages with about the same number of forward operators that multiply.

    Groups follow each other as their last forward operators do. Where nothing is multiplied, all
    operators count.
    """
    forward = ~graph.is_backward
    counted = forward & np.array([kind in PRODUCTS for kind in graph.kinds])
    counted = counted if counted.any() else forward
    layers = np.bincount(graph.group[counted], minlength=graph.groups)
    last = np.zeros(graph.groups, dtype=np.int64)
    np.maximum.at(last, graph.group[forward], np.flatnonzero(forward))
    order = np.argsort(last)
    middle = np.cumsum(layers[order]) - layers[order] / 2
    stage = np.empty(graph.groups, dtype=np.int64)
    stage[order] = middle * devices / layers.sum()
    return np.minimum(stage, devices - 1)


def _by_layer(graph: OperatorGraph, devices: int, sides: Sequence[str]) -> Ints:
    """Layers of each side in turn over the devices, of sides side by side if devices are few."""
    found = [_layer(name, sides) for name in graph.group_names]
    layers = max((layer for _, layer in filter(None, found)), default=1)
    apart = len(sides) > 1 and devices > layers
    count = layers * len(sides) if apart else layers

    def device(side: int, layer: int) -> int:
        return (layer - 1 + (layers * side if apart else 0)) * devices // count

    ends = {"embedding": (0, 1), "source": (0, 1), "target": (len(sides) - 1, 1)}
    last = (len(sides) - 1, layers)
    places = [
        where or ends.get(name.partition("/")[0], last)
        for name, where in zip(graph.group_names, found, strict=True)
    ]
    return np.array([device(*place) for place in places], dtype=np.int64)


def _layer(name: str, sides: Sequence[str]) -> tuple[int, int] | None:
    """Side and number of the layer an operator is of, such as `decoder3/step5/cell`."""
    match = re.match(rf"({'|'.join(sides)})(\d+)(?:/|$)", name)
    return (sides.index(match[1]), int(match[2])) if match else None
