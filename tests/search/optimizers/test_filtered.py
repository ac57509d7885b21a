import numpy as np
import pytest

from apollo.search.optimizers.filtered import Filtered
from apollo.search.optimizers.table import make_optimizer
from apollo.search.store import Store
from apollo.search.study import Study, run_study
from apollo.search.trial import Outcome, Trial


def is_even(index: int) -> bool:
    return index % 2 == 0


@pytest.mark.parametrize("name", ["random", "evolutionary"])
def test_only_admitted_points_each_once_a_batch(name):
    optimizer = Filtered(make_optimizer(name, radices=(4, 5)), is_even)
    for number in range(20):
        indices = optimizer.indices_of(optimizer.ask(8, np.random.default_rng(number))).tolist()
        assert all(map(is_even, indices))
        assert len(set(indices)) == 8
        optimizer.tell(
            [Trial(8 * number + k, i, Outcome(True, 1.0)) for k, i in enumerate(indices)]
        )


def test_random_search_is_uniform_in_the_admitted_set():
    optimizer = Filtered(make_optimizer("random", radices=(3, 4)), is_even)
    counts = np.zeros(12)
    for number in range(2000):
        np.add.at(counts, optimizer.indices_of(optimizer.ask(1, np.random.default_rng(number))), 1)
    assert counts[1::2].sum() == 0
    assert (np.abs(counts[::2] - 2000 / 6) < 5 * np.sqrt(2000 / 6)).all()


def test_a_batch_is_full_also_when_too_few_are_admitted():
    optimizer = Filtered(make_optimizer("random", radices=(3, 4)), lambda index: index == 5)
    indices = optimizer.indices_of(optimizer.ask(6, np.random.default_rng(1))).tolist()
    assert len(indices) == 6
    assert indices[0] == 5


def test_a_filtered_study_resumes(tmp_path):
    def evaluate(index: int) -> Outcome:
        assert is_even(index)
        return Outcome(True, 1.0 + index % 7)

    study = Study("s", "evolutionary", 1, "1", options={"filter": True})
    with Store(tmp_path / "a.db") as store:
        whole = run_study(store, study, evaluate, 200, admits=is_even)
    with Store(tmp_path / "b.db") as store:
        run_study(store, study, evaluate, 50, admits=is_even)
        parts = run_study(store, study, evaluate, 200, admits=is_even)
    assert [t.index for t in parts.trials] == [t.index for t in whole.trials]
