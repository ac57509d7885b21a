"""Levers on made-up answers, where the least change is known."""

from dataclasses import replace

import pytest

from apollo.arch.accelerator import load_design
from apollo.search.levers import BATCH, Trials, combined_levers, ladders_of, single_levers

BASE = replace(
    load_design("edge_tpu_v1"), pe_memory_bytes=1 << 18, core_memory_bytes=4096, lanes=16
)


def levers(attempt, batch=1, find=single_levers):
    trials = Trials(BASE, batch, lambda design, images: None if attempt(design, images) else "no")
    found = find(trials)
    return {tuple((change.parameter, change.after) for change in lever.changes) for lever in found}


def test_a_lever_is_the_first_choice_that_helps():
    assert levers(lambda d, _: d.core_memory_bytes >= 9000) == {(("core_memory_bytes", 16384),)}
    assert levers(lambda d, _: d.lanes <= 8) == {(("lanes", 8),)}
    assert levers(lambda d, _: d.pes_x >= 7 or d.cores == 1) == {(("pes_x", 8),), (("cores", 1),)}


def test_a_memory_may_leave_the_space_and_says_so():
    trials = Trials(BASE, 1, lambda d, _: None if d.pe_memory_bytes > 20 << 20 else "no")
    ((change,),) = (lever.changes for lever in single_levers(trials))
    assert (change.after, change.is_searched) == (32 << 20, False)


def test_the_largest_batch_whose_next_one_fails():
    for limit in (1, 2, 63, 64, 65, 255):
        assert levers(lambda _, images, most=limit: images <= most, 256) == {((BATCH, limit),)}


def test_pairs_only_where_no_single_change_helps_and_each_is_least():
    found = levers(
        lambda d, _: d.pe_memory_bytes >= 1 << 20 and d.core_memory_bytes >= 9000,
        find=combined_levers,
    )
    assert found == {(("core_memory_bytes", 16384), ("pe_memory_bytes", 1 << 20))}


def test_where_no_pair_helps_more_changes_do():
    found = levers(
        lambda d, images: (
            d.pe_memory_bytes >= 1 << 19 and d.core_memory_bytes >= 9000 and images <= 4
        ),
        32,
        combined_levers,
    )
    wanted = (("core_memory_bytes", 16384), ("pe_memory_bytes", 1 << 19), (BATCH, 4))
    assert found == {wanted}


def test_nothing_is_made_up_where_nothing_helps():
    for find in (single_levers, combined_levers):
        assert levers(lambda *_: False, 8, find) == set()


def test_no_attempt_is_run_twice():
    seen = []
    trials = Trials(BASE, 4, lambda *values: seen.append(values) or "no")
    single_levers(trials)
    combined_levers(trials)
    assert len(seen) == len(set(seen)) == trials.count


@pytest.mark.parametrize("name", ["edge_tpu_v1", "tpu_v1"])
def test_every_step_of_a_ladder_leads_further_and_is_a_design(name):
    design = load_design(name)
    for ladder in ladders_of(design, 12):
        up = ladder.values[0] > ladder.before
        steps = [ladder.before, *ladder.values]
        assert steps == sorted(set(steps), reverse=not up)
        if ladder.parameter != BATCH:
            for value in ladder.values:
                replace(design, **{ladder.parameter: value})
