"""Total degrees instead of values: what the Schwartz-Zippel bound of a random test is made of.

Every value of a program is a rational function of its inputs and of the oracles' answers. Here it
is replaced by bounds on the degrees of numerator and denominator, the same for all components.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

Array = Any


@dataclass(frozen=True)
class Degree:
    """Bounds on the degrees of a numerator and of a denominator."""

    top: int
    bottom: int = 0
    ndim: int = 0

    def __add__(self, other: Degree | int) -> Degree:
        """A sum, over the product of the denominators."""
        if isinstance(other, int):
            other = NUMBER
        if not isinstance(other, Degree):
            return NotImplemented
        top = max(self.top + other.bottom, other.top + self.bottom)
        return Degree(top, self.bottom + other.bottom)

    __radd__ = __add__

    def __mul__(self, other: Degree | int) -> Degree:
        """A product."""
        if isinstance(other, int):
            other = NUMBER
        if not isinstance(other, Degree):
            return NotImplemented
        return Degree(self.top + other.top, self.bottom + other.bottom)

    __rmul__ = __mul__


NUMBER = Degree(0)
VARIABLE = Degree(1)


class Degrees:
    """Degrees as an arithmetic of the interpreter.

    Attributes:
        of_arguments: the largest degree of the difference between two arguments of a function:
            two arguments that differ must not be equal by accident.
    """

    def __init__(self, longest: int) -> None:
        """Take the length of the longest axis, which bounds the terms of a sum over an index."""
        self.longest = longest
        self.of_arguments = 1
        self.functions: Mapping[str, Callable[[Array], Array]] = dict.fromkeys(
            ("tanh", "sigmoid", "exp", "log", "sqrt"), self._oracle
        )

    def _oracle(self, argument: Degree) -> Degree:
        self.of_arguments = max(self.of_arguments, argument.top + argument.bottom)
        return VARIABLE

    def number(self, value: sp.Expr) -> Degree:
        """A constant."""
        del value
        return NUMBER

    def einsum(self, signature: str, *operands: Degree) -> Degree:
        """A product of all operands, summed over every index that the result has not."""
        product = NUMBER
        for operand in operands:
            product = product * operand
        inputs, output = signature.split("->")
        terms = self.longest ** len(set(inputs) - set(output) - {","})
        return Degree(product.top + (terms - 1) * product.bottom, terms * product.bottom)

    def reciprocal(self, value: Degree) -> Degree:
        """Numerator and denominator exchanged."""
        return Degree(value.bottom, value.top)

    def compare(self, relation: str, left: Degree, right: Degree) -> Degree:
        """A sign is drawn for the difference."""
        del relation
        return self._oracle(left + right)

    def where(self, condition: Degree, first: Degree, second: Degree) -> Degree:
        """One of the two."""
        del condition
        return Degree(max(first.top, second.top), max(first.bottom, second.bottom))

    def largest(self, value: Degree, axes: tuple[int, ...]) -> Degree:
        """An oracle of all components."""
        del axes
        return self._oracle(value)

    def ones(self, *shape: int) -> Degree:
        """Constants."""
        del shape
        return NUMBER

    def identity(self, n: int) -> Degree:
        """Constants."""
        del n
        return NUMBER
