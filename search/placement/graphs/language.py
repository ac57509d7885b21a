"""What models of words share: a table of embeddings, and a softmax over the words in each step."""

from collections.abc import Mapping
from dataclasses import dataclass

from apollo.search.placement.graphs.draft import Tensor, sliced, variables
from apollo.search.placement.graphs.step import Detail
from apollo.search.placement.graphs.unroll import Unrolling
from apollo.workloads.figures import OPERATIONS_PER_MAC


def embedded(unrolling: Unrolling, name: str, words: int, units: int, steps: int) -> list[Tensor]:
    """Each step's embeddings: one look-up of the whole text, cut into steps where the table lies.

    The table is the look-up's own, so that only its rows travel.
    """
    draft = unrolling.draft
    indices = steps * unrolling.batch * unrolling.bytes_per_value
    rows, group = indices * units, f"{name}/table"
    text = draft.input(f"{name}/text", indices, group)
    table = words * units * unrolling.bytes_per_value
    whole = draft.add(
        group, "Embedding", [text], rows, parameter_bytes=table, traffic_bytes=2 * rows
    )
    return sliced(draft, name, whole, steps, group)


@dataclass(frozen=True)
class Classifier:
    """Weights that turn features into shares of all words; of the group `softmax/weights`.

    Attributes:
        words: how many there are.
        units: features read.
        weights: one variable of all (`weights`) where cells are whole, else `kernel` and `bias`.

    """

    words: int
    units: int
    weights: Mapping[str, Tensor]

    @classmethod
    def over(cls, unrolling: Unrolling, units: int, words: int) -> "Classifier":
        """Its weights, added to the draft."""
        values = {"kernel": units * words, "bias": words}
        if unrolling.detail is not Detail.OPERATORS:
            values = {"weights": sum(values.values())}
        size = unrolling.bytes_per_value
        return cls(words, units, variables(unrolling.draft, "softmax", values, size))

    def classify(self, unrolling: Unrolling, number: int, features: Tensor) -> Tensor:
        """Shares of all words after a step; the loss is taken to be part of it."""
        step = unrolling.step("softmax", number)
        if "weights" in self.weights:
            reads, operations = (features, self.weights["weights"]), OPERATIONS_PER_MAC * self.units
            logits = step.function("logits", "FullyConnected", reads, self.words, operations + 1)
        else:
            logits = step.product("logits", features, self.weights["kernel"], self.words)
            logits = step.function("bias", "Binary add", (logits, self.weights["bias"]), self.words)
        return step.function("shares", "Softmax", (logits,), self.words)
