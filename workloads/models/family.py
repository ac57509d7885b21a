"""What the catalogue knows about a network: its name, variants, generator and published figures."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from apollo.workloads.graph import Graph

DEFAULT_WIDTH = 1.0
DEFAULT_RESOLUTION = 224
Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Published:
    """Figures of one variant as released with the network.

    Attributes:
        macs_m: millions of multiply-accumulates an image; None where none are published.
        parameters_m: millions of parameters.

    """

    macs_m: float | None
    parameters_m: float


@dataclass(frozen=True)
class Member:
    """One network of a family.

    Attributes:
        name: by which it is found, the shortest one.
        build: makes its graph, for a batch of one.
        published: figures released with it, if any.
        width: width multiplier, where the family has widths.
        resolution: input height and width in pixels, where the family has resolutions.

    """

    name: str
    build: Callable[[], Graph]
    published: Published | None = None
    width: float | None = None
    resolution: int | None = None


@dataclass(frozen=True)
class Family:
    """A network in several widths and resolutions, named `FAMILY[_WIDTH[_RESOLUTION]]`.

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

    @property
    def members(self) -> tuple[Member, ...]:
        """Every variant."""
        return tuple(
            self._member(width, resolution)
            for width in self.widths
            for resolution in self.resolutions
        )

    def find(self, name: str) -> Member | None:
        """The variant of a name that begins with the family's; None for other names."""
        match = re.fullmatch(rf"{re.escape(self.name)}(?:_([\d.]+))?(?:_(\d+))?", name)
        if match is None:
            return None
        width = _choice(name, "Width", match[1] or f"{DEFAULT_WIDTH}", self.widths)
        size = match[2] or f"{DEFAULT_RESOLUTION}"
        return self._member(width, _choice(name, "Resolution", size, self.resolutions))

    def _member(self, width: float, resolution: int) -> Member:
        name = self.variant(width, resolution)
        return Member(
            name,
            lambda: self.build(name, width, resolution),
            self.published.get((width, resolution)),
            width,
            resolution,
        )


@dataclass(frozen=True)
class Single:
    """A network without variants.

    Attributes:
        name: of the network.
        build: the network of that name.
        source: the paper or code that defines it.
        published: figures released with it, if any.
        counted_values: values per batch-normalised channel in the published parameters.

    """

    name: str
    build: Callable[[str], Graph]
    source: str
    published: Published | None = None
    counted_values: int = 0

    @property
    def members(self) -> tuple[Member, ...]:
        """The network itself."""
        return (Member(self.name, lambda: self.build(self.name), self.published),)

    def find(self, name: str) -> Member | None:
        """The network, if that is its name."""
        return self.members[0] if name == self.name else None


@dataclass(frozen=True)
class Sized:
    """A network with one size to choose, named `NAME[_SIZE]`.

    Attributes:
        name: of the network.
        build: the network of a name and size.
        source: the paper or code that defines it.
        size: what the size counts, such as `frames`.
        default: size without a number in the name.
        sizes: those that can be asked for.
        published: figures by size, where there are any.
        counted_values: values per batch-normalised channel in the published parameters.

    """

    name: str
    build: Callable[[str, int], Graph]
    source: str
    size: str
    default: int
    sizes: range | tuple[int, ...]
    published: Mapping[int, Published] = field(default_factory=dict)
    counted_values: int = 0

    @property
    def members(self) -> tuple[Member, ...]:
        """The network in each size of a list, or in the default size."""
        listed = (self.default,) if isinstance(self.sizes, range) else self.sizes
        return tuple(self._member(size) for size in listed)

    def find(self, name: str) -> Member | None:
        """The network of a name that begins with this one's; None for other names."""
        match = re.fullmatch(rf"{re.escape(self.name)}(?:_(\d{{1,9}}))?", name)
        if match is None:
            return None
        size = int(match[1] or self.default)
        if size not in self.sizes:
            raise ValueError(
                f"{self.size.capitalize()} of network {name!r} must be "
                f"{self._offered()}, not {size}."
            )
        return self._member(size)

    def _offered(self) -> str:
        if isinstance(self.sizes, tuple):
            return "one of " + ", ".join(map(str, self.sizes))
        step = f" in steps of {self.sizes.step}" if self.sizes.step > 1 else ""
        return f"in {self.sizes[0]}..{self.sizes[-1]}{step}"

    def _member(self, size: int) -> Member:
        name = self.name if size == self.default else f"{self.name}_{size}"
        return Member(name, lambda: self.build(name, size), self.published.get(size))


Entry = Family | Single | Sized


def _choice(name: str, what: str, text: str, offered: tuple[Number, ...]) -> Number:
    for value in offered:
        if text == f"{value}":
            return value
    known = ", ".join(map(str, offered))
    raise ValueError(f"{what} of network {name!r} must be one of {known}, not {text}.")
