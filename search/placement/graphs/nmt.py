"""Translation by LSTMs with attention (Bahdanau et al., 2015; Wu et al., 2016), unrolled.

As in Wu et al., section 3: the first layer of the encoder reads both ways, residual sums begin at
the third layer, and in each step what the first layer of the decoder showed before asks the
encodings through a layer of tanh; all layers of the decoder read the answer. Placed by Mirhoseini
et al. (2017) with 1024 units, 40 steps and a batch of 64; 32,000 word pieces are those of Wu et
al., and a decoder that starts from nothing is our choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.draft import Draft, Tensor
from apollo.search.placement.graphs.language import Classifier, embedded
from apollo.search.placement.graphs.lstm import LSTMLayer
from apollo.search.placement.graphs.step import Detail, Step, joined
from apollo.search.placement.graphs.unroll import LSTMState, Unrolling
from apollo.workloads.figures import OPERATIONS_PER_MAC

RESIDUAL_FROM = 3


@dataclass(frozen=True)
class NMT:
    """A size of the model; so many layers on each side."""

    layers: int = 2
    units: int = 1024
    steps: int = 40
    words: int = 32_000

    def graph(
        self, name: str, batch: int, detail: Detail = Detail.CELLS, keep_gates: bool = False
    ) -> OperatorGraph:
        """Its operators, for `batch` sentences of `steps` tokens in both languages."""
        unrolling = Unrolling(Draft(name), batch, detail, keep_gates)
        attention = _Attention.over(unrolling, self._encoded(unrolling), self.units)
        self._decode(unrolling, attention)
        return unrolling.draft.graph()

    def _encoded(self, unrolling: Unrolling) -> list[Tensor]:
        """What the encoder makes of each token."""
        words = embedded(unrolling, "source", self.words, self.units, self.steps)
        reads = [[tensor] for tensor in words]
        ahead, _ = unrolling.lstm("encoder1/ahead", reads, self.units)
        behind, _ = unrolling.lstm("encoder1/behind", reads[::-1], self.units)
        below = [[one, other] for one, other in zip(ahead, behind[::-1], strict=True)]
        for layer in range(2, self.layers + 1):
            name = f"encoder{layer}"
            outputs, _ = unrolling.lstm(name, below, self.units)
            if layer >= RESIDUAL_FROM:
                outputs = [
                    _sum(unrolling.step(name, number), tensor, source[0])
                    for number, (tensor, source) in enumerate(zip(outputs, below, strict=True))
                ]
            below = [[tensor] for tensor in outputs]
        return [
            joined(unrolling.step("encoder1/ahead", number), "both", tensors)
            for number, tensors in enumerate(below)
        ]

    def _decode(self, unrolling: Unrolling, attention: "_Attention") -> None:
        """Step by step, as the first layer waits for the answer to its own question."""
        words = embedded(unrolling, "target", self.words, self.units, self.steps)
        inputs = self.units + attention.features
        layers = [
            unrolling.weighted(LSTMLayer(f"decoder{layer}", inputs, self.units))
            for layer in range(1, self.layers + 1)
        ]
        states = [unrolling.lstm_zeros(layer) for layer in layers]
        classifier = Classifier.over(unrolling, self.units, self.words)
        for number, word in enumerate(words):
            answer = attention.answer(unrolling.step("attention", number), states[0][0])
            tensor = word
            for index, layer in enumerate(layers):
                tensor = self._layer(unrolling, layer, number, states, index, (tensor, answer))
            classifier.classify(unrolling, number, tensor)

    def _layer(
        self,
        unrolling: Unrolling,
        layer: LSTMLayer,
        number: int,
        states: list[LSTMState],
        index: int,
        reads: tuple[Tensor, Tensor],
    ) -> Tensor:
        """What a layer of the decoder shows after a step; its new state is put in place."""
        states[index] = unrolling.lstm_step(layer, number, reads, states[index])
        hidden = states[index][0]
        if index + 1 < RESIDUAL_FROM:
            return hidden
        return _sum(unrolling.step(layer.name, number), hidden, reads[0])


def _sum(step: Step, one: Tensor, other: Tensor) -> Tensor:
    features = one.size_bytes // step.size(1)
    return step.function("residual", "Binary add", (one, other), features)


@dataclass(frozen=True)
class _Attention:
    """Encodings, keys made of them once, and weights that are read in each step."""

    tokens: int
    units: int
    features: int  # of the encoding of a token
    encoded: Tensor
    keys: Tensor
    query_kernel: Tensor
    score_kernel: Tensor

    @classmethod
    def over(cls, unrolling: Unrolling, encoded: Sequence[Tensor], units: int) -> "_Attention":
        """The encodings put together, and their keys."""
        draft, size, tokens = unrolling.draft, unrolling.bytes_per_value, len(encoded)
        features, group = unrolling.features(encoded[:1]), "attention/keys"
        total = sum(tensor.size_bytes for tensor in encoded)
        stack = draft.add("attention/encoded", "Concat", encoded, total, group=group)
        rows, kernel = unrolling.batch * tokens, features * units
        keys = draft.add(
            group,
            "FullyConnected",
            [stack],
            rows * units * size,
            OPERATIONS_PER_MAC * rows * kernel,
            kernel * size,
        )
        weights = "attention/weights"
        query = draft.variable("attention/query_kernel", units * units * size, weights)
        score = draft.variable("attention/score_kernel", units * size, weights)
        return cls(tokens, units, features, stack, keys, query, score)

    def answer(self, step: Step, question: Tensor) -> Tensor:
        """Encodings weighted by how well their keys and the question agree."""
        wide, tokens = self.tokens * self.units, self.tokens
        query = step.product("query", question, self.query_kernel, self.units)
        sums = step.function("add", "Binary add", (self.keys, query), wide)
        bounded = step.function("tanh", "Unary tanh", (sums,), wide)
        scores = step.function(
            "scores",
            "MatMul",
            (bounded, self.score_kernel),
            tokens,
            OPERATIONS_PER_MAC * self.units,
        )
        shares = step.function("shares", "Softmax", (scores,), tokens)
        reads, operations = (shares, self.encoded), OPERATIONS_PER_MAC * tokens
        return step.function("answer", "MatMul", reads, self.features, operations)
