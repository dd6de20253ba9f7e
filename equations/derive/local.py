"""The scalar half of the calculus: SymPy's derivative of a componentwise expression.

It is written through the output where that has a name (u' = u(1-u), tanh' = 1-h²), as people do.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from equations.language import Contract, Select, TensorSymbol, constant_factor, ramp

Linear = tuple[sp.Expr, sp.Expr]  # the node (Contract or Select) and its constant factor


def split_linear(
    value: sp.Expr, names: Mapping[sp.Expr, TensorSymbol]
) -> tuple[sp.Expr, list[Linear]]:
    """A right-hand side in normal form as its componentwise part and its linear nodes.

    A ramp is the selection that it is to first order, with its value by its name.
    """
    componentwise, nodes = [], []
    for term in sp.Add.make_args(value):
        number, rest = constant_factor(term)
        if isinstance(rest, ramp):
            rest = rest.selection.xreplace(dict(names))
        if isinstance(rest, Contract | Select):
            nodes.append((rest, number))
        else:
            componentwise.append(term)
    return sp.Add(*componentwise), nodes


def partial(
    expression: sp.Expr, by: TensorSymbol, names: Mapping[sp.Expr, TensorSymbol]
) -> sp.Expr:
    """∂expression/∂by, componentwise, with the values in `names` written by their names."""
    if isinstance(expression, sp.Pow) and expression.base == by and expression in names:
        value, power = names[expression], expression.exp
        if power == -1:
            return -(value**2)
        if power == sp.S.Half:
            return 1 / (2 * value)
    return factored(sp.diff(expression, by).xreplace(dict(names)))


def factored(expression: sp.Expr) -> sp.Expr:
    """A sum with the factors that all its terms share in front: δu(1-u) - δu u is δu(1-2u)."""
    if not isinstance(expression, sp.Add):
        return expression
    terms = [set(sp.Mul.make_args(term)) for term in expression.args]
    shared = set.intersection(*terms) - {sp.S.NegativeOne}
    shared = {factor for factor in shared if not factor.is_Number}
    if not shared:
        return expression
    common = sp.Mul(*shared)
    rest = [
        sp.Mul(*(f for f in sp.Mul.make_args(term) if f not in shared)) for term in expression.args
    ]
    return sp.Mul(common, sp.Add(*rest))


def function_names(program_values: Mapping[TensorSymbol, sp.Expr]) -> dict[sp.Expr, TensorSymbol]:
    """The named values of functions, by what they are: {tanh(a_h): h_cand}."""
    return {
        value: symbol
        for symbol, value in program_values.items()
        if isinstance(value, sp.Function | sp.Pow)
    }
