"""CRNN reads a word (Shi et al., 2015, arXiv:1507.05717, table 1): convolutions, then two LSTMs.

One grey image of 32 rows; the default width of 100 pixels gives 24 frames. Connectionist temporal
classification turns the scores of the frames into letters on the host.
"""

from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.models.blocks import activate, biased, convolution, dense, pool
from apollo.workloads.models.family import Published, Sized
from apollo.workloads.operators import LSTM, PoolKind, Reshape, Softmax, Transpose, UnaryKind
from apollo.workloads.shapes import NO_PADDING

ROWS, UNITS, CLASSES = 32, 256, 37  # letters, digits and the blank
DEFAULT_WIDTH, WIDTHS = 100, (100, 128, 160, 256)


def crnn(name: str, width: int) -> Graph:
    """Scores (n, frames, 37) of an image 32 rows high."""
    builder = GraphBuilder(name, [Tensor("image", (1, 1, ROWS, width))])
    tensor = _frames(builder, _features(builder))
    tensor = _recurrent(builder, "recurrent1", tensor)
    tensor = dense(builder, "embed", tensor, UNITS)
    tensor = _recurrent(builder, "recurrent2", tensor)
    logits = dense(builder, "logits", tensor, CLASSES)
    return builder.build([builder.add(Softmax("softmax", (logits,), "softmax", axis=2))])


def _features(builder: GraphBuilder) -> str:
    """Seven convolutions and four pools, the last two of which halve the rows only."""
    tensor = _conv(builder, "conv1", "image", 64)
    tensor = pool(builder, "pool1", tensor, PoolKind.MAX, 2, 2)
    tensor = _conv(builder, "conv2", tensor, 128)
    tensor = pool(builder, "pool2", tensor, PoolKind.MAX, 2, 2)
    tensor = _conv(builder, "conv3", tensor, 256)
    tensor = _conv(builder, "conv4", tensor, 256)
    tensor = pool(builder, "pool3", tensor, PoolKind.MAX, (2, 1), (2, 1))
    tensor = convolution(builder, "conv5", tensor, 512, 3, activation=UnaryKind.RELU)
    tensor = convolution(builder, "conv6", tensor, 512, 3, activation=UnaryKind.RELU)
    tensor = pool(builder, "pool4", tensor, PoolKind.MAX, (2, 1), (2, 1))
    tensor = biased(builder, "conv7", tensor, 512, 2, NO_PADDING)
    return activate(builder, "conv7", tensor, UnaryKind.RELU)


def _frames(builder: GraphBuilder, source: str) -> str:
    """The columns of an image one row high as a sequence (n, t, c)."""
    batch, channels, _, width = builder.shape(source)
    tensor = builder.add(Reshape("row", (source,), "row", (batch, channels, width)))
    return builder.add(Transpose("frames", (tensor,), "frames", (0, 2, 1)))


def _recurrent(builder: GraphBuilder, name: str, source: str) -> str:
    return builder.add(LSTM(name, (source,), name, UNITS, bidirectional=True))


def _conv(builder: GraphBuilder, name: str, source: str, channels: int) -> str:
    return activate(builder, name, biased(builder, name, source, channels, 3), UnaryKind.RELU)


NETWORK = Sized(
    name="crnn",
    build=crnn,
    source="Shi et al., 2015, arXiv:1507.05717, tables 1 and 2",
    size="width",
    default=DEFAULT_WIDTH,
    sizes=WIDTHS,
    published={DEFAULT_WIDTH: Published(None, 8.3)},
    counted_values=2,
)
