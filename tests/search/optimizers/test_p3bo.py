import math
import re
import statistics

import numpy as np
import pytest
from landscape import comparable, evaluate

from apollo.search.optimizers.base import Optimizer
from apollo.search.optimizers.p3bo.adaptive import AdaptiveP3BO
from apollo.search.optimizers.p3bo.credit import credits_after, reward, weights
from apollo.search.optimizers.p3bo.member import parse_members
from apollo.search.optimizers.p3bo.p3bo import P3BO
from apollo.search.optimizers.table import make_optimizer
from apollo.search.store import Store
from apollo.search.study import Study, run_study
from apollo.search.trial import Outcome, Trial

TWO = {"members": "evolutionary; random", "round": 4, "decay": 0.5, "temperature": 1.0}
GOOD_AND_BAD = "evolutionary; evolutionary mutation=0.3; evolutionary tournament=2; random"
INFEASIBLE = Outcome(False, 0.0, {}, "area", "Too large.")


def told(optimizer: Optimizer, trials: list[tuple[float, str | None]]) -> None:
    """Tell trials of these rewards and proposers; 0 is infeasible."""
    optimizer.tell(
        [
            Trial(k, k, Outcome(True, value) if value else INFEASIBLE, proposer=proposer)
            for k, (value, proposer) in enumerate(trials)
        ]
    )


def searched(optimizer: Optimizer, trials: int, seed: int = 0) -> list[Trial]:
    """A study of the synthetic landscape."""
    log: list[Trial] = []
    while len(log) < trials:
        asked = optimizer.propose(32, np.random.default_rng([seed, len(log)]))
        indices = optimizer.indices_of(asked.points).tolist()
        batch = [
            Trial(number, index, evaluate(index), proposer=proposer)
            for number, (index, proposer) in enumerate(
                zip(indices, asked.proposers, strict=True), len(log)
            )
        ]
        optimizer.tell(batch)
        log += batch
    return log


def test_reward_is_how_far_the_best_is_below_the_best_of_all():
    assert reward(3.0, 4.0) == -0.25
    assert reward(4.0, 4.0) == 0.0
    assert reward(0.0, 4.0) == -1.0
    assert reward(0.0, 0.0) == 0.0


def test_credit_decays_and_adds_the_reward():
    # Member 0: 2/4 - 1 = -0.5, plus half of -1. Member 1 proposed nothing: half of -0.4.
    assert credits_after([-1.0, -0.4, 0.0], {0: 2.0, 2: 4.0}, 4.0, 0.5) == [-1.0, -0.2, 0.0]


def test_weights_are_a_softmax_of_credits_scaled_to_one():
    # Scores 0, 1/2, 1; with temperature 1/2 the powers are 1, e, e².
    total = 1 + math.e + math.e**2
    expected = [1 / total, math.e / total, math.e**2 / total]
    assert weights([-2.0, -1.0, 0.0], 0.5).tolist() == pytest.approx(expected)
    assert weights([-3.0, -3.0], 0.5).tolist() == [0.5, 0.5]


def test_credits_follow_from_the_log():
    optimizer = P3BO(TWO)
    evolutionary, random = (member.name for member in optimizer.members)
    assert (evolutionary, random) == ("evolutionary#0", "random#1")
    told(optimizer, [(1.0, evolutionary), (4.0, evolutionary), (0.0, random), (2.0, random)])
    assert [member.credit for member in optimizer.members] == [0.0, 2 / 4 - 1]
    told(optimizer, [(5.0, random), (0.0, random), (0.0, evolutionary), (1.0, None)])
    assert [member.credit for member in optimizer.members] == [-1.0, -0.25]
    # Scores 0 and 1, temperature 1.
    assert optimizer.weights().tolist() == pytest.approx([1 / (1 + math.e), math.e / (1 + math.e)])


def test_a_part_of_a_round_changes_nothing():
    optimizer = P3BO(TWO)
    told(optimizer, [(1.0, "random#1"), (4.0, "evolutionary#0"), (2.0, None)])
    assert [member.credit for member in optimizer.members] == [0.0, 0.0]


def test_a_point_of_two_members_counts_for_both():
    optimizer = P3BO(TWO)
    told(optimizer, [(2.0, "evolutionary#0+random#1"), (4.0, None), (1.0, None), (0.0, None)])
    assert [member.credit for member in optimizer.members] == [-0.5, -0.5]


def test_members_are_drawn_by_their_weights():
    optimizer = P3BO(TWO | {"temperature": 0.5})
    told(optimizer, [(1.0, "random#1"), (4.0, "evolutionary#0"), (1.0, None), (1.0, None)])
    proposers = optimizer.propose(2000, np.random.default_rng(0)).proposers
    share = np.mean([proposer == "evolutionary#0" for proposer in proposers])
    assert share == pytest.approx(optimizer.weights()[0], abs=0.04)


def test_only_new_points_are_asked_for_while_there_are_any():
    log = searched(P3BO({"members": GOOD_AND_BAD}), 1024)
    assert len({trial.index for trial in log}) == 1024


def test_a_small_space_is_searched_to_its_end():
    optimizer = P3BO(radices=(4, 4, 4), settings={"members": "evolutionary; random"})
    seen: set[int] = set()
    for start in range(0, 64, 16):
        points = optimizer.indices_of(optimizer.ask(16, np.random.default_rng(start))).tolist()
        seen |= set(points)
        optimizer.tell([Trial(start + k, i, Outcome(True, 1.0 + i)) for k, i in enumerate(points)])
    assert len(seen) > 55
    assert len(optimizer.ask(100, np.random.default_rng(0))) == 100


def test_a_good_member_gets_more_than_its_share():
    log = searched(P3BO({"members": "evolutionary; random"}), 1024)
    late = [trial.proposer for trial in log[512:]]
    assert late.count("evolutionary#0") > 1.5 * late.count("random#1")


@pytest.mark.parametrize("name", ["p3bo", "adaptive_p3bo"])
def test_beats_random_search_median_of_nine_seeds(name):
    def best(kind: str, seed: int) -> float:
        return max(trial.reward for trial in searched(make_optimizer(kind), 384, seed))

    population = statistics.median(best(name, seed) for seed in range(9))
    assert population > 1.3 * statistics.median(best("random", seed) for seed in range(9))


ADAPTIVE = {"members": GOOD_AND_BAD, "round": 4, "warmup": 1, "period": 1, "mutation": 0.0}


def test_the_worst_are_replaced_by_children_of_survivors():
    optimizer = AdaptiveP3BO(ADAPTIVE | {"survivors": 0.5})
    names = [member.name for member in optimizer.members]
    told(optimizer, list(zip([4.0, 3.0, 2.0, 1.0], names, strict=True)))
    kept = [member.name for member in optimizer.members[:-1]]
    # The best two, and the best of the other kind.
    assert kept == ["evolutionary#0", "evolutionary#1", "random#3"]
    child = optimizer.members[-1]
    assert child.name == "evolutionary#4"
    # Without mutation every hyper-parameter is one of either parent, and so is its credit.
    assert child.settings["mutation"] in (0.1, 0.3)
    assert child.credit in (0.0, -0.25)
    assert child.optimizer.settings.mutation == child.settings["mutation"]


def test_before_the_warmup_and_between_periods_the_population_stays():
    optimizer = AdaptiveP3BO(ADAPTIVE | {"warmup": 2, "period": 3})
    changed = []
    for _ in range(8):
        before = optimizer.members
        told(optimizer, [(1.0, None)] * 4)
        changed.append(optimizer.members is not before)
    assert changed == [False, True, False, False, True, False, False, True]


def test_mutation_changes_hyper_parameters_within_their_ranges():
    optimizer = AdaptiveP3BO(ADAPTIVE | {"mutation": 1.0})
    ranges = optimizer.members[0].optimizer.settings.ranges
    seen: dict[str, set[float]] = {name: set() for name in ranges}
    for _ in range(40):
        told(optimizer, [(1.0, member.name) for member in optimizer.members])
        for member in optimizer.members:
            for name in ranges if member.kind == "evolutionary" else ():
                seen[name].add(getattr(member.optimizer.settings, name))
    for name, limits in ranges.items():
        assert len(seen[name]) > 5
        assert min(seen[name]) >= limits.low
        assert max(seen[name]) <= limits.high


def test_the_population_is_a_function_of_the_log():
    def members(optimizer: AdaptiveP3BO) -> list[tuple[str, dict, float]]:
        return [(each.name, dict(each.settings), each.credit) for each in optimizer.members]

    settings = {"members": GOOD_AND_BAD, "warmup": 2, "period": 2}
    first = AdaptiveP3BO(settings)
    log = searched(first, 512)
    again = AdaptiveP3BO(settings)
    for start in range(0, 512, 7):
        again.tell(log[start : start + 7])
    assert members(again) == members(first)
    assert members(first) != members(AdaptiveP3BO(settings))


def test_members_are_read_from_text():
    assert parse_members("mbo; evolutionary mutation=0.2 elite=8;vizier:eagle") == [
        ("mbo", {}),
        ("evolutionary", {"mutation": 0.2, "elite": 8}),
        ("vizier:eagle", {}),
    ]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"members": "evolutionary; mutation=3"},
            "Members must be NAME [SETTING=NUMBER ...], parted by semicolons, not 'mutation=3'.",
        ),
        (
            {"members": "evolutionary;"},
            "Members must be NAME [SETTING=NUMBER ...], parted by semicolons, not ''.",
        ),
        ({"members": "evolutionary mutation=3"}, "Mutation must be in 0..1, not 3."),
        (
            {"members": "random; p3bo"},
            "A population cannot be a member of a population, as p3bo is.",
        ),
        ({"round": 0}, "Round must be at least 1, not 0."),
        ({"temperature": 0}, "Temperature must be at least 0.01, not 0."),
        ({"survivors": 2}, "Survivors must be in 0..1, not 2."),
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(settings, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        AdaptiveP3BO(settings)


def test_a_study_in_pieces_has_the_rows_of_one_in_one_go(store, tmp_path):
    settings = {"members": "evolutionary founders=2; mbo founders=2", "warmup": 2, "period": 2}
    study = Study("s", "adaptive_p3bo", seed=5, version="1", settings=settings)
    for trials in (150, 301, 384):
        run_study(store, study, evaluate, trials)
    with Store(tmp_path / "other.db") as other:
        run_study(other, study, evaluate, 384)
        assert comparable(store.trials("s")) == comparable(other.trials("s"))
    proposers = {trial.proposer for trial in store.trials("s")}
    assert {"evolutionary#0", "mbo#1"} < proposers  # and members that came later
