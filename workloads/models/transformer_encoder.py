"""Transformer encoders of the BERT family (Devlin et al., 2018, arXiv:1810.04805).

Small (four layers of 512) and tiny (two of 128) as of Turc et al., 2019, arXiv:1908.08962, with a
vocabulary of 30,522 word pieces. Tokens are of one segment, whose embedding is part of the stored
positions.
"""

from dataclasses import dataclass

from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.models.blocks import activate, add, dense
from apollo.workloads.models.family import Published, Sized
from apollo.workloads.operators import (
    Binary,
    BinaryKind,
    Embedding,
    LayerNormalization,
    MatMul,
    Reshape,
    Slice,
    Softmax,
    Transpose,
    UnaryKind,
)

WORDS = 30_522
DEFAULT_TOKENS, MOST_TOKENS = 128, 512
HEAD_FEATURES, WIDENING = 64, 4


@dataclass(frozen=True)
class Size:
    """Layers and features of a network."""

    layers: int
    features: int


def transformer_encoder(size: Size, name: str, tokens: int) -> Graph:
    """Features (n, t, c) of every token and, from the first one, (n, c) of the sentence."""
    builder = GraphBuilder(name, [Tensor("tokens", (1, tokens))])
    tensor = builder.add(Embedding("words", ("tokens",), "words", WORDS, size.features))
    positions = Binary(
        "positions", (tensor,), "positions", BinaryKind.ADD, (1, tokens, size.features)
    )
    tensor = _normalize(builder, "embedding", builder.add(positions))
    for layer in range(1, size.layers + 1):
        tensor = _layer(builder, f"layer{layer}", tensor)
    first = builder.add(Slice("first", (tensor,), "first", (1,), (0,), (1,)))
    first = builder.add(Reshape("sentence", (first,), "sentence", (1, size.features)))
    pooled = activate(builder, "pooler", dense(builder, "pooler", first, size.features), _TANH)
    return builder.build([tensor, pooled])


def _layer(builder: GraphBuilder, name: str, source: str) -> str:
    """Attention, then two layers token by token; both added to what came in and normalised."""
    features = builder.shape(source)[2]
    attended = dense(builder, f"{name}/output", _attention(builder, name, source), features)
    attended = add(builder, f"{name}/attention/add", source, attended)
    attended = _normalize(builder, f"{name}/attention", attended)
    label = f"{name}/widen"
    tensor = dense(builder, label, attended, WIDENING * features)
    tensor = activate(builder, label, tensor, UnaryKind.GELU)
    tensor = dense(builder, f"{name}/narrow", tensor, features)
    return _normalize(builder, name, add(builder, f"{name}/add", attended, tensor))


def _attention(builder: GraphBuilder, name: str, source: str) -> str:
    """Values weighted by how well keys answer queries, head by head; (n, t, c)."""
    queries, keys, values = (
        _heads(builder, f"{name}/{part}", source) for part in ("queries", "keys", "values")
    )
    label = f"{name}/scores"
    scores = builder.add(MatMul(label, (queries, keys), label, transpose_right=True))
    label = f"{name}/scale"
    scores = builder.add(Binary(label, (scores,), label, BinaryKind.MULTIPLY, (1, 1, 1, 1)))
    label = f"{name}/softmax"
    shares = builder.add(Softmax(label, (scores,), label, axis=3))
    label = f"{name}/answers"
    tensor = builder.add(MatMul(label, (shares, values), label))
    label = f"{name}/answers/turn"
    tensor = builder.add(Transpose(label, (tensor,), label, (0, 2, 1, 3)))
    label = f"{name}/answers/join"
    return builder.add(Reshape(label, (tensor,), label, builder.shape(source)))


def _heads(builder: GraphBuilder, name: str, source: str) -> str:
    """A layer's features as (n, heads, t, 64)."""
    batch, tokens, features = builder.shape(source)
    tensor = dense(builder, name, source, features)
    shape = (batch, tokens, features // HEAD_FEATURES, HEAD_FEATURES)
    tensor = builder.add(Reshape(f"{name}/heads", (tensor,), f"{name}/heads", shape))
    return builder.add(Transpose(f"{name}/turn", (tensor,), f"{name}/turn", (0, 2, 1, 3)))


def _normalize(builder: GraphBuilder, name: str, source: str) -> str:
    label = f"{name}/norm"
    layer = LayerNormalization(label, (source,), label, builder.shape(source)[-1])
    return builder.add(layer)


def _network(name: str, size: Size, parameters_m: float) -> Sized:
    return Sized(
        name=name,
        build=lambda title, tokens: transformer_encoder(size, title, tokens),
        source="google-research/bert, README.md (smaller models)",
        size="tokens",
        default=DEFAULT_TOKENS,
        sizes=range(1, MOST_TOKENS + 1),
        published={MOST_TOKENS: Published(None, parameters_m)},
    )


_TANH = UnaryKind.TANH
NETWORKS = (
    _network("transformer_encoder", Size(layers=4, features=512), 28.8),
    _network("transformer_encoder_tiny", Size(layers=2, features=128), 4.4),
)
