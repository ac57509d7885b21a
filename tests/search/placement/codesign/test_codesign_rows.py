from dataclasses import replace
from pathlib import Path

import pytest

from apollo.arch.accelerator import load_design
from apollo.arch.area import area_of
from apollo.arch.cluster_file import load_cluster
from apollo.search.measure import measure_graph
from apollo.search.placement.codesign.chips import (
    Search,
    chain_area_mm2,
    cluster_of,
    designs_of_study,
    wide_space,
)
from apollo.search.placement.codesign.compare import CodesignRow, System, codesign_rows
from apollo.workloads.catalogue import load

V3 = load_design("edge_tpu_v3")
NETWORK = "rnnt_joint_4096"
LINK = load_cluster("2chip").links["chip0", "chip1"]


def rows_by_system(rows: list[CodesignRow]) -> dict[System, CodesignRow]:
    assert len({row.system for row in rows}) == len(rows)
    return {row.system: row for row in rows}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[System, CodesignRow]:
    search = Search(tmp_path_factory.mktemp("studies"), trials=64)
    return rows_by_system(codesign_rows([NETWORK], [V3], [2], LINK, search))


def test_there_is_a_row_for_every_system(rows: dict[System, CodesignRow]) -> None:
    assert list(rows) == list(System)
    assert all(row.reason is None and row.network == NETWORK for row in rows.values())
    assert [rows[system].chips for system in System] == [1, 2, 2, 2, 1, 1]


def test_one_chip_and_copies_are_the_network_itself(rows: dict[System, CodesignRow]) -> None:
    metrics = measure_graph(load(NETWORK), V3).metrics
    one, copies = rows[System.CHIP], rows[System.COPIES]
    assert one.latency_ms == copies.latency_ms == pytest.approx(metrics.warm_latency_ms, rel=1e-4)
    assert copies.throughput_per_s == pytest.approx(2 * metrics.throughput_per_s, rel=1e-4)
    assert one.loaded_bytes == metrics.dram_bytes["PARAM"]
    assert (one.area_mm2, copies.area_mm2) == (area_of(V3).total_mm2, 2 * area_of(V3).total_mm2)


def test_pipelines_are_best_at_what_they_are_for(rows: dict[System, CodesignRow]) -> None:
    fast, quick = rows[System.FASTEST], rows[System.QUICKEST]
    assert fast.throughput_per_s >= max(quick.throughput_per_s, rows[System.CHIP].throughput_per_s)
    assert quick.latency_ms <= min(fast.latency_ms, rows[System.CHIP].latency_ms)
    assert len(fast.stages) == 2
    assert fast.stages[0] == "joint/encoder"
    assert fast.link_ns > LINK.overhead_ns + LINK.latency_ns


def test_chips_of_the_same_area_get_the_same_area(rows: dict[System, CodesignRow]) -> None:
    total = chain_area_mm2(V3, 2, LINK)
    assert rows[System.FASTEST].area_mm2 == rows[System.QUICKEST].area_mm2 == total
    # 3.94 GB/s of PCIe at 0.28 mm² each, two ports.
    assert total == pytest.approx(2 * area_of(V3).total_mm2 + 2 * 3.938 * 0.28, rel=1e-3)
    for system in (System.BIG, System.WIDE):
        assert 0 < rows[system].area_mm2 <= total


def test_a_wide_chip_may_have_the_bandwidth_of_all() -> None:
    space = wide_space(4 * V3.dram_gb_per_s)
    choices = {parameter.name: parameter.choices for parameter in space.parameters}
    assert choices["dram_gb_per_s"] == (5, 10, 16, 20, 25, 30, 128)
    assert choices["parameter_bus_bytes"] == (64, 128, 256)


def test_designs_that_explore_found_are_chips(tmp_path: Path) -> None:
    found = Search(tmp_path, trials=64).best(NETWORK, 6.8)
    (study,) = [path.name for path in tmp_path.iterdir()]
    best, second = designs_of_study(tmp_path, study, 2)
    assert best == found != second
    assert max(area_of(best).total_mm2, area_of(second).total_mm2) <= 6.8
    rows = rows_by_system(codesign_rows([NETWORK], [best], [4], LINK))
    assert rows[System.FASTEST].chips == 4
    none = Search(tmp_path / "none", trials=1)
    assert none.best(NETWORK, 1.0) is None
    (study,) = [path.name for path in (tmp_path / "none").iterdir()]
    with pytest.raises(ValueError, match=r"^Study '.*' has no feasible design\.$"):
        designs_of_study(tmp_path / "none", study)


def test_what_does_not_fit_is_a_row_with_a_reason() -> None:
    tiny = replace(V3, pe_memory_bytes=64, core_memory_bytes=64)
    found = rows_by_system(codesign_rows([NETWORK], [tiny], [2], LINK))
    assert all("does not fit" in str(row.reason) for row in found.values())
    assert all(row.throughput_per_s == 0 for row in found.values())


def test_chips_of_a_cluster_are_of_one_design() -> None:
    cluster = cluster_of(V3, 4, LINK)
    assert [device.design for device in cluster.devices] == [V3] * 4
    shipped = load_cluster("4chip")
    assert cluster.links == shipped.links
    with pytest.raises(ValueError, match=r"^Chips to be compared with one must be at least 2"):
        codesign_rows([NETWORK], [V3], [1], LINK)
