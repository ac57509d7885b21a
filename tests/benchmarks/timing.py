"""How long a call takes."""

import time
from collections.abc import Callable

ROUNDS = 9
ROUND_S = 0.15


def seconds_per_call(function: Callable[[], object]) -> float:
    """Of the fastest of several rounds, compiled beforehand: others wait for other processes."""
    function()
    rounds = []
    for _ in range(ROUNDS):
        calls = 0
        begin = time.perf_counter()
        while time.perf_counter() - begin < ROUND_S:
            function()
            calls += 1
        rounds.append((time.perf_counter() - begin) / calls)
    return min(rounds)
