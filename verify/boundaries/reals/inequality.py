"""Inequalities over the reals, decided by an argument that is complete for one class of claims.

Refused rather than guessed is everything outside this class: the left side is the largest of
finitely many pieces, and right minus each piece is affine in every bounded variable (the values of
gates and of tanh, each in an open interval, whatever it depends on). Then

1. an affine function of one variable takes its minimum over an interval at an end, so a function
   that is affine in each takes it at a vertex of the box, whatever the remaining variables are;
2. at a vertex what remains is piecewise linear. In one real variable it is nonnegative when it is
   so at every breakpoint and falls off towards neither infinity. In several, each max is replaced
   by one of its arguments, which can only make it smaller, until it is free of all but one;
3. inside the open box the value is an average of the vertices with positive weights. So it is
   positive when no vertex is negative and their sum is positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING

import sympy as sp

from verify.boundaries.record import UndecidedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Interval = tuple[int, int]
MAX_BOUNDED = 8
MAX_CHOICES = 64


def prove(left: sp.Expr, right: sp.Expr, box: Mapping[sp.Symbol, Interval], *, strict: bool) -> str:
    """Prove left <= right, or left < right, for all real values and all of the open box.

    Args:
        left: a scalar expression, with SymPy's Abs, Max and Min for the kinks.
        right: the same.
        box: the open interval of each bounded variable; all other symbols are real.
        strict: whether equality is excluded.

    Returns:
        The argument in a few words.

    Raises:
        UndecidedError: the claim is outside the class, or this argument does not establish it.
    """
    count = 0
    for piece in pieces(left):
        # Pieces of the left side are polynomials: the maximum is at most the right side exactly
        # when every piece is.
        difference = sp.expand(right - piece)
        bounded = sorted(difference.free_symbols & set(box), key=str)
        _check_affine(difference, bounded)
        if len(bounded) > MAX_BOUNDED:
            raise UndecidedError(
                f"{len(bounded)} bounded variables, at most {MAX_BOUNDED} are tried"
            )
        vertices = [
            difference.subs(dict(zip(bounded, corner, strict=True)))
            for corner in product(*(box[s] for s in bounded))
        ]
        for vertex in vertices:
            if not _nonnegative(vertex, strict=False):
                raise UndecidedError(f"at an end of the bounded values, right - left is {vertex}")
        if strict and not _nonnegative(sp.Add(*vertices), strict=True):
            raise UndecidedError("right - left can vanish at every end of the bounded values")
        count += len(vertices)
    return f"affine in each of its bounded values; {count} vertices, piecewise linear at each"


def pieces(expression: sp.Expr) -> Iterator[sp.Expr]:
    """The polynomials whose largest the expression is."""
    if isinstance(expression, sp.Abs):
        yield from _polynomials(expression.args[0])
        yield from _polynomials(-expression.args[0])
    elif isinstance(expression, sp.Max):
        for part in expression.args:
            yield from pieces(part)
    elif isinstance(expression, sp.Mul) and any(isinstance(f, sp.Abs) for f in expression.args):
        # SymPy writes |2 a| as 2 |a|, and |a² b| as a² |b|.
        kink = next(factor for factor in expression.args if isinstance(factor, sp.Abs))
        rest = expression / kink
        if not rest.is_nonnegative:
            raise UndecidedError(f"the sign of {rest} in front of {kink} is not known")
        yield from _polynomials(rest * kink.args[0])
        yield from _polynomials(-rest * kink.args[0])
    else:
        yield from _polynomials(expression)


def _polynomials(expression: sp.Expr) -> Iterator[sp.Expr]:
    if expression.has(sp.Abs, sp.Max, sp.Min, sp.Piecewise):
        raise UndecidedError(f"the left side is not a largest of polynomials: {expression}")
    yield expression


def _check_affine(difference: sp.Expr, bounded: list[sp.Symbol]) -> None:
    for kink in difference.atoms(sp.Abs, sp.Max, sp.Min, sp.Piecewise):
        if kink.free_symbols & set(bounded):
            raise UndecidedError(f"a bounded value inside a kink: {kink}")
    for symbol in bounded:
        if not _affine(difference, symbol):
            raise UndecidedError(f"not affine in {symbol}: {difference}")


def _affine(expression: sp.Expr, symbol: sp.Symbol) -> bool:
    terms = sp.Add.make_args(expression)
    return all(
        factor == symbol or symbol not in factor.free_symbols
        for term in terms
        for factor in sp.Mul.make_args(term)
    )


def _nonnegative(expression: sp.Expr, *, strict: bool) -> bool:
    """Whether a piecewise linear function of real variables is nonnegative, or positive."""
    expression = sp.expand(expression)
    if len(expression.free_symbols) <= 1:
        return piecewise_linear(expression).nonnegative(strict=strict)
    options = [_below(term) for term in sp.Add.make_args(expression)]
    count = 0
    for choice in product(*options):
        count += 1
        if count > MAX_CHOICES:
            break
        smaller = sp.expand(sp.Add(*choice))
        if len(smaller.free_symbols) <= 1 and not smaller.has(sp.Piecewise):
            try:
                if piecewise_linear(smaller).nonnegative(strict=strict):
                    return True
            except UndecidedError:
                continue
    raise UndecidedError(f"several real variables remain: {expression}")


def _below(term: sp.Expr) -> list[sp.Expr]:
    """Expressions that a term is never smaller than."""
    number, rest = term.as_coeff_Mul()
    if number > 0 and isinstance(rest, sp.Max):
        return [term, *(number * below for part in rest.args for below in _below(part))]
    if number > 0 and isinstance(rest, sp.Abs):
        return [term, number * rest.args[0], -number * rest.args[0]]
    return [term]


@dataclass(frozen=True)
class PiecewiseLinear:
    """A continuous piecewise linear function of one real variable, in exact fractions.

    Args:
        points: breakpoints with the values there, in increasing order; at least one.
        before, after: the slopes below the first and above the last of them.
    """

    points: tuple[tuple[Fraction, Fraction], ...]
    before: Fraction
    after: Fraction

    def at(self, x: Fraction) -> Fraction:
        """The value at x."""
        first, last = self.points[0], self.points[-1]
        if x <= first[0]:
            return first[1] + self.before * (x - first[0])
        if x >= last[0]:
            return last[1] + self.after * (x - last[0])
        for (x0, y0), (x1, y1) in zip(self.points, self.points[1:], strict=False):
            if x0 <= x <= x1:
                return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
        raise AssertionError(x)

    def __add__(self, other: PiecewiseLinear) -> PiecewiseLinear:
        """The sum."""
        xs = sorted({x for x, _ in (*self.points, *other.points)})
        points = tuple((x, self.at(x) + other.at(x)) for x in xs)
        return PiecewiseLinear(points, self.before + other.before, self.after + other.after)

    def times(self, factor: Fraction) -> PiecewiseLinear:
        """The function times a number."""
        points = tuple((x, factor * y) for x, y in self.points)
        return PiecewiseLinear(points, factor * self.before, factor * self.after)

    def positive_part(self) -> PiecewiseLinear:
        """max(self, 0): a breakpoint is added wherever the function crosses zero."""
        xs = {x for x, _ in self.points}
        (first, low), (last, high) = self.points[0], self.points[-1]
        for (x0, y0), (x1, y1) in zip(self.points, self.points[1:], strict=False):
            if y0 * y1 < 0:
                xs.add(x0 - y0 * (x1 - x0) / (y1 - y0))
        if self.before and low / self.before > 0:
            xs.add(first - low / self.before)
        if self.after and high / self.after < 0:
            xs.add(last - high / self.after)
        points = tuple((x, max(self.at(x), Fraction(0))) for x in sorted(xs))
        far_left, far_right = min(xs) - 1, max(xs) + 1
        return PiecewiseLinear(
            points,
            self.before if self.at(far_left) > 0 else Fraction(0),
            self.after if self.at(far_right) > 0 else Fraction(0),
        )

    def nonnegative(self, *, strict: bool) -> bool:
        """Whether it is >= 0 (or > 0) everywhere: at the breakpoints and towards both ends."""
        values = [y for _, y in self.points]
        inside = min(values) > 0 if strict else min(values) >= 0
        return inside and self.before <= 0 and self.after >= 0


def piecewise_linear(expression: sp.Expr) -> PiecewiseLinear:
    """An expression in at most one symbol, made of sums, multiples, Abs, Max and Min.

    Raises:
        UndecidedError: it holds anything else.
    """
    zero, one = Fraction(0), Fraction(1)
    if isinstance(expression, sp.Rational):
        value = Fraction(int(expression.p), int(expression.q))
        return PiecewiseLinear(((zero, value),), zero, zero)
    if isinstance(expression, sp.Symbol):
        return PiecewiseLinear(((zero, zero),), one, one)
    if isinstance(expression, sp.Add):
        total = piecewise_linear(expression.args[0])
        for part in expression.args[1:]:
            total = total + piecewise_linear(part)
        return total
    if isinstance(expression, sp.Mul) and isinstance(expression.args[0], sp.Rational):
        number, rest = expression.as_coeff_Mul()
        return piecewise_linear(rest).times(Fraction(int(number.p), int(number.q)))
    if isinstance(expression, sp.Abs):
        inner = piecewise_linear(expression.args[0])
        return inner.positive_part() + inner.times(-one).positive_part()
    if isinstance(expression, sp.Max | sp.Min):
        sign = one if isinstance(expression, sp.Max) else -one
        result = piecewise_linear(expression.args[0]).times(sign)
        for part in expression.args[1:]:
            # max(a, b) = a + max(b - a, 0), and min(a, b) = -max(-a, -b)
            other = piecewise_linear(part).times(sign)
            result = result + (other + result.times(-one)).positive_part()
        return result.times(sign)
    raise UndecidedError(f"not piecewise linear: {expression}")
