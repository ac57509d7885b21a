"""An LSTM language model (Zaremba et al., 2014, arXiv:1409.2329, section 4.1, "large").

Two layers of 1500 units and a vocabulary of 10,000 words; one step, state in and out.
"""

from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.models.blocks import dense
from apollo.workloads.models.family import Published, Single
from apollo.workloads.operators import LSTM, Embedding, Reshape, Softmax

LAYERS, UNITS, WORDS = 2, 1500, 10_000


def lstm_lm(name: str) -> Graph:
    """Scores of the next word, and the state, after one word."""
    states = [
        Tensor(f"layer{layer}/{state}", (1, UNITS))
        for layer in range(1, LAYERS + 1)
        for state in ("hidden", "memory")
    ]
    builder = GraphBuilder(name, [Tensor("word", (1, 1)), *states])
    tensor = builder.add(Embedding("embedding", ("word",), "embedding", WORDS, UNITS))
    tensor, outputs = builder.add(Reshape("embedded", (tensor,), "embedded", (1, UNITS))), []
    for layer in range(1, LAYERS + 1):
        label = f"layer{layer}"
        inputs, memory = (tensor, f"{label}/hidden", f"{label}/memory"), f"{label}/memory_out"
        tensor = builder.add(LSTM(label, inputs, f"{label}/hidden_out", UNITS, memory=memory))
        outputs += [tensor, memory]
    logits = dense(builder, "logits", tensor, WORDS)
    return builder.build([builder.add(Softmax("softmax", (logits,), "softmax")), *outputs])


NETWORK = Single(
    name="lstm_lm",
    build=lstm_lm,
    source="Zaremba et al., 2014, arXiv:1409.2329, section 4.1",
    published=Published(None, 66),
)
