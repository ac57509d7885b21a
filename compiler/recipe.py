"""Where the numbers of a nest's parameters come from."""

from dataclasses import dataclass
from enum import Enum

from apollo.workloads.model import Rounding
from apollo.workloads.operators import Operator
from apollo.workloads.quantization import Quantization

# What says how the integers of a tensor stand for real numbers: the name of a tensor of the graph,
# or the quantisation itself where a lowering has its own.
Rule = str | Quantization


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
    ROWS = "rows"  # some rows of a stored matrix, with their biases
    ROW_SCALES = "row scales"  # a scale and a summand for every channel
    SCALED = "scaled"  # the record of a sum whose second operand counts nothing: other units
    SIGMOID = "sigmoid"  # of 16 bits, as are the following
    TANGENT = "tangent"
    LEVELLED = "levelled"


@dataclass(frozen=True)
class Rows:
    """Some rows of a stored tensor (directions, rows, ...), and of the biases beside it."""

    role: str
    direction: int
    first: int
    count: int
    first_bias: int | None = None  # None: no biases


@dataclass(frozen=True)
class Recipe:
    """How to make them: from which operator, and between which tensors' quantisations.

    Nests with equal recipes have the same numbers, and so the same parameters.
    """

    ingredients: Ingredients
    operator: Operator | None  # None: nothing that an operator stores
    before: Rule
    after: Rule
    second: Rule = ""
    count: int = 1
    image: tuple[int, int, int] = (0, 0, 0)  # channels, rows, columns that a product flattens
    rows: Rows | None = None
    rounding: Rounding | None = None  # None: the model's
