"""RNN transducer for speech on a device (He et al., 2018, arXiv:1811.06621, section 2).

The encoder has eight LSTM layers of 2048 units projected to 640, layer-normalised, and joins pairs
of frames behind the second one; the prediction network has two such layers, and a feed-forward
network joins both. A frame is four stacked sets of 80 mel features, 320 values every 30 ms. Outputs
are 76 graphemes or 4096 word pieces, blank included.
"""

from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.models.blocks import activate, add, dense
from apollo.workloads.models.family import Single, Sized
from apollo.workloads.operators import (
    LSTM,
    Embedding,
    FullyConnected,
    Gather,
    Reshape,
    Softmax,
    UnaryKind,
)
from apollo.workloads.shapes import Shape

FRAME_VALUES, FRAME_MS = 320, 30
UNITS, PROJECTION = 2048, 640
ENCODER_LAYERS, REDUCE_AFTER, REDUCTION = 8, 2, 2
PREDICTION_LAYERS = 2
GRAPHEMES, WORD_PIECES = 76, 4096
LABELS_PER_FRAME = 3 / 8  # of a transcript: 12.5 graphemes a second
MOST_FRAMES = 4000  # two minutes
SOURCE = "He et al., 2018, arXiv:1811.06621, section 2"
STATES = {"hidden": PROJECTION, "memory": UNITS}


def rnnt_encoder(name: str) -> Graph:
    """A step of the encoder, 60 ms: two frames and the state in, features and the state out."""
    builder = GraphBuilder(name, [_frames(REDUCTION), *_states("encoder", ENCODER_LAYERS)])
    return builder.build(_unique(_encoder_step(builder)))


def rnnt_prediction(name: str, labels: int) -> Graph:
    """A step of the prediction network, one label: label and state in, features and state out."""
    states = _states("prediction", PREDICTION_LAYERS)
    builder = GraphBuilder(name, [Tensor("label", (1, 1)), *states])
    return builder.build(_unique(_prediction_step(builder, labels)))


def rnnt_joint(name: str, labels: int) -> Graph:
    """Scores of the next label from features of the encoder and of the prediction network."""
    shape = (1, PROJECTION)
    builder = GraphBuilder(name, [Tensor("encoded", shape), Tensor("predicted", shape)])
    joined = _joined(builder, "encoded", "predicted")
    return builder.build([_scores(builder, add(builder, "joint", *joined), labels)])


def rnnt(name: str, labels: int) -> Graph:
    """A step of the whole: 60 ms of speech, one label, once the joint network; state in and out."""
    states = [*_states("encoder", ENCODER_LAYERS), *_states("prediction", PREDICTION_LAYERS)]
    builder = GraphBuilder(name, [_frames(REDUCTION), Tensor("label", (1, 1)), *states])
    encoded, *encoder_states = _encoder_step(builder)
    predicted, *prediction_states = _prediction_step(builder, labels)
    joined = _joined(builder, encoded, predicted)
    scores = _scores(builder, add(builder, "joint", *joined), labels)
    states_out = [*encoder_states, *prediction_states]
    return builder.build(_unique([scores, encoded, predicted, *states_out]))


def rnnt_utterance(name: str, frames: int) -> Graph:
    """A whole utterance with graphemes, as a greedy search computes it.

    The joint network runs once for each encoded frame, to go on, and once for each label. Which
    encoded frame and which label meet is found by the search, so indices of both are inputs.
    """
    labels = max(1, round(frames * LABELS_PER_FRAME))
    steps: Shape = (1, frames // REDUCTION + labels)
    builder = GraphBuilder(
        name,
        [
            _frames(frames),
            Tensor("labels", (1, labels)),
            Tensor("frame_of_step", steps),
            Tensor("label_of_step", steps),
        ],
    )
    encoded = _encoder_sequence(builder, frames)
    predicted = builder.add(Embedding("embedding", ("labels",), "embedding", GRAPHEMES, PROJECTION))
    for layer in range(1, PREDICTION_LAYERS + 1):
        predicted = _sequence_layer(builder, f"prediction{layer}", predicted)
    left, right = _joined(builder, encoded, predicted)
    left = builder.add(Gather("encoded", (left, "frame_of_step"), "encoded"))
    right = builder.add(Gather("predicted", (right, "label_of_step"), "predicted"))
    return builder.build([_scores(builder, add(builder, "joint", left, right), GRAPHEMES)])


def _unique(names: list[str]) -> list[str]:
    """Each name once: the features are also the hidden state of the last layer."""
    return list(dict.fromkeys(names))


def _frames(count: int) -> Tensor:
    return Tensor("frames", (1, count, FRAME_VALUES))


def _states(part: str, layers: int) -> list[Tensor]:
    """Hidden state and memory of every layer."""
    return [
        Tensor(f"{part}{layer}/{state}", (1, size))
        for layer in range(1, layers + 1)
        for state, size in STATES.items()
    ]


def _encoder_step(builder: GraphBuilder) -> list[str]:
    """Features, and then the states, after two frames."""
    tensor, states = "frames", []
    for layer in range(1, ENCODER_LAYERS + 1):
        label = f"encoder{layer}"
        if layer == REDUCE_AFTER + 1:
            shape = (1, REDUCTION * PROJECTION)
            tensor = builder.add(Reshape("reduction", (tensor,), "reduction", shape))
        tensor, *state = _step_layer(builder, label, tensor)
        states += state
    return [tensor, *states]


def _prediction_step(builder: GraphBuilder, labels: int) -> list[str]:
    """Features, and then the states, after one label."""
    embedded = Embedding("embedding", ("label",), "embedding", labels, PROJECTION)
    tensor, states = builder.add(embedded), []
    shape = (1, PROJECTION)
    tensor = builder.add(Reshape("embedded", (tensor,), "embedded", shape))
    for layer in range(1, PREDICTION_LAYERS + 1):
        tensor, *state = _step_layer(builder, f"prediction{layer}", tensor)
        states += state
    return [tensor, *states]


def _step_layer(builder: GraphBuilder, name: str, source: str) -> list[str]:
    """Output, hidden state and memory after a step; of one frame the first two are the same."""
    sequence = len(builder.shape(source)) == 3
    hidden, memory = f"{name}/hidden_out" if sequence else "", f"{name}/memory_out"
    tensor = builder.add(
        LSTM(
            name,
            (source, f"{name}/hidden", f"{name}/memory"),
            f"{name}/out",
            UNITS,
            hidden=hidden,
            projection=PROJECTION,
            layer_norm=True,
            memory=memory,
        )
    )
    return [tensor, hidden or tensor, memory]


def _encoder_sequence(builder: GraphBuilder, frames: int) -> str:
    tensor = "frames"
    for layer in range(1, ENCODER_LAYERS + 1):
        if layer == REDUCE_AFTER + 1:
            shape = (1, frames // REDUCTION, REDUCTION * PROJECTION)
            tensor = builder.add(Reshape("reduction", (tensor,), "reduction", shape))
        tensor = _sequence_layer(builder, f"encoder{layer}", tensor)
    return tensor


def _sequence_layer(builder: GraphBuilder, name: str, source: str) -> str:
    layer = LSTM(name, (source,), name, UNITS, projection=PROJECTION, layer_norm=True)
    return builder.add(layer)


def _joined(builder: GraphBuilder, encoded: str, predicted: str) -> tuple[str, str]:
    """Both parts as the joint network adds them; one of them has the bias."""
    left = dense(builder, "joint/encoder", encoded, PROJECTION)
    layer = FullyConnected("joint/prediction", (predicted,), "joint/prediction", PROJECTION)
    return left, builder.add(layer)


def _scores(builder: GraphBuilder, source: str, labels: int) -> str:
    tensor = activate(builder, "joint", source, UnaryKind.TANH)
    logits = dense(builder, "logits", tensor, labels)
    axis = len(builder.shape(logits)) - 1
    return builder.add(Softmax("softmax", (logits,), "softmax", axis))


NETWORKS: tuple[Single | Sized, ...] = (
    Single("rnnt_encoder", rnnt_encoder, SOURCE),
    *(
        Sized(name, build, SOURCE, "labels", GRAPHEMES, (GRAPHEMES, WORD_PIECES))
        for name, build in (
            ("rnnt_prediction", rnnt_prediction),
            ("rnnt_joint", rnnt_joint),
            ("rnnt", rnnt),
        )
    ),
    Sized(
        "rnnt_utterance",
        rnnt_utterance,
        SOURCE,
        "frames",
        default=400,  # twelve seconds
        sizes=range(REDUCTION, MOST_FRAMES + 1, REDUCTION),
    ),
)
