"""A network on designs: what came of each, and what occurred in the mappings."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator

from apollo.arch.accelerator import Accelerator, lane_presets
from apollo.compiler.errors import DoesNotFit
from apollo.workloads.integer import run
from tests.compiler.checks import random_designs
from tests.compiler.execution import check, coverage
from tests.compiler.models import random_inputs
from tests.compiler.systolic import nests as arrays
from tests.compiler.zoo.cases import Case, Outcome, case_of

_NOT_LOWERED = (" has no lowering", " stretches both operands", "there is no lowering")
_MOST_REFUSED = 10  # for every design that fits


def presets_and_random(seed: int) -> Iterator[Accelerator]:
    """The presets with lanes, then random designs without end."""
    yield from lane_presets()
    for number in itertools.count():
        yield from random_designs(1, seed * 100_003 + number)


def _checked(case: Case, design: Accelerator, expected) -> Counter[str]:
    """What occurs in the program, of lanes or of an array, once it has left these integers."""
    if design.is_systolic:
        return arrays.coverage(arrays.check(case.model, design, expected=expected))
    return coverage(check(case.model, design, expected=expected, masks=case.masks))


def executed(
    name: str, designs: Iterable[Accelerator], feasible: int | None = None
) -> tuple[dict[str, Outcome], Counter[str]]:
    """Outcomes by design, and the coverage over those it fits; at most so many of these."""
    case = case_of(name)
    inputs = random_inputs(case.model.graph, 0, case.model.quantization)
    expected = run(case.model, inputs)
    outcomes: dict[str, Outcome] = {}
    seen: Counter[str] = Counter()
    fitting = 0
    for number, design in enumerate(designs):
        if feasible is not None and (
            fitting == feasible or number >= _MOST_REFUSED * (feasible + 1)
        ):
            break
        key = f"{number} {design.name}"
        try:
            seen += _checked(case, design, expected)
        except DoesNotFit as refusal:
            outcomes[key] = Outcome("does not fit", str(refusal))
        except ValueError as error:
            if not any(part in str(error) for part in _NOT_LOWERED):
                raise
            outcomes[key] = Outcome("no lowering", str(error))
        except AssertionError as difference:
            outcomes[key] = Outcome("differs", str(difference))
        else:
            outcomes[key] = Outcome("equal")
            fitting += 1
    return outcomes, seen
