"""Numbers that carry a bound on their rounding errors, whatever the order of their sums.

Running a computation on object arrays of these gives, beside each value, how far any evaluation of
the same equations in float64 can be from the true value: BLAS may reorder sums and fuse products.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
Number = Any  # one of these, or a float

UNIT = 2.0**-53
"""The largest relative error of one rounding in float64."""

FUNCTION = 8 * UNIT
"""Four ulps: of a library's tanh, and of σ made of an exp, a sum and a quotient."""


@dataclass(frozen=True)
class Rounded:
    """A sum of terms.

    Attributes:
        value: in float64.
        inherited: the errors that the terms bring with them.
        terms: how many there are.
        mass: the sum of their absolute values. Every partial sum, in every order, is below it.
    """

    value: float
    inherited: float
    terms: int
    mass: float

    @property
    def error(self) -> float:
        """The terms' own errors, and a rounding of at most the mass for every addition."""
        return self.inherited + (self.terms - 1) * UNIT * self.mass

    def __add__(self, other: Number) -> Rounded:
        """A longer sum."""
        more = number(other)
        return Rounded(
            self.value + more.value,
            self.inherited + more.inherited,
            self.terms + more.terms,
            self.mass + more.mass,
        )

    def __mul__(self, other: Number) -> Rounded:
        """A product: the error of each factor times the other factor, and one rounding."""
        by = number(other)
        value = self.value * by.value
        passed = abs(self.value) * by.error + abs(by.value) * self.error + self.error * by.error
        return term(value, passed + UNIT * abs(value))

    def __neg__(self) -> Rounded:
        """Exact."""
        return Rounded(-self.value, self.inherited, self.terms, self.mass)

    def __sub__(self, other: Number) -> Rounded:
        """A sum with a term of the other sign."""
        return self + -number(other)

    def __rsub__(self, other: Number) -> Rounded:
        """The same from the other side."""
        return number(other) + -self

    __radd__ = __add__
    __rmul__ = __mul__

    @property
    def least(self) -> float:
        """The smallest size that the true value can have; the slopes below are largest there."""
        return max(abs(self.value) - self.error, 0.0)

    def tanh(self) -> Rounded:
        """The slope of tanh is 1 - tanh². `np.tanh` of an object array calls this."""
        value, slope = math.tanh(self.value), 1 - math.tanh(self.least) ** 2
        return term(value, slope * self.error + FUNCTION * abs(value))

    def sigmoid(self) -> Rounded:
        """The slope of σ is σ (1 - σ)."""
        value, least = logistic(self.value), logistic(self.least)
        return term(value, least * (1 - least) * self.error + FUNCTION * value)


def logistic(a: float) -> float:
    """The logistic function."""
    return 1 / (1 + math.exp(-a))


def term(value: float, error: float = 0.0) -> Rounded:
    """A number that is no sum; exact unless told otherwise."""
    return Rounded(value, error, 1, abs(value))


def number(value: Number) -> Rounded:
    """The number itself, or an exact one."""
    return value if isinstance(value, Rounded) else term(float(value))


def rounded(array: Array) -> Array:
    """Exact numbers, as an object array."""
    made = np.empty(np.shape(array), dtype=object)
    for index, value in np.ndenumerate(np.asarray(array)):
        made[index] = term(float(value))
    return made


def values(array: Array) -> Array:
    """The values of an object array."""
    return np.vectorize(lambda item: number(item).value, otypes=[float])(array)


def errors(array: Array) -> Array:
    """The bounds of an object array."""
    return np.vectorize(lambda item: number(item).error, otypes=[float])(array)
