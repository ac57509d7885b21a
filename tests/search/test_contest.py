import pytest

from apollo.search.contest import Entrant, Result, Run, Sign, contest, sign_of
from apollo.search.explore import make_problem
from apollo.search.store import Store

SMALL = "conv:14x14x64x64x3x1"


def result(name: str, *rewards: float) -> Result:
    return Result(name, tuple(Run(k, (r / 2, r), 1.0, None, None) for k, r in enumerate(rewards)))


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [(9, 0, 1 / 512), (0, 9, 1.0), (8, 1, 10 / 512), (5, 4, 0.5), (0, 0, 1.0), (2, 1, 0.5)],
)
def test_the_sign_test_by_hand(wins, losses, p):
    assert Sign(wins, losses, 3).p == p


def test_seeds_are_compared_one_by_one():
    sign = sign_of(result("a", 3.0, 1.0, 2.0, 5.0), result("b", 2.0, 1.0, 3.0, 4.0))
    assert (sign.wins, sign.losses, sign.ties) == (2, 1, 1)


def test_medians_are_by_checkpoint():
    found = result("a", 3.0, 1.0, 2.0)
    assert (found.median_best(0), found.median_best(1), found.worst_best()) == (1.0, 2.0, 1.0)
    assert found.median_seconds() is None


def test_a_contest_is_the_studies_of_its_entrants_and_resumes(store: Store):
    problem = make_problem([SMALL], max_area_mm2=6.8)
    entrants = [Entrant("random"), Entrant("random+filter"), Entrant("evolutionary")]
    heard = []
    options = {"seeds": 3, "trials": 64, "checkpoints": [32]}
    results = contest(
        problem, entrants, store, **options, follow=lambda name, seed: heard.append((name, seed))
    )
    assert heard[:4] == [(e.name, 0) for e in entrants] + [("random", 1)]
    for found in results:
        for run in found.runs:
            log = store.trials(f"{found.name}-seed{run.seed}")
            assert len(log) == 64
            assert run.best == tuple(max(t.reward for t in log[:count]) for count in (32, 64))
            assert 0 <= run.own_seconds < run.seconds
    random, filtered, _ = results
    assert sum(run.feasible for run in random.runs) < 0.5
    assert all(run.feasible > 0.9 for run in filtered.runs)
    again = contest(problem, entrants, store, **options)
    assert [[run.best for run in r.runs] for r in again] == [
        [run.best for run in r.runs] for r in results
    ]
    assert again[0].median_seconds() is None
