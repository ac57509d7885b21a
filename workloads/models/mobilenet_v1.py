"""MobileNet V1 (Howard et al., 2017, arXiv:1704.04861, table 1)."""

from apollo.workloads.graph import Graph
from apollo.workloads.models.blocks import classifier, convolution, depthwise, start
from apollo.workloads.models.family import Family, Published

MINIMUM_CHANNELS = 8
STEM_CHANNELS = 32
# (output channels, stride) of each depthwise-separable block
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)


def mobilenet_v1(name: str, width: float, resolution: int) -> Graph:
    """MobileNet V1 of a width multiplier and input resolution."""
    builder = start(name, resolution)
    tensor = convolution(builder, "stem", "image", _scaled(STEM_CHANNELS, width), 3, stride=2)
    for index, (channels, stride) in enumerate(BLOCKS, start=1):
        tensor = depthwise(builder, f"block{index}/depthwise", tensor, 3, stride)
        tensor = convolution(
            builder, f"block{index}/pointwise", tensor, _scaled(channels, width), 1
        )
    return builder.build([classifier(builder, tensor)])


def _scaled(channels: int, width: float) -> int:
    return max(int(channels * width), MINIMUM_CHANNELS)


def _published() -> dict[tuple[float, int], Published]:
    macs_m = {  # at 224, 192, 160, 128
        1.0: (569, 418, 291, 186),
        0.75: (317, 233, 162, 104),
        0.5: (150, 110, 77, 49),
        0.25: (41, 34, 21, 14),
    }
    parameters_m = {1.0: 4.24, 0.75: 2.59, 0.5: 1.34, 0.25: 0.47}
    return {
        (width, resolution): Published(macs, parameters_m[width])
        for width, row in macs_m.items()
        for resolution, macs in zip((224, 192, 160, 128), row, strict=True)
    }


FAMILY = Family(
    name="mobilenet_v1",
    build=mobilenet_v1,
    widths=(0.25, 0.5, 0.75, 1.0),
    resolutions=(128, 160, 192, 224),
    published=_published(),
    counted_values=3,  # a shift, a mean and a variance: the count has no scale
    source="tensorflow/models, research/slim/nets/mobilenet_v1.md",
)
