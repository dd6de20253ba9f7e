"""How a gradient dies where a gate saturates: proved by limits, shown in many digits.

The factor is what a cotangent is multiplied by on its way from the gate to its pre-activation a.
Code that multiplies by 1 minus a rounded f gets zero from it for a > 37 in float64.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from equations.boundary import Saturation, gradient
from equations.language import TensorSymbol, sigmoid
from verify.arithmetic.precise import Precise
from verify.boundaries.points import small_sizes
from verify.boundaries.record import Finding, UndecidedError
from verify.interpret import evaluate

if TYPE_CHECKING:
    from equations.cell import Cell

DRIVES = (20, 40, 300, 700)


def prove(cell: Cell, statement: Saturation) -> Finding:
    """Whether e^(rate |a|) times the factor has a positive limit at both infinities."""
    a = sp.Symbol("a", real=True)
    try:
        value, factors = _factors(cell, statement.gate, a)
    except UndecidedError as reason:
        return Finding("cannot decide", str(reason))
    limits = []
    for origin, factor in factors.items():
        for sign, end in ((1, "+∞"), (-1, "-∞")):
            scaled = sp.exp(statement.rate * a) * factor.subs(a, sign * a)
            limit = _at_infinity(scaled, a)
            if not (limit.is_finite and limit.is_positive):
                wrong = (
                    f"counterexample: {_power(statement.rate)} times the factor tends to {limit}"
                )
                return Finding("refuted", f"{wrong} as a → {end} ({origin})")
            limits.append(limit)
    if len(set(limits)) > 1:
        return Finding("holds", f"factor of {value} ~ C 1/{_power(statement.rate)}, C = {limits}")
    return Finding(
        "holds",
        f"{_power(statement.rate)} times the factor tends to {limits[0]} at both ends, for the "
        f"derivative of {value} and for the factor in the derived equations",
    )


def show(cell: Cell, statement: Saturation) -> Finding:
    """The same ratio in many digits, from the derived equations, at growing |a|."""
    digits = 50 + 2 * math.ceil(statement.rate * max(DRIVES) / math.log(10))
    arithmetic = Precise(digits)
    mp = arithmetic.context
    forward, backward = cell.forward(), cell.backward()
    try:
        argument = _argument(cell, statement.gate)
    except UndecidedError as reason:
        return Finding("cannot decide", str(reason))
    sizes = small_sizes(cell, (1,))
    shape = [1] * len(statement.gate.axes)
    one = forward.given([argument]).needed_for([statement.gate])
    sent = backward.given([gradient(statement.gate)]).needed_for([gradient(argument)])
    worst = []
    for sign in (1, -1):
        scaled = []
        for drive in DRIVES:
            known = {argument.name: arithmetic.lift(np.full(shape, float(sign * drive)))}
            known = evaluate(one, known, sizes, arithmetic)
            known[gradient(statement.gate).name] = arithmetic.ones(*shape)
            known |= {
                s.name: arithmetic.ones(*([1] * len(s.axes)))
                for s in sent.arguments
                if s.name not in known
            }
            factor = evaluate(sent, known, sizes, arithmetic)[gradient(argument).name]
            factor = np.ravel(np.asarray(factor, object))[0]
            scaled.append(factor * mp.exp(statement.rate * drive))
        worst.append(scaled)
    return _verdict(statement, worst, mp, digits)


def _verdict(
    statement: Saturation,
    scaled: list[list[Any]],
    mp: Any,  # noqa: ANN401 - a context of mpmath, which has no types
    digits: int,
) -> Finding:
    """Whether the scaled factors settle: the change from each drive to the next dies out."""
    nstr = mp.nstr
    final = scaled[0][-1]
    for sign, values in zip("+-", scaled, strict=True):
        text = ", ".join(nstr(value, 6) for value in values)
        off = [abs(value / values[-1] - 1) for value in values[:-1]]
        settled = off[0] < 1e-6 and all(later < sooner for sooner, later in pairwise(off))
        if not (settled and mp.mpf("1e-3") < values[-1] < 1000):
            return Finding(
                "refuted",
                f"counterexample: in {digits} digits, {_power(statement.rate)} times the factor is "
                f"{text} at a = {sign}({', '.join(map(str, DRIVES))})",
            )
    at = ", ".join(f"±{drive}" for drive in DRIVES)
    return Finding(
        "holds",
        f"in {digits} digits, {_power(statement.rate)} times the factor settles at "
        f"{nstr(final, 6)} over a = {at}",
    )


def _argument(cell: Cell, gate: TensorSymbol) -> TensorSymbol:
    """The pre-activation of a gate."""
    value = cell.forward().value_of(gate)
    if (
        value is None
        or not isinstance(value, sp.Function)
        or value.args[0] not in set(cell.forward().symbols)
    ):
        raise UndecidedError(f"{gate} is not a function of a pre-activation")
    found: TensorSymbol = value.args[0]
    return found


def _factors(cell: Cell, gate: TensorSymbol, a: sp.Symbol) -> tuple[sp.Expr, dict[str, sp.Expr]]:
    """The function of the gate, and its factor in exp(a) from the definition and as derived."""
    argument = _argument(cell, gate)
    value = cell.forward().value_of(gate).xreplace({argument: a})  # type: ignore[union-attr]
    written = _in_exponentials(value)
    sent = cell.backward().value_of(gradient(argument))
    if sent is None:
        raise UndecidedError(f"no gradient reaches the pre-activation of {gate}")
    derived = sp.diff(sent, gradient(gate)).xreplace({gate: written, argument: a})
    if derived.atoms(TensorSymbol):
        raise UndecidedError(f"the factor of {gate} is {derived}, not a function of the gate alone")
    return value, {
        "the definition": sp.diff(written, a),
        "the derived equations": derived,
    }


@cache
def _at_infinity(expression: sp.Expr, a: sp.Symbol) -> sp.Expr:
    """The limit; a rational function of e^a has the one that it has in t = e^a."""
    t = sp.Symbol("t", positive=True)
    rational = expression.replace(sp.exp, lambda power: t ** (power / a))
    if rational.has(a):
        return sp.limit(sp.cancel(sp.expand(sp.together(expression))), a, sp.oo)
    return sp.limit(sp.cancel(rational), t, sp.oo)


def _power(rate: int) -> str:
    return f"e^({rate}|a|)" if rate != 1 else "e^|a|"


def _in_exponentials(value: sp.Expr) -> sp.Expr:
    """Sigmoid and tanh as quotients of exponentials."""
    return value.replace(lambda e: isinstance(e, sigmoid | sp.tanh), lambda e: e.rewrite(sp.exp))
