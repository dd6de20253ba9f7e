"""Is the gradient at the trained point right?

The loss of a window of text is a function of one real number along any direction, and that
function is asked two questions that need the loss alone: what is its slope (central differences),
and does the loss leave the tangent quadratically (Taylor remainder)? A right gradient answers both.
This covers the whole model as it was trained: the cell, the head and what joins them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from equations.generated import softmax_cross_entropy as head
from examples.charlm.model import Batch, CharacterModel, Gradients
from examples.charlm.text import Corpus
from examples.charlm.train import Settings, TrainingState, character_model, read_batch
from examples.charlm.trees import Array, leaves, map_leaves, paths, rebuild

# The lengths of the steps along a direction of length 1, each half of the one before.
LONGEST_STEP = 0.5
HALVINGS = 9
# The loss is a mean of a few hundred terms of its own size; this many roundings cover its error.
ROUNDINGS = 32
# The extrapolation's own estimate of its error is not a bound; ten times it was in every trial.
SAFETY = 10
# A difference quotient that is known no better than this, relative to its scale, decides nothing.
COARSEST = 1e-5
# A wrong gradient leaves the tangent linearly, order 1; a right one with order 2 or more.
LEAST_ORDER = 1.9


class Verdict(StrEnum):
    """What the loss says about a derivative."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    UNDECIDED = "cannot decide here"


@dataclass(frozen=True, eq=False)
class TrainedPoint:
    """Where a gradient is checked: the arguments of `model.loss_and_gradients`, in float64.

    Attributes:
        model: The model.
        params: The trained parameters of the cell.
        hparams: The trained parameters of the head.
        batch: The window of text that training would read next, or a part of it.
        state: The recurrent state that training has there.
    """

    model: CharacterModel
    params: NamedTuple
    hparams: head.Params
    batch: Batch
    state: NamedTuple

    @property
    def arguments(self) -> Gradients:
        """The arguments in the form of their gradients."""
        return Gradients(self.params, self.hparams, self.batch.inputs, self.state)

    def loss(self, arguments: Gradients) -> float:
        """The loss in nats with other values of the arguments."""
        batch = self.batch._replace(inputs=arguments.inputs)
        return self.model.loss(arguments.params, arguments.hparams, batch, arguments.state)

    def gradients(self) -> Gradients:
        """The gradient that training would use here."""
        step = self.model.loss_and_gradients(self.params, self.hparams, self.batch, self.state)
        return step.gradients


def trained_point(
    settings: Settings, corpus: Corpus, state: TrainingState, *, steps: int = 8, streams: int = 4
) -> TrainedPoint:
    """The point that training has reached, for anything that verifies gradients.

    Args:
        settings: The settings of the run.
        corpus: Its text.
        state: Its state.
        steps: How many steps of the next window to take.
        streams: How many streams of it.
    """
    batch = read_batch(settings, corpus, state.position)
    window = np.s_[:steps, :streams]
    return TrainedPoint(
        model=character_model(settings, corpus),
        params=map_leaves(double, state.weights.params),
        hparams=map_leaves(double, state.weights.hparams),
        batch=Batch(inputs=double(batch.inputs[window]), targets=double(batch.targets[window])),
        state=map_leaves(lambda rows: double(rows[:streams]), state.recurrent),
    )


def double(array: Array) -> Array:
    """An array in float64; every float32 is one exactly."""
    return array.astype(np.float64)


@dataclass(frozen=True)
class DirectionCheck:
    """What the loss along one direction says about the gradient.

    Attributes:
        name: The argument that the direction changes, or "everything".
        derivative: The slope along the direction according to the gradient.
        scale: What size the derivative would have if the signs of its terms were drawn. Terms may
            cancel by chance; an error in them does not become harder to see by that.
        quotient: The slope according to central differences, extrapolated.
        uncertainty: How far the quotient can be from the truth.
        order: The order of the Taylor remainder; NaN where rounding hides the remainder.
    """

    name: str
    derivative: float
    scale: float
    quotient: float
    uncertainty: float
    order: float

    @property
    def verdict(self) -> Verdict:
        """Agreement takes both answers; the quotient, which is far sharper, can deny alone."""
        # Written so that a NaN never agrees.
        if not abs(self.quotient - self.derivative) <= self.uncertainty:
            return Verdict.DISAGREES
        sharp = self.uncertainty <= COARSEST * self.scale
        return Verdict.AGREES if sharp and self.order >= LEAST_ORDER else Verdict.UNDECIDED


def check_gradients(
    point: TrainedPoint, gradients: Gradients, rng: np.random.Generator
) -> tuple[DirectionCheck, ...]:
    """Check a gradient in a random direction of each argument, and of all of them together."""
    return tuple(
        check_direction(point, gradients, name, direction)
        for name, direction in directions(point.arguments, rng)
    )


def directions(arguments: Gradients, rng: np.random.Generator) -> Iterator[tuple[str, Gradients]]:
    """A random direction of length 1 in each argument, then one in all of them."""
    everything = map_leaves(lambda array: rng.standard_normal(array.shape), arguments)
    for name in paths(arguments):
        alone = (
            drawn if name == other else np.zeros_like(drawn)
            for other, drawn in zip(paths(arguments), leaves(everything), strict=True)
        )
        yield name, unit(rebuild(arguments, alone))
    yield "everything", unit(everything)


def unit(direction: Gradients) -> Gradients:
    """A direction with its length made 1."""
    length = math.sqrt(inner(direction, direction))
    return map_leaves(lambda array: array / length, direction)


def inner(left: Gradients, right: Gradients) -> float:
    """The inner product over all arrays."""
    pairs = zip(leaves(left), leaves(right), strict=True)
    return math.fsum(float(np.vdot(a, b)) for a, b in pairs)


def check_direction(
    point: TrainedPoint, gradients: Gradients, name: str, direction: Gradients
) -> DirectionCheck:
    """Compare the slope that a gradient claims with the loss along a direction."""

    def loss(step: float) -> float:
        return point.loss(map_leaves(lambda a, d: a + step * d, point.arguments, direction))

    steps = [LONGEST_STEP / 2**halving for halving in range(HALVINGS)]
    ahead = [loss(step) for step in steps]
    behind = [loss(-step) for step in steps]
    here = loss(0)
    derivative = inner(gradients, direction)
    terms = map_leaves(np.multiply, gradients, direction)
    scale = math.sqrt(inner(terms, terms))
    rounding = ROUNDINGS * float(np.finfo(np.float64).eps) * abs(here)
    quotient, uncertainty = slope(steps, ahead, behind, rounding)
    remainders = [
        abs(value - here - step * derivative) for step, value in zip(steps, ahead, strict=True)
    ]
    order = remainder_order(remainders, rounding)
    return DirectionCheck(name, derivative, scale, quotient, uncertainty, order)


def slope(
    steps: list[float], ahead: list[float], behind: list[float], rounding: float
) -> tuple[float, float]:
    """The slope at zero and its uncertainty, by extrapolated central differences.

    The error of a central difference is a series in the square of the step, and every halving
    takes one more of its terms away. Where the entries of the resulting table differ least is
    where truncation and rounding balance.

    Source: C. J. F. Ridders, Accurate computation of F'(x) and F'(x)F''(x), Advances in Engineering
    Software 4, 1982.
    """
    best = math.nan, math.inf
    row: list[float] = []
    for step, plus, minus in zip(steps, ahead, behind, strict=True):
        above, row = row, [(plus - minus) / (2 * step)]
        for column, previous in enumerate(above, start=1):
            row.append(row[-1] + (row[-1] - previous) / (4**column - 1))
            error = max(abs(row[-1] - row[-2]), abs(row[-1] - previous))
            uncertainty = SAFETY * error + rounding / step
            if uncertainty < best[1]:
                best = row[-1], uncertainty
    return best


def remainder_order(remainders: list[float], rounding: float) -> float:
    """The order at which a remainder vanishes, at the shortest steps that are not just rounding.

    Args:
        remainders: |loss(step) - loss(0) - step * slope| for steps each half of the one before.
        rounding: The error of a remainder. One of a hundred times that still gives an order to
            about 0.03.
    """
    orders = [
        math.log2(longer / shorter)
        for longer, shorter in pairwise(remainders)
        if shorter > 100 * rounding
    ]
    return orders[-1] if orders else math.nan
