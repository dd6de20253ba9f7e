"""Exact shares: where one p of a normalised exponential is nearly all, its complement is a sum.

Derivatives of log p = z - log Σ e^z are differences between a value and a mean with the weights p,
x - pᵀx, or between a value and a share of a sum, x - p Σx. Where p is nearly 1 all digits of these
cancel: of ŷ - y for a target that is met, say. What is left is in the other terms:

    rest_p = Σ p,  rest_x = Σ x  without the one that is well over a half, if there is one
    x - pᵀx = rest_p x - rest_px,   x - p Σx = rest_p x - rest_x p   there

and where p is smaller, nothing cancels that would not in any case. In the same way log Σ e^z is
log1p of the sum without the largest term, if that is 1. It costs a few more operations for each
component; no component is compared with another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import sympy as sp
from sympy.codegen.cfunctions import log1p

from equations.derive.normalised import Normalised, difference_in, normalised
from equations.language import Largest, Select, TensorSymbol, broadcast, scale, total
from equations.program import Equation, Program

MOST = sp.Rational(5, 8)
"""A share that is treated apart. Above a half, so that there is one at most, however it is rounded;
and just above, so that the complement of any smaller share has lost a bit or two at the most."""

FEW = sp.Rational(3, 2)
"""A sum whose largest term is 1, and below which that term is surely such a share."""


def exact_shares(program: Program, forward: Program) -> Program:
    """The same program with what normalised exponentials make of differences computed exactly.

    Args:
        program: the forward equations themselves, or what is derived from them.
        forward: the forward equations, in normal form.
    """
    for found in normalised(forward):
        program = _rewritten(program, forward, found)
    return program


def _rewritten(program: Program, forward: Program, of: Normalised) -> Program:
    equations = [new for eq in program for new in _exact(eq, program, forward, of)]
    ahead = list(_needed(_rests(of), equations))
    made = {eq.symbol for eq in (*ahead, *equations)}
    read = {s for eq in ahead for s in eq.value.atoms(TensorSymbol)}
    extra = sorted(read - made - set(program.arguments), key=forward.position.__getitem__)
    arguments = (*program.arguments, *extra)
    return replace(
        program,
        arguments=arguments,
        equations=tuple(_in_order([*ahead, *equations], arguments)),
    )


def _in_order(equations: Iterable[Equation], given: Iterable[TensorSymbol]) -> Iterator[Equation]:
    """The same equations, each as early as it stands but after what it reads."""
    known, waiting = set(given), list[Equation]()
    for equation in equations:
        waiting.append(equation)
        while ready := [eq for eq in waiting if eq.value.atoms(TensorSymbol) <= known]:
            known.add(ready[0].symbol)
            waiting.remove(ready[0])
            yield ready[0]


def _rests(of: Normalised) -> tuple[Equation, Equation]:
    """The sum of e^z without its one large term, and of the shares: 1 - p of the large one."""
    rest = _beside(of.exponential, of.sum - 1)
    share = _beside(of.share, 1 - of.share)
    return (
        Equation(rest, _without(of, of.exponential)),
        Equation(share, rest / of.sum),
    )


def _exact(eq: Equation, program: Program, forward: Program, of: Normalised) -> Iterator[Equation]:
    """An equation, and before it what it takes to compute it exactly."""
    rest_e, rest_p = (rest.symbol for rest in _rests(of))
    difference = difference_in(eq, program, of.share)
    if eq.symbol == of.log_sum and _is_shifted(of, forward):
        few = sp.Lt(of.sum, FEW, evaluate=False)
        yield Equation(eq.symbol, Select(few, log1p(rest_e), eq.value))
    elif difference is None:
        yield eq
    else:
        x, taken = difference.value, difference.taken
        rest = _beside(x, total(difference.summed))
        yield Equation(rest, _without(of, difference.summed))
        careful = scale(rest_p, x) - difference.times_sum(rest)
        chosen, others = Select(_most(of), careful, x + taken), eq.value - x - taken
        if others != 0:
            part = TensorSymbol(f"{eq.symbol}_of_{x}", x.axes, origin=("beside", (x + taken,)))
            yield Equation(part, chosen)
            chosen = part
        yield Equation(eq.symbol, chosen + others)


def _is_shifted(of: Normalised, forward: Program) -> bool:
    """Whether the largest argument is subtracted, so that the largest term is 1."""
    value = forward.value_of(of.argument)
    return any(
        isinstance(eq.value, Largest)
        and value == eq.value.args[0] - broadcast(eq.symbol, *of.argument.axes)
        for eq in forward
    )


def _most(of: Normalised) -> sp.Rel:
    return sp.Gt(of.share, MOST, evaluate=False)


def _without(of: Normalised, value: sp.Expr) -> sp.Expr:
    """The sum of a value over all components but the one with the large share."""
    return total(Select(_most(of), sp.S.Zero, value))


def _beside(value: TensorSymbol, shown: sp.Expr) -> TensorSymbol:
    return TensorSymbol(f"rest_{value}", origin=("beside", (shown,)))


def _needed(equations: Iterable[Equation], by: Iterable[Equation]) -> Iterator[Equation]:
    """Those of the equations that the others read, in their order."""
    read = {symbol for eq in by for symbol in eq.value.atoms(TensorSymbol)}
    kept: list[Equation] = []
    for equation in reversed(list(equations)):
        if equation.symbol in read:
            kept.append(equation)
            read |= equation.value.atoms(TensorSymbol)
    return reversed(kept)
