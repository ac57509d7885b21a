import pytest

from apollo.workloads.sparsity import Schedule


def test_the_ends_and_the_middle() -> None:
    schedule = Schedule(0.8, initial=0.1, begin=1000, interval=50, prunings=40)
    assert schedule.end == 3000
    assert schedule.at(0) == schedule.at(999) == 0.1
    assert schedule.at(1000) == pytest.approx(0.1)
    assert schedule.at(2000) == pytest.approx(0.8 - 0.7 / 8)
    assert schedule.at(3000) == schedule.at(10**9) == 0.8


def test_it_is_held_between_prunings_and_never_falls() -> None:
    schedule = Schedule(0.9, begin=10, interval=7, prunings=9)
    values = [schedule.at(step) for step in range(100)]
    assert values == sorted(values)
    changes = [step for step in range(1, 100) if values[step] != values[step - 1]]
    assert changes == [step for step in range(11, 100) if schedule.prunes_at(step)]
    assert len(changes) == 9


def test_it_prunes_most_at_first() -> None:
    schedule = Schedule(0.8, interval=1, prunings=10)
    gains = [schedule.at(step + 1) - schedule.at(step) for step in range(10)]
    assert gains == sorted(gains, reverse=True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"final": 1.0}, r"Sparsity must be in 0\.\.1, below 1, not 1\."),
        (
            {"final": 0.5, "initial": 0.6},
            r"The final sparsity must be at least the initial one, 0\.6, not 0\.5\.",
        ),
        ({"final": 0.5, "interval": 0}, "A schedule must begin at a step from 0 on"),
    ],
)
def test_wrong_schedules(arguments, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        Schedule(**arguments)
