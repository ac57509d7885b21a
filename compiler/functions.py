"""Tables of functions: the stored result of every stored integer."""

import numpy as np
import numpy.typing as npt

from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.integer.context import Context
from apollo.workloads.integer.run import execute
from apollo.workloads.model import Model
from apollo.workloads.operators import Operator

Ints = npt.NDArray[np.int64]


def function_table(operator: Operator, model: Model) -> Ints:
    """What an operator of one element makes of each integer, least first.

    The entries are a matter of quantisation, not of compiling, so the operator's meaning is asked.
    """
    before, name = model.quantization[operator.inputs[0]], operator.inputs[0]
    stored = np.arange(before.low, before.high + 1)
    rank = len(model.graph.tensor(operator.output).shape)
    shape = (len(stored), *(1 for _ in range(rank - 1)))
    builder = GraphBuilder("table", [Tensor(name, shape)])
    builder.add(operator)
    constants = {key: each for key, each in model.constants.items() if key[0] == operator.name}
    rules = {each: model.quantization[each] for each in (name, operator.output)}
    alone = Model(builder.build([operator.output]), constants, rules, model.rounding)
    context = Context(alone, {name: stored.reshape(shape)})
    return execute(operator, context)[0].reshape(-1)
