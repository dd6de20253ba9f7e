"""Dual numbers: a value and its derivative, carried along together, over any arithmetic.

The rules are the textbook's, (u v)' = u' v + u v' and one for each function. Over an arithmetic of
dual numbers they give second derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from verify.interpret import Arithmetic

Array = Any


@dataclass(frozen=True, eq=False)
class Dual:
    """A value and its slope, two arrays of the arithmetic below."""

    value: Array
    slope: Array

    __array_ufunc__ = None  # so that NumPy leaves `array * dual` to this class

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return int(getattr(self.value, "ndim", 0))

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return tuple(self.value.shape)

    def __add__(self, other: Array) -> Dual:
        """(u + v)' = u' + v'."""
        if isinstance(other, Dual):
            return Dual(self.value + other.value, self.slope + other.slope)
        return Dual(self.value + other, self.slope + other * 0)

    __radd__ = __add__

    def __mul__(self, other: Array) -> Dual:
        """(u v)' = u' v + u v'."""
        if isinstance(other, Dual):
            slope = self.slope * other.value + self.value * other.slope
            return Dual(self.value * other.value, slope)
        return Dual(self.value * other, self.slope * other)

    __rmul__ = __mul__

    def sum(self, axis: int) -> Dual:
        """A sum over an axis."""
        return Dual(self.value.sum(axis=axis), self.slope.sum(axis=axis))

    def reshape(self, shape: tuple[int, ...]) -> Dual:
        """The same numbers in another shape."""
        return Dual(self.value.reshape(shape), self.slope.reshape(shape))


class Duals:
    """Arithmetic of `Dual` arrays over another arithmetic."""

    def __init__(self, below: Arithmetic) -> None:
        """Compute values and slopes in `below`."""
        self.below = below
        self.functions: Mapping[str, Callable[[Array], Array]] = {
            "sigmoid": self._rule("sigmoid", lambda _a, s: s * (1 + -1 * s)),
            "tanh": self._rule("tanh", lambda _a, t: 1 + -1 * (t * t)),
            "exp": self._rule("exp", lambda _a, e: e),
            "log": self._rule("log", lambda a, _y: below.reciprocal(a)),
            "sqrt": self._rule("sqrt", lambda _a, y: below.reciprocal(2 * y)),
        }

    def _rule(self, name: str, slope: Callable[[Array, Array], Array]) -> Callable[[Array], Array]:
        def apply(a: Array) -> Array:
            if not isinstance(a, Dual):
                return self.below.functions[name](a)
            value = self.below.functions[name](a.value)
            return Dual(value, slope(a.value, value) * a.slope)

        return apply

    def number(self, value: sp.Expr) -> Array:
        """A number of the arithmetic below: it has no slope."""
        return self.below.number(value)

    def einsum(self, signature: str, *operands: Array) -> Dual:
        """A contraction is linear in each operand."""
        parts = [operand if isinstance(operand, Dual) else None for operand in operands]
        values = [o if p is None else p.value for o, p in zip(operands, parts, strict=True)]
        value = self.below.einsum(signature, *values)
        slope = value * 0
        for k, part in enumerate(parts):
            if part is not None:
                moved = [*values[:k], part.slope, *values[k + 1 :]]
                slope = slope + self.below.einsum(signature, *moved)
        return Dual(value, slope)

    def reciprocal(self, value: Array) -> Array:
        """(1/v)' = -v'/v²."""
        if not isinstance(value, Dual):
            return self.below.reciprocal(value)
        one_over = self.below.reciprocal(value.value)
        return Dual(one_over, -1 * (one_over * one_over * value.slope))

    def compare(self, relation: str, left: Array, right: Array) -> Array:
        """A comparison of the values."""
        return self.below.compare(relation, _value(left), _value(right))

    def where(self, condition: Array, first: Array, second: Array) -> Dual:
        """Componentwise choice of value and slope."""
        value = self.below.where(condition, _value(first), _value(second))
        return Dual(value, self.below.where(condition, _slope(first), _slope(second)))

    def largest(self, value: Dual, axes: tuple[int, ...]) -> Array:
        """The maximum of the values: a shift, which has no slope by its declaration."""
        return self.below.largest(value.value, axes)

    def ones(self, *shape: int) -> Array:
        """An array of ones."""
        return self.below.ones(*shape)

    def identity(self, n: int) -> Array:
        """The identity matrix."""
        return self.below.identity(n)


def _value(number: Array) -> Array:
    return number.value if isinstance(number, Dual) else number


def _slope(number: Array) -> Array:
    return number.slope if isinstance(number, Dual) else number * 0
