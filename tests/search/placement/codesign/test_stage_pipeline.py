"""Pipelines by recursion are the best of all cuts, tried one by one."""

from dataclasses import replace
from itertools import combinations_with_replacement, pairwise

import numpy as np
import pytest
from networks import branched, chain, dense_chain

from apollo.arch.accelerator import load_design
from apollo.arch.cluster import Cluster, Device
from apollo.arch.cluster_file import load_cluster
from apollo.search.placement.codesign.meter import Meter, ns_of
from apollo.search.placement.codesign.pipeline import Pipeline, fastest, pipeline_at, quickest
from apollo.search.placement.codesign.stages import NEVER, StageTable, stages_of
from apollo.search.placement.codesign.units import units_of
from apollo.workloads.graph import Graph

V2, V3 = load_design("edge_tpu_v2"), load_design("edge_tpu_v3")


def every_pipeline(table: StageTable) -> list[Pipeline]:
    found = []
    for cuts in combinations_with_replacement(range(table.units + 1), table.chips - 1):
        pipeline = pipeline_at(table, (0, *cuts, table.units))
        if pipeline is not None:
            found.append(pipeline)
    return found


def random_table(seed: int) -> StageTable:
    random = np.random.default_rng(seed)
    chips, units = int(random.integers(1, 5)), int(random.integers(1, 8))
    ends = units + 1
    stage_ns = np.full((chips, ends, ends), NEVER)
    for first in range(ends):
        stage_ns[:, first, first] = 0
        for end in range(first + 1, ends):
            stage_ns[:, first, end] = random.integers(1, 40, chips)
    stage_ns[(random.random(stage_ns.shape) < 0.2) & (stage_ns > 0)] = NEVER
    occupied = random.integers(0, 20, (chips, ends))
    occupied[0], occupied[:, [0, -1]] = 0, 0
    arriving = occupied + random.integers(0, 5, (chips, ends)) * (occupied > 0)
    return StageTable(stage_ns, occupied, arriving, {})


def test_no_cut_is_better() -> None:
    none = 0
    for seed in range(300):
        table = random_table(seed)
        everything = every_pipeline(table)
        fast, quick = fastest(table), quickest(table)
        if not everything:
            assert fast is None
            assert quick is None
            none += 1
            continue
        assert fast is not None
        assert quick is not None
        best = min((each.period_ns, each.latency_ns) for each in everything)
        assert (fast.period_ns, fast.latency_ns) == best
        assert quick.latency_ns == min(each.latency_ns for each in everything)
    assert 10 < none < 200


@pytest.mark.parametrize("network", [branched(), dense_chain(640, 900, 64, 1200, 1200, 300, 900)])
def test_no_cut_of_a_measured_network_is_better(network: Graph) -> None:
    units, meter = units_of(network), Meter(network)
    cluster = chain(V3, V2, V3)
    table = stages_of(units, cluster, meter)
    everything = every_pipeline(table)
    fast, quick = fastest(table), quickest(table)
    assert fast is not None
    assert quick is not None
    assert fast.period_ns == min(each.period_ns for each in everything)
    assert quick.latency_ns == min(each.latency_ns for each in everything)
    # A stage is what its part of the network takes, compiled by itself.
    for chip, (first, end) in enumerate(pairwise(fast.ends)):
        if first < end:
            timed = meter.timed(units.operators(first, end), (V3, V2, V3)[chip])
            assert fast.stage_ns[chip] == timed.warm_ns + 10


def test_transfers_take_what_links_say() -> None:
    units = units_of(branched())
    table = stages_of(units, chain(V3, V3), Meter(units.graph))
    # 1,024 bytes at 500 a microsecond, 3 microseconds before them and 7 behind.
    assert table.occupied_ns[1].tolist() == [0, 5048, 7096, 5048, 0]
    assert table.arriving_ns[1].tolist() == [0, 12048, 14096, 12048, 0]
    assert not table.occupied_ns[0].any()


def test_one_chip_takes_what_the_network_takes() -> None:
    network = branched()
    units, meter = units_of(network), Meter(network)
    table = stages_of(units, Cluster("one", (Device("chip", 1 << 40, design=V3),), {}), meter)
    only = fastest(table)
    assert only is not None
    cycles = meter.measurement(units.operators(0, len(units.names)), V3).metrics.warm_cycles
    assert only.period_ns == only.latency_ns == ns_of(cycles, V3)


def test_a_stage_that_does_not_fit_has_a_reason() -> None:
    units = units_of(branched())
    tiny = replace(V3, pe_memory_bytes=64, core_memory_bytes=64)
    table = stages_of(units, chain(tiny, V3), Meter(units.graph))
    assert "does not fit" in table.reasons[0, 0, 4]
    found = fastest(table)
    assert found is not None
    assert found.ends == (0, 0, 4)  # all on the chip that can
    assert fastest(stages_of(units, chain(tiny, tiny), Meter(units.graph))) is None


def test_a_cluster_that_is_no_chain_of_designs_is_refused() -> None:
    units = units_of(branched())
    with pytest.raises(
        ValueError, match=r"^Cluster '2gpu': device 'cpu' must be a design to run a"
    ):
        stages_of(units, load_cluster("2gpu"), Meter(units.graph))
    shared = chain(V3, V3, V3)
    links = {pair: replace(link, channel="bus") for pair, link in shared.links.items()}
    with pytest.raises(ValueError, match="from 'chip0' to 'chip1' must have a channel of its own"):
        stages_of(units, replace(shared, links=links), Meter(units.graph))
