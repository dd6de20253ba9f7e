"""Normalised exponentials are derived through their logarithm, as people do.

    s = Σ e^z,  p = e^z / s,  log p = z - log s

To first order log s moves with z as the mean of z with the weights p, and p moves as p times the
change of its logarithm. So that is what derivations see in place of the equations above: log s as
pᵀz with fixed weights, and p as exp(log p). What is derived is written with p, and is then exact to
any order, since p itself moves when it is derived again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations

import sympy as sp

from equations.language import TensorSymbol, broadcast, dot, scale, total
from equations.program import Equation, Program

Weights = Mapping[TensorSymbol, TensorSymbol]


@dataclass(frozen=True)
class Normalised:
    """The symbols of a normalised exponential: those of s = Σ e^z, log s, p = e^z/s and log p."""

    argument: TensorSymbol
    exponential: TensorSymbol
    sum: TensorSymbol
    log_sum: TensorSymbol
    share: TensorSymbol
    log_share: TensorSymbol


def normalised(program: Program) -> Iterator[Normalised]:
    """The normalised exponentials of a program in normal form.

    A logarithm that has no name in the program gets one here.
    """
    names = {equation.value: equation.symbol for equation in program}
    taken = {symbol.name for symbol in program.symbols}
    for z, e, s in _sums(program):
        p = names.get(scale(names.get(1 / s, s), e))
        if p is None:
            continue
        log_s = names.get(sp.log(s)) or _inner(sp.log(s), f"log_{s}", (), taken)
        log_p = names.get(_logarithm(z, log_s)) or _inner(sp.log(p), f"log_{p}", p.axes, taken)
        yield Normalised(z, e, s, log_s, p, log_p)


def with_shares(program: Program) -> Program:
    """The program with a name for e^z/s where there is one for its logarithm alone.

    The derivative of the logarithm is written with it.
    """
    names = {equation.value: equation.symbol for equation in program}
    taken = {symbol.name for symbol in program.symbols}
    for z, e, s in _sums(program):
        log_s = names.get(sp.log(s))
        log_p = names.get(_logarithm(z, log_s)) if log_s is not None else None
        inverse = names.get(1 / s)
        if log_p is None or (inverse is not None and scale(inverse, e) in names):
            continue
        added = []
        if inverse is None:
            inverse = _inner(1 / s, f"inv_{s}", (), taken)
            added.append(Equation(inverse, 1 / s))
        share = scale(inverse, e)
        added.append(Equation(_inner(share, f"exp_{log_p}", e.axes, taken), share))
        program = replace(program, equations=(*program.equations, *added))
    return program


def _sums(program: Program) -> Iterator[tuple[TensorSymbol, TensorSymbol, TensorSymbol]]:
    """What is exponentiated, the exponential and the sum of it."""
    names = {equation.value: equation.symbol for equation in program}
    for equation in program:
        s = names.get(total(equation.symbol)) if isinstance(equation.value, sp.exp) else None
        if s is not None:
            yield equation.value.args[0], equation.symbol, s


def _logarithm(z: TensorSymbol, log_sum: TensorSymbol) -> sp.Expr:
    return z - broadcast(log_sum, *z.axes)


def _inner(value: sp.Expr, name: str, axes: tuple[str, ...], taken: set[str]) -> TensorSymbol:
    """A symbol for a value inside the equations, which is printed as that value."""
    while name in taken:
        name += "_"
    taken.add(name)
    return TensorSymbol(name, axes, origin=("expression", (value,)))


def through_logarithms(program: Program) -> tuple[Program, Weights]:
    """The program to derive in place of this one, and what its fixed weights stand for."""
    weights: dict[TensorSymbol, TensorSymbol] = {}
    for found in normalised(program):
        fixed = TensorSymbol(f"{found.share}_fixed", found.share.axes)
        weights[fixed] = found.share
        swapped = (
            Equation(found.log_sum, dot(fixed, found.argument)),
            Equation(found.log_share, _logarithm(found.argument, found.log_sum)),
            Equation(found.share, sp.exp(found.log_share)),
        )
        moved = {equation.symbol for equation in swapped}
        first = next(k for k, equation in enumerate(program) if equation.symbol in moved)
        others = [equation for equation in program if equation.symbol not in moved]
        program = replace(
            program,
            arguments=(*program.arguments, fixed),
            equations=(*others[:first], *swapped, *others[first:]),
        )
    return program, weights


def with_weights(derived: Program, weights: Weights) -> Program:
    """What was derived, with the weights that were fixed by their own names."""
    arguments = dict.fromkeys(weights.get(symbol, symbol) for symbol in derived.arguments)
    equations = tuple(Equation(eq.symbol, eq.value.xreplace(dict(weights))) for eq in derived)
    return replace(derived, arguments=tuple(arguments), equations=equations)


@dataclass(frozen=True)
class Difference:
    """Terms of a derivative that are x - pᵀx or x - p Σx, of which little is left where p is 1.

    Args:
        value: x.
        taken: the other term.
        weight: what the sum is multiplied by: 1, or p.
        summed: what is summed: p x, or x.
    """

    value: TensorSymbol
    taken: sp.Expr
    weight: sp.Expr
    summed: sp.Expr

    def times_sum(self, sum_: TensorSymbol) -> sp.Expr:
        """A sum times the weight."""
        if self.weight == 1:
            return broadcast(sum_, *self.value.axes)
        return scale(sum_, self.weight)


def difference_in(equation: Equation, program: Program, p: TensorSymbol) -> Difference | None:
    """The difference in an equation of a derived program, if there is one."""
    for x, taken in permutations(sp.Add.make_args(equation.value), 2):
        if not isinstance(x, TensorSymbol) or x.axes != p.axes:
            continue
        for symbol in taken.atoms(TensorSymbol):
            for sum_, weight, summed in ((dot(p, x), sp.S.One, p * x), (total(x), p, x)):
                found = Difference(x, taken, weight, summed)
                sign = {sum_: -1, -sum_: 1}.get(program.value_of(symbol))
                if sign and taken == sign * found.times_sum(symbol):
                    return found
    return None
