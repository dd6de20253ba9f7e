"""Numbers that carry a bound on their own rounding error: running error analysis.

A number is a float64 value and a bound on |value - exact value| that every operation carries on:
what came in, amplified as the operation amplifies it, and the roundings of the operation itself,
which for a sum of n products is n unit roundoffs of Σ|terms| in whatever order it is added up
(N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 3.1 and 3.3).
Products of two errors are kept, so that the bound also holds where a value rounds to zero.
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

FARTHEST = 300.0
"""The largest error of an argument for which the growth of a slope is followed."""


@dataclass(frozen=True, eq=False)
class Bounded:
    """An array of values and, of the same shape, bounds on the errors of code in a format.

    The values themselves are float64 in any case: what bounds are made of need not be exact.
    """

    value: Array
    error: Array
    format: Format = FLOAT64

    __array_ufunc__ = None  # so that NumPy leaves `array * bounded` to this class

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.ndim

    def __add__(self, other: Bounded | float) -> Bounded:
        """A sum: one rounding of the result."""
        other = _bounded(other, self.format)
        value = np.add(self.value, other.value)
        error = self.error + other.error + self.format.unit * np.abs(value)
        return Bounded(value, error, self.format)

    __radd__ = __add__

    def __mul__(self, other: Bounded | float) -> Bounded:
        """A product: one rounding, and none for a power of two."""
        if isinstance(other, float) and math.frexp(other)[0] in (0.5, -0.5):
            return Bounded(self.value * other, self.error * abs(other), self.format)
        other = _bounded(other, self.format)
        value = np.multiply(self.value, other.value)
        error = self.error * np.abs(other.value)
        error = error + (np.abs(self.value) + self.error) * other.error
        live = (self.value != 0) & (other.value != 0)
        return Bounded(value, error + _rounding(value, live, 1, self.format), self.format)

    __rmul__ = __mul__

    def sum(self, axis: int) -> Bounded:
        """A sum over an axis, in any order."""
        terms = np.abs(self.value).sum(axis=axis)
        roundings = max(self.value.shape[axis] - 1, 0) * self.format.unit
        error = self.error.sum(axis=axis) + roundings * terms
        return Bounded(self.value.sum(axis=axis), error, self.format)


class Running:
    """Arithmetic of `Bounded` arrays for the interpreter.

    Args:
        counted: whether a sum of n terms counts n roundings of Σ|terms| (a bound, for any order
            of summation) or one (the condition of the sum itself: how much larger the terms are
            than what they add up to).
        format: the floats of the code whose errors are bounded.
    """

    def __init__(self, *, counted: bool = True, format: Format = FLOAT64) -> None:  # noqa: A002
        """Choose what a sum costs, and a rounding."""
        self.counted = counted
        self.format = format
        self.functions: Mapping[str, Callable[[Bounded], Bounded]] = {
            "sigmoid": lambda a: _function(a, _sigmoid(a.value), _sigmoid_slope(a.value), 1),
            "tanh": lambda a: _function(a, np.tanh(a.value), 4 * _sigmoid_slope(2 * a.value), 2),
            "exp": lambda a: _function(a, np.exp(a.value), np.exp(a.value), 1),
            "log": lambda a: _function(a, np.log(a.value), 1 / a.value, 0),
            "sqrt": lambda a: _function(a, np.sqrt(a.value), 0.5 / np.sqrt(a.value), 0),
        }

    def lift(self, values: Array) -> Bounded:
        """Floats as they are, without error."""
        return _bounded(values, self.format)

    def stack(self, parts: Sequence[Bounded]) -> Bounded:
        """Arrays along a new first axis."""
        values, errors = [p.value for p in parts], [p.error for p in parts]
        return Bounded(np.stack(values), np.stack(errors), self.format)

    def spread(self, value: Bounded, shape: tuple[int, ...]) -> Bounded:
        """The value repeated to that shape."""
        value = _bounded(value, self.format)
        return Bounded(
            np.broadcast_to(value.value, shape), np.broadcast_to(value.error, shape), self.format
        )

    def number(self, value: sp.Expr) -> Bounded | float:
        """The nearest number of the format, with its error where it is not exact."""
        nearest = float(self.format.dtype.type(float(value)))
        if sp.Rational(nearest) == value:
            return nearest
        error = np.asarray(self.format.unit * abs(nearest))
        return Bounded(np.asarray(nearest), error, self.format)

    def einsum(self, signature: str, *operands: Bounded) -> Bounded:
        """A contraction: what came in through each operand, and the roundings of the sums."""
        terms = [_bounded(operand, self.format) for operand in operands]
        value = np.einsum(signature, *(t.value for t in terms))
        sizes = [np.abs(t.value) for t in terms]
        reach = [size + t.error for size, t in zip(sizes, terms, strict=True)]
        # Π(|v|+e) - Π|v| without its cancellation, as a telescoping sum.
        error = sum(
            np.einsum(signature, *reach[:k], terms[k].error, *sizes[k + 1 :])
            for k in range(len(terms))
        )
        roundings = len(terms) - 1 + (_terms(signature, terms) - 1 if self.counted else 1)
        error = error + roundings * self.format.unit * np.einsum(signature, *reach)
        if len(terms) > 1 and math.prod(map(_least, sizes)) < self.format.normal:
            products = _terms(signature, terms) * (len(terms) - 1)
            error = error + products * self.format.smallest
        return Bounded(value, error, self.format)

    def reciprocal(self, value: Bounded | float) -> Bounded:
        """1/value."""
        value = _bounded(value, self.format)
        size = np.abs(value.value)
        room = np.maximum(size - value.error, FLOAT64.normal)
        error = value.error / (size * room) + _rounding(1 / size, size != 0, 1, self.format)
        return Bounded(1 / value.value, error, self.format)

    def compare(self, relation: str, left: Bounded | float, right: Bounded | float) -> Array:
        """A comparison of the values."""
        a, b = _bounded(left, self.format).value, _bounded(right, self.format).value
        compared: Array = {
            ">": np.greater,
            ">=": np.greater_equal,
            "<": np.less,
            "<=": np.less_equal,
        }[relation](a, b)
        return compared

    def where(self, condition: Array, first: Bounded | float, second: Bounded | float) -> Bounded:
        """Componentwise choice."""
        a, b = _bounded(first, self.format), _bounded(second, self.format)
        value = np.where(condition, a.value, b.value)
        return Bounded(value, np.where(condition, a.error, b.error), self.format)

    def largest(self, value: Bounded, axes: tuple[int, ...]) -> Bounded:
        """The maximum over these axes."""
        return Bounded(value.value.max(axis=axes), value.error.max(axis=axes), self.format)

    def ones(self, *shape: int) -> Bounded:
        """An array of ones."""
        return self.lift(np.ones(shape))

    def identity(self, n: int) -> Bounded:
        """The identity matrix."""
        return self.lift(np.eye(n))


def _function(argument: Bounded, value: Array, slope: Array, growth: int) -> Bounded:
    """A function whose slope grows by a factor of at most exp(growth · distance) nearby."""
    far = np.exp(growth * np.minimum(argument.error, FARTHEST))
    units = FUNCTION_UNITS[argument.format.name]
    rounded = _rounding(value, np.True_, units, argument.format)
    return Bounded(value, np.abs(slope) * argument.error * far + rounded, argument.format)


def _rounding(value: Array, live: Array | np.bool_, count: int, of: Format) -> Array:
    """Roundings of a result; below the normal range their error is absolute.

    Args:
        value: the result.
        live: where it is not exact, as a product with zero is.
        count: how many roundings.
        of: the format.
    """
    size = np.abs(value)
    return count * (of.unit * size + np.where(live & (size < of.normal), of.smallest, 0.0))


def _least(sizes: Array) -> float:
    """The smallest number that is not zero."""
    return float(np.min(sizes[sizes > 0], initial=np.inf))


def _sigmoid(a: Array) -> Array:
    t = np.exp(-np.abs(a))
    return np.asarray(np.where(a >= 0, 1, t) / (1 + t))


def _sigmoid_slope(a: Array) -> Array:
    return _sigmoid(a) * _sigmoid(-a)


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
