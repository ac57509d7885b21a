"""Rows of a run beside what the simulator and the compiler say of it."""

from itertools import pairwise

import numpy as np
import pytest

from apollo.arch.accelerator import load_design
from apollo.compiler.lower import lower
from apollo.compiler.memory_map import memory_map
from apollo.compiler.options import USUAL
from apollo.compiler.pipeline import Compiled, compile_network
from apollo.search.details.runs import CORE_MEMORY, PE_MEMORY, run_row
from apollo.search.measure import Measurement, measure
from apollo.search.store.detail import RunRow
from apollo.workloads.catalogue import load

Found = tuple[Measurement, Compiled, RunRow]
CAUSES = ("end", "fetch", "param", "act", "move", "compute", "store")


@pytest.fixture(scope="module", params=["edge_tpu_v1", "edge_tpu_v3"])
def found(request: pytest.FixtureRequest) -> Found:
    network, design = lower(load("mobilenet_v1_0.25_128", 1)), load_design(request.param)
    measurement = measure(network, design)
    compiled = compile_network(network, design, USUAL)
    return measurement, compiled, run_row("net", measurement, compiled)


def test_cycles_of_layers_by_cause_add_up_to_the_run(found: Found) -> None:
    measurement, _, row = found
    metrics = measurement.metrics
    assert sum(row.layers["busy"]) == metrics.busy_cycles["COMPUTE"]
    for cause in CAUSES:
        assert sum(row.layers[cause]) == metrics.stall_cycles["COMPUTE"][cause.upper()]
    whole = sum(sum(row.layers[name]) for name in ("busy", *CAUSES))
    assert whole == row.facts["cycles"] == metrics.warm_cycles


def test_bytes_of_layers_are_those_of_the_channel(found: Found) -> None:
    measurement, _, row = found
    moved = measurement.metrics.dram_bytes
    transfers = moved["PARAM"] + moved["ACT"] + moved["STORE"]
    instructions = int(measurement.warm.program.encoded_bytes.sum())
    assert sum(row.layers["dram_bytes"]) == transfers + instructions
    assert sum(row.layers["macs"]) == int(measurement.layer_macs().sum())


def test_intervals_of_a_kind_do_not_overlap_and_lie_within_the_run(found: Found) -> None:
    _, _, row = found
    spans = list(zip(*row.spans.values(), strict=True))
    for kind in {(engine, what) for engine, what, *_ in spans}:
        mine = sorted((begin, end) for e, what, _, begin, end in spans if (e, what) == kind)
        assert all(before[1] <= after[0] for before, after in pairwise(mine))
        assert mine[0][0] >= 0
        assert mine[-1][1] <= row.facts["cycles"]


def test_intervals_hide_no_more_than_gaps_that_nobody_sees(found: Found) -> None:
    """Joined over gaps, the intervals of a kind are at least as long, and hardly longer."""
    measurement, _, row = found
    cycles, metrics = row.facts["cycles"], measurement.metrics
    for engine, busy in metrics.busy_cycles.items():
        mine = [
            end - begin
            for e, what, _, begin, end in zip(*row.spans.values(), strict=True)
            if (e, what) == (engine, "busy")
        ]
        assert busy <= sum(mine) <= busy + len(row.layers["layer"]) * cycles / 100


def test_blocks_of_pe_memory_are_those_of_the_map(found: Found) -> None:
    _, compiled, row = found
    expected = memory_map(compiled)
    blocks = [
        dict(zip(row.memory, values, strict=True))
        for values in zip(*row.memory.values(), strict=True)
    ]
    for layer in range(len(expected.layers)):
        live = [b for b in blocks if b["memory"] == PE_MEMORY and b["first"] <= layer <= b["last"]]
        assert sum(block["bytes"] for block in live) == expected.used(layer)
    ends = [b["address"] + b["bytes"] for b in blocks if b["memory"] == CORE_MEMORY]
    assert np.max(ends) <= expected.core_memory_bytes


def test_tables_of_uneven_columns_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^The columns of a table of net differ in length\.$"):
        RunRow("net", {}, {"layer": [1], "busy": []}, {}, {}, {})
