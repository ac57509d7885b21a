"""What models of words share: a table of embeddings, and a softmax over the words in each step."""

from dataclasses import dataclass

from apollo.search.placement.graphs.draft import Tensor, sliced
from apollo.search.placement.graphs.unroll import Unrolling


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
    """Weights that turn features into shares of all words; of the group `softmax/weights`."""

    words: int
    kernel: Tensor
    bias: Tensor

    @classmethod
    def over(cls, unrolling: Unrolling, units: int, words: int) -> "Classifier":
        """Its weights, added to the draft."""
        draft, size, group = unrolling.draft, unrolling.bytes_per_value, "softmax/weights"
        return cls(
            words,
            draft.variable("softmax/kernel", units * words * size, group),
            draft.variable("softmax/bias", words * size, group),
        )

    def classify(self, unrolling: Unrolling, number: int, features: Tensor) -> Tensor:
        """Shares of all words after a step; the loss is taken to be part of it."""
        step = unrolling.step("softmax", number)
        logits = step.product("product", features, self.kernel, self.words)
        logits = step.function("bias", "Binary add", (logits, self.bias), self.words)
        return step.function("shares", "Softmax", (logits,), self.words)
