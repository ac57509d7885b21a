"""Problems of the tests of transfer: networks that are quick."""

from apollo.search.explore import make_problem
from apollo.search.problem import Problem

SMALL, OTHER = "mobilenet_v1_0.25_128", "conv:14x14x64x64x3x1"
NETWORKS = {"one": (SMALL,), "two": (SMALL, OTHER)}  # of the studies that are stored


def small_problem(*networks: str, area: float | None = 6.8, **options) -> Problem:
    return make_problem(networks or (SMALL,), max_area_mm2=area, **options)
