"""A sign that is taken into parameters changes no bit, and is taken only where -a alone is read."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from equations import cells
from equations.generate.planning.plan import Plan
from equations.generate.planning.roles import is_parameter
from equations.generate.planning.signs import minus, signs_folded
from equations.language import Contract, TensorSymbol
from equations.program import Equation, Program
from verify.arithmetic.floats import Floats
from verify.interpret import evaluate

x = TensorSymbol("x", ("n_x",), role="input")
h = TensorSymbol("h", ("n_h",), role="state")
W = TensorSymbol("W", ("n_h", "n_x"), role="parameter")
b, p = (TensorSymbol(name, ("n_h",), role="parameter") for name in "bp")
a, e = (TensorSymbol(name, ("n_h",)) for name in "ae")
Wx = Contract("ij,j->i", W, x)


def program(*equations: Equation) -> Program:
    return Program("planted", (x, h, W, b, p), equations, (equations[-1].symbol,))


@pytest.mark.parametrize("name", list(cells))
def test_no_bit_changes(name: str) -> None:
    plan = Plan(cells[name])
    body = plan.repeated.body
    folded = signs_folded(body, plan.saved)
    if folded == body:
        pytest.skip("nothing is read as its negative alone")
    sizes = {axis: n for n, axis in enumerate(cells[name].axes, start=2)} | {"T": 3}
    rng = np.random.default_rng(0)
    values = {s.name: rng.normal(size=[sizes[n] for n in s.axes]) for s in body.arguments}
    values |= {minus(s).name: -values[s.name] for s in body.arguments if is_parameter(s)}
    known = {s.name: values[s.name] for s in folded.arguments}
    before = evaluate(body, {s.name: values[s.name] for s in body.arguments}, sizes, Floats())
    after = evaluate(folded, known, sizes, Floats())
    for symbol in (*body.results, *plan.saved):
        if symbol.name in before:
            np.testing.assert_array_equal(after[symbol.name], before[symbol.name])


def test_a_sigmoid_reads_the_negative_of_what_parameters_make() -> None:
    found = signs_folded(program(Equation(a, Wx + b), Equation(e, sp.exp(-a))), ())
    sums = Contract("ij,j->i", minus(W), x) + minus(b)
    assert found.equations == (Equation(minus(a), sums), Equation(e, sp.exp(minus(a))))
    assert found.arguments == (x, h, minus(W), minus(b))


@pytest.mark.parametrize(
    ("value", "reader"),
    [
        (Wx + b, sp.exp(-a) + a),  # read with both signs
        (Wx + h, sp.exp(-a)),  # a term without a parameter
        (Wx + p**2, sp.exp(-a)),  # not linear in one
        (Wx + p * b, sp.exp(-a)),  # linear in two
    ],
)
def test_what_cannot_be_turned_stays(value: sp.Expr, reader: sp.Expr) -> None:
    planted = program(Equation(a, value), Equation(e, reader))
    assert signs_folded(planted, ()) == planted


def test_what_is_kept_stays() -> None:
    planted = program(Equation(a, Wx + b), Equation(e, sp.exp(-a)))
    assert signs_folded(planted, (a,)) == planted
