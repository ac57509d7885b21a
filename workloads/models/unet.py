"""U-Net (Ronneberger et al., 2015, arXiv:1505.04597, figure 1), one grey image, two classes."""

from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.models.blocks import activate, biased, concat, pool, start
from apollo.workloads.models.family import Published, Sized
from apollo.workloads.operators import ConvTranspose, PoolKind, Slice, UnaryKind
from apollo.workloads.shapes import NO_PADDING

PAPER_SIZE = 572
SIZES = (128, 256, 512, PAPER_SIZE)
CHANNELS = (64, 128, 256, 512, 1024)
CLASSES = 2


def unet(name: str, size: int) -> Graph:
    """The network for square images; the paper's 572 is not padded and gives 388x388."""
    builder, padded = start(name, size, channels=1), size != PAPER_SIZE
    tensor, skips = "image", []
    for level, channels in enumerate(CHANNELS, start=1):
        tensor = _double(builder, f"down{level}", tensor, channels, padded)
        if channels != CHANNELS[-1]:
            skips.append(tensor)
            tensor = pool(builder, f"down{level}/pool", tensor, PoolKind.MAX, 2, 2)
    for level, channels in reversed([*enumerate(CHANNELS[:-1], start=1)]):
        label = f"up{level}"
        widen = ConvTranspose(
            f"{label}/widen", (tensor,), f"{label}/widen", channels, (2, 2), (2, 2), bias=True
        )
        tensor = builder.add(widen)
        skip = _crop(builder, label, skips.pop(), tensor)
        tensor = concat(builder, f"{label}/join", skip, tensor)
        tensor = _double(builder, label, tensor, channels, padded)
    return builder.build([biased(builder, "classes", tensor, CLASSES, 1)])


def _double(builder: GraphBuilder, name: str, source: str, channels: int, padded: bool) -> str:
    """Two 3x3 convolutions."""
    padding, tensor = None if padded else NO_PADDING, source
    for index in (1, 2):
        label = f"{name}/conv{index}"
        tensor = biased(builder, label, tensor, channels, 3, padding)
        tensor = activate(builder, label, tensor, UnaryKind.RELU)
    return tensor


def _crop(builder: GraphBuilder, name: str, source: str, like: str) -> str:
    """The middle of a tensor, as large as another."""
    (_, _, *given), (_, _, *wanted) = builder.shape(source), builder.shape(like)
    if given == wanted:
        return source
    starts = tuple((have - want) // 2 for have, want in zip(given, wanted, strict=True))
    stops = tuple(start + want for start, want in zip(starts, wanted, strict=True))
    label = f"{name}/crop"
    return builder.add(Slice(label, (source,), label, (2, 3), starts, stops))


NETWORK = Sized(
    name="unet",
    build=unet,
    source="Ronneberger et al., 2015, arXiv:1505.04597, figure 1",
    size="resolution",
    default=PAPER_SIZE,
    sizes=SIZES,
    published={PAPER_SIZE: Published(None, 31.03)},
)
