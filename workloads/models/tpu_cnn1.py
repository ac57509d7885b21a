"""CNN1 of the TPU v1 paper: an Inception derivative with four fully connected layers.

Convolutions and pools are those of Inception with batch normalisation (Ioffe and Szegedy, 2015,
arXiv:1502.03167, figure 5), 69 and 13 of them, and three more convolutions in the stem; resolution
and widths of the fully connected layers are chosen to meet table 1 of the TPU paper.
"""

from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.models.blocks import (
    activate,
    concat,
    convolution,
    dense,
    global_average,
    pool,
    start,
)
from apollo.workloads.operators import PoolKind, Softmax, UnaryKind

RESOLUTION = 276
STEM_REPEATS = 3  # 3x3 convolutions of 64 channels behind the first one
FEATURES = (6400, 6144, 6144)
CLASSES = 1000
# Channels of a module: 1x1; 3x3 after a reduction; two 3x3 after a reduction; 1x1 after a pool.
# Without 1x1 channels a module halves the image.
Module = tuple[int, tuple[int, int], tuple[int, int], int, PoolKind]
MODULES: dict[str, Module] = {
    "3a": (64, (64, 64), (64, 96), 32, PoolKind.AVERAGE),
    "3b": (64, (64, 96), (64, 96), 64, PoolKind.AVERAGE),
    "3c": (0, (128, 160), (64, 96), 0, PoolKind.MAX),
    "4a": (224, (64, 96), (96, 128), 128, PoolKind.AVERAGE),
    "4b": (192, (96, 128), (96, 128), 128, PoolKind.AVERAGE),
    "4c": (160, (128, 160), (128, 160), 128, PoolKind.AVERAGE),
    "4d": (96, (128, 192), (160, 192), 128, PoolKind.AVERAGE),
    "4e": (0, (128, 192), (192, 256), 0, PoolKind.MAX),
    "5a": (352, (192, 320), (160, 224), 128, PoolKind.AVERAGE),
    "5b": (352, (192, 320), (192, 224), 128, PoolKind.MAX),
}


def tpu_cnn1(name: str) -> Graph:
    """72 convolutions, 13 pools and four fully connected layers for one image."""
    builder = start(name, RESOLUTION)
    tensor = _conv(builder, "stem1", "image", 64, 7, 2)
    for index in range(2, STEM_REPEATS + 2):
        tensor = _conv(builder, f"stem{index}", tensor, 64, 3)
    tensor = pool(builder, "pool1", tensor, PoolKind.MAX, 3, 2, None)
    tensor = _conv(builder, "reduce", tensor, 64, 1)
    tensor = _conv(builder, "expand", tensor, 192, 3)
    tensor = pool(builder, "pool2", tensor, PoolKind.MAX, 3, 2, None)
    for label, module in MODULES.items():
        tensor = _module(builder, label, tensor, module)
    tensor = global_average(builder, "pool", tensor)
    for index, features in enumerate(FEATURES, start=1):
        tensor = dense(builder, f"dense{index}", tensor, features)
        tensor = activate(builder, f"dense{index}", tensor, UnaryKind.RELU)
    tensor = dense(builder, "logits", tensor, CLASSES)
    return builder.build([builder.add(Softmax("softmax", (tensor,), "softmax"))])


def _module(builder: GraphBuilder, name: str, source: str, module: Module) -> str:
    """Branches side by side; a module without 1x1 channels halves the image and keeps its pool."""
    single, (reduced, filtered), (double_reduced, double), projected, kind = module
    stride = 1 if single else 2
    branches = [_conv(builder, f"{name}/1x1", source, single, 1)] if single else []
    tensor = _conv(builder, f"{name}/3x3/reduce", source, reduced, 1)
    branches.append(_conv(builder, f"{name}/3x3", tensor, filtered, 3, stride))
    tensor = _conv(builder, f"{name}/double/reduce", source, double_reduced, 1)
    tensor = _conv(builder, f"{name}/double/1", tensor, double, 3)
    branches.append(_conv(builder, f"{name}/double/2", tensor, double, 3, stride))
    tensor = pool(builder, f"{name}/pool", source, kind, 3, stride, None)
    if projected:
        tensor = _conv(builder, f"{name}/project", tensor, projected, 1)
    branches.append(tensor)
    return concat(builder, f"{name}/join", *branches)


def _conv(
    builder: GraphBuilder, name: str, source: str, channels: int, kernel: int, stride: int = 1
) -> str:
    return convolution(builder, name, source, channels, kernel, stride, activation=UnaryKind.RELU)
