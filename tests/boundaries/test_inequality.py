"""The procedure that proves inequalities: it proves true ones, and refuses what it cannot prove."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from verify.boundaries.reals.inequality import piecewise_linear, prove
from verify.boundaries.record import UndecidedError

h, k, u, t = sp.symbols("h k u t", real=True)
BOX = {u: (0, 1), t: (-1, 1)}
MIXED = (1 - u) * h + u * t


@pytest.mark.parametrize(
    ("left", "right", "strict"),
    [
        (sp.Abs(MIXED), sp.Max(sp.Abs(h), 1), False),
        (sp.Abs(u * h + (1 - u) * t), sp.Abs(h) + 1, True),
        (sp.Abs(u * t), sp.Integer(1), True),
        (sp.Max(u, t), sp.Integer(1), True),
        (sp.Abs((1 - u) * h + u * k), sp.Max(sp.Abs(h), sp.Abs(k)), False),
        (u * t, sp.Max(1, h), True),
        (h, sp.Abs(h), False),
        (h * k, sp.Abs(h * k), False),
        (sp.Abs(2 * u * t), sp.Integer(2), True),
    ],
)
def test_true_inequalities_are_proved(left: sp.Expr, right: sp.Expr, strict: bool) -> None:  # noqa: FBT001
    """Convex combinations, growth by a bounded amount, products of bounded values."""
    assert "vertices" in prove(left, right, BOX, strict=strict)


@pytest.mark.parametrize(
    ("left", "right", "strict"),
    [
        (sp.Abs(MIXED), sp.Integer(1), False),  # false: h is unbounded
        (sp.Abs(h + u * t), sp.Max(sp.Abs(h), 1), False),  # false: it adds up
        (sp.Abs(h), sp.Abs(h), True),  # false: equal
        (sp.Integer(1), sp.Integer(1), True),  # false: equal
        (sp.Max(u, 1), sp.Integer(1), True),  # false: one piece is equal
        (h * k, h**2 + k**2, False),  # true, but not piecewise linear
        (u**2, u, False),  # true, but not affine in u
        (
            sp.Abs(u - t) - 2,
            sp.Integer(1),
            False,
        ),  # true, but the left is no largest of polynomials
        (u, sp.Max(u, t), False),  # true, but a bounded value is inside a kink
        (sp.exp(-(h**2)), sp.Integer(1), False),  # true, but not piecewise linear
    ],
)
def test_what_it_cannot_prove_is_refused(left: sp.Expr, right: sp.Expr, strict: bool) -> None:  # noqa: FBT001
    """False statements, and true ones outside its class."""
    with pytest.raises(UndecidedError):
        prove(left, right, BOX, strict=strict)


fractions = st.fractions(-5, 5, max_denominator=4)
lines = st.builds(lambda a, b: sp.Rational(a) * h + sp.Rational(b), fractions, fractions)
functions = st.recursive(
    lines,
    lambda inner: st.one_of(
        st.builds(sp.Abs, inner),
        st.builds(sp.Max, inner, inner),
        st.builds(sp.Min, inner, inner),
        st.builds(lambda a, b, c: a + sp.Rational(c) * b, inner, inner, fractions),
    ),
    max_leaves=5,
)


@given(expression=functions, points=st.lists(fractions, min_size=1, max_size=6))
def test_piecewise_linear_functions_have_the_values_of_their_expression(
    expression: sp.Expr, points: list[Fraction]
) -> None:
    """Exactly, at any point; and what is called nonnegative or positive is so there."""
    function = piecewise_linear(expression)
    for x in points:
        value = expression.subs(h, sp.Rational(x))
        assert sp.Rational(function.at(x)) == value
        assert value >= 0 or not function.nonnegative(strict=False)
        assert value > 0 or not function.nonnegative(strict=True)


@given(expression=functions)
def test_nonnegative_is_decided_both_ways(expression: sp.Expr) -> None:
    """A function that is not called nonnegative is negative at a breakpoint or far out."""
    function = piecewise_linear(expression)
    if not function.nonnegative(strict=False):
        first, last = function.points[0][0], function.points[-1][0]
        far = [first - 10**9, last + 10**9]
        assert min(function.at(x) for x in (*far, *(x for x, _ in function.points))) < 0
