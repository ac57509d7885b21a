import dataclasses
import re

import pytest

from apollo.arch.constants import (
    DEFAULT,
    Technology,
    factor_of_groups,
    group_of,
    load_technology,
    technology_of,
)
from apollo.search.explore import make_problem
from apollo.search.robust import robustness
from apollo.search.task import Task
from apollo.search.trial import Outcome, Trial

SMALL = "conv:14x14x64x64x3x1"
# Of these two the first has the smaller memory, the second the smaller DRAM interface.
FEW_BYTES = {"pes_x": 2, "pes_y": 2, "lanes": 32, "cores": 2, "dram_gb_per_s": 30}
FEW_LANES = {"pes_x": 2, "pes_y": 1, "lanes": 64, "cores": 2, "dram_gb_per_s": 5}
REST = {
    "pe_memory_bytes": 256 << 10,
    "core_memory_bytes": 16 << 10,
    "activation_memory_bytes": 4096,
    "instruction_memory_bytes": 16384,
    "parameter_memory_bytes": 8192,
}


def trials(task, *designs):
    space = task.problem.space
    found = []
    for number, design in enumerate(designs):
        index = space.index_of_values(design | REST)
        outcome = task.candidate(index).outcome
        found.append(Trial(number, index, outcome, design | REST))
    return found


def test_a_smaller_copy_is_better_under_every_draw():
    task = Task.of(make_problem([SMALL], objectives=["area"]))
    log = trials(task, FEW_BYTES, FEW_BYTES | {"cores": 4, "lanes": 64})
    found = robustness(task, log, samples=50)
    winner, other = found.standings
    assert (winner.trial.number, winner.first, other.first) == (0, 1.0, 0.0)
    assert winner.low < winner.trial.reward < winner.high
    assert found.survives
    assert found.sentence().endswith("in 100%: it survives.")


def test_a_budget_that_is_just_kept_is_not_kept_half_of_the_time():
    free = Task.of(make_problem([SMALL]))
    area_mm2 = free.candidate(free.problem.space.index_of_values(FEW_BYTES | REST)).area_mm2
    task = Task.of(make_problem([SMALL], max_area_mm2=area_mm2 * 1.001))
    found = robustness(task, trials(task, FEW_BYTES), samples=100)
    assert 0.2 < found.standings[0].feasible < 0.8
    assert not found.survives
    assert "a design with more reserve would" in found.sentence()


def test_a_close_race_is_lost_as_often_as_the_uncertain_part_decides():
    task = Task.of(make_problem([SMALL], objectives=["area"]))
    first, second = trials(task, FEW_BYTES, FEW_LANES)
    swapped = sorted((first, second), key=lambda trial: -trial.reward)
    found = robustness(task, swapped, samples=100)
    assert sum(standing.first for standing in found.standings) == pytest.approx(1)
    again = robustness(task, swapped, samples=100)
    assert found == again


def test_twins_are_left_out_and_nothing_feasible_is_a_sentence():
    task = Task.of(make_problem([SMALL], objectives=["area"]))
    log = trials(task, FEW_BYTES, FEW_BYTES | {"lanes": 64})
    assert len(robustness(task, log, samples=2).standings) == 1
    bad = Outcome(False, 0.0, {}, "area", "Too large.")
    with pytest.raises(ValueError, match=r"^Only a study with a feasible"):
        robustness(task, [Trial(0, 0, bad)])


def test_groups_are_scaled_together_and_files_give_some(tmp_path):
    doubled = DEFAULT.scaled({"cells": 2.0, "dram_pj_per_bit": 0.5})
    assert doubled.lane_um2 == 2 * DEFAULT.lane_um2
    assert doubled.adder_um2 == 2 * DEFAULT.adder_um2
    assert doubled.fixed_mm2 == DEFAULT.fixed_mm2
    assert doubled.dram_pj_per_bit["HBM2"] == DEFAULT.dram_pj_per_bit["HBM2"] / 2
    assert technology_of(doubled.changes()) == doubled
    names = [field.name for field in dataclasses.fields(Technology)]
    assert set(map(group_of, names)) == set(factor_of_groups())
    assert all(factor > 1 for factor in factor_of_groups().values())
    path = tmp_path / "own.toml"
    path.write_text("fixed_mm2 = 1\n[dram_pj_per_bit]\nLPDDR4 = 4\n")
    own = load_technology(path)
    assert (own.fixed_mm2, own.dram_pj_per_bit["LPDDR4"]) == (1, 4)
    assert own.dram_pj_per_bit["HBM2"] == DEFAULT.dram_pj_per_bit["HBM2"]
    task = Task.of(make_problem([SMALL], technology=path))
    usual = Task.of(make_problem([SMALL]))
    index = usual.problem.space.index_of_values(FEW_BYTES | REST)
    assert task.candidate(index).area_mm2 == pytest.approx(usual.candidate(index).area_mm2 + 0.7)
    problem = task.problem
    assert type(problem).of_options(problem.options()) == problem


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("fixed_mm = 1", "'fixed_mm' is no constant. Did you mean 'fixed_mm2'?"),
        ("fixed_mm2 = 'a'", "fixed_mm2 must be a positive number, not 'a'."),
        ("fixed_mm2 = -1", "fixed_mm2 must be a positive number, not -1."),
        ("dram_pj_per_bit = 3", "dram_pj_per_bit must be a table, not 3."),
        (
            "[dram_pj_per_bit]\nDDR5 = 3",
            "dram_pj_per_bit has no 'DDR5' (known: LPDDR4, DDR3, GDDR5, HBM2).",
        ),
    ],
)
def test_what_is_no_technology_is_a_sentence(text, sentence, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"^Technology file 'own.toml': {re.escape(sentence)}$"):
        load_technology(path)
