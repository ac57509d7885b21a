"""Equal devices on which an operation takes a nanosecond, and memory no time."""

from apollo.arch.cluster import Cluster, Device, Link, pairs


def equal_devices(count: int, transfer_ns: int = 1) -> Cluster:
    """Each pair of devices has a channel for either way."""
    devices = tuple(
        Device(
            name=f"device{number}",
            memory_bytes=1 << 40,
            gflop_per_s=1,
            gb_per_s=1 << 40,
            efficiency_percent={"default": 100},
        )
        for number in range(count)
    )
    links = {
        (one, two): Link(f"{one} to {two}", 1 << 40, overhead_ns=transfer_ns - 1)
        for one, two in pairs([device.name for device in devices])
    }
    return Cluster("equal", devices, links)
