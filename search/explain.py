"""Why a network does not fit a design and what would help, or what bounds it where it fits."""

from collections.abc import Callable
from dataclasses import dataclass

from apollo.arch.accelerator import Accelerator
from apollo.arch.area import area_of
from apollo.arch.space import PARAMETERS
from apollo.compiler.demand import terms_of
from apollo.compiler.errors import DoesNotFit, Term
from apollo.compiler.network import Network
from apollo.compiler.options import USUAL, Options
from apollo.compiler.pipeline import compile_network
from apollo.compiler.systolic.graph import compile_graph
from apollo.compiler.tables import Form, Nest
from apollo.search.levers import (
    FORM,
    STATES,
    Ladder,
    Lever,
    Trials,
    changed,
    combined_levers,
    is_design,
    single_levers,
)
from apollo.search.measure import Measurement, compute_shares, measure_graph
from apollo.search.workload import Workload

WORST_LAYERS = 10
_FORMS = (Form.DENSE, Form.SPARSE)
LoadBatch = Callable[[int], Workload]  # the network for so many images


@dataclass(frozen=True)
class Refused:
    """A design that a network does not fit."""

    accelerator: Accelerator
    batch: int
    refusal: DoesNotFit
    terms: tuple[Term, ...]  # add up to the demand; none where they cannot be told
    levers: tuple[Lever, ...]  # one change each; where there is none, several
    attempts: int  # compilations that were run


@dataclass(frozen=True)
class Step:
    """The next larger value of a parameter, run: what it brings and what it costs."""

    parameter: str
    before: int
    after: int
    reason: str | None  # why it does not fit
    latency_ratio: float = 0.0  # warm
    area_ratio: float = 0.0


@dataclass(frozen=True)
class Bounded:
    """A design that a network fits: what bounds it."""

    accelerator: Accelerator
    batch: int
    measurement: Measurement
    shares: dict[str, float]  # of a following inference: computing, or waiting for a cause
    steps: tuple[Step, ...]  # the one that brings most first


def explain(load: LoadBatch, batch: int, accelerator: Accelerator) -> Refused | Bounded:
    """The explanation of a network on a design; everything in it was run.

    Raises `ValueError` for an operator without lowering.
    """
    workload = load(batch)
    try:
        measurement = measure_graph(workload.graph, accelerator, workload.masks)
    except DoesNotFit as refusal:
        return _refused(load, batch, accelerator, refusal)
    steps = (_step(workload, measurement, *step) for step in _next_values(accelerator))
    ordered = tuple(sorted(steps, key=lambda s: (s.reason is not None, s.latency_ratio)))
    return Bounded(accelerator, batch, measurement, compute_shares(measurement.metrics), ordered)


def _refused(load: LoadBatch, batch: int, accelerator: Accelerator, refusal: DoesNotFit) -> Refused:
    trials = Trials(accelerator, batch, attempt_of(load))
    levers = single_levers(trials)
    terms: tuple[Term, ...] = ()
    attempts = 0
    if not accelerator.is_systolic:
        network = load(batch).lowered()
        terms = terms_of(network, accelerator, refusal)
        attempts, modes = mode_levers(network, accelerator)
        levers += modes
    levers = levers or combined_levers(trials)
    # The smallest steps first: what is nearest to the design.
    ordered = tuple(sorted(levers, key=lambda lever: lever.steps))
    return Refused(accelerator, batch, refusal, terms, ordered, attempts + trials.count)


def mode_levers(network: Network, accelerator: Accelerator) -> tuple[int, list[Lever]]:
    """Other ways to compile that fit: layouts to keep while mapping, pruned layers dense or sparse.

    How many compilations were run, and the levers.
    """
    ladders = [
        Ladder(STATES, USUAL.states, tuple(USUAL.states << k for k in range(1, 5))),
        Ladder(STATES, USUAL.states, tuple(range(USUAL.states - 1, 0, -1))),
    ]
    if (network.nests[:, Nest.FORM] == Form.EITHER).any():
        ladders += [Ladder(FORM, int(Form.EITHER), (int(form),)) for form in _FORMS]
    attempts, levers = 0, []
    for ladder in ladders:
        for steps, value in enumerate(ladder.values, 1):
            attempts += 1
            is_form = ladder.parameter == FORM
            try:
                options = Options(sparse=value == Form.SPARSE) if is_form else Options(states=value)
                compile_network(network, accelerator, options)
            except (DoesNotFit, ValueError):
                continue
            levers.append(Lever((ladder.change(steps),)))
            break
    return attempts, levers


def attempt_of(load: LoadBatch) -> Callable[[Accelerator, int], str | None]:
    """A function that compiles the network for a design and images: why it fails, or None."""
    networks = {}

    def attempt(accelerator: Accelerator, batch: int) -> str | None:
        try:
            if accelerator.is_systolic:
                compile_graph(load(batch).graph, accelerator)
                return None
            if batch not in networks:
                networks[batch] = load(batch).lowered()
            compile_network(networks[batch], accelerator)
        except (DoesNotFit, ValueError) as error:
            return str(error)
        return None

    return attempt


def _next_values(accelerator: Accelerator) -> list[tuple[str, int]]:
    """The next larger choice of every searched parameter."""
    found = []
    for parameter in PARAMETERS:
        value = getattr(accelerator, parameter.name)
        above = [choice for choice in parameter.choices if choice > value]
        if above and is_design(accelerator, parameter.name, above[0]):
            found.append((parameter.name, above[0]))
    return found


def _step(workload: Workload, measurement: Measurement, name: str, value: int) -> Step:
    design = measurement.accelerator
    before = int(getattr(design, name))
    try:
        larger = changed(design, {name: value})
        metrics = measure_graph(workload.graph, larger, workload.masks).metrics
    except (DoesNotFit, ValueError) as error:
        return Step(name, before, value, str(error))
    return Step(
        name,
        before,
        value,
        None,
        metrics.warm_cycles / measurement.metrics.warm_cycles,
        area_of(larger).total_mm2 / area_of(design).total_mm2,
    )
