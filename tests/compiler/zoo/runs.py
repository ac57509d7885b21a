"""A network on designs: what came of each, and what occurred in the mappings."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.compiler.errors import DoesNotFit
from apollo.workloads.integer import run
from tests.compiler.execution import check, coverage
from tests.compiler.models import random_inputs
from tests.compiler.zoo.cases import Outcome, model_of

_NOT_LOWERED = (" has no lowering", " stretches both operands")


def executed(name: str, designs: Iterable[Accelerator]) -> tuple[dict[str, Outcome], Counter[str]]:
    """Outcomes by design, and the coverage over those it fits.

    Raises `AssertionError` where a program leaves other integers than the reference.
    """
    model = model_of(name)
    inputs = random_inputs(model.graph, 0, model.quantization)
    expected: dict[str, np.ndarray] = run(model, inputs)
    outcomes: dict[str, Outcome] = {}
    seen: Counter[str] = Counter()
    for number, design in enumerate(designs):
        key = f"{number} {design.name}"
        try:
            seen += coverage(check(model, design, expected=expected))
        except DoesNotFit as refusal:
            outcomes[key] = Outcome("does not fit", str(refusal))
        except ValueError as error:
            if not any(part in str(error) for part in _NOT_LOWERED):
                raise
            outcomes[key] = Outcome("no lowering", str(error))
        else:
            outcomes[key] = Outcome("equal")
    return outcomes, seen
