from dataclasses import replace

import pytest

import apollo
from apollo.arch.accelerator import load_design
from apollo.search.compare.difference import Difference, amounts, facts, in_order
from apollo.search.compare.programs import compare_programs
from apollo.search.compare.runs import compare_runs, numbered, run_side
from apollo.search.compare.variant import parse_variant
from apollo.search.workload import Workload

SMALL = "mobilenet_v1_0.25_128"
V1, V3 = load_design("edge_tpu_v1"), load_design("edge_tpu_v3")


def side(design, batch=1):
    return run_side(Workload(apollo.load(SMALL, batch)), design)


def stages(sections):
    return {section.stage: section for section in sections}


def test_equal_facts_are_counted_and_the_largest_difference_is_first():
    section = amounts("stage", {"a": 1, "b": 5, "c": 7}, {"a": 2, "b": 5, "c": 3, "d": 9})
    assert section.same == 1
    assert [row.what for row in section.rows] == ["d", "c", "a"]
    by_ratio = facts("stage", {"a": 100, "b": 1, "t": "x"}, {"a": 150, "b": 3, "t": "y"})
    assert [row.what for row in by_ratio.rows] == ["t", "b", "a"]
    assert [row.what for row in in_order("s", {"z": 1, "a": 1}, {"a": 9, "z": 2}).rows] == [
        "z",
        "a",
    ]


def test_a_change_is_of_numbers_and_a_ratio_of_what_is_not_0():
    assert (Difference("x", 4, 6).change, Difference("x", 4, 6).ratio) == (2, 1.5)
    assert Difference("x", 0, 6).ratio is None
    assert Difference("x", None, 6).change is None
    assert Difference("x", "a", "b").change is None


def test_a_run_is_no_different_from_itself():
    assert all(not section.rows for section in compare_runs(side(V1), side(V1)))


def test_stages_hold_the_figures_of_both_runs():
    found = stages(compare_runs(side(V1), side(V3)))
    a, b = apollo.evaluate(SMALL, V1), apollo.evaluate(SMALL, V3)
    totals = {row.what: (row.first, row.second) for row in found["totals"].rows}
    assert totals["warm_cycles"] == (a.metrics.warm_cycles, b.metrics.warm_cycles)
    cycles = found["cycles of a layer"].rows
    before = sum(row.change for row in cycles)
    assert before == b.metrics.warm_cycles - a.metrics.warm_cycles
    sizes = [abs(row.change) for row in cycles]
    assert sizes == sorted(sizes, reverse=True)
    busy = {row.what: row.first for row in found["engine cycles"].rows}
    assert busy["COMPUTE busy"] == a.metrics.busy_cycles["COMPUTE"]
    # The layer whose cycles changed most is the first of those mapped in another way.
    mapped = [row.what for row in found["mapping"].rows]
    changed = [row.what for row in cycles if row.what in mapped]
    assert mapped[0] == changed[0]


def test_the_mapping_shows_only_columns_that_differ():
    found = stages(compare_runs(side(V1), side(replace(V1, pes_x=8))))
    for row in found["mapping"].rows:
        pairs = [dict(cell.split("=") for cell in text.split()) for text in (row.first, row.second)]
        assert pairs[0].keys() == pairs[1].keys()
        assert all(pairs[0][name] != pairs[1][name] for name in pairs[0])


def test_what_does_not_fit_says_so_beside_the_other():
    found = stages(compare_runs(side(V1), side(replace(V1, core_memory_bytes=100))))
    totals = {row.what: (row.first, row.second) for row in found["totals"].rows}
    assert totals["feasible"][0] == "yes"
    assert "does not fit" in totals["feasible"][1]
    assert "mapping" not in found


def test_a_batch_is_another_side():
    found = stages(compare_runs(side(V1), side(V1, 4)))
    assert [row.what for row in found["parameters"].rows] == ["batch"]
    assert found["cycles of a layer"].rows


def test_options_are_another_side():
    fixed = parse_variant("edge_tpu_v1,block*:split_cores=channels")
    other = run_side(Workload(apollo.load(SMALL)), fixed.accelerator, fixed.options)
    found = stages(compare_runs(side(V1), other))
    assert [row.what for row in found["parameters"].rows] == ["name"]
    assert any("split_cores=channels" in (row.second or "") for row in found["mapping"].rows)


def test_a_systolic_design_is_compared_without_nests():
    graph = Workload(apollo.load("gemm:64x300x77"))
    design = load_design("tpu_v1")
    found = stages(
        compare_runs(run_side(graph, design), run_side(graph, replace(design, dram_gb_per_s=20)))
    )
    assert found["cycles of a layer"].rows
    assert "mapping" not in found


def test_programs_are_compared_by_instruction():
    measurement = apollo.evaluate(SMALL, V3)
    found = stages(compare_programs(measurement.cold, measurement.warm, V3))
    loads = {row.what: row.change for row in found["instructions by opcode"].rows}
    assert set(loads) == {"LOAD_PARAMETERS"}
    assert loads["LOAD_PARAMETERS"] < 0
    assert "LOAD_PARAMETERS" in found["instructions"].rows[0].first
    assert all(not s.rows for s in compare_programs(measurement.cold, measurement.cold, V3))


def test_names_that_come_again_are_numbered():
    assert numbered(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]


def test_a_variant_is_a_design_with_other_values():
    variant = parse_variant("edge_tpu_v1,lanes=32,batch=4")
    assert (variant.accelerator.lanes, variant.batch) == (32, 4)
    assert variant.accelerator.name == "edge_tpu_v1,lanes=32,batch=4"
    assert parse_variant("edge_tpu_v3").accelerator == V3
    options = parse_variant("edge_tpu_v1,states=1,sparse=no,block*:split_x=rows").options
    assert (options.states, options.sparse) == (1, False)
    assert [str(fixed) for fixed in options.fixed] == ["block*:split_x=rows"]
    for text, sentence in (
        ("edge_tpu_v1,lans=3", "Did you mean 'lanes'"),
        ("edge_tpu_v1,lanes", "must be PARAMETER=VALUE"),
        ("edge_tpu_v1,lanes=0", "lanes must be a positive integer"),
        ("edge_tpu_v9,lanes=4", "There is no design"),
        ("edge_tpu_v1,sparse=3", "sparse=yes or =no"),
        ("edge_tpu_v1,states=0", "States must be in 1..64"),
        ("edge_tpu_v1,block*:split_z=rows", "can be fixed"),
    ):
        with pytest.raises(ValueError, match=sentence):
            parse_variant(text)
