"""What the catalogue knows about a family of networks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apollo.workloads.graph import Graph

DEFAULT_WIDTH = 1.0
DEFAULT_RESOLUTION = 224


@dataclass(frozen=True)
class Published:
    """Figures of one variant as released with the network.

    Attributes:
        macs_m: millions of multiply-accumulates an image.
        parameters_m: millions of parameters.

    """

    macs_m: float
    parameters_m: float


@dataclass(frozen=True)
class Family:
    """A network in several widths and resolutions.

    Attributes:
        name: such as `mobilenet_v1`.
        build: the network of a name, width multiplier and input resolution.
        widths: width multipliers offered.
        resolutions: input heights and widths offered, in pixels.
        published: figures by (width, resolution), where there are any.
        counted_values: values per batch-normalised channel in the published parameters.
        source: where the published figures are from.

    """

    name: str
    build: Callable[[str, float, int], Graph]
    widths: tuple[float, ...]
    resolutions: tuple[int, ...]
    published: Mapping[tuple[float, int], Published]
    counted_values: int
    source: str

    def variant(self, width: float, resolution: int) -> str:
        """Shortest name of a variant: the defaults 1.0 and 224 are left out from the right."""
        if resolution != DEFAULT_RESOLUTION:
            return f"{self.name}_{width}_{resolution}"
        return self.name if width == DEFAULT_WIDTH else f"{self.name}_{width}"
