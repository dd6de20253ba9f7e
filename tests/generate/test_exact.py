"""Complements are rewritten to what they are equal to, wherever they occur, and nothing else is."""

from __future__ import annotations

import importlib
from types import ModuleType

import mpmath
import numpy as np
import pytest
import sympy as sp

from equations import cells
from equations.generate.numpy.module import module_text
from equations.generate.planning.exact import RULES, complements, exact
from equations.generate.planning.plan import Plan
from equations.language import TensorSymbol, sigmoid, tanh
from equations.program import Equation, Program
from verify.evidence.case import make_case
from verify.evidence.subject import generated

A = TensorSymbol("a", ("n",), role="input")
V = TensorSymbol("v", ("n",))


def forward(function: type[sp.Function]) -> Program:
    return Program("one", (A,), (Equation(V, function(A)),), (V,))


@pytest.mark.parametrize("function", [sigmoid, tanh])
def test_a_complement_is_what_it_stands_for(function: type[sp.Function]) -> None:
    """Proved by simplification, on both sides of zero."""
    (complement,) = complements(forward(function))
    for sign in (1, -1):
        x = sp.Symbol("x", nonnegative=True)
        power = complement.ahead.value.subs(A, sign * x)
        rest = complement.rest.value.subs(complement.ahead.symbol, power)
        own = complement.own.value.subs(complement.ahead.symbol, power).subs(A, sign * x)
        value = own.rewrite(sp.exp)
        printed = complement.printed.subs(V, value)
        assert sp.simplify((rest - printed).rewrite(sp.exp)) == 0
    assert set(RULES) == {sigmoid, tanh}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (1 - V, "one_minus_v"),
        (V - 1, "-one_minus_v"),
        (2 - 2 * V, "2*one_minus_v"),
        (V * (1 - V), "one_minus_v*v"),
        (1 - 2 * V, "1 - 2*v"),
        (2 - V, "2 - v"),
        (1 - V**2, "1 - v**2"),
    ],
)
def test_complements_of_a_gate_are_found_in_expressions(written: sp.Expr, text: str) -> None:
    d = TensorSymbol("d", ("n",))
    program = Program("derived", (V,), (Equation(d, written),), (d,))
    assert str(exact(program, forward(sigmoid)).value_of(d)) == text


def test_the_slope_of_tanh_is_found_as_well() -> None:
    d = TensorSymbol("d", ("n",))
    program = Program("derived", (V,), (Equation(d, 3 * V * (1 - V**2)),), (d,))
    assert str(exact(program, forward(tanh)).value_of(d)) == "3*slope_v*v"


@pytest.mark.parametrize("name", list(cells))
def test_no_plan_subtracts_a_gate_from_one(name: str) -> None:
    plan = Plan(cells[name])
    printed = [complement.printed for complement in complements(cells[name].forward())]
    for program in (plan.forward, plan.backward, plan.tangent, plan.second, plan.jacobian):
        assert not any(eq.value.has(node) for eq in program for node in printed)


@pytest.mark.parametrize("name", [name for name in cells if cells[name].gates])
def test_the_fast_form_is_the_same_function_where_no_gate_saturates(name: str) -> None:
    """New states and all gradients of a sequence, to rounding; its header says what it lacks."""
    cell = cells[name]
    text = module_text(cell, exact=False)
    assert f"`gateproof generate --no-exact {name}`" in " ".join(text.split())
    fast = ModuleType(name)
    exec(compile(text, name, "exec"), vars(fast))  # noqa: S102 - generated
    case = make_case(cell)
    for function in ("unroll", "unroll_vjp", "step_hvp"):
        own = generated(importlib.import_module(f"equations.generated.{name}"), cell)
        found = generated(fast, cell).compute(function, case)
        for field, value in own.compute(function, case).items():
            assert np.allclose(found[field], value, rtol=1e-10, atol=1e-12), field


def test_the_fast_form_loses_the_gradient_of_a_saturated_gate() -> None:
    """Which is why it is not the default."""
    texts = {exact: module_text(cells["gru"], exact=exact) for exact in (True, False)}
    assert "1 / (1 + 1 / exp_u)" in texts[True]
    assert "1 / (1 + 1 / exp_u)" not in texts[False]
    assert "dr * r * (1 - r)" in texts[False]


@pytest.mark.parametrize("a", [20.0, 36.0, 40.0, 300.0, 700.0])
def test_the_gradient_of_a_saturated_gate_keeps_its_digits(a: float) -> None:
    """At both ends σ' is right to a few ulps, where u (1 - u) from a rounded u has none left."""
    gru = importlib.import_module("equations.generated.gru")
    zeros = gru.Params(
        *(np.zeros_like(p) for p in gru.init(np.random.default_rng(0), n_x=1, n_h=1))
    )
    for sign in (1, -1):
        params = zeros._replace(b_u=np.array([sign * a]), b_h=np.array([0.5]))
        state = gru.State(h=np.array([[-1.0]]))
        nexts, saved = gru.step(params, np.zeros((1, 1)), state)
        dparams, _, _ = gru.step_vjp(params, saved, gru.State(h=np.ones_like(nexts.h)))
        with mpmath.workdps(700):
            sigma = 1 / (1 + mpmath.exp(-sign * mpmath.mpf(a)))
            true = sigma * (1 - sigma) * (mpmath.tanh(mpmath.mpf("0.5")) + 1)
            error = abs(mpmath.mpf(float(dparams.b_u[0])) - true) / true
        assert error < 8 * np.finfo(np.float64).eps
