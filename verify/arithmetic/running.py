"""Numbers that carry a bound on their own rounding error: running error analysis.

A number is a float64 value and a bound, for that value and for whatever code in a format computes
in its place, on the distance to the exact value. Every operation carries it on: what came in,
amplified as the operation amplifies it at worst within those distances, and the roundings of the
operation itself, which for a sum of n products are n - 1 and one for each product, of Σ|terms| in
whatever order it is added up (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd
ed., sections 3.1 and 3.3). Nothing is dropped as small, so the bound also holds where a value
rounds to zero, and is infinite where an error reaches the pole of a function.

Assumed are IEEE arithmetic with gradual underflow and no overflow, elementary functions that are
right to `FUNCTION_UNITS`, and comparisons that turn out as those of the values do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp

from verify.arithmetic.formats import FLOAT64, Format

Array = npt.NDArray[Any]

UNIT = FLOAT64.unit
"""Unit roundoff of float64."""

FUNCTION_UNITS = {"float64": 4, "float32": 8}
"""Unit roundoffs of an elementary function, relative to the value at both ends: one of a sum and
one of a quotient in 1/(1 + exp(-a)), and those of exp or tanh, for which libraries stay below one
ulp in float64 and, where vectors of float32 have polynomials of their own, below three."""

OUTWARD = 1 + 2.0**-30
"""Times a bound, for the roundings of the bound itself: those of an operation are far fewer."""

quiet = np.errstate(divide="ignore", over="ignore", invalid="ignore")
"""A bound may be infinite."""


@dataclass(frozen=True, eq=False)
class Bounded:
    """An array of values and, of the same shape, bounds on the errors of code in a format.

    The values themselves are float64 in any case.
    """

    value: Array
    error: Array
    format: Format = FLOAT64

    __array_ufunc__ = None  # so that NumPy leaves `array * bounded` to this class

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.ndim

    @property
    def exact(self) -> Array:
        """No exact value is larger."""
        return np.asarray(np.abs(self.value) + self.error)

    @property
    def most(self) -> Array:
        """No computed value is larger."""
        return np.asarray(np.abs(self.value) + 2 * self.error)

    @property
    def least(self) -> Array:
        """No computed value is smaller, where this is more than 0."""
        return np.asarray(np.maximum(np.abs(self.value) - 2 * self.error, 0))

    @quiet
    def __add__(self, other: Bounded | float) -> Bounded:
        """A sum: one rounding of the result."""
        other = _bounded(other, self.format)
        value, error = np.add(self.value, other.value), self.error + other.error
        rounded = self.format.unit * (np.abs(value) + 2 * error)
        return _outward(value, error + rounded, self.format)

    __radd__ = __add__

    @quiet
    def __mul__(self, other: Bounded | float) -> Bounded:
        """A product: one rounding, and none for a power of two."""
        if isinstance(other, float) and math.frexp(other)[0] in (0.5, -0.5):
            return Bounded(self.value * other, self.error * abs(other), self.format)
        other = _bounded(other, self.format)
        error = self.exact * other.error + self.error * (other.exact + other.error)
        rounded = _rounding(self.most * other.most, self.least * other.least, 1, self.format)
        return _outward(np.multiply(self.value, other.value), error + rounded, self.format)

    __rmul__ = __mul__

    @quiet
    def sum(self, axis: int) -> Bounded:
        """A sum over an axis, in any order."""
        roundings = _repeated(max(self.value.shape[axis] - 1, 0), self.format)
        error = self.error.sum(axis=axis) + roundings * self.most.sum(axis=axis)
        return _outward(self.value.sum(axis=axis), error, self.format)


class Running:
    """Arithmetic of `Bounded` arrays for the interpreter.

    Args:
        format: the floats of the code whose errors are bounded.
    """

    def __init__(self, *, format: Format = FLOAT64) -> None:  # noqa: A002
        """Choose what a rounding costs."""
        self.format = format
        self.functions: Mapping[str, Callable[[Bounded], Bounded]] = {
            name: self._function(*formulas) for name, formulas in FUNCTIONS.items()
        }

    def made(self, value: Array, error: Array) -> Bounded:
        """A number of this arithmetic."""
        return Bounded(value, error, self.format)

    def lift(self, values: Bounded | Array | float) -> Bounded:
        """Floats as they are, without error."""
        if isinstance(values, Bounded):
            return values
        return self.made(np.asarray(values, float), np.zeros(np.shape(values)))

    def stack(self, parts: Sequence[Bounded]) -> Bounded:
        """Arrays along a new first axis."""
        return self.made(np.stack([p.value for p in parts]), np.stack([p.error for p in parts]))

    def spread(self, value: Bounded, shape: tuple[int, ...]) -> Bounded:
        """The value repeated to that shape."""
        value = self.lift(value)
        return self.made(np.broadcast_to(value.value, shape), np.broadcast_to(value.error, shape))

    def number(self, value: sp.Expr) -> Bounded | float:
        """The nearest number of the format, with its error where it is not exact."""
        nearest = float(self.format.dtype.type(float(value)))
        if sp.Rational(nearest) == value:
            return nearest
        return self.made(np.asarray(nearest), np.asarray(self.format.unit * abs(nearest)))

    @quiet
    def einsum(self, signature: str, *operands: Bounded) -> Bounded:
        """A contraction: what came in through each operand, and the roundings of the sums."""
        terms = [self.lift(operand) for operand in operands]
        count = _terms(signature, terms)
        exact, most = [t.exact for t in terms], [t.most for t in terms]
        # Π(|x|+e) - Π|x| without its cancellation, as a telescoping sum.
        error = sum(
            np.einsum(signature, *most[:k], terms[k].error, *exact[k + 1 :])
            for k in range(len(terms))
        )
        roundings = _repeated(len(terms) - 1 + count - 1, self.format)
        error = error + roundings * np.einsum(signature, *most)
        if len(terms) > 1 and math.prod(map(_smallest, terms)) < self.format.normal:
            # What a product of two lost below the normal range, the others multiply.
            others = math.prod(float(np.max(m, initial=1)) for m in most) if len(terms) > 2 else 1
            error = error + count * (len(terms) - 1) * others * self.format.smallest
        return _outward(np.einsum(signature, *(t.value for t in terms)), error, self.format)

    @quiet
    def reciprocal(self, value: Bounded | float) -> Bounded:
        """1/value, of which nothing is known where the error reaches the value."""
        value = self.lift(value)
        nearest = np.maximum(np.abs(value.value) - value.error, 0)
        error = _times(1 / (nearest * value.least), value.error)
        rounded = _rounding(1 / value.least, 1 / value.most, 1, self.format)
        return _outward(1 / value.value, error + rounded, self.format)

    def _function(
        self, of: Callable[[Array], Array], steepest: Callable[[Array, Array], Array]
    ) -> Callable[[Bounded], Bounded]:
        """A function by its values and its largest slope within a distance of an argument."""

        @quiet
        def apply(argument: Bounded) -> Bounded:
            value = of(argument.value)
            error = _times(steepest(argument.value, 2 * argument.error), argument.error)
            units = FUNCTION_UNITS[self.format.name]
            least = np.maximum(np.abs(value) - 2 * error, 0)
            rounded = _rounding(np.abs(value) + 2 * error, least, units, self.format)
            return _outward(value, error + rounded, self.format)

        return apply

    def compare(self, relation: str, left: Bounded | float, right: Bounded | float) -> Array:
        """A comparison of the values."""
        a, b = self.lift(left).value, self.lift(right).value
        compared: Array = {
            ">": np.greater,
            ">=": np.greater_equal,
            "<": np.less,
            "<=": np.less_equal,
        }[relation](a, b)
        return compared

    def where(self, condition: Array, first: Bounded | float, second: Bounded | float) -> Bounded:
        """Componentwise choice."""
        a, b = self.lift(first), self.lift(second)
        value = np.where(condition, a.value, b.value)
        return self.made(value, np.where(condition, a.error, b.error))

    def largest(self, value: Bounded, axes: tuple[int, ...]) -> Bounded:
        """The maximum over these axes."""
        return self.made(value.value.max(axis=axes), value.error.max(axis=axes))

    def ones(self, *shape: int) -> Bounded:
        """An array of ones."""
        return self.lift(np.ones(shape))

    def identity(self, n: int) -> Bounded:
        """The identity matrix."""
        return self.lift(np.eye(n))


def _sigmoid(a: Array) -> Array:
    t = np.exp(-np.abs(a))
    return np.asarray(np.where(a >= 0, 1, t) / (1 + t))


def _sigmoid_slope(a: Array) -> Array:
    return _sigmoid(a) * _sigmoid(-a)


def _near(a: Array, distance: Array) -> Array:
    """The number nearest to zero within a distance."""
    return np.asarray(np.maximum(np.abs(a) - distance, 0))


FUNCTIONS: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]] = {
    "sigmoid": (_sigmoid, lambda a, d: _sigmoid_slope(_near(a, d))),
    "tanh": (np.tanh, lambda a, d: 4 * _sigmoid_slope(2 * _near(a, d))),
    "exp": (np.exp, lambda a, d: np.exp(a + d)),
    "log": (np.log, lambda a, d: 1 / _near(a, d)),
    "sqrt": (np.sqrt, lambda a, d: 0.5 / np.sqrt(_near(a, d))),
}
"""Each function, and its largest slope within a distance of an argument."""


def _times(slope: Array, error: Array) -> Array:
    """What an error becomes; no error stays none, even at a pole."""
    return np.asarray(np.where(error == 0, 0.0, slope * error))


def _rounding(most: Array, least: Array, count: int, of: Format) -> Array:
    """Roundings of results of such sizes; below the normal range their error is absolute."""
    below = (most > 0) & (least < of.normal)
    return count * (of.unit * most + np.where(below, of.smallest, 0.0))


def _repeated(count: int, of: Format) -> float:
    """What so many roundings, one after the other, can make of a term."""
    return count * of.unit / (1 - count * of.unit) if count * of.unit < 1 else math.inf


def _smallest(number: Bounded) -> float:
    """No component that is not zero for certain is computed as a smaller number."""
    return float(np.min(number.least[number.most > 0], initial=np.inf))


def _outward(value: Array, error: Array, of: Format) -> Bounded:
    """A bound that holds although it was rounded; infinite where nothing is known."""
    return Bounded(value, np.nan_to_num(error * OUTWARD, nan=np.inf, posinf=np.inf), of)


def _bounded(value: Bounded | Array | float, of: Format) -> Bounded:
    if isinstance(value, Bounded):
        return value
    return Bounded(np.asarray(value, float), np.zeros(np.shape(value)), of)


def _terms(signature: str, operands: Sequence[Bounded]) -> int:
    """How many terms a contraction adds up for each component of its result."""
    inputs, output = signature.split("->")
    lengths = {
        letter: n
        for letters, operand in zip(inputs.split(","), operands, strict=True)
        for letter, n in zip(letters, operand.value.shape, strict=True)
    }
    return math.prod(n for letter, n in lengths.items() if letter not in output)
