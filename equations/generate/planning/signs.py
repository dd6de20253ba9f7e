"""Signs: what is read as -a alone is computed as -a, with the sign in its parameters.

e^-a of `a = W x + U h + b` is e^((-W) x + (-U) h + (-b)), to the last bit. A parameter changes its
sign once per call; a pre-activation would change it at every step.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sympy as sp

from equations.generate.planning.roles import is_parameter
from equations.language import Contract, TensorSymbol
from equations.program import Equation, Program


def minus(symbol: TensorSymbol) -> TensorSymbol:
    """The negative of a parameter, or of a value."""
    name = f"minus_{symbol}"
    return TensorSymbol(name, symbol.axes, role=symbol.role, origin=("beside", (-symbol,)))


def signs_folded(program: Program, kept: Iterable[TensorSymbol]) -> Program:
    """The same program; parameters with a sign are further arguments of it.

    Args:
        program: equations in normal form.
        kept: values that are wanted besides its results.
    """
    wanted = {*program.results, *kept}
    turned: dict[TensorSymbol, sp.Expr] = {}
    for equation in program:
        value = _turned(equation.value)
        if equation.symbol not in wanted and value is not None:
            readers = [eq.value for eq in program if eq.value.has(equation.symbol)]
            swap = {-equation.symbol: minus(equation.symbol)}
            if readers and not any(
                reader.xreplace(swap).has(equation.symbol) for reader in readers
            ):
                turned[equation.symbol] = value
    if not turned:
        return program
    swaps = {-symbol: minus(symbol) for symbol in turned}
    equations = [
        Equation(minus(eq.symbol), turned[eq.symbol])
        if eq.symbol in turned
        else Equation(eq.symbol, eq.value.xreplace(swaps))
        for eq in program
    ]
    read = {symbol for eq in equations for symbol in eq.value.atoms(TensorSymbol)}
    signed = [minus(s) for s in program.arguments if is_parameter(s) and minus(s) in read]
    arguments = [s for s in program.arguments if s in read or not is_parameter(s)]
    return replace(program, arguments=(*arguments, *signed), equations=tuple(equations))


def _turned(value: sp.Expr) -> sp.Expr | None:
    """-value with the signs in its parameters; None where a term is not linear in one."""
    terms = [_turned_term(term) for term in sp.Add.make_args(value)]
    return None if None in terms else sp.Add(*terms)


def _turned_term(term: sp.Expr) -> sp.Expr | None:
    parameters = [symbol for symbol in term.atoms(TensorSymbol) if is_parameter(symbol)]
    factors = [
        operand
        for factor in sp.Mul.make_args(term)
        for operand in (factor.operands if isinstance(factor, Contract) else (factor,))
    ]
    if len(parameters) != 1 or factors.count(parameters[0]) != 1:
        return None
    return term.xreplace({parameters[0]: minus(parameters[0])})
