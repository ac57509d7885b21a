"""How sparse the layers of a model are, what they take, and how even the work is over cores."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from apollo.workloads.model import Model
from apollo.workloads.sparsity.layers import Factors, Kind, factors
from apollo.workloads.sparsity.storage import (
    PAIRS_PER_CYCLE,
    Ints,
    compressed_bytes,
    dense_bytes,
    pair_counts,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SparsityRow:
    """The factors of one role of a layer.

    Attributes:
        layer: name of the operator.
        role: such as `weight`.
        kind: pointwise, matrix, kernel or depthwise.
        channels: output channels.
        inputs: factors of a channel.
        nonzeros: factors that are not 0.
        dense_bytes: weights and records.
        compressed_bytes: in the format of M28; None for depthwise kernels, which it cannot hold.
        pairs: of all channels, those that bridge gaps included.
        least_pairs: of a channel.
        most_pairs: of a channel.
        busiest_pairs: cycles for one group of positions of the core with the most: the sum of
            ceil(count / 2) over its channels, PAIRS of M28.
        imbalance: that over the mean of all cores, those without a channel included; 1 if even.

    """

    layer: str
    role: str
    kind: Kind
    channels: int
    inputs: int
    nonzeros: int
    dense_bytes: int
    compressed_bytes: int | None
    pairs: int
    least_pairs: int
    most_pairs: int
    busiest_pairs: int
    imbalance: float

    @property
    def elements(self) -> int:
        """Factors, zeros included."""
        return self.channels * self.inputs

    @property
    def density(self) -> float:
        """Share of the factors that are not 0."""
        return self.nonzeros / self.elements

    @property
    def stored_bytes(self) -> int:
        """Of the smaller of the two ways to store it."""
        if self.compressed_bytes is None:
            return self.dense_bytes
        return min(self.dense_bytes, self.compressed_bytes)


@dataclass(frozen=True)
class SparsityTotal:
    """Sums over rows.

    Attributes:
        elements: factors, zeros included.
        nonzeros: factors that are not 0.
        dense_bytes: with all layers dense.
        stored_bytes: with every layer in the smaller way.

    """

    elements: int
    nonzeros: int
    dense_bytes: int
    stored_bytes: int

    @property
    def density(self) -> float:
        """Share of the factors that are not 0; 1 where there are none."""
        return self.nonzeros / self.elements if self.elements else 1.0


def statistics(model: Model, cores: int = 4) -> tuple[SparsityRow, ...]:
    """A row for all stored factors of a model; `cores` share the channels of a layer (M26)."""
    if cores < 1:
        raise ValueError(f"Cores must be at least 1, not {cores}.")
    return tuple(_row(item, cores) for item in factors(model))


def total(rows: Sequence[SparsityRow]) -> SparsityTotal:
    """The sums of rows."""
    return SparsityTotal(
        elements=sum(row.elements for row in rows),
        nonzeros=sum(row.nonzeros for row in rows),
        dense_bytes=sum(row.dense_bytes for row in rows),
        stored_bytes=sum(row.stored_bytes for row in rows),
    )


def to_frame(rows: Sequence[SparsityRow]) -> "pd.DataFrame":
    """Rows as a table, with density and stored bytes."""
    import pandas as pd  # here, because it is slow to import

    return pd.DataFrame([as_record(row) for row in rows])


def as_record(row: SparsityRow) -> dict[str, object]:
    """Every field of a row, its density and its stored bytes."""
    derived = {"density": row.density, "stored_bytes": row.stored_bytes}
    return asdict(row) | {"kind": row.kind.value} | derived


def core_cycles(counts: Ints, cores: int) -> Ints:
    """Cycles of each core for one group of positions: contiguous channels, two pairs a cycle."""
    step = -(-len(counts) // cores)
    cycles = np.zeros(step * cores, np.int64)
    cycles[: len(counts)] = -(-counts // PAIRS_PER_CYCLE)
    by_core: Ints = cycles.reshape(cores, step).sum(axis=1)
    return by_core


def _row(item: Factors, cores: int) -> SparsityRow:
    nonzero = item.nonzero()
    channels, inputs = nonzero.shape[0], nonzero.shape[1] * nonzero.shape[2]
    counts = pair_counts(nonzero.reshape(channels, inputs))
    cycles = core_cycles(counts, cores)
    return SparsityRow(
        layer=item.operator.name,
        role=item.role,
        kind=item.kind,
        channels=channels,
        inputs=inputs,
        nonzeros=int(np.count_nonzero(nonzero)),
        dense_bytes=dense_bytes(channels, inputs),
        compressed_bytes=None if item.kind is Kind.DEPTHWISE else compressed_bytes(counts),
        pairs=int(counts.sum()),
        least_pairs=int(counts.min()),
        most_pairs=int(counts.max()),
        busiest_pairs=int(cycles.max()),
        imbalance=float(cycles.max() / cycles.mean()) if cycles.any() else 1.0,
    )
