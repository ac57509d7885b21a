"""Training: pessimistic where a model could fool a search, kept where it ranks best.

1. Adversarial designs are made every `REFRESH` steps: feasible ones that climbed on the model as
   it is, in the contexts of rows.
2. A tenth of the designs is held out. The weights that are kept are those with the best rank
   correlation (Kendall's tau, the mean over the networks) on the feasible rows of them.
"""

from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from apollo.search.transfer.prime.ascent import climb
from apollo.search.transfer.prime.loss import Data, Weights, steps
from apollo.search.transfer.prime.model import Examples, Model, Standard
from apollo.search.transfer.prime.rows import Rows
from apollo.search.transfer.prime.settings import PrimeSettings

Ints = npt.NDArray[np.int64]

REFRESH = 50  # steps from one set of adversarial designs to the next
ROUNDS = 8  # of ascent
HELD_OUT = 0.1
CHECKED = 512  # held-out rows of a network, at most


@dataclass(frozen=True)
class Trained:
    """A model, and how well it ranks feasible designs that it did not see."""

    model: Model
    rank_correlation: float


def train(rows: Rows, radices: tuple[int, ...], settings: PrimeSettings, seed: int) -> Trained:
    """The model of these rows; the same seed gives the same model on the same machine."""
    generator = np.random.default_rng(seed)
    is_held = _held_out(rows, generator)
    held, learned = rows.at(is_held & rows.feasible), rows.at(~is_held)
    feasible, infeasible = learned.at(learned.feasible), learned.at(~learned.feasible)
    beta = settings.beta
    if not len(infeasible):  # nothing to hold down on: others stand in, without weight
        infeasible, beta = feasible, 0.0
    standard, scale = Standard.of(rows.contexts), max(1e-6, float(feasible.values.std()))
    model = Model.initial(standard, radices, settings.members, settings.hidden, seed)
    data = Data(
        model.examples(feasible.points, feasible.contexts),
        jnp.asarray(feasible.values / scale),
        model.examples(infeasible.points, infeasible.contexts),
        model.examples(feasible.points[:1], feasible.contexts[:1]),
    )
    weights = Weights(settings.alpha, beta, settings.rate)
    state = optax.adam(settings.rate).init(model.parameters)
    best = Trained(model, -2.0)
    for _ in range(0, settings.steps, REFRESH):
        adversarial = _adversarial(model, feasible, settings.rows, generator)
        chosen = [
            generator.integers(0, len(part), (REFRESH, settings.rows))
            for part in (feasible, infeasible)
        ]
        parameters, state = steps(
            model.parameters, state, data._replace(adversarial=adversarial), weights, *chosen
        )
        model = replace(model, parameters=parameters)
        tau = rank_correlation(model, held)
        if tau > best.rank_correlation:
            best = Trained(model, tau)
    return best


def rank_correlation(model: Model, rows: Rows) -> float:
    """Kendall's tau of feasible rows, the mean over their networks; -1 where there is none."""
    taus = []
    for network in np.unique(rows.networks):
        part = rows.at(rows.networks == network)
        once = np.unique(part.points, axis=0, return_index=True)[1][:CHECKED]
        if len(once) > 1:
            predicted = model.values(part.points[once], part.contexts[once])
            taus.append(_kendall(predicted, part.values[once]))
    return float(np.mean(taus)) if taus else -1.0


def _kendall(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """Concordant less discordant pairs, over all pairs that `second` orders."""
    orders = [np.sign(each[:, None] - each[None, :]) for each in (first, second)]
    return float((orders[0] * orders[1]).sum() / max(1.0, np.abs(orders[1]).sum()))


def _held_out(rows: Rows, generator: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which rows are held out: of a design all or none, as it has the same value in many."""
    _, design = np.unique(rows.points, axis=0, return_inverse=True)
    is_held = generator.random(design.max() + 1) < HELD_OUT
    chosen: npt.NDArray[np.bool_] = is_held[design.reshape(-1)]
    return chosen if (~chosen & rows.feasible).any() else np.zeros(len(rows), dtype=np.bool_)


def _adversarial(
    model: Model, feasible: Rows, count: int, generator: np.random.Generator
) -> Examples:
    """Designs that the model thinks better than feasible ones near them."""
    chosen = generator.integers(0, len(feasible), count)
    contexts = feasible.contexts[chosen]
    points = climb(
        feasible.points[chosen],
        lambda points: model.values(points, contexts),
        np.array(model.radices),
        ROUNDS,
        generator,
    )
    return model.examples(points, contexts)
