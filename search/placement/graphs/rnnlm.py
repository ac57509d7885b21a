"""A recurrent language model (Zaremba et al., 2014; Jozefowicz et al., 2016), unrolled.

A grid of layers by steps: a cell can start as soon as the cells below and before it are done. The
softmax runs in each step. Placed by Mirhoseini et al. (2017) with two layers of 2048 units, 40
steps and a batch of 64; the vocabulary, that of Zaremba et al., is our choice, and dropout is left
out.
"""

from dataclasses import dataclass

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.draft import Draft
from apollo.search.placement.graphs.language import Classifier, embedded
from apollo.search.placement.graphs.step import Detail
from apollo.search.placement.graphs.unroll import Unrolling


@dataclass(frozen=True)
class RNNLM:
    """A size of the model."""

    layers: int = 2
    units: int = 2048
    steps: int = 40
    words: int = 10_000

    def graph(
        self, name: str, batch: int, detail: Detail = Detail.CELLS, keep_gates: bool = False
    ) -> OperatorGraph:
        """Its operators, for `batch` texts."""
        unrolling = Unrolling(Draft(name), batch, detail, keep_gates)
        outputs = embedded(unrolling, "embedding", self.words, self.units, self.steps)
        for layer in range(1, self.layers + 1):
            reads = [[tensor] for tensor in outputs]
            outputs, _ = unrolling.lstm(f"layer{layer}", reads, self.units)
        classifier = Classifier.over(unrolling, self.units, self.words)
        for number, tensor in enumerate(outputs):
            classifier.classify(unrolling, number, tensor)
        return unrolling.draft.graph()
