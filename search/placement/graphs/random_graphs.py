"""Seeded random graphs: layers of operators that read those of the layer before."""

import re

import numpy as np

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.draft import Draft, Tensor

RANDOM, FORM = "random:", "random:LAYERSxWIDTH:SEED"
MOST_LAYERS, MOST_WIDTH, MOST_READ = 1000, 100, 3
MEDIAN_OPERATIONS, MEDIAN_OUTPUT_BYTES, MEDIAN_PARAMETER_BYTES = 1e9, 1e6, 1e6
SPREAD = 1.0  # standard deviation of the logarithm


def random_graph(layers: int, width: int, seed: int) -> OperatorGraph:
    """A forward graph of `layers` layers of 1 to `width` operators.

    Each reads up to three of the layer before, and each is read but those of the last layer. Work
    and sizes are log-normal around 10⁹ operations, 1 MB written and 1 MB of parameters.
    """
    generator = np.random.default_rng(seed)
    draft = Draft(f"{RANDOM}{layers}x{width}:{seed}")
    below: list[Tensor] = []
    for layer in range(layers):
        count = int(generator.integers(1, width + 1))
        reads = _reads(generator, len(below), count)
        below = [
            draft.add(
                f"layer{layer}/operator{number}",
                "FullyConnected",
                [below[index] for index in reads[number]],
                _around(generator, MEDIAN_OUTPUT_BYTES),
                _around(generator, MEDIAN_OPERATIONS),
                _around(generator, MEDIAN_PARAMETER_BYTES),
            )
            for number in range(count)
        ]
    return draft.graph()


def random_graph_of(name: str) -> OperatorGraph:
    """The graph of a name `random:LAYERSxWIDTH:SEED`.

    Raises `ValueError`, one sentence, for another form.
    """
    match = re.fullmatch(rf"{RANDOM}(\d{{1,4}})x(\d{{1,3}}):(\d{{1,9}})", name)
    layers, width, seed = map(int, match.groups()) if match else (0, 0, 0)
    if not (0 < layers <= MOST_LAYERS and 0 < width <= MOST_WIDTH):
        raise ValueError(
            f"Graph {name!r} must have the form {FORM} with up to {MOST_LAYERS} layers of up to "
            f"{MOST_WIDTH} operators, for example random:20x5:1."
        )
    return random_graph(layers, width, seed)


def _reads(generator: np.random.Generator, below: int, count: int) -> list[set[int]]:
    """Which of the operators below each one reads: one to three, and all are read."""
    reads: list[set[int]] = [set() for _ in range(count)]
    if below:
        for read in reads:
            several = int(generator.integers(1, min(MOST_READ, below) + 1))
            read.update(map(int, generator.choice(below, several, replace=False)))
        for index in sorted(set(range(below)).difference(*reads)):
            reads[int(generator.integers(count))].add(index)
    return reads


def _around(generator: np.random.Generator, median: float) -> int:
    return max(1, round(median * float(generator.lognormal(0.0, SPREAD))))
