"""Where the numbers of a nest's parameters come from."""

from dataclasses import dataclass
from enum import Enum

from apollo.workloads.model import Rounding
from apollo.workloads.operators import Operator
from apollo.workloads.quantization import Quantization

Taps = tuple[int, ...]  # kernel elements in the order of a nest's taps, NO_TAP where there is none
NO_TAP = -1


class Ingredients(Enum):
    """What the parameters of a nest are made of."""

    NOTHING = "nothing"
    WEIGHTS = "weights"  # stored ones, with biases
    ONES = "ones"  # a sum over the window, divided by `count`
    SCALES = "scales"  # of a batch normalisation
    SUM = "sum"
    DIFFERENCE = "difference"
    PRODUCT = "product"
    BLEND = "blend"  # a sum of both, each times its factor
    TRANSPOSED = "transposed"  # stored weights of a transposed convolution
    FUNCTION = "function"  # a table of the operator's function
    MIRROR = "mirror"  # the same, mirrored
    MIRRORED = "mirrored"  # the same of mirrored integers
    RECIPROCAL = "reciprocal"  # a table of what to multiply by in place of dividing
    CONSTANT = "constant"  # a table of one number, `count`
    ABOVE = "above"  # a table of what is positive, in other units
    BELOW = "below"  # a table of what is negative
    SLOPES = "slopes"  # stored factors of the channels
    UNITS = "units"  # a table from one quantisation to another
    SOFTMAX = "softmax"
    MATMUL = "matmul"  # the record of a product of two computed operands
    PLACES = "places"  # ones, and every channel's number subtracted
    HITS = "hits"  # a table of ones where it is zero
    PIECE = "piece"  # a table: what is left of a centred element for the `count`-th piece
    STANDARD = "standard"  # a layer normalisation before its scales
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
    operator: Operator
    before: Quantization
    after: Quantization
    second: Quantization | None = None
    count: int = 1
    is_swapped: bool = False  # a difference whose first operand is the second of the operator
    factors: tuple[float, float] = (1.0, 1.0)  # of a blend
    window: tuple[Taps, ...] = ()  # of a transposed convolution: rows', then each phase's columns'
    image: tuple[int, int, int] = (0, 0, 0)  # channels, rows, columns that a product flattens
    channels_last: bool = False  # it flattens them row by row
    rows: Rows | None = None
    rounding: Rounding | None = None  # None: the model's
