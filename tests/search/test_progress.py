import io

from rich.console import Console

from apollo.search.progress import BarProgress, LineProgress, describe, terminal_progress
from apollo.search.trial import Outcome, Trial


def trial(number: int, reward: float) -> Trial:
    return Trial(number, number, Outcome(True, reward))


def test_lines_say_where_the_study_is_now_and_then():
    stream = io.StringIO()
    progress = LineProgress(stream, every_s=3600.0)
    progress.start(1, 3)
    for number in (1, 2):
        progress.update(trial(number, 1.5), trial(0, 2.0), 2)
    assert stream.getvalue() == (
        "1 of 3 trials are done already\n3 of 3 trials, best 2.000 (trial 0), 67 % feasible\n"
    )


def test_nothing_feasible_is_said():
    assert describe(5, None, 0) == "nothing feasible yet"


def test_a_stream_that_is_no_terminal_gets_lines():
    with terminal_progress() as progress:
        assert isinstance(progress, LineProgress)


def test_the_bar_shows_trials_best_and_share(capsys):
    with BarProgress() as progress:
        progress.update(trial(0, 1.0), trial(0, 1.0), 1)  # before the start: nothing to move
        progress.start(1, 4)
        progress.update(trial(1, 1.0), trial(0, 2.0), 1)
        console = Console(file=io.StringIO(), width=120)
        console.print(progress._bar.get_renderable())
    shown = console.file.getvalue()
    assert "2/4" in shown
    assert "best 2.000 (trial 0), 50 % feasible" in shown
    assert capsys.readouterr().out == ""
