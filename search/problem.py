"""What a study asks, in names and numbers: any process can load it and evaluate a point.

It is stored with the study, as its options; `Task` is what it means, loaded.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Any, Self

from apollo.arch.accelerator import Accelerator
from apollo.arch.area import area_of
from apollo.arch.constants import DEFAULT, Technology, technology_of
from apollo.arch.space import SPACE, Parameter, Space
from apollo.search.constraint import Constraint
from apollo.search.errors import NothingFeasible
from apollo.search.goals import AREA, Goal
from apollo.search.objective import DEFAULT_GOAL, Mean

DEFAULT_BASELINE = "edge_tpu_v3"


@dataclass(frozen=True)
class Problem:
    """Networks, what is good, what is allowed, and the space of designs.

    Raises `ValueError` when there is no network or one is named twice, `NothingFeasible` when a
    constraint leaves no design of the space.
    """

    networks: tuple[str, ...]
    goals: tuple[Goal, ...] = (Goal.of(DEFAULT_GOAL),)
    constraints: tuple[Constraint, ...] = ()
    weights: Mapping[str, Decimal] = field(default_factory=dict)
    mean: Mean = Mean.GEOMETRIC
    baseline: str = DEFAULT_BASELINE
    images: int = 1  # of an inference
    sparsity: float | None = None
    space: Space = SPACE
    technology: Technology = DEFAULT
    is_filtered: bool = False  # points that a known constraint rejects are no trials

    def __post_init__(self) -> None:
        """Check what needs no network."""
        if not self.networks:
            raise ValueError("An exploration must have at least one network.")
        for network in self.networks:
            if self.networks.count(network) > 1:
                raise ValueError(f"An exploration must name {network} once.")
        self._check_area()

    @property
    def max_area_mm2(self) -> float | None:
        """The area budget, or None."""
        bounds = [each.bound for each in self.constraints if each.metric == AREA and each.is_most]
        return min(bounds, default=None)

    def options(self) -> dict[str, Any]:
        """All of it as JSON values: of the identity of a study."""
        options: dict[str, Any] = {
            "networks": list(self.networks),
            "objectives": [str(goal) for goal in self.goals],
            "constraints": [str(constraint) for constraint in self.constraints],
            "mean": str(self.mean),
            "weights": {network: str(weight) for network, weight in self.weights.items()},
            "baseline": self.baseline,
            "images": self.images,
            "sparsity": self.sparsity,
        }
        if self.space != SPACE:
            choices = {each.name: list(each.choices) for each in self.space.parameters}
            # Canonical JSON sorts names, and a point is numbered by the order of the parameters.
            order = list(choices)
            base = asdict(self.space.base)
            options["space"] = {"choices": choices, "order": order, "base": base}
        if self.is_filtered:
            options["filter"] = True
        if self.technology != DEFAULT:
            options["technology"] = self.technology.changes()
        return options

    @classmethod
    def of_options(cls, options: Mapping[str, Any]) -> Self:
        """The problem whose `options` these are, among others."""
        space = SPACE
        if "space" in options:
            stored = options["space"]
            choices = stored["choices"]
            parameters = (Parameter(name, tuple(choices[name])) for name in stored["order"])
            space = Space(tuple(parameters), Accelerator(**stored["base"]))
        return cls(
            networks=tuple(options["networks"]),
            goals=tuple(map(Goal.of, options["objectives"])),
            constraints=tuple(map(Constraint.of, options["constraints"])),
            weights={network: Decimal(text) for network, text in options["weights"].items()},
            mean=Mean(options["mean"]),
            baseline=options["baseline"],
            images=options["images"],
            sparsity=options["sparsity"],
            space=space,
            technology=technology_of(options.get("technology", {})),
            is_filtered=options.get("filter", False),
        )

    def _check_area(self) -> None:
        """Area never falls when a parameter grows, so two corners say what areas there are."""
        bounds = [each for each in self.constraints if each.metric == AREA]
        if not bounds:
            return
        try:
            corners = [self.space.accelerator_at(index) for index in (0, self.space.size - 1)]
        except ValueError:  # no machine; others may be
            return
        least, most = (area_of(design, self.technology).total_mm2 for design in corners)
        for bound in bounds:
            if bound.is_most and least > bound.bound:
                raise NothingFeasible(
                    f"Constraint '{bound}' leaves no design: the smallest has {least:.2f} mm²."
                )
            if not bound.is_most and most < bound.bound:
                raise NothingFeasible(
                    f"Constraint '{bound}' leaves no design: the largest has {most:.2f} mm²."
                )


def with_budget(problem: Problem, max_area_mm2: float | None) -> Problem:
    """The problem with an area budget, if one is given."""
    if max_area_mm2 is None:
        return problem
    budget = Constraint(AREA, max_area_mm2, is_most=True)
    return replace(problem, constraints=(budget, *problem.constraints))
