"""Infeasibility as an answer: what does not fit, where, by how much."""

from dataclasses import dataclass


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

    def __str__(self) -> str:
        """The sentence for people."""
        return (
            f"Layer '{self.layer}' does not fit: it needs at least {self.demand:,} {self.unit} "
            f"of {self.resource.replace('_', ' ')}, the design has {self.bound:,}."
        )
