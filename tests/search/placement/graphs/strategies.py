"""Random operator graphs for properties, with groups, order-only edges and backward operators."""

import numpy as np

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.draft import Draft, Tensor
from apollo.search.placement.graphs.training import training_step

KINDS = ("Convolution", "Binary add", "Unary relu", "MatMul", "Concat", "Slice", "Pool max")


def any_graph(
    seed: int, operators: int = 30, groups: int = 8, training: bool = True
) -> OperatorGraph:
    """Operators of any kind that read any before them, or a variable, in random groups."""
    generator, draft = np.random.default_rng(seed), Draft(f"any{seed}")
    tensors = [draft.variable("weights", 400), draft.input("given", 80)]
    for number in range(operators):
        count = int(generator.integers(1, min(4, len(tensors)) + 1))
        chosen = [tensors[index] for index in generator.choice(len(tensors), count, replace=False)]
        size = 4 * int(generator.integers(1, 50))
        reads = [_part(generator, tensor) for tensor in chosen]
        tensors.append(
            draft.add(
                f"operator{number}",
                str(generator.choice(KINDS)),
                reads,
                size,
                int(generator.integers(0, 1000)) * int(generator.integers(0, 2)),
                4 * int(generator.integers(0, 100)) * int(generator.integers(0, 2)),
                group=f"group{generator.integers(groups)}",
            )
        )
    graph = draft.graph()
    return training_step(graph, state_values=1) if training else graph


def _part(generator: np.random.Generator, tensor: Tensor) -> Tensor:
    """A tensor, at times only waited for, or half of it."""
    size = int(generator.choice([0, tensor.size_bytes // 2, tensor.size_bytes, tensor.size_bytes]))
    return tensor._replace(size_bytes=size)
