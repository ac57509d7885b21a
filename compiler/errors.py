"""Infeasibility as an answer: what does not fit, where, by how much."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """A summand of a demand: `times` pieces of so many bytes."""

    what: str
    bytes: int
    times: int = 1
    shape: str = ""  # how a piece comes to its bytes

    @property
    def total(self) -> int:
        """All pieces together."""
        return self.bytes * self.times


# Not frozen: Python assigns to exceptions that travel (tracebacks, pickles).
@dataclass(eq=False)
class DoesNotFit(Exception):  # noqa: N818 - an answer, not an error
    """A layer asks more of a resource than the design has."""

    resource: str
    layer: str
    demand: int
    bound: int
    unit: str = "bytes"
    nest: int | None = None  # number of the layer, where the network has nests
    terms: tuple[Term, ...] = ()  # that add up to the demand, where they are known at once

    def __str__(self) -> str:
        """The sentence for people."""
        return (
            f"Layer '{self.layer}' does not fit: it needs at least {self.demand:,} {self.unit} "
            f"of {self.resource.replace('_', ' ')}, the design has {self.bound:,}."
        )


class ComputesNothing(ValueError):  # noqa: N818 - as its sentence says
    """A network of views and look-ups by the host: there is no instruction to run."""
