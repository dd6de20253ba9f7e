"""The one verdict function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from verify.arithmetic.precise import Precise
from verify.arithmetic.running import UNIT
from verify.evidence.bounds import BOUNDS
from verify.evidence.case import Array

EPS = 2 * UNIT
"""The distance from 1 to the next float64."""

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
