"""What a search can say instead of an answer."""


class NothingFeasible(ValueError):  # noqa: N818 - an answer, as DoesNotFit is
    """No design meets what is asked; the sentence says why."""
