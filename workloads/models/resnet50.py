"""ResNet-50 version 1 (He et al., 2015, arXiv:1512.03385, table 1): strides in the 1x1 layers."""

from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.models.blocks import activate, add, classifier, convolution, pool, start
from apollo.workloads.models.family import Published, Single
from apollo.workloads.operators import PoolKind, UnaryKind

RELU = UnaryKind.RELU
RESOLUTION, CLASSES = 224, 1000
STEM_CHANNELS, EXPANSION = 64, 4
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # (inner channels, blocks)


def resnet50(name: str) -> Graph:
    """The network for 224x224 images and 1000 classes."""
    builder = start(name, RESOLUTION)
    tensor = convolution(builder, "stem", "image", STEM_CHANNELS, 7, 2, activation=RELU)
    tensor = pool(builder, "stem/pool", tensor, PoolKind.MAX, 3, 2, None)
    for stage, (channels, blocks) in enumerate(STAGES, start=1):
        for block in range(1, blocks + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            tensor = _block(builder, f"stage{stage}/block{block}", tensor, channels, stride)
    return builder.build([classifier(builder, tensor, CLASSES)])


def _block(builder: GraphBuilder, name: str, source: str, channels: int, stride: int) -> str:
    """Reduce, filter, expand, and add what came in."""
    outputs, shortcut = channels * EXPANSION, source
    if builder.shape(source)[1] != outputs:
        shortcut = convolution(
            builder, f"{name}/shortcut", source, outputs, 1, stride, activation=None
        )
    tensor = convolution(builder, f"{name}/reduce", source, channels, 1, stride, activation=RELU)
    tensor = convolution(builder, f"{name}/filter", tensor, channels, 3, activation=RELU)
    tensor = convolution(builder, f"{name}/expand", tensor, outputs, 1, activation=None)
    tensor = add(builder, f"{name}/add", shortcut, tensor)
    return activate(builder, name, tensor, RELU)


NETWORK = Single(
    name="resnet50",
    build=resnet50,
    source="He et al., 2015, arXiv:1512.03385, table 1; parameters as torchvision counts them",
    published=Published(3800, 25.56),
    counted_values=2,
)
