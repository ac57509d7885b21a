import math
from dataclasses import replace

import pytest

import apollo
from apollo.arch.accelerator import load_design
from apollo.search.sweep import Axis, parse_axis, sweep
from apollo.search.workload import Workload

SMALL = "mobilenet_v1_0.25_128"
DESIGN = load_design("edge_tpu_v1")


def load(values):
    return Workload(apollo.load(SMALL, values.get("batch", 1)))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("lanes=16,32,64", (16, 32, 64)),
        ("dram_gb_per_s=5..30", (5, 10, 16, 20, 25, 30)),
        ("dram_gb_per_s=7..21", (10, 16, 20)),
        ("dram_gb_per_s=7..21:7", (7, 14, 21)),
        ("batch=1..9:4", (1, 5, 9)),
        ("lanes=64,4..8,64", (4, 8, 64)),
        ("size=100..200", (128, 160, 192)),
    ],
)
def test_values_of_an_axis(text, values):
    assert parse_axis(text, (96, 128, 160, 192, 224)).values == values


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("lans=3", "Did you mean 'lanes'?"),
        ("name=3", "--over must be PARAMETER=VALUES"),
        ("lanes", "--over lanes must have values"),
        ("lanes=5..7", "--over lanes must have values"),
        ("lanes=", "not ''"),
        ("lanes=-3", "not '-3'"),
        ("batch=1..4", "must have a step in its range: batch=1..4:STEP"),
        ("batch=4..1:1", "must go up"),
        ("batch=1..4:0", "must go up"),
        ("batch=1..99999999:1", "at most 4096 values"),
    ],
)
def test_what_is_no_axis_is_a_sentence(text, sentence):
    with pytest.raises(ValueError, match=sentence.replace("?", r"\?")):
        parse_axis(text)


def test_points_are_evaluations_and_slopes_are_theirs():
    found = sweep(load, DESIGN, [Axis("dram_gb_per_s", (5, 20)), Axis("batch", (1, 2, 4))])
    assert [tuple(point.values.values()) for point in found.points] == [
        (rate, batch) for rate in (5, 20) for batch in (1, 2, 4)
    ]
    times = {}
    for point in found.points:
        design = replace(DESIGN, dram_gb_per_s=point.values["dram_gb_per_s"])
        metrics = apollo.evaluate(load(point.values).graph, design).metrics
        assert point.figures.warm_latency_ms == metrics.warm_latency_ms
        assert point.figures.energy_uj == metrics.energy_uj
        times[tuple(point.values.values())] = metrics.warm_latency_ms
    assert found.points[0].elasticity == {}
    last = found.points[-1].elasticity
    assert last["batch"] == pytest.approx(math.log(times[20, 4] / times[20, 2]) / math.log(2))
    rate = math.log(times[20, 4] / times[5, 4]) / math.log(4)
    assert last["dram_gb_per_s"] == pytest.approx(rate)
    overall = {item.axis: item for item in found.sensitivities}
    assert overall["dram_gb_per_s"].lines == 3
    assert overall["dram_gb_per_s"].least <= rate <= overall["dram_gb_per_s"].most <= 0


def test_an_infeasible_point_has_its_reason_and_slopes_pass_over_it():
    found = sweep(load, DESIGN, [Axis("core_memory_bytes", (100, 4096, 1 << 40, 1 << 20))])
    reasons = [point.reason for point in found.points]
    assert "does not fit" in reasons[0]
    assert "must be at most" in reasons[2]
    assert reasons[1] is reasons[3] is None
    assert found.points[1].elasticity == {}
    assert set(found.points[3].elasticity) == {"core_memory_bytes"}
    assert found.points[0].figures is None


def test_too_many_points_and_axes_given_twice_are_refused():
    many = Axis("batch", tuple(range(1, 100)))
    with pytest.raises(ValueError, match="at most 4096 points, not 9,801"):
        sweep(load, DESIGN, [many, replace(many, name="dram_latency_ns")])
    with pytest.raises(ValueError, match="once"):
        sweep(load, DESIGN, [many, many])
