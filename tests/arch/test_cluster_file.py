from pathlib import Path

import pytest

from apollo.arch.cluster import Cluster, Device, Link, Order
from apollo.arch.cluster_file import cluster_names, load_cluster

TWO = """
[[devices]]
name = "gpu"
count = 2
memory_bytes = 1_000
gflop_per_s = 10
gb_per_s = 20
"""
LINK = """
[[links]]
bytes_per_us = 5
"""


def load(folder: Path, text: str) -> Cluster:
    path = folder / "my.toml"
    path.write_text(text, encoding="utf-8")
    return load_cluster(str(path))


@pytest.mark.parametrize("name", [name for name in cluster_names() if name.endswith("gpu")])
def test_shipped_clusters_of_gpus_have_a_host_and_their_gpus(name: str) -> None:
    cluster = load_cluster(name)
    gpus = int(name.removesuffix("gpu"))
    assert [device.name for device in cluster.devices] == ["cpu", *(f"gpu{n}" for n in range(gpus))]
    # one queue for each sender, constants of the published simulator
    assert len(cluster.channels) == gpus + 1
    for link in cluster.links.values():
        assert (link.bytes_per_us, link.overhead_ns, link.latency_ns) == (7_600, 25_000, 0)
    assert {device.overhead_ns for device in cluster.devices} == {5_700}


def test_a_file_has_its_devices_and_later_links_override(tmp_path: Path) -> None:
    later = '[[links]]\nfrom = "gpu1"\nbytes_per_us = 7\nlatency_ns = 3\nchannel = "sender"\n'
    cluster = load(tmp_path, 'order = "rank"\n' + TWO + LINK + later)
    assert cluster.name == "my"
    assert cluster.order is Order.RANK
    assert cluster.links == {
        ("gpu0", "gpu1"): Link("gpu0->gpu1", 5),
        ("gpu1", "gpu0"): Link("gpu1->", 7, latency_ns=3),
    }


def test_a_design_is_a_device_with_all_the_memory_it_wants(tmp_path: Path) -> None:
    cluster = load(tmp_path, '[[devices]]\nname = "chip"\ndesign = "edge_tpu_v1"\n')
    design = cluster.devices[0].design
    assert design is not None
    assert design.name == "edge_tpu_v1"
    assert cluster.channels == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TWO, "Cluster 'my': there is no link from 'gpu0' to 'gpu1'."),
        (
            TWO + '[[links]]\nfrom = "gpu0"\nbytes_per_us = 5\n',
            "Cluster 'my': there is no link from 'gpu1' to 'gpu0'.",
        ),
        ("", "Cluster 'my': there must be 1 to 64 devices, not 0."),
        (TWO + TWO + LINK, "Cluster 'my': there are 2 devices named 'gpu0'."),
        ("devices = 3", "devices must be tables, each begun by [[devices]]."),
        ('order = "lifo"\n' + TWO, "order must be one of fifo, rank, not 'lifo'."),
        ("memory = 3\n" + TWO, "'memory' is not a field of a cluster."),
        ("[[devices]]\nmemory_bytes = 3", "a device must give its name, a text."),
        ('[[devices]]\nname = "a"', "Device 'a' must give memory_bytes."),
        (
            '[[devices]]\nname = "a"\nmemory_bytes = 1',
            "Device 'a' must give gflop_per_s and gb_per_s, or a design.",
        ),
        (
            '[[devices]]\nname = "a"\ndesign = "edge_tpu_v1"\ngb_per_s = 3',
            "Device 'a' must give rates or a design, not both.",
        ),
        (
            TWO.replace("count = 2", "count = 0"),
            "Device 'gpu': count must be an integer in 1..64, not 0.",
        ),
        (
            TWO.replace("gb_per_s = 20", "gb_per_s = 20.5"),
            "Device 'gpu0': gb_per_s must be an integer of at least 0, not 20.5.",
        ),
        (
            TWO.replace("memory_bytes = 1_000", "memory_bytes = 0"),
            "Device 'gpu0': memory_bytes must be a positive integer.",
        ),
        (
            TWO + "efficiency_percent = { default = 101 }",
            "Device 'gpu0': the efficiency of default must be an integer in 1..100, not 101.",
        ),
        (
            TWO + "efficiency_percent = 50",
            "Device 'gpu': efficiency_percent must be a table by kind.",
        ),
        (TWO + "[[links]]\nlatency_ns = 2", "a link must give bytes_per_us."),
        (TWO + "[[links]]\nbytes_per_us = 0", "A link must give bytes_per_us, a positive integer."),
        (
            TWO + "[[links]]\nbytes_per_us = -1",
            "A link: bytes_per_us must be an integer of at least 0, not -1.",
        ),
        (
            TWO + LINK + 'to = "tpu*"',
            "a link must join devices that are there, unlike 'tpu*'.",
        ),
        (TWO + LINK + "channel = 3", "from, to and channel of a link must be texts."),
        (
            TWO + LINK + "latency = 3",
            "'latency' is not a field of a link. Did you mean 'latency_ns'?",
        ),
    ],
)
def test_what_is_no_cluster_is_refused_by_one_sentence(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=r"^Cluster file") as refused:
        load(tmp_path, text)
    assert str(refused.value) == f"Cluster file 'my.toml': {sentence}"


def test_an_unknown_name_is_refused_with_those_known() -> None:
    with pytest.raises(
        ValueError,
        match=r"^There is no cluster '4gpus' \(known: .*4gpu.*; or the path of a \.toml file\)\.",
    ):
        load_cluster("4gpus")


def test_a_device_is_alone_or_linked() -> None:
    device = Device("a", memory_bytes=1, gflop_per_s=1, gb_per_s=1)
    assert Cluster("one", (device,), {}).channels == ()
