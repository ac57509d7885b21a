from dataclasses import replace

import pytest
from transfer_studies import OTHER, SMALL, small_problem

from apollo.search.task import Task
from apollo.search.transfer.rerank import rerank
from apollo.search.transfer.source import read_sources


class NoCache:
    def get(self, key):
        return None

    def put(self, key, evaluation):
        pass


def ranked(results, names, problem, **changed):
    task = Task.of(problem)
    sources = [replace(source, **changed) for source in read_sources(names, results)]
    return task, rerank(sources, task)


@pytest.mark.parametrize("objective", ["speedup", "throughput_per_area"])
def test_on_shared_networks_scores_are_what_an_evaluation_finds(results, objective):
    problem = small_problem(
        area=4.8, objectives=[objective], constraints=["latency_ms <= 2"], mean="least"
    )
    task, found = ranked(results, ["one", "two"], problem)
    evaluate = task.evaluator()(NoCache())
    rewards = [evaluate(each.index).reward for each in found]
    assert len(found) > 20
    assert all(each.exact for each in found)
    assert min(rewards) > 0
    assert rewards == sorted(rewards, reverse=True)
    assert [each.score for each in found] == [reward / rewards[0] for reward in rewards]


def test_nothing_feasible_is_left_out(results, explored):
    problem = small_problem(area=4.8)
    found = {each.index for each in ranked(results, ["one"], problem)[1]}
    feasible = (trial for trial in explored("one").result.trials if trial.feasible)
    assert found == {t.index for t in feasible if t.metrics["area_mm2"] <= 4.8}


def test_on_another_network_the_rank_is_that_of_the_source(results, explored):
    problem = small_problem(OTHER, objectives=["throughput_per_area"])
    _, found = ranked(results, ["one"], problem)
    trials = {t.index: t for t in explored("one").result.trials if t.feasible}
    assert {each.index for each in found} == set(trials)
    assert not any(each.exact for each in found)
    rewards = [trials[each.index].metrics["throughput_per_area"] for each in found]
    assert rewards == sorted(rewards, reverse=True)
    assert found[0].score == 1


def test_of_several_networks_those_that_are_shared_count(results, explored):
    _, found = ranked(results, ["two"], small_problem(OTHER, "gemm:64x64x64"))
    trials = {t.index: t for t in explored("two").result.trials if t.feasible}
    assert not any(each.exact for each in found)

    def value(trial):
        return trial.metrics[f"{OTHER}.throughput_per_s"] / trial.metrics["area_mm2"]

    values = [value(trials[each.index]) for each in found]
    assert values == pytest.approx(sorted(values, reverse=True))


def test_what_another_simulator_found_is_a_prior(results):
    _, found = ranked(results, ["one"], small_problem(), version="another")
    assert found
    assert not any(each.exact for each in found)


def test_a_network_is_known_by_its_content_not_its_name(results):
    _, found = ranked(results, ["one"], small_problem(), contents={SMALL: "edited"})
    assert found
    assert not any(each.exact for each in found)


def test_an_exact_score_beats_a_prior_of_the_same_point(results):
    task = Task.of(small_problem())
    source = read_sources(["one"], results)[0]
    prior = replace(source, version="another")
    assert all(each.exact for each in rerank([prior, source], task))
