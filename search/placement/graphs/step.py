"""One step of an unrolled layer: its operators have a common name, group and batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from apollo.search.placement.graphs.draft import Draft, Tensor
from apollo.workloads.figures import OPERATIONS_PER_MAC


class Detail(Enum):
    """Into what a recurrent layer is taken apart."""

    LAYERS = "layers"  # one operator for all of its steps
    CELLS = "cells"  # one for each step
    OPERATORS = "operators"  # those that a framework starts in each step


@dataclass(frozen=True)
class Step:
    """Where the operators of a step go.

    Attributes:
        draft: collects them.
        name: of the step, such as `encoder1/step3`; of its group, too.
        batch: rows of every tensor.
        bytes_per_value: of every tensor.

    """

    draft: Draft
    name: str
    batch: int
    bytes_per_value: int

    def size(self, features: int) -> int:
        """Bytes of a tensor (batch, features)."""
        return self.batch * features * self.bytes_per_value

    def function(
        self,
        label: str,
        kind: str,
        reads: Sequence[Tensor],
        features: int,
        operations: int = 1,
    ) -> Tensor:
        """An operator with so many operations for each value of its output (batch, features)."""
        return self.draft.add(
            f"{self.name}/{label}",
            kind,
            reads,
            self.size(features),
            operations * self.batch * features,
            group=self.name,
        )

    def product(self, label: str, source: Tensor, weights: Tensor, features: int) -> Tensor:
        """Rows (batch, depth) times a stored matrix (depth, features)."""
        depth = weights.size_bytes // (self.bytes_per_value * features)
        operations = OPERATIONS_PER_MAC * depth
        return self.function(label, "MatMul", (source, weights), features, operations)

    def cell(
        self,
        kind: str,
        reads: Sequence[Tensor],
        features: Sequence[int],
        operations: int,
        kept_features: int,
    ) -> tuple[Tensor, ...]:
        """A whole cell in one operator that writes several tensors, those of its state first.

        `operations` are of one row; `kept_features` are what is left for the gradient besides.
        """
        self.draft.add(
            f"{self.name}/cell",
            kind,
            reads,
            self.size(sum(features) + kept_features),
            operations * self.batch,
            group=self.name,
        )
        return tuple(
            Tensor(f"{self.name}/cell", self.size(size), f"state{number}")
            for number, size in enumerate(features)
        )


def joined(step: Step, label: str, parts: Sequence[Tensor]) -> Tensor:
    """Parts side by side, in one tensor; a single one is itself."""
    if len(parts) == 1:
        return parts[0]
    features = sum(part.size_bytes for part in parts) // step.size(1)
    return step.function(label, "Concat", parts, features, operations=0)
