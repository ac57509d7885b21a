"""Groups merged into slots, and policies that merge before they place."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import problem_of, recurrent_problem

from apollo.search.placement.found import Budget
from apollo.search.placement.learning.checkpoint import load_training, save_training
from apollo.search.placement.learning.learn import place
from apollo.search.placement.learning.merge import in_order, merged, spread
from apollo.search.placement.learning.policy import Policy
from apollo.search.placement.learning.settings import LearningSettings
from apollo.search.placement.learning.train import Training

GROUPED = LearningSettings(slots=4)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_slots_are_numbered_as_they_come(slots):
    numbered = in_order(np.array(slots)).tolist()
    seen = list(dict.fromkeys(slots))
    assert numbered == [seen.index(slot) for slot in slots]


def test_a_merged_graph_by_hand():
    allowed = np.array([[1, 1], [0, 1], [1, 1], [1, 0]], np.bool_)
    compute = np.array([[10, 20], [0, 7], [30, 5], [8, 0]])
    problem = problem_of(
        "four",
        compute,
        [(0, 1), (0, 2), (1, 3), (2, 3)],
        [4, 8, 16, 32],
        [1, 2, 3, 4],
        [99, 99],
        allowed,
    )
    graph = merged(problem.groups, np.array([0, 0, 1, 1]))
    assert graph.compute_ns.tolist() == [[17, 27], [38, 13]]  # 7 and 8: where they must be
    assert graph.allowed.tolist() == [[False, True], [True, False]]
    assert graph.memory_bytes.tolist() == [3, 7]
    assert graph.output_bytes.tolist() == [4 + 8 + 16, 32]
    assert (graph.source.tolist(), graph.target.tolist()) == ([0], [1])
    assert graph.edge_bytes.tolist() == [8 + 16]
    none_in_common = merged(problem.groups, np.array([0, 1, 2, 1]))
    assert none_in_common.allowed.tolist() == [[True, True]] * 3
    placed = spread(problem.groups, np.array([0, 1, 2, 1]), np.array([1, 0, 1]))
    assert placed.tolist() == [1, 1, 1, 0]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_merging_loses_nothing(seed):
    generator = np.random.default_rng(seed)
    groups = recurrent_problem(3, 4, 2).groups
    slot = in_order(generator.integers(0, 5, len(groups.names)))
    graph = merged(groups, slot)
    inside = slot[groups.source] == slot[groups.target]
    assert graph.edge_bytes.sum() + groups.edge_bytes[inside].sum() == groups.edge_bytes.sum()
    for column in ("compute_ns", "memory_bytes", "output_bytes"):
        whole = getattr(groups, column).sum(axis=0)
        assert (getattr(graph, column).sum(axis=0) == whole).all()


def test_a_grouper_learns_and_is_resumed(tmp_path):
    problem, path = recurrent_problem(3, 8, 3), tmp_path / "training.npz"
    training = Training([problem], Policy.new(GROUPED, 0), Budget(500), 0)

    def saving(training):
        if training.update == 25:
            save_training(path, training)

    training.run(saving)
    found = training.lessons[0].tries.found()
    assert found.simulations == 500
    assert found.cost == problem.cost(found.placement)
    means = [row.mean_reward for row in training.rows]
    assert np.mean(means[-10:]) > np.mean(means[:10]) + 0.05
    resumed = load_training(path, [problem])
    resumed.run()
    assert resumed.rows == training.rows
    assert place(problem, training.policy, Budget(40)).simulations == 40
