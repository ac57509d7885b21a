"""The table of pairs: what every channel of a nest takes if its weights are stored as non-zeros.

It has cumulative sums, channel by channel (`tables.PairColumn`). `K` channels, `T` taps, `I` input
channels.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import SPECIFICATIONS, Opcode
from apollo.arch.operands import Window
from apollo.compiler.tables import PAIR_COLUMNS, Form, Ints, PairColumn
from apollo.workloads.graph import Graph
from apollo.workloads.operators import Convolution, FullyConnected, Operator
from apollo.workloads.sparsity.layers import Bools
from apollo.workloads.sparsity.pruning import Masks
from apollo.workloads.sparsity.storage import (
    MOST_PAIRS,
    PAIR_BYTES,
    PAIRS_PER_CYCLE,
    compressed_bytes,
    pair_counts,
)

Image = tuple[int, int, int]  # channels, rows, columns that a product flattens

_MOST_STEPS = next(
    field.high
    for field in SPECIFICATIONS[Opcode.CONVOLVE_SPARSE].fields
    if field.slot is Window.PAIRS
)
_NO_PAIRS_BYTES = compressed_bytes(np.zeros(1, np.int64))


def by_input(
    operator: Operator, values: npt.NDArray[Any], image: Image, *, channels_last: bool = False
) -> npt.NDArray[Any]:
    """Stored weights as [K, T, I], in the order in which a window reads its elements (M26).

    A product flattens an image channel by channel, and rows of a sequence as a window does.
    """
    if isinstance(operator, FullyConnected) and channels_last:
        return values.reshape(len(values), -1, image[0])
    if isinstance(operator, FullyConnected):
        values = values.reshape(len(values), *image)
    return values.transpose(0, 2, 3, 1).reshape(len(values), -1, values.shape[1])


class PairTable:
    """Grows by the nests that have a mask."""

    def __init__(self, graph: Graph, masks: Masks | None) -> None:
        self.masks = masks or {}
        self.tables: list[Ints] = []
        self.rows = 0
        names = {operator.name for operator in graph.operators}
        for name, role in self.masks:
            if name not in names:
                raise ValueError(f"The mask of {role!r} belongs to no operator: {name!r}.")

    def columns_of(
        self,
        operator: Convolution | FullyConnected,
        inputs: int,
        image: Image,
        *,
        channels_last: bool = False,
    ) -> dict[str, int]:
        """Columns of a nest that multiplies by the operator's weights; none without a mask.

        A nest is dense if a channel has more pairs than its count can say, or all together more
        than an instruction can.
        """
        mask = self.masks.get((operator.name, "weight"))
        if mask is None:
            return {}
        _check_shape(operator, inputs, mask)
        ordered = by_input(operator, mask, image, channels_last=channels_last)
        nonzero = ordered.reshape(len(mask), -1)
        counts = pair_counts(nonzero)
        steps = -(-counts // PAIRS_PER_CYCLE)
        if counts.max() > MOST_PAIRS or steps.sum() > _MOST_STEPS:
            return {}
        table = np.zeros((len(counts) + 1, PAIR_COLUMNS), np.int64)
        table[1:, PairColumn.BYTES] = np.cumsum(_NO_PAIRS_BYTES + PAIR_BYTES * counts)
        table[1:, PairColumn.STEPS] = np.cumsum(steps)
        first, self.rows = self.rows, self.rows + len(table)
        self.tables.append(table)
        nonzeros = int(np.count_nonzero(nonzero))
        return {"form": int(Form.EITHER), "first_pairs": first, "nonzeros": nonzeros}

    def table(self) -> Ints:
        """All of it, [P, PAIR_COLUMNS]."""
        return np.concatenate([np.zeros((0, PAIR_COLUMNS), np.int64), *self.tables])


def _check_shape(operator: Convolution | FullyConnected, inputs: int, mask: Bools) -> None:
    shape: tuple[int, ...]
    if isinstance(operator, Convolution):
        shape = (operator.out_channels, inputs, *operator.kernel)
    else:
        shape = (operator.out_features, inputs)
    if mask.shape != shape:
        raise ValueError(
            f"The mask of {operator.name!r} must have shape {shape}, not {mask.shape}."
        )
