"""Clusters as TOML files.

    order = "fifo"               # or "rank": which ready operator a device starts

    [[devices]]
    name = "gpu"
    count = 4                    # gpu0 to gpu3; without it one, `gpu`
    memory_bytes = 12_884_901_888
    overhead_ns = 5_700          # after every operator
    gflop_per_s = 2_800          # peak
    gb_per_s = 240               # of its memory
    efficiency_percent = { default = 50, Convolution = 60 }  # of the peak, by kind of operator

    [[devices]]
    name = "chip"
    design = "edge_tpu_v1"       # operators take what they take in the simulator

    [[links]]                    # later ones override earlier ones
    from = "gpu*"
    to = "*"
    bytes_per_us = 7_600
    overhead_ns = 25_000         # of the channel, for every transfer
    latency_ns = 0
    channel = "sender"           # a queue for each "sender", "receiver" or "pair", or a bus's name

docs/placement.md says what they mean.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.cluster import LARGEST, MOST_DEVICES, Cluster, Device, Link, Order, Queue, pairs
from apollo.arch.text import suggestion
from apollo.arch.toml_file import read_table

CLUSTERS = Path(__file__).parent / "clusters"


def cluster_names() -> list[str]:
    """Names of the clusters shipped with the product."""
    return sorted(path.stem for path in CLUSTERS.glob("*.toml"))


def load_cluster(name_or_path: str) -> Cluster:
    """The shipped cluster of that name, or the one in that TOML file.

    Raises `ValueError`, one sentence, when there is none or when the file is not a cluster.
    """
    file: str | Path = name_or_path
    if Path(file).suffix != ".toml":
        file = CLUSTERS / f"{name_or_path}.toml"
        if name_or_path not in cluster_names():
            raise ValueError(
                f"There is no cluster '{name_or_path}' (known: {', '.join(cluster_names())}; "
                f"or the path of a .toml file).{suggestion(name_or_path, cluster_names())}"
            )
    table, path = read_table(file, "cluster"), Path(file)
    try:
        return _cluster(path.stem, table, path.parent)
    except ValueError as error:
        raise ValueError(f"Cluster file '{path.name}': {error}") from None


def _cluster(name: str, table: Mapping[str, Any], folder: Path) -> Cluster:
    _check_names(table, ("order", "devices", "links"), "a cluster")
    orders = [order.value for order in Order]
    order = table.get("order", Order.FIFO.value)
    if order not in orders:
        raise ValueError(f"order must be one of {', '.join(orders)}, not {order!r}.")
    devices = [device for entry in _entries(table, "devices") for device in _devices(entry, folder)]
    names = [device.name for device in devices]
    links: dict[tuple[str, str], Link] = {}
    for entry in _entries(table, "links"):
        links |= _links(entry, names)
    return Cluster(name, tuple(devices), links, Order(order))


def _entries(table: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    entries = table.get(name, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"{name} must be tables, each begun by [[{name}]].")
    return entries


def _devices(entry: Mapping[str, Any], folder: Path) -> Iterator[Device]:
    """The devices of an entry: one, or `count` that are numbered."""
    known = [each.name for each in fields(Device)]
    _check_names(entry, [*known, "count"], "a device")
    values = {name: value for name, value in entry.items() if name != "count"}
    if not isinstance(values.get("name"), str):
        raise ValueError("a device must give its name, a text.")
    if "design" in values:
        values["design"] = _design(str(values["design"]), folder)
        values.setdefault("memory_bytes", LARGEST)  # its DRAM, which nothing bounds
    if not isinstance(values.get("efficiency_percent", {}), dict):
        raise ValueError(f"Device '{values['name']}': efficiency_percent must be a table by kind.")
    missing = [
        each.name
        for each in fields(Device)
        if each.default is MISSING and each.default_factory is MISSING and each.name not in values
    ]
    if missing:
        raise ValueError(f"Device '{values['name']}' must give {', '.join(missing)}.")
    if "count" not in entry:
        yield Device(**values)
        return
    count = entry["count"]
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_DEVICES:
        raise ValueError(
            f"Device '{values['name']}': count must be an integer in 1..{MOST_DEVICES}, "
            f"not {count!r}."
        )
    for number in range(count):
        yield Device(**values | {"name": f"{values['name']}{number}"})


def _design(name_or_path: str, folder: Path) -> Accelerator:
    """A preset, or the design in a file beside the cluster's."""
    is_file = Path(name_or_path).suffix == ".toml"
    return load_design(str(folder / name_or_path) if is_file else name_or_path)


def _links(entry: Mapping[str, Any], names: Sequence[str]) -> dict[tuple[str, str], Link]:
    """The links of an entry, between all devices that its patterns match."""
    rates = [each.name for each in fields(Link) if each.name != "channel"]
    _check_names(entry, ["from", "to", "channel", *rates], "a link")
    ends = [entry.get("from", "*"), entry.get("to", "*")]
    channel = entry.get("channel", Queue.PAIR.value)
    if not all(isinstance(text, str) for text in (*ends, channel)):
        raise ValueError("from, to and channel of a link must be texts.")
    if "bytes_per_us" not in entry:
        raise ValueError("a link must give bytes_per_us.")
    for end in ends:
        if not any(fnmatchcase(name, end) for name in names):
            raise ValueError(f"a link must join devices that are there, unlike '{end}'.")
    values = {name: entry[name] for name in rates if name in entry}
    return {
        (one, two): Link(_channel(channel, one, two), **values)
        for one, two in pairs(names)
        if fnmatchcase(one, ends[0]) and fnmatchcase(two, ends[1])
    }


def _channel(channel: str, one: str, two: str) -> str:
    """The name of the channel from a device to another."""
    if channel == Queue.SENDER.value:
        return f"{one}->"
    if channel == Queue.RECEIVER.value:
        return f"->{two}"
    return f"{one}->{two}" if channel == Queue.PAIR.value else channel


def _check_names(table: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    for name in table:
        if name not in known:
            raise ValueError(f"'{name}' is not a field of {what}.{suggestion(name, known)}")
