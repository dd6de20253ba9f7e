"""SymPy expressions as numbers: a program written out component by component, and differentiated.

The functions here are opaque to SymPy's own rewriting (its exp merges products, its tanh moves
signs), so that an expression stays what the program says. Their slopes are the textbook's, and
`lemmas` proves each of them from SymPy's own functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from verify.arithmetic.polynomials import (
    Polynomial,
    Ring,
    indicator,
    labelled,
    polynomial,
    rational,
)

Array = Any


class Opaque(sp.Function):  # type: ignore[misc]
    """A real function that `derivative` knows by its slope; it is otherwise left alone."""

    nargs = 1
    atom: str
    """The name of the function in the language."""
    rule: str
    """Its derivative at a, in words."""


class Logistic(Opaque):
    """1/(1 + exp(-a))."""

    atom = "sigmoid"
    rule = "s (1 - s), s the value"

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The value times one minus the value."""
        del argindex
        return self * (1 - self)


class HyperbolicTangent(Opaque):
    """tanh(a)."""

    atom = "tanh"
    rule = "1 - t², t the value"

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """One minus the square of the value."""
        del argindex
        return 1 - self**2


class Exponential(Opaque):
    """exp(a)."""

    atom = "exp"
    rule = "the value"

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The function itself."""
        del argindex
        return self


class Logarithm(Opaque):
    """log(a)."""

    atom = "log"
    rule = "1/a"

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """1/a."""
        del argindex
        return 1 / self.args[0]


class SquareRoot(Opaque):
    """sqrt(a)."""

    atom = "sqrt"
    rule = "1/(2 r), r the value"

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """1/(2 r)."""
        del argindex
        return 1 / (2 * self)


class Positive(Opaque):
    """1 where the argument is positive, else 0: constant on both sides of the kink."""

    atom = "positive"
    rule = "0"

    @classmethod
    def eval(cls, argument: sp.Expr) -> sp.Expr | None:
        """What it is of a number."""
        return sp.Integer(bool(argument > 0)) if argument.is_Rational else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Zero away from the kink; at the kink the branch taken is differentiated."""
        del argindex
        return sp.S.Zero


class Ramp(Opaque):
    """`Ramp(a, slope, offset, low, high)`: the line slope a + offset, kept within two numbers.

    It could be written in indicators, as any selection. A name of its own keeps expansions short.
    """

    nargs = 5
    atom = "ramp"
    rule = "the slope where the value is strictly between the ends, else 0"

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The slope, selected by two indicators of the value."""
        del argindex
        _, slope, _, low, high = self.args
        return slope * Positive(self - low) * Positive(high - self)


@lru_cache(maxsize=1 << 16)
def derivative(expression: sp.Expr, by: sp.Symbol) -> sp.Expr:
    """The derivative of a scalar expression by the rules of school, part by part and each once.

    SymPy's `diff` gives the same and asks of every part whether it is zero, which takes ten times
    as long. The derivation of cells rests on `diff`, so nothing is shared with it here.

    Raises:
        TypeError: a node that is none of a sum, a product, an integer power, a function.
    """
    if expression.is_Atom:
        return sp.Integer(expression == by)
    parts = expression.args
    slopes = [derivative(part, by) for part in parts]
    moved = [k for k, slope in enumerate(slopes) if slope is not sp.S.Zero]
    if isinstance(expression, sp.Add):
        return sp.Add(*slopes)
    if isinstance(expression, sp.Mul):
        return sp.Add(*(sp.Mul(*parts[:k], slopes[k], *parts[k + 1 :]) for k in moved))
    if not moved:
        return sp.S.Zero
    if isinstance(expression, sp.Pow) and expression.exp.is_Integer:
        return expression.exp * expression.base ** (expression.exp - 1) * slopes[0]
    if isinstance(expression, Opaque):
        return expression.fdiff() * slopes[0]
    raise TypeError(f"{type(expression).__name__}: no rule for the derivative of {expression}")


OPAQUE = (Logistic, HyperbolicTangent, Exponential, Logarithm, SquareRoot)


def lemmas() -> Iterator[tuple[str, sp.Expr]]:
    """Each derivative rule above as (what it says, an expression that must be zero).

    An indicator needs none: it is constant on either side of the kink.

    The expression is SymPy's derivative of the function as SymPy knows it, minus the rule, written
    as a rational function of exp(a) or a root and cancelled: zero exactly when the rule is true.
    """
    a = sp.Symbol("a", positive=True)
    e, r = sp.Symbol("e", positive=True), sp.Symbol("r", positive=True)
    known = {
        Logistic: 1 / (1 + sp.exp(-a)),
        HyperbolicTangent: (sp.exp(a) - sp.exp(-a)) / (sp.exp(a) + sp.exp(-a)),
        Exponential: sp.exp(a),
        Logarithm: sp.log(a),
        SquareRoot: sp.sqrt(a),
    }
    for function, value in known.items():
        rule = function(a).fdiff().xreplace({function(a): value})
        difference = sp.diff(value, a) - rule
        if function is SquareRoot:
            difference = difference.subs(a, r**2)
        elif function is not Logarithm:
            difference = difference.subs(a, sp.log(e))
        yield f"{function.atom}' is {function.rule}", sp.cancel(sp.together(difference))


class Symbols:
    """NumPy object arrays of SymPy expressions, as an arithmetic of the interpreter."""

    def __init__(self) -> None:
        """Map the functions of the language to opaque ones."""
        self.functions: Mapping[str, Callable[..., Array]] = {
            function.atom: np.frompyfunc(function, 1, 1) for function in OPAQUE
        }
        self.functions = {**self.functions, Ramp.atom: np.frompyfunc(Ramp, 5, 1)}

    def number(self, value: sp.Expr) -> sp.Expr:
        """The number itself."""
        return value

    def einsum(self, signature: str, *operands: Array) -> Array:
        """A contraction."""
        return np.einsum(signature, *(np.asarray(operand, dtype=object) for operand in operands))

    def reciprocal(self, value: Array) -> Array:
        """1/value."""
        return 1 / value

    def compare(self, relation: str, left: Array, right: Array) -> Array:
        """The indicator of `left relation right`."""
        return indicator(relation, left, right, np.frompyfunc(Positive, 1, 1))

    def where(self, condition: Array, first: Array, second: Array) -> Array:
        """Componentwise choice."""
        return second + condition * (first + second * -1)

    def largest(self, value: Array, axes: tuple[int, ...]) -> Array:
        """Never called: a shift is a free variable here."""
        raise NotImplementedError(f"largest over {axes} of {np.shape(value)}: make it a shift")

    def ones(self, *shape: int) -> Array:
        """An array of ones."""
        return np.full(shape, sp.S.One, dtype=object)

    def identity(self, n: int) -> Array:
        """The identity matrix."""
        return np.array([[sp.Integer(i == j) for j in range(n)] for i in range(n)], dtype=object)


class Conversion:
    """SymPy expressions to polynomials; equal subexpressions are converted once."""

    def __init__(self, ring: Ring, generators: Mapping[sp.Symbol, Polynomial]) -> None:
        """Write each symbol as its generator."""
        self.ring = ring
        self.known: dict[sp.Expr, Polynomial] = dict(generators)

    def __call__(self, expression: sp.Expr) -> Polynomial:
        """The polynomial of an expression in the generators and the values of functions.

        Raises:
            TypeError: a node that is none of a sum, a product, an integer power, a function.
        """
        if expression not in self.known:
            self.known[expression] = self._convert(expression)
        return self.known[expression]

    def _convert(self, expression: sp.Expr) -> Polynomial:
        if isinstance(expression, sp.Number):
            return polynomial(rational(expression))
        if isinstance(expression, sp.Add):
            result = polynomial(0)
            for part in expression.args:
                result = result + self(part)
            return result
        if isinstance(expression, sp.Mul):
            result = polynomial(1)
            for part in expression.args:
                result = result * self(part)
            return result
        if isinstance(expression, sp.Pow) and expression.exp.is_Integer:
            base = self(expression.base)
            power = int(expression.exp)
            return base.power(power) if power >= 0 else self.ring.reciprocal(base).power(-power)
        if isinstance(expression, Opaque):
            argument, *numbers = expression.args
            return self.ring.apply(labelled(expression.atom, numbers), self(argument))
        raise TypeError(f"{type(expression).__name__}: no polynomial of {expression}")
