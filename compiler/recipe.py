"""Where the numbers of a nest's parameters come from."""

from dataclasses import dataclass
from enum import Enum

from apollo.workloads.operators import Operator


class Ingredients(Enum):
    """What the parameters of a nest are made of."""

    NOTHING = "nothing"
    WEIGHTS = "weights"  # stored ones, with biases
    ONES = "ones"  # a sum over the window, divided by `count`
    SCALES = "scales"  # of a batch normalisation
    SUM = "sum"
    DIFFERENCE = "difference"
    PRODUCT = "product"
    FUNCTION = "function"  # a table of the operator's function
    UNITS = "units"  # a table from one quantisation to another
    SOFTMAX = "softmax"
    NEIGHBOURS = "neighbours"


@dataclass(frozen=True)
class Recipe:
    """How to make them: from which operator, and between which tensors' quantisations."""

    ingredients: Ingredients
    operator: Operator
    before: str  # tensor
    after: str
    second: str = ""
    count: int = 1
    image: tuple[int, int, int] = (0, 0, 0)  # channels, rows, columns that a product flattens
