"""Translation with LSTMs and attention, in the manner of GNMT (Wu et al., 2016, arXiv:1609.08144).

Four layers of 1024 units on each side, the first of the encoder bidirectional, residual sums from
the third on, and a vocabulary of 32,000 word pieces. Unlike in GNMT attention is multiplicative
(Luong et al., 2015) and the first layer of the decoder does not read it, so that a sentence given
to both sides, as in training and in scoring, needs no loop over its words.
"""

from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.models.blocks import add, concat, dense
from apollo.workloads.models.family import Sized
from apollo.workloads.operators import LSTM, Embedding, FullyConnected, MatMul, Softmax

LAYERS, UNITS, WORDS = 4, 1024, 32_000
RESIDUAL_FROM = 3
DEFAULT_TOKENS, MOST_TOKENS = 40, 512


def nmt(name: str, tokens: int) -> Graph:
    """Scores (n, t, 32000) of a sentence, as many tokens in both languages."""
    shape = (1, tokens)
    builder = GraphBuilder(name, [Tensor("source", shape), Tensor("target", shape)])
    encoded = _encoder(builder)
    logits = dense(builder, "logits", _decoder(builder, encoded), WORDS)
    return builder.build([builder.add(Softmax("softmax", (logits,), "softmax", axis=2))])


def _encoder(builder: GraphBuilder) -> str:
    tensor = _embedding(builder, "source")
    for layer in range(1, LAYERS + 1):
        label, source = f"encoder{layer}", tensor
        tensor = builder.add(LSTM(label, (source,), label, UNITS, bidirectional=layer == 1))
        if layer >= RESIDUAL_FROM:
            tensor = add(builder, f"{label}/residual", source, tensor)
    return tensor


def _decoder(builder: GraphBuilder, encoded: str) -> str:
    """The first layer asks; the others read its output or theirs beside the answer."""
    tensor = _embedding(builder, "target")
    tensor = builder.add(LSTM("decoder1", (tensor,), "decoder1", UNITS))
    answer = _attention(builder, tensor, encoded)
    for layer in range(2, LAYERS + 1):
        label, source = f"decoder{layer}", tensor
        joined = concat(builder, f"{label}/join", source, answer, axis=2)
        tensor = builder.add(LSTM(label, (joined,), label, UNITS))
        if layer >= RESIDUAL_FROM:
            tensor = add(builder, f"{label}/residual", source, tensor)
    return tensor


def _attention(builder: GraphBuilder, queries: str, encoded: str) -> str:
    """Encodings weighted by how well they answer each query, (n, t, units)."""
    keys = builder.add(FullyConnected("attention/keys", (encoded,), "attention/keys", UNITS))
    label = "attention/scores"
    scores = builder.add(MatMul(label, (queries, keys), label, transpose_right=True))
    label = "attention/softmax"
    shares = builder.add(Softmax(label, (scores,), label, axis=2))
    return builder.add(MatMul("attention", (shares, encoded), "attention"))


def _embedding(builder: GraphBuilder, side: str) -> str:
    label = f"{side}/embedding"
    return builder.add(Embedding(label, (side,), label, WORDS, UNITS))


NETWORK = Sized(
    name="nmt",
    build=nmt,
    source="after Wu et al., 2016, arXiv:1609.08144, section 3",
    size="tokens",
    default=DEFAULT_TOKENS,
    sizes=range(1, MOST_TOKENS + 1),
)
