"""Parts of equations as equations of their own, where the parts of several are to be one call."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from equations.generate.planning.roles import is_parameter
from equations.generate.planning.schedule import Schedule
from equations.language import TensorSymbol
from equations.program import Equation, Program


def terms_apart(schedule: Schedule) -> Schedule:
    """Products of one waiting value with known factors as equations of their own.

    Where a step multiplies one value by several factors, as it does on the way back, all of the
    products can then be one, on factors that lie side by side.
    """
    before, loop = list(schedule.before), list(schedule.loop)
    ahead = {equation.symbol for equation in before}
    given = {s for s in schedule.loop.arguments if s not in ahead}
    carried = given - {s for part in (schedule.before, schedule.after) for s in part.arguments}
    waiting = carried | {equation.symbol for equation in loop}
    found: dict[TensorSymbol, int] = {}
    for equation in loop:
        for term in sp.Add.make_args(equation.value):
            pair = _scaled(term, waiting)
            if pair:
                found[pair[0]] = found.get(pair[0], 0) + 1
    several = {value for value, count in found.items() if count > 1}
    copies: dict[TensorSymbol, TensorSymbol] = {}

    def factor(symbol: TensorSymbol) -> TensorSymbol:
        """A known factor in a place that can be chosen."""
        if symbol in ahead:
            return symbol
        if symbol not in copies:
            copy = TensorSymbol(f"{symbol}_factor", symbol.axes, origin=("copy", (symbol,)))
            copies[symbol] = copy
            before.append(Equation(copy, symbol))
        return copies[symbol]

    equations: list[Equation] = []
    for equation in loop:
        terms = []
        for term in sp.Add.make_args(equation.value):
            pair = _scaled(term, waiting)
            if pair is None or pair[0] not in several:
                terms.append(term)
                continue
            value, known = pair
            product = value * factor(known)
            if term == equation.value:
                terms.append(product)
                continue
            name = f"{equation.symbol}_from_{value}"
            part = TensorSymbol(name, equation.symbol.axes, origin=("beside", (equation.symbol,)))
            equations.append(Equation(part, product))
            terms.append(part)
        equations.append(Equation(equation.symbol, sp.Add(*terms)))
    return _with(schedule, before, equations)


def inverses_apart(schedule: Schedule) -> Schedule:
    """The inverse of an exponential as an equation of its own, beside a gate and its complement.

    These have one form then: 1 / (1 + exp_u) and 1 / (1 + inverse_exp_u).
    """
    return Schedule(*map(_inverses_apart, (schedule.before, schedule.loop, schedule.after)))


def _inverses_apart(program: Program) -> Program:
    values = {equation.value: equation.symbol for equation in program}
    equations: list[Equation] = []
    swaps: dict[sp.Expr, sp.Expr] = {}
    for equation in program:
        symbol, inverse = equation.symbol, 1 / equation.symbol
        complement = values.get(1 / (1 + inverse))
        equations.append(Equation(symbol, swaps.get(equation.value, equation.value)))
        if complement is not None and 1 / (1 + symbol) in values:
            apart = TensorSymbol(f"inverse_{symbol}", symbol.axes, origin=complement.origin)
            equations.append(Equation(apart, inverse))
            swaps[1 / (1 + inverse)] = 1 / (1 + apart)
    return replace(program, equations=tuple(equations))


def _scaled(term: sp.Expr, waiting: set[TensorSymbol]) -> tuple[TensorSymbol, TensorSymbol] | None:
    """A product of a value that waits and of a known one."""
    if not isinstance(term, sp.Mul) or len(term.args) != 2:
        return None
    if not all(isinstance(factor, TensorSymbol) for factor in term.args):
        return None
    slow = [factor for factor in term.args if factor in waiting]
    fast = [factor for factor in term.args if factor not in waiting and not is_parameter(factor)]
    return (slow[0], fast[0]) if len(slow) == len(fast) == 1 else None


def _with(schedule: Schedule, before: list[Equation], loop: list[Equation]) -> Schedule:
    own = {equation.symbol for equation in before}
    read = {s for equation in before for s in equation.value.atoms(TensorSymbol)} - own
    outside = dict.fromkeys([*schedule.before.arguments, *schedule.loop.arguments])
    read_in_loop = {s for equation in loop for s in equation.value.atoms(TensorSymbol)}
    made = {equation.symbol for equation in loop}
    first = Program(
        schedule.before.name,
        tuple(s for s in outside if s in read),
        tuple(before),
        tuple(
            eq.symbol
            for eq in before
            if eq.symbol in read_in_loop or eq.symbol in schedule.before.results
        ),
    )
    arguments = dict.fromkeys([*schedule.loop.arguments, *(eq.symbol for eq in before)])
    second = Program(
        schedule.loop.name,
        tuple(s for s in arguments if s in read_in_loop - made),
        tuple(loop),
        schedule.loop.results,
    )
    return Schedule(first, second, schedule.after)
