"""CNN1 of the TPU v1 paper: 72 convolutions, 13 pools and four fully connected layers.

The paper calls it a derivative of Inception with shallow layers, and measures that half of the
multipliers in use hold weights. Branches are not rebuilt: a plain stack of 3x3 convolutions of 128
channels has that share (45 %), the counts of table 1, and fits the chip at the batch of 32.
"""

from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.models.blocks import activate, biased, dense, pool
from apollo.workloads.operators import PoolKind, UnaryKind

SIZE, CHANNELS = 28, 128
CONVOLUTIONS, BEFORE_HALVING, POOL_EVERY = 72, 38, 6
FEATURES = (2816, 4096, 1536, 1000)


def tpu_cnn1(name: str) -> Graph:
    """38 convolutions at 28x28, 34 at 14x14, a pool behind every sixth; then the wide layers."""
    builder = GraphBuilder(name, [Tensor("image", (1, CHANNELS, SIZE, SIZE))])
    tensor = "image"
    for number in range(1, CONVOLUTIONS + 1):
        label = f"conv{number}"
        tensor = biased(builder, label, tensor, CHANNELS, 3)
        tensor = activate(builder, label, tensor, UnaryKind.RELU)
        if number == BEFORE_HALVING:
            tensor = pool(builder, "halve", tensor, PoolKind.MAX, 2, 2)
        elif number % POOL_EVERY == 0:
            tensor = pool(builder, f"pool{number}", tensor, PoolKind.MAX, 3, 1, None)
    for number, features in enumerate(FEATURES, start=1):
        label = f"dense{number}"
        tensor = dense(builder, label, tensor, features)
        tensor = activate(builder, label, tensor, UnaryKind.RELU)
    return builder.build([tensor])
