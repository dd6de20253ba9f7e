"""What the Jacobian expression of one step says by itself, without a product over time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp

from equations.cell import Cell
from equations.derive.names import jacobian_name
from equations.language import TensorSymbol, ramp, sigmoid, tanh
from equations.program import Equation, Program
from verify.arithmetic.floats import Floats
from verify.gradients.chain import Array, whole
from verify.interpret import Values, evaluate


def saturated(cell: Cell) -> Program:
    """The Jacobian expression where every function that saturates does: their slopes are zero.

    What is left is how a gradient passes by them: mostly what a gate keeps of a state.
    """
    still = {
        jacobian_name(equation.symbol, old)
        for equation in cell.forward()
        if isinstance(equation.value, sigmoid | tanh | ramp)
        for old in cell.states
    }
    expression = cell.jacobian()
    gone: dict[TensorSymbol, sp.Expr] = {}
    left = []
    for equation in expression:
        value = sp.S.Zero if equation.symbol in still else equation.value.xreplace(gone)
        if value == 0:
            gone[equation.symbol] = sp.S.Zero
        left.append(Equation(equation.symbol, value))
    return replace(expression, equations=tuple(left)).needed_for(expression.results)


def means(cell: Cell, params: Any, xs: Array, states: Any) -> Values:  # noqa: ANN401 - a module's own
    """The values of all equations, as they are printed, with the mean over time of each.

    Args:
        cell: the cell.
        params: its parameters.
        xs: inputs, (T, B, n_x).
        states: the state before each step, each part (T, B, n).

    Returns:
        Parameters, and what is made of them alone, as they are; everything else (B, ...); by name.
    """
    series = {cell.inputs[0].name: xs, **states._asdict()}
    flat = {name: value.reshape(-1, value.shape[-1]) for name, value in series.items()}
    given = {**params._asdict(), **flat}
    known = evaluate(cell.forward(), given, _sizes(cell, given), Floats())
    found = {}
    for symbol in cell.forward().symbols:
        value = known[symbol.name]
        over_time = value.ndim > len(symbol.axes)
        found[symbol.name] = (
            value.reshape(*xs.shape[:2], *value.shape[1:]).mean(axis=0) if over_time else value
        )
    return found


def matrix(cell: Cell, expression: Program, values: Values) -> Array:
    """A Jacobian expression at these values, all states in one vector: (B, n, n)."""
    known = evaluate(expression, values, _sizes(cell, values), Floats())
    batch = len(values[cell.inputs[0].name])
    rows = (
        (known[jacobian_name(new, old).name] for old in cell.states) for new in cell.next_states
    )
    return whole([np.broadcast_to(v, (batch, *v.shape[-2:])) for v in row] for row in rows)


def _sizes(cell: Cell, values: Values) -> dict[str, int]:
    return {
        axis: size
        for symbol in cell.program.arguments
        for axis, size in zip(
            symbol.axes, values[symbol.name].shape[-len(symbol.axes) :], strict=False
        )
    }
