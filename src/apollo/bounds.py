"""What numbers of options may be, where nothing deeper says so."""

LARGEST = 2**63 - 1  # what a database and a column of numbers hold
MOST_JOBS = 1024
MOST_PORT = 2**16 - 1


def check_number(option: str, value: float, least: int = 1, most: int = LARGEST) -> None:
    """Raises `ValueError`, one sentence, for a number that is too small or too large."""
    if not value >= least:  # also of what is no number
        raise ValueError(f"{option} must be at least {least}, not {value}.")
    if value > most:
        raise ValueError(f"{option} must be at most {most}, not {value}.")


def check_seed(seed: int) -> None:
    """Raises `ValueError`, one sentence, for what is no seed."""
    check_number("--seed", seed, least=0)
