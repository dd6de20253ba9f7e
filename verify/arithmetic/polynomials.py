"""Polynomials over the rationals in named generators, with an exact zero test.

A transcendental value such as sigmoid(a) becomes a generator of its own, told apart by its function
and by the polynomial it is applied to. An identity between polynomials in these generators holds
whatever values the functions take, so it implies the identity between the real functions; what is
given up is completeness, never soundness: a law such as exp(a) exp(b) = exp(a + b) is not used.
The three algebraic laws that derivatives do need are known to the zero test: 1/s times s is 1, the
square of sqrt(s) is s, and an indicator is its own square.

A monomial is one integer with a byte for each generator's exponent: products are then additions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import sympy as sp

Array = Any
Number = int | Fraction
Scalar = Any  # a Polynomial or a Number: both add and multiply

BITS = 8
MAX_DEGREE = (1 << BITS) - 1
MAX_PRODUCTS = 1_000_000


class TooLargeError(ArithmeticError):
    """A product of polynomials that is not worth writing out."""


class Polynomial:
    """A sum of integer or rational multiples of monomials; never changed once made."""

    __slots__ = ("degree", "terms")

    def __init__(self, terms: dict[int, Number], degree: int) -> None:
        """Take the coefficients by monomial, without zeros, and a bound on the total degree.

        Raises:
            OverflowError: an exponent might not fit its byte.
        """
        if degree > MAX_DEGREE:
            raise OverflowError(f"degree {degree}: exponents hold up to {MAX_DEGREE}")
        self.terms = terms
        self.degree = degree

    def __add__(self, other: Scalar) -> Polynomial:
        """The sum."""
        if isinstance(other, np.ndarray):
            return NotImplemented
        second = polynomial(other)
        large, small = self, second
        if len(small.terms) > len(large.terms):
            large, small = small, large
        terms = dict(large.terms)
        for monomial, coefficient in small.terms.items():
            value = terms.get(monomial, 0) + coefficient
            if value:
                terms[monomial] = value
            else:
                del terms[monomial]
        return Polynomial(terms, max(self.degree, second.degree))

    __radd__ = __add__

    def __mul__(self, other: Scalar) -> Polynomial:
        """The product.

        Raises:
            TooLargeError: there are more than `MAX_PRODUCTS` pairs of terms.
        """
        if isinstance(other, np.ndarray):
            return NotImplemented
        second = polynomial(other)
        if len(self.terms) * len(second.terms) > MAX_PRODUCTS:
            raise TooLargeError(f"{len(self.terms)} by {len(second.terms)} terms")
        terms: dict[int, Number] = {}
        for m, a in self.terms.items():
            for n, b in second.terms.items():
                terms[m + n] = terms.get(m + n, 0) + a * b
        terms = {monomial: value for monomial, value in terms.items() if value}
        return Polynomial(terms, self.degree + second.degree if terms else 0)

    __rmul__ = __mul__

    def __neg__(self) -> Polynomial:
        """The negative."""
        return self * -1

    def __sub__(self, other: Scalar) -> Polynomial:
        """The difference."""
        if isinstance(other, np.ndarray):
            return NotImplemented
        return self + polynomial(other) * -1

    def __rsub__(self, other: Scalar) -> Polynomial:
        """The difference the other way round."""
        return polynomial(other) - self

    def power(self, exponent: int) -> Polynomial:
        """A power with a non-negative integer."""
        result = polynomial(1)
        for _ in range(exponent):
            result = result * self
        return result

    @property
    def key(self) -> frozenset[tuple[int, Number]]:
        """What tells it apart: equal polynomials have equal keys."""
        return frozenset(self.terms.items())

    @property
    def number(self) -> Number | None:
        """Its value where it is a constant; None otherwise."""
        if not self.terms:
            return 0
        return self.terms[0] if self.terms.keys() == {0} else None


def polynomial(value: Scalar) -> Polynomial:
    """A number as a constant polynomial; a polynomial as it is."""
    if isinstance(value, Polynomial):
        return value
    return Polynomial({0: value} if value else {}, 0)


@dataclass
class Ring:
    """The generators met so far; grows as functions are applied to new polynomials.

    Attributes:
        names: how each generator is printed; a function's value gets a better name where one is
            known, see `rename`.
    """

    names: list[str] = field(default_factory=list)
    _atoms: dict[tuple[object, ...], int] = field(default_factory=dict)
    _laws: dict[int, tuple[str, Polynomial]] = field(default_factory=dict)

    def generator(self, name: str) -> Polynomial:
        """A new free variable."""
        self.names.append(name)
        return Polynomial({1 << (BITS * (len(self.names) - 1)): 1}, 1)

    def apply(self, function: str, argument: Scalar) -> Polynomial:
        """The value of a function: the same generator whenever function and argument agree."""
        argument = polynomial(argument)
        if function == "positive" and (number := argument.number) is not None:
            return polynomial(int(number > 0))
        key = (function, argument.key)
        if key not in self._atoms:
            self._atoms[key] = len(self.names)
            if function in ("reciprocal", "sqrt", "positive"):
                self._laws[len(self.names)] = (function, argument)
            self.generator(f"{function}_{len(self._atoms)}")
        return Polynomial({1 << (BITS * self._atoms[key]): 1}, 1)

    def reciprocal(self, value: Scalar) -> Polynomial:
        """1/value.

        Raises:
            ZeroDivisionError: the value is the constant zero.
        """
        value = polynomial(value)
        number = value.number
        if number is None:
            return self.apply("reciprocal", value)
        return polynomial(Fraction(1) / Fraction(number))

    def rename(self, value: Scalar, name: str) -> None:
        """Print a generator that is a function's value by the name of that value."""
        if isinstance(value, Polynomial) and len(value.terms) == 1:
            ((monomial, coefficient),) = value.terms.items()
            index = (monomial.bit_length() - 1) // BITS
            if coefficient == 1 and monomial == 1 << (BITS * index):
                self.names[index] = name

    def is_zero(self, value: Scalar, facts: Iterable[tuple[int, Polynomial]] = ()) -> bool:
        """Whether it vanishes identically, given replacements of generators by `facts`."""
        value = polynomial(value)
        for index, replacement in facts:
            value = _substitute(value, index, replacement)
        return self._vanishes(value, len(self.names))

    def _vanishes(self, value: Polynomial, below: int) -> bool:
        """Use the laws from the newest generator on: an argument has older generators only."""
        if not value.terms:
            return True
        for index in sorted((k for k in self._laws if k < below), reverse=True):
            parts = _by_power(value, index)
            if parts.keys() == {0}:
                continue
            law, argument = self._laws[index]
            if law == "reciprocal":  # times argument^top, which is not the zero function
                top = max(parts)
                terms = [part * argument.power(top - k) for k, part in parts.items()]
                return self._vanishes(_sum(terms), index)
            halves: list[list[Polynomial]] = [[], []]
            for k, part in parts.items():
                if law == "sqrt":
                    halves[k % 2].append(part * argument.power(k // 2))
                else:  # an indicator: every positive power is the indicator
                    halves[min(k, 1)].append(part)
            return all(self._vanishes(_sum(half), index) for half in halves)
        return False

    def solved(self, relation: Scalar) -> tuple[int, Polynomial] | None:
        """A relation = 0 solved for a free variable; None if it is linear in none of them."""
        relation = polynomial(relation)
        atoms = set(self._atoms.values())
        for index in range(len(self.names)):
            parts = _by_power(relation, index)
            if index in atoms or parts.keys() != {0, 1} or parts[1].number is None:
                continue
            factor = Fraction(-1) / Fraction(parts[1].number)
            return index, parts[0] * (int(factor) if factor.denominator == 1 else factor)
        return None

    def describe(self, value: Scalar, terms: int = 3) -> str:
        """The first few terms, for a message."""
        value = polynomial(value)
        shown = [self._term(*item) for item in sorted(value.terms.items())[:terms]]
        more = len(value.terms) - len(shown)
        text = " + ".join(shown) or "0"
        return f"{text} + ... ({more} more terms)" if more else text

    def _term(self, monomial: int, coefficient: Number) -> str:
        factors = [] if coefficient == 1 and monomial else [str(coefficient)]
        for index, name in enumerate(self.names):
            exponent = (monomial >> (BITS * index)) & MAX_DEGREE
            if exponent:
                factors.append(name if exponent == 1 else f"{name}^{exponent}")
        return "*".join(factors)


def _by_power(value: Polynomial, index: int) -> dict[int, Polynomial]:
    """The coefficient of each power of one generator."""
    parts: dict[int, dict[int, Number]] = {}
    shift = BITS * index
    for monomial, coefficient in value.terms.items():
        exponent = (monomial >> shift) & MAX_DEGREE
        parts.setdefault(exponent, {})[monomial - (exponent << shift)] = coefficient
    return {k: Polynomial(terms, value.degree - k) for k, terms in parts.items()} or {
        0: polynomial(0)
    }


def _substitute(value: Polynomial, index: int, replacement: Polynomial) -> Polynomial:
    return _sum(part * replacement.power(k) for k, part in _by_power(value, index).items())


def _sum(parts: Iterable[Polynomial]) -> Polynomial:
    result = polynomial(0)
    for part in parts:
        result = result + part
    return result


class Polynomials:
    """NumPy object arrays of polynomials over one ring, as an arithmetic of the interpreter."""

    def __init__(self, ring: Ring) -> None:
        """Compute in `ring`."""
        self.ring = ring
        self.functions: Mapping[str, Callable[..., Array]] = {
            name: partial(self._componentwise, name)
            for name in ("tanh", "sigmoid", "exp", "log", "sqrt", "ramp")
        }

    def _componentwise(self, name: str, values: Array, *numbers: Number) -> Array:
        function = labelled(name, numbers)
        return np.frompyfunc(lambda value: self.ring.apply(function, value), 1, 1)(values)

    def free(self, name: str, shape: tuple[int, ...]) -> Array:
        """An array of new variables, named by its components; a scalar for the shape ()."""
        if not shape:
            return self.ring.generator(name)
        array = np.empty(shape, dtype=object)
        for index in np.ndindex(shape):
            array[index] = self.ring.generator(component(name, index))
        return array

    def number(self, value: sp.Expr) -> Number:
        """An exact number."""
        return rational(value)

    def einsum(self, signature: str, *operands: Array) -> Array:
        """A contraction."""
        return np.einsum(signature, *(np.asarray(operand, dtype=object) for operand in operands))

    def reciprocal(self, value: Array) -> Array:
        """1/value."""
        return np.frompyfunc(self.ring.reciprocal, 1, 1)(value)

    def compare(self, relation: str, left: Array, right: Array) -> Array:
        """The indicator of `left relation right`."""
        positive = np.frompyfunc(lambda value: self.ring.apply("positive", value), 1, 1)
        return indicator(relation, left, right, positive)

    def where(self, condition: Array, first: Array, second: Array) -> Array:
        """Componentwise choice: exact here, since nothing is infinite."""
        return second + condition * (first + second * -1)

    def largest(self, value: Array, axes: tuple[int, ...]) -> Array:
        """Never called: a shift is a free variable here."""
        raise NotImplementedError(f"largest over {axes} of {np.shape(value)}: make it a shift")

    def ones(self, *shape: int) -> Array:
        """An array of ones."""
        return np.full(shape, 1, dtype=object)

    def identity(self, n: int) -> Array:
        """The identity matrix."""
        return np.eye(n, dtype=int).astype(object)


def indicator(
    relation: str, left: Array, right: Array, positive: Callable[[Array], Array]
) -> Array:
    """A relation as 0 or 1 in terms of which differences are positive."""
    upward = relation in (">", "<=")
    inside = positive(left + right * -1 if upward else right + left * -1)
    return inside if relation in (">", "<") else inside * -1 + 1


def labelled(function: str, numbers: Iterable[object]) -> str:
    """What tells a function apart that has numbers beside its argument."""
    return " ".join((function, *map(str, numbers)))


def rational(value: sp.Expr) -> Number:
    """A SymPy number as Python's own.

    Raises:
        TypeError: it is no rational number, such as a float.
    """
    if not value.is_Rational:
        raise TypeError(f"{value}: exact arithmetic needs an integer or a fraction")
    return int(value) if value.is_Integer else Fraction(int(value.p), int(value.q))


def component(name: str, index: tuple[int, ...]) -> str:
    """How a component is printed: `U_r[0,2]`; a scalar by its name alone."""
    return f"{name}[{','.join(map(str, index))}]" if index else name
