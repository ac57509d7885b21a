"""A cluster: devices that compute, and links between them (docs/placement.md)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from apollo.arch.accelerator import Accelerator

ANY_KIND = "default"  # in the efficiencies of a device
LARGEST = 1 << 50  # of any number: sums of times and sizes stay inside 64 bits
MOST_DEVICES = 64


class Order(Enum):
    """Which of its ready operators a device starts."""

    FIFO = "fifo"  # the one that was ready first
    RANK = "rank"  # the one of the lowest rank


class Queue(Enum):
    """Which links share a channel, where it has no name of its own."""

    SENDER = "sender"
    RECEIVER = "receiver"
    PAIR = "pair"


@dataclass(frozen=True)
class Device:
    """A device: rates by which operators take time, or a design of an accelerator.

    Raises `ValueError`, one sentence, when a number is out of range or neither or both are given.
    """

    name: str
    memory_bytes: int
    overhead_ns: int = 0  # after every operator
    gflop_per_s: int = 0  # peak; 0 where a design says it
    gb_per_s: int = 0  # of its memory; 0 where a design says it
    efficiency_percent: Mapping[str, int] = field(default_factory=dict)  # by kind of operator
    design: Accelerator | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        for name in ("memory_bytes", "overhead_ns", "gflop_per_s", "gb_per_s"):
            _check_count(f"Device '{self.name}'", name, getattr(self, name))
        if self.memory_bytes == 0:
            raise ValueError(f"Device '{self.name}': memory_bytes must be a positive integer.")
        rates = (self.gflop_per_s, self.gb_per_s)
        if self.design is None and not all(rates):
            raise ValueError(
                f"Device '{self.name}' must give gflop_per_s and gb_per_s, or a design."
            )
        if self.design is not None and (any(rates) or self.efficiency_percent):
            raise ValueError(f"Device '{self.name}' must give rates or a design, not both.")
        for kind, percent in self.efficiency_percent.items():
            if isinstance(percent, bool) or not isinstance(percent, int) or not 1 <= percent <= 100:
                raise ValueError(
                    f"Device '{self.name}': the efficiency of {kind} must be an integer in 1..100, "
                    f"not {percent!r}."
                )

    def efficiency_of(self, kind: str) -> int | None:
        """Percent of the peak that operators of a kind reach; None where the device has none."""
        return self.efficiency_percent.get(kind, self.efficiency_percent.get(ANY_KIND))


@dataclass(frozen=True)
class Link:
    """A way from a device to another one (P5, P6)."""

    channel: str  # links of the same one share it
    bytes_per_us: int
    overhead_ns: int = 0  # a transfer takes the channel for so long before its bytes
    latency_ns: int = 0  # from leaving the channel to arriving

    def __post_init__(self) -> None:
        """Check every field."""
        for name in ("bytes_per_us", "overhead_ns", "latency_ns"):
            _check_count("A link", name, getattr(self, name))
        if self.bytes_per_us == 0:
            raise ValueError("A link must give bytes_per_us, a positive integer.")


@dataclass(frozen=True)
class Cluster:
    """Devices, and a link for every pair of them, by (from, to).

    Raises `ValueError`, one sentence, when there is no device, a name twice or a link missing.
    """

    name: str
    devices: tuple[Device, ...]
    links: Mapping[tuple[str, str], Link]
    order: Order = Order.FIFO

    def __post_init__(self) -> None:
        """Check names and links."""
        names = [device.name for device in self.devices]
        if not 1 <= len(names) <= MOST_DEVICES:
            raise self._fail(f"there must be 1 to {MOST_DEVICES} devices, not {len(names)}")
        for name in names:
            if names.count(name) > 1:
                raise self._fail(f"there are {names.count(name)} devices named '{name}'")
        for one, two in pairs(names):
            if (one, two) not in self.links:
                raise self._fail(f"there is no link from '{one}' to '{two}'")

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in the order of the links that use them first."""
        names = [device.name for device in self.devices]
        return tuple(dict.fromkeys(self.links[pair].channel for pair in pairs(names)))

    def _fail(self, reason: str) -> ValueError:
        return ValueError(f"Cluster '{self.name}': {reason}.")


def pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every ordered pair of devices."""
    return ((one, two) for one in names for two in names if one != two)


def _check_count(owner: str, name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise ValueError(f"{owner}: {name} must be an integer of at least 0, not {value!r}.")
