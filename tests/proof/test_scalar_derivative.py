"""The derivative of expansions is SymPy's, and a node without a rule is refused."""

from __future__ import annotations

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from verify.arithmetic.symbols import OPAQUE, derivative

X, Y, Z = sp.symbols("x y z", real=True)
LEAVES = st.sampled_from([X, Y, Z, sp.Integer(2), sp.Rational(-3, 5)])


def _wider(inner: st.SearchStrategy[sp.Expr]) -> st.SearchStrategy[sp.Expr]:
    """Sums, products, powers and functions of smaller expressions."""
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(lambda pair: pair[0] + pair[1]),
        pairs.map(lambda pair: pair[0] * pair[1]),
        st.tuples(inner, st.sampled_from([-1, 2, 3])).map(lambda pair: _power(*pair)),
        st.tuples(st.sampled_from(OPAQUE), inner).map(lambda pair: pair[0](pair[1])),
    )


def _power(base: sp.Expr, exponent: int) -> sp.Expr:
    return sp.S.One if base == 0 else base**exponent


@given(expression=st.recursive(LEAVES, _wider, max_leaves=8))
def test_it_is_sympys(expression: sp.Expr) -> None:
    """At every expression of the kinds that a program is written out in."""
    expected = sp.diff(expression, X)
    assert sp.expand(sp.together(expected - derivative(expression, X))) == 0


def test_a_node_without_a_rule_is_refused() -> None:
    """And not taken for a constant."""
    with pytest.raises(TypeError, match="no rule for the derivative of sin"):
        derivative(sp.sin(X), X)
