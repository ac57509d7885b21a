"""What an operator sees while a model is run."""

from dataclasses import dataclass, field

import numpy as np

from apollo.workloads.integer.arithmetic import Ints, Reals, centred, sums_of
from apollo.workloads.model import Constant, Model, Rounding
from apollo.workloads.operators import Operator
from apollo.workloads.quantization import PER_TENSOR, Quantization


@dataclass
class Context:
    """A model and the tensors computed so far.

    Attributes:
        model: what is run.
        tensors: stored integers by name.

    """

    model: Model
    tensors: dict[str, Ints] = field(default_factory=dict)

    @property
    def rounding(self) -> Rounding:
        """Of the whole model."""
        return self.model.rounding

    def rule(self, tensor: str) -> Quantization:
        """The quantisation of a tensor, one for all its channels."""
        rule = self.model.quantization.get(tensor)
        if rule is None:
            raise ValueError(f"Tensor {tensor!r} is not quantised.")
        if rule.axis != PER_TENSOR:
            raise ValueError(f"Tensor {tensor!r} must have one scale, not one for each channel.")
        return rule

    def same_rule(self, operator: Operator) -> bool:
        """Whether the first input and the output have the same quantisation, or none."""
        rules = self.model.quantization
        return rules.get(operator.inputs[0]) == rules.get(operator.output)

    def stored(self, operator: Operator, index: int = 0) -> Ints:
        """The integers of an input."""
        return self.tensors[operator.inputs[index]]

    def centred(self, operator: Operator, index: int = 0) -> Ints:
        """The integers of an input without its zero point."""
        return centred(self.stored(operator, index), self.rule(operator.inputs[index]))

    def constant(self, operator: Operator, role: str) -> tuple[Ints, Quantization]:
        """The integers of a stored tensor without zero points, and its quantisation."""
        constant = self.model.constant(operator.name, role)
        if constant.quantization is None:
            raise ValueError(f"The {role} of {operator.label} {operator.name!r} is not quantised.")
        rule = constant.quantization
        return centred(constant.values.astype(np.int64), rule), rule

    def real(self, operator: Operator, role: str) -> Reals:
        """A stored tensor as real numbers."""
        return real_values(self.model.constant(operator.name, role))

    def bias(self, operator: Operator, units: Reals) -> Ints:
        """The bias in units of sums, each channel its own; as it is stored if that is so."""
        constant = self.model.constant(operator.name, "bias")
        rule = constant.quantization
        if rule is not None and rule.bits == 32 and np.allclose(rule.scale, units, rtol=1e-5):
            return constant.values.astype(np.int64)
        return sums_of(real_values(constant), units)


def real_values(constant: Constant) -> Reals:
    """A stored tensor as real numbers."""
    if constant.quantization is None:
        return constant.values.astype(np.float64)
    return constant.quantization.dequantize(constant.values)
