"""Exact complements: 1 - σ(a) and 1 - tanh²(a) are computed from a, where their digits are.

Where a gate saturates, 1 - u has no digit left once u is rounded. So wherever an activation has a
complement, the equations are rewritten on e^-a, which has a value at both ends:

    u = σ(a)          exp_u = e^-a,  u = 1 / (1 + exp_u),  1 - u = 1 / (1 + 1 / exp_u)
    h = tanh(a)       exp_h = e^(-2|a|),  1 - h² = 4 exp_h / (1 + exp_h)²

e^-a may overflow to infinity, and so may its inverse: the results are then 0 and 1, as they should.
Where a step itself needs the complement of one gate it computes those of all, since that can be one
statement, and the way back needs them in any case.
The equations as people write and print them stay what they are; this is how they are evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import sympy as sp

from equations.language import TensorSymbol, sigmoid, tanh
from equations.program import Equation, Program


@dataclass(frozen=True)
class Complement:
    """How an activation and its complement are evaluated.

    Args:
        value: the activation, a symbol of the cell.
        printed: the complement in terms of it, such as 1 - u.
        ahead: equations that both are computed from.
        own: the activation itself, in place of its equation.
        rest: the complement, under a name of its own.
    """

    value: TensorSymbol
    printed: sp.Expr
    ahead: Equation
    own: Equation
    rest: Equation

    @property
    def is_of_gate(self) -> bool:
        """Whether it is that of a σ, 1 - u."""
        return bool(self.printed == 1 - self.value)


def complements(forward: Program) -> Iterator[Complement]:
    """The complements of all activations of a cell, in the order of its equations."""
    for equation in forward:
        for function, rule in RULES.items():
            if isinstance(equation.value, function):
                yield rule(equation)


def _of_sigmoid(equation: Equation) -> Complement:
    value, argument = equation.symbol, equation.value.args[0]
    power = _beside(value, "exp_{}", value)
    return Complement(
        value,
        1 - value,
        ahead=Equation(power, sp.exp(-argument)),
        own=Equation(value, 1 / (1 + power)),
        rest=Equation(_beside(value, "one_minus_{}", 1 - value), 1 / (1 + 1 / power)),
    )


def _of_tanh(equation: Equation) -> Complement:
    value, argument = equation.symbol, equation.value.args[0]
    slope = 1 - value**2
    power = _beside(value, "exp_{}", slope)
    return Complement(
        value,
        slope,
        ahead=Equation(power, sp.exp(-2 * sp.Abs(argument))),
        own=equation,
        rest=Equation(_beside(value, "slope_{}", slope), 4 * power / (1 + power) ** 2),
    )


RULES = {sigmoid: _of_sigmoid, tanh: _of_tanh}


def _beside(value: TensorSymbol, name: str, shown: sp.Expr) -> TensorSymbol:
    """A value computed beside another; comments show what it belongs to."""
    return TensorSymbol(name.format(value), value.axes, origin=("beside", (shown,)))


def exact(program: Program, forward: Program) -> Program:
    """The same program with its complements computed without cancellation.

    Args:
        program: the forward equations themselves, or what is derived from them.
        forward: the forward equations, in normal form.
    """
    found = list(complements(forward))
    printed = {complement.printed: complement.rest.symbol for complement in found}
    rewritten = [Equation(eq.symbol, _swapped(eq.value, printed)) for eq in program]
    read = {symbol for eq in rewritten for symbol in eq.value.atoms(TensorSymbol)}
    by_value = {complement.value: complement for complement in found}
    given = set(program.arguments)
    inside = [by_value[eq.symbol] for eq in rewritten if eq.symbol in by_value]
    wanted = {complement.value for complement in inside if complement.rest.symbol in read}
    if any(by_value[value].is_of_gate for value in wanted):
        wanted |= {complement.value for complement in inside if complement.is_of_gate}
    ahead: list[Equation] = []
    for complement in found:
        if complement.rest.symbol in read and complement.value in given:
            ahead += [complement.ahead, complement.rest]
    equations = list(ahead)
    for equation in rewritten:
        own = by_value.get(equation.symbol)
        if own is None or (own.own == equation and own.value not in wanted):
            equations.append(equation)
        else:
            equations += [own.ahead, own.own, *([own.rest] if own.value in wanted else [])]
    made = {equation.symbol for equation in equations}
    needed = {s for eq in ahead for s in eq.value.atoms(TensorSymbol)} - made - given
    extra = tuple(sorted(needed, key=forward.position.__getitem__))
    return replace(program, arguments=(*program.arguments, *extra), equations=tuple(equations))


def fast(program: Program) -> Program:
    """The same program as it is printed, with σ(a) as ½ + ½ tanh(a/2).

    At a saturated gate it has no digit left of 1 - σ(a), and far below 0 none of σ(a).
    """
    half = sp.S.Half
    rewritten = (eq.value.replace(sigmoid, lambda a: half + half * tanh(a / 2)) for eq in program)
    equations = tuple(map(Equation, (eq.symbol for eq in program), rewritten))
    return replace(program, equations=equations)


def _swapped(value: sp.Expr, printed: Mapping[sp.Expr, TensorSymbol]) -> sp.Expr:
    """An expression with complements by their names, also where a number multiplies one."""
    if not value.args or isinstance(value, TensorSymbol):
        return value
    if isinstance(value, sp.Add):
        number, rest = value.as_content_primitive()
        if rest in printed:
            return number * printed[rest]
        if -rest in printed:
            return -number * printed[-rest]
    swapped = [_swapped(arg, printed) for arg in value.args]
    return value if swapped == list(value.args) else value.func(*swapped)
