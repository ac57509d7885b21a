"""What the gradient of an operator reads besides the gradient of its output, by kind."""

from typing import NamedTuple


class Needs(NamedTuple):
    """What of the forward pass is kept for a gradient."""

    inputs: bool
    output: bool


# Their derivatives are constants, or the operators only move elements.
_NOTHING = frozenset(
    {
        "Binary add",
        "Binary subtract",
        "Concat",
        "DepthToSpace",
        "Gather",
        "Pad",
        "Pool average",
        "Reduce mean",
        "Reduce sum",
        "Resize bilinear",
        "Resize nearest",
        "Slice",
        "SpaceToDepth",
        "Split",
        "Transpose",
        "Unary negate",
    }
)
# Their derivatives are functions of what they write.
_OUTPUT = frozenset(
    {
        "Softmax",
        "Unary clip",
        "Unary exp",
        "Unary leaky_relu",
        "Unary reciprocal",
        "Unary relu",
        "Unary relu6",
        "Unary sigmoid",
        "Unary sqrt",
        "Unary tanh",
    }
)
# Several products at once, each of which has a gradient with a share of the work.
CELLS = frozenset({"GRU", "LSTM"})
PRODUCTS = frozenset({"Convolution", "ConvTranspose", "FullyConnected", "MatMul"})
# The gradient of a factor is a product with the others.
FACTORS = PRODUCTS | {"Binary multiply"}
_BOTH = CELLS | {"Pool max", "Reduce max", "Reduce min"}
# They choose, and pass no gradient on.
CHOICES = frozenset({"ArgMax", "TopK"})


def needs(kind: str) -> Needs:
    """What of its forward operator a gradient needs; of a kind that is not listed its inputs."""
    if kind in _NOTHING:
        return Needs(inputs=False, output=False)
    if kind in _OUTPUT:
        return Needs(inputs=False, output=True)
    return Needs(inputs=True, output=kind in _BOTH)
