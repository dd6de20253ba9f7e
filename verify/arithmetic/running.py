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

Array = npt.NDArray[Any]

UNIT = 2.0**-53
"""Unit roundoff of float64: half of the distance from 1 to the next number."""

FUNCTION_UNITS = 4
"""Unit roundoffs of an elementary function: two of exp or tanh (libraries stay below one ulp),
one of a sum and one of a quotient in 1/(1 + exp(-a)), relative to the value at both ends."""


@dataclass(frozen=True, eq=False)
class Bounded:
    """An array of values and, of the same shape, bounds on their errors."""

    value: Array
    error: Array

    __array_ufunc__ = None  # so that NumPy leaves `array * bounded` to this class

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.ndim

    def __add__(self, other: Bounded | float) -> Bounded:
        """A sum: one rounding of the result."""
        other = _bounded(other)
        value = np.add(self.value, other.value)
        return Bounded(value, self.error + other.error + UNIT * np.abs(value))

    __radd__ = __add__

    def __mul__(self, other: Bounded | float) -> Bounded:
        """A product: one rounding, and none for a power of two."""
        if isinstance(other, float) and math.frexp(other)[0] in (0.5, -0.5):
            return Bounded(self.value * other, self.error * abs(other))
        other = _bounded(other)
        value = np.multiply(self.value, other.value)
        error = self.error * np.abs(other.value)
        error = error + (np.abs(self.value) + self.error) * other.error
        return Bounded(value, error + UNIT * np.abs(value))

    __rmul__ = __mul__

    def sum(self, axis: int) -> Bounded:
        """A sum over an axis, in any order."""
        terms = np.abs(self.value).sum(axis=axis)
        roundings = max(self.value.shape[axis] - 1, 0)
        return Bounded(
            self.value.sum(axis=axis), self.error.sum(axis=axis) + roundings * UNIT * terms
        )


class Running:
    """Arithmetic of `Bounded` arrays for the interpreter.

    Args:
        counted: whether a sum of n terms counts n roundings of Σ|terms| (a bound, for any order
            of summation) or one (the condition of the sum itself: how much larger the terms are
            than what they add up to).
    """

    def __init__(self, *, counted: bool = True) -> None:
        """Choose what a sum costs."""
        self.counted = counted
        self.functions: Mapping[str, Callable[[Bounded], Bounded]] = {
            "sigmoid": lambda a: _function(a, _sigmoid(a.value), _sigmoid_slope(a.value), 1),
            "tanh": lambda a: _function(a, np.tanh(a.value), 4 * _sigmoid_slope(2 * a.value), 2),
            "exp": lambda a: _function(a, np.exp(a.value), np.exp(a.value), 1),
            "log": lambda a: _function(a, np.log(a.value), 1 / a.value, 0),
            "sqrt": lambda a: _function(a, np.sqrt(a.value), 0.5 / np.sqrt(a.value), 0),
        }

    def lift(self, values: Array) -> Bounded:
        """Floats as they are, without error."""
        return Bounded(np.asarray(values, float), np.zeros(np.shape(values)))

    def stack(self, parts: Sequence[Bounded]) -> Bounded:
        """Arrays along a new first axis."""
        return Bounded(np.stack([p.value for p in parts]), np.stack([p.error for p in parts]))

    def spread(self, value: Bounded, shape: tuple[int, ...]) -> Bounded:
        """The value repeated to that shape."""
        value = _bounded(value)
        return Bounded(np.broadcast_to(value.value, shape), np.broadcast_to(value.error, shape))

    def number(self, value: sp.Expr) -> Bounded | float:
        """The nearest float, with its error where it is not exact."""
        nearest = float(value)
        if sp.Rational(nearest) == value:
            return nearest
        return Bounded(np.asarray(nearest), np.asarray(UNIT * abs(nearest)))

    def einsum(self, signature: str, *operands: Bounded) -> Bounded:
        """A contraction: what came in through each operand, and the roundings of the sums."""
        terms = [_bounded(operand) for operand in operands]
        value = np.einsum(signature, *(t.value for t in terms))
        sizes = [np.abs(t.value) for t in terms]
        reach = [size + t.error for size, t in zip(sizes, terms, strict=True)]
        # Π(|v|+e) - Π|v| without its cancellation, as a telescoping sum.
        error = sum(
            np.einsum(signature, *reach[:k], terms[k].error, *sizes[k + 1 :])
            for k in range(len(terms))
        )
        roundings = len(terms) - 1 + (_terms(signature, terms) - 1 if self.counted else 1)
        return Bounded(value, error + roundings * UNIT * np.einsum(signature, *reach))

    def reciprocal(self, value: Bounded | float) -> Bounded:
        """1/value."""
        value = _bounded(value)
        size = np.abs(value.value)
        room = np.maximum(size - value.error, np.finfo(float).tiny)
        return Bounded(1 / value.value, value.error / (size * room) + UNIT / size)

    def compare(self, relation: str, left: Bounded | float, right: Bounded | float) -> Array:
        """A comparison of the values."""
        a, b = _bounded(left).value, _bounded(right).value
        compared: Array = {
            ">": np.greater,
            ">=": np.greater_equal,
            "<": np.less,
            "<=": np.less_equal,
        }[relation](a, b)
        return compared

    def where(self, condition: Array, first: Bounded | float, second: Bounded | float) -> Bounded:
        """Componentwise choice."""
        a, b = _bounded(first), _bounded(second)
        return Bounded(np.where(condition, a.value, b.value), np.where(condition, a.error, b.error))

    def largest(self, value: Bounded, axes: tuple[int, ...]) -> Bounded:
        """The maximum over these axes."""
        return Bounded(value.value.max(axis=axes), value.error.max(axis=axes))

    def ones(self, *shape: int) -> Bounded:
        """An array of ones."""
        return self.lift(np.ones(shape))

    def identity(self, n: int) -> Bounded:
        """The identity matrix."""
        return self.lift(np.eye(n))


def _function(argument: Bounded, value: Array, slope: Array, growth: int) -> Bounded:
    """A function whose slope grows by a factor of at most exp(growth · distance) nearby."""
    passed = np.abs(slope) * argument.error * np.exp(growth * np.minimum(argument.error, 1))
    return Bounded(value, passed + FUNCTION_UNITS * UNIT * np.abs(value))


def _sigmoid(a: Array) -> Array:
    t = np.exp(-np.abs(a))
    return np.asarray(np.where(a >= 0, 1, t) / (1 + t))


def _sigmoid_slope(a: Array) -> Array:
    return _sigmoid(a) * _sigmoid(-a)


def _bounded(value: Bounded | float) -> Bounded:
    if isinstance(value, Bounded):
        return value
    return Bounded(np.asarray(value, float), np.zeros(np.shape(value)))


def _terms(signature: str, operands: Sequence[Bounded]) -> int:
    """How many terms a contraction adds up for each component of its result."""
    inputs, output = signature.split("->")
    lengths = {
        letter: n
        for letters, operand in zip(inputs.split(","), operands, strict=True)
        for letter, n in zip(letters, operand.value.shape, strict=True)
    }
    return math.prod(n for letter, n in lengths.items() if letter not in output)
