"""Operators that multiply by a matrix or look a row of one up."""

from dataclasses import dataclass

from apollo.workloads.operators.base import Operator
from apollo.workloads.shapes import Shape, Shapes, broadcast, elements


@dataclass(frozen=True)
class FullyConnected(Operator):
    """Matrix product with stored weights; an image is flattened first, a sequence by steps."""

    out_features: int
    bias: bool = False

    def __post_init__(self) -> None:
        self._require_positive(out_features=self.out_features)

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (n, out_features), or (n, t, out_features) of a sequence."""
        shape = self._only(shapes)
        if len(shape) not in (2, 3, 4):
            raise self._fail(
                f"the input must have shape (n, c), (n, t, c) or (n, c, h, w), not {shape}"
            )
        return *shape[: 2 if len(shape) == 3 else 1], self.out_features

    def macs(self, input_shapes: Shapes, output_shape: Shape) -> int:
        """One per input and output feature of every row."""
        return elements(output_shape) * self._features(input_shapes)

    def weights(self, shapes: Shapes) -> int:
        """Elements of the matrix."""
        return self.out_features * self._features(shapes)

    def biases(self, shapes: Shapes) -> int:
        """One per output feature, if any."""
        return self.out_features if self.bias else 0

    def _features(self, shapes: Shapes) -> int:
        shape = self._only(shapes)
        return elements(shape[2 if len(shape) == 3 else 1 :])


@dataclass(frozen=True)
class MatMul(Operator):
    """Product of two activations, of every item of the leading dimensions.

    Attributes:
        transpose_left: whether the left matrices are (k, m), not (m, k).
        transpose_right: whether the right matrices are (n, k), not (k, n).

    """

    transpose_left: bool = False
    transpose_right: bool = False

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (..., m, n)."""
        left, right = self._pair(shapes)
        if min(len(left), len(right)) < 2:
            raise self._fail(f"the inputs must be matrices, not {left} and {right}")
        rows, depth = left[-2:][::-1] if self.transpose_left else left[-2:]
        depth_right, columns = right[-2:][::-1] if self.transpose_right else right[-2:]
        if depth != depth_right:
            raise self._fail(f"{left} and {right} must agree in the summed dimension")
        try:
            leading = broadcast(left[:-2], right[:-2])
        except ValueError as error:
            raise self._fail(str(error)) from None
        return *leading, rows, columns

    def moves_batch(self, shapes: Shapes) -> bool:
        """Whether a batch is a dimension of the matrices."""
        return len(shapes[0]) < 3

    def macs(self, input_shapes: Shapes, output_shape: Shape) -> int:
        """One per output element and summed position."""
        return elements(output_shape) * input_shapes[0][-2 if self.transpose_left else -1]


@dataclass(frozen=True)
class Embedding(Operator):
    """Rows of a stored table, one for each index; no multiply-accumulates."""

    rows: int
    features: int

    def __post_init__(self) -> None:
        self._require_positive(rows=self.rows, features=self.features)

    def infer(self, shapes: Shapes) -> Shape:
        """Shape of the indices and behind it `features`."""
        return *self._only(shapes), self.features

    def weights(self, shapes: Shapes) -> int:
        """Elements of the table."""
        return self.rows * self.features


@dataclass(frozen=True)
class Gather(Operator):
    """Entries of a tensor (n, t, ...) that indices (n, p) name, item by item of the batch."""

    def infer(self, shapes: Shapes) -> Shape:
        """Shape (n, p, ...)."""
        data, indices = self._pair(shapes)
        if len(data) < 2 or len(indices) != 2 or data[0] != indices[0]:
            raise self._fail(f"the inputs must be (n, t, ...) and (n, p), not {data} and {indices}")
        return *indices, *data[2:]
