"""The one verdict function, and what rounding may do to what it judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from verify.arithmetic.formats import FORMATS
from verify.arithmetic.precise import Precise
from verify.arithmetic.running import UNIT, Running
from verify.evidence.bounds import BOUNDS
from verify.evidence.case import Array, Case
from verify.evidence.derived import Function, compute, programs_of, with_companions

EPS = 2 * UNIT
"""The distance from 1 to the next float64."""


RUNNING_IN = {name: Running(format=each) for name, each in FORMATS.items()}
RUNNING = RUNNING_IN["float64"]
CONDITION = Running(counted=False)
TRUE = Precise(50)
"""50 digits: twice over what the cancellations of the cases can take away from float64's 16."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What was got and what was expected, with the errors that both are allowed.

    Attributes:
        quantity: what is compared, such as `step_vjp.W_u`.
        got: from the subject.
        expected: from the reference, or the other side of a law.
        own: a bound on the error of `expected`.
        allowed: a bound on what rounding does to `got`.
        note: what else a reader should know.
        scale: the largest value of the function, beside which an exact zero is told from noise.
    """

    quantity: str
    got: Array
    expected: Array
    own: Array
    allowed: Array
    note: str = ""
    scale: float = 0.0


@dataclass(frozen=True, eq=False)
class Verdict:
    """Elementwise: decided at all, and agreeing; `ratio` is the error in units of the bound."""

    decided: npt.NDArray[np.bool_]
    agrees: npt.NDArray[np.bool_]
    ratio: Array

    @property
    def disagrees(self) -> bool:
        """Whether any decided element is wrong."""
        return bool(np.any(self.decided & ~self.agrees))


def judge(comparison: Comparison, strictness: float = 1.0) -> Verdict:
    """The verdict for every element of a comparison.

    An element is decided where the reference's own error is small relative to the true value, and
    then agrees if the difference is within that error and the rounding allowed to the subject. A
    NaN, an infinity or another shape never agrees.

    Args:
        comparison: what to compare.
        strictness: a factor on both bounds; 2 asks for a difference that is beyond doubt.
    """
    expected, own = comparison.expected, comparison.own
    if np.shape(comparison.got) != np.shape(expected):
        nothing = np.zeros(np.shape(expected), bool)
        return Verdict(~nothing, nothing, np.full(np.shape(expected), np.inf))
    size = np.abs(expected)
    largest = np.max(size, initial=0.0)
    decided = (own <= BOUNDS["small"].value * size) | (own <= BOUNDS["zero"].value * largest)
    # Where a kink switches a whole array off there is nothing in it to compare a zero with.
    zero = (expected == 0) & (own <= BOUNDS["zero"].value * comparison.scale)
    decided = np.asarray(decided | zero)
    bound = strictness * (own + comparison.allowed)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        difference = np.abs(comparison.got - expected)
        ratio = np.where(difference == 0, 0.0, difference / bound)
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    return Verdict(np.asarray(decided), np.asarray(ratio <= 1), ratio)


@lru_cache(maxsize=512)
def largest(case: Case, function: Function) -> float:
    """The size of the largest value of a function, whichever elements a route is asked about."""
    values = compute(function, programs_of(case.cell), case, RUNNING)
    sizes = [np.max(np.abs(value.value), initial=0.0) for value in values.values()]
    return float(max(sizes, default=0.0))


@lru_cache(maxsize=512)
def rounding(case: Case, function: Function) -> Mapping[str, Array]:
    """How far rounding can lead code that computes the derived equations away, by field."""
    values = compute(function, programs_of(case.cell), case, RUNNING_IN[case.dtype.name])
    return {name: BOUNDS["code"].value * value.error for name, value in values.items()}


@lru_cache(maxsize=512)
def careful_rounding(case: Case, function: Function) -> Mapping[str, Array]:
    """The same for a reference in float64 that keeps its digits at the ends of the gates."""
    values = compute(function, with_companions(programs_of(case.cell)), case, RUNNING)
    return {name: BOUNDS["reference"].value * value.error for name, value in values.items()}
