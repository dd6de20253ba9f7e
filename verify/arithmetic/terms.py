"""Numbers that carry the terms they are made of: how much a sum cancels, and all that it spoils.

Σ|terms| over the value is the condition of a sum. It is carried along as an error of the first
order would be, in unit roundoffs, but counts no operation: a product is as ill-conditioned as the
worst of its factors, a function multiplies what its argument has by its slope, and what was given
is exact. Where nothing cancels and no function is steep it is the value itself, so the condition
is 1; it belongs to the equations and the inputs, and to no format.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

import numpy as np
import sympy as sp

from verify.arithmetic.running import Array, Bounded, Running, quiet


class Summed(Bounded):
    """A value with the terms that it is made of; none in what is exact, which was given."""

    @property
    def terms(self) -> Array:
        """Σ|terms|, at least the value where that was rounded at all."""
        return self.error

    @property
    def size(self) -> Array:
        """What it adds to the terms of a sum: itself, if it was given."""
        return np.asarray(np.maximum(np.abs(self.value), self.terms))

    def __add__(self, other: Bounded | float) -> Summed:
        """The terms of both."""
        other = TERMS.lift(other)
        return Summed(np.add(self.value, other.value), self.size + other.size)

    __radd__ = __add__

    def __mul__(self, other: Bounded | float) -> Summed:
        """The worse of the two factors; a power of two is none."""
        if isinstance(other, float) and math.frexp(other)[0] in (0.5, -0.5):
            return Summed(self.value * other, self.terms * abs(other))
        other = TERMS.lift(other)
        return Summed(
            np.multiply(self.value, other.value),
            np.maximum(self.size * np.abs(other.value), np.abs(self.value) * other.terms),
        )

    __rmul__ = __mul__

    def sum(self, axis: int) -> Summed:
        """The terms of all."""
        return Summed(self.value.sum(axis=axis), self.size.sum(axis=axis))


class Terms(Running):
    """Arithmetic of `Summed` arrays for the interpreter."""

    def made(self, value: Array, error: Array) -> Summed:
        """A number of this arithmetic."""
        return Summed(value, error)

    def lift(self, values: Bounded | Array | float) -> Summed:
        """Floats as they are, given exactly."""
        if isinstance(values, Summed):
            return values
        given = np.asarray(values, float)
        return Summed(given, np.zeros(given.shape))

    def number(self, value: sp.Expr) -> Summed | float:
        """The nearest float; where that is not exact it was rounded."""
        nearest = float(value)
        if sp.Rational(nearest) == value:
            return nearest
        return Summed(np.asarray(nearest), np.asarray(abs(nearest)))

    def einsum(self, signature: str, *operands: Bounded) -> Summed:
        """Each term as ill-conditioned as the worst of its factors, and the terms added up."""
        numbers = [self.lift(operand) for operand in operands]
        inputs, output = signature.split("->")
        over = "".join(sorted(set(inputs) - set(output) - {","}))
        value = np.einsum(signature, *(n.value for n in numbers))
        if len(numbers) == 1 and not over:
            return Summed(value, np.einsum(signature, numbers[0].terms))
        values, spread = [np.abs(n.value) for n in numbers], f"{inputs}->{output}{over}"
        through = (
            np.einsum(spread, *values[:k], number.size, *values[k + 1 :])
            for k, number in enumerate(numbers)
        )
        terms = reduce(np.maximum, through)
        return Summed(value, terms.sum(axis=tuple(range(len(output), terms.ndim))))

    @quiet
    def reciprocal(self, value: Bounded | float) -> Summed:
        """1/value, as ill-conditioned as the value."""
        value = self.lift(value)
        return Summed(1 / value.value, value.size / np.square(value.value))

    def _function(
        self, of: Callable[[Array], Array], steepest: Callable[[Array, Array], Array]
    ) -> Callable[[Bounded], Summed]:
        """The terms of the argument times the slope there, or the value if that is more."""

        @quiet
        def apply(argument: Bounded) -> Summed:
            value, slope = of(argument.value), steepest(argument.value, np.zeros(()))
            return Summed(value, np.maximum(np.abs(value), slope * argument.error))

        return apply


TERMS = Terms()
