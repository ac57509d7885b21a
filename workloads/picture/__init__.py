"""The graph of a network as a picture, its operators coloured by any number."""

from apollo.workloads.picture.colouring import (
    Colouring,
    by_count,
    by_density,
    by_values,
    from_csv,
)
from apollo.workloads.picture.svg import draw

__all__ = ["Colouring", "by_count", "by_density", "by_values", "draw", "from_csv"]
