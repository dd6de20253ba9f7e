"""Further calls of the generated module that a claim about derivatives makes a prediction for.

A claim about a direct derivative, or about an inner value, is read off derived equations and not
off the module. Here the module itself is asked: with the parameters on all other paths at zero, its
Jacobian is the direct derivative; and a value whose derivative by the state is zero must keep its
bits when the state is another one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from equations.boundary import direct, jacobian
from equations.language import TensorSymbol
from verify.boundaries.claim import is_exact

if TYPE_CHECKING:
    from equations.boundary import Boundary
    from equations.cell import Cell
    from verify.boundaries.floats.generated import Point

Array = Any


def witness(boundary: Boundary, point: Point) -> str:
    """What the module does that the claim excludes; empty when there is nothing."""
    origin = boundary.left.origin if isinstance(boundary.left, TensorSymbol) else None
    if origin is None or boundary.relation != "=" or not is_exact(boundary.right):
        return ""
    of, by = origin[1][0], origin[1][-1]
    if boundary.left == direct(of, by) and (of, by) in _blocks(point.cell):
        return _isolated(boundary, point, of, by)
    if boundary.left == jacobian(of, by) and boundary.right == 0:
        return _other_state(point, of, by)
    return ""


def _blocks(cell: Cell) -> set[tuple[sp.Expr, sp.Expr]]:
    return {(new, old) for new in cell.next_states for old in cell.states}


def _isolated(boundary: Boundary, point: Point, of: TensorSymbol, by: TensorSymbol) -> str:
    """The module's Jacobian with every other path cut."""
    cut = cutting(point.cell, of, by)
    if cut is None:
        return ""
    inputs = {
        name: np.zeros_like(np.asarray(value)) if name in map(str, cut) else value
        for name, value in point.inputs.items()
    }
    alone = replace(point, inputs=inputs)
    got, want = alone.value(jacobian(of, by)), alone.value(boundary.left)
    if np.array_equal(got, want):
        return ""
    names = ", ".join(map(str, cut))
    return f"with {names} = 0, ∂{of}/∂{by} is {np.asarray(got).tolist()}"


def cutting(cell: Cell, of: TensorSymbol, by: TensorSymbol) -> list[TensorSymbol] | None:
    """The parameters to put at zero so that `of` depends on `by` in its own equation alone."""
    dependent: set[TensorSymbol] = {by}
    cut: list[TensorSymbol] = []
    for equation in cell.forward().equations:
        if equation.symbol == of:
            others = equation.value.atoms(TensorSymbol) & dependent
            return cut if others == {by} else None
        for term in sp.Add.make_args(equation.value):
            inside = term.atoms(TensorSymbol)
            if not inside & dependent:
                continue
            own = [p for p in cell.parameters if p in inside]
            if own and not isinstance(term, sp.Function):
                cut += [own[0]] if own[0] not in cut else []
            else:
                dependent.add(equation.symbol)
    return None


def _other_state(point: Point, of: TensorSymbol, by: TensorSymbol) -> str:
    """The saved value at another state, where nothing else that it depends on changes."""
    name = of.name
    if name not in point.saved._fields:
        return ""
    other = {**point.inputs, by.name: 1.5 - 0.5 * np.asarray(point.inputs[by.name])}
    moved = replace(point, inputs=other)
    before, after = getattr(point.saved, name), getattr(moved.saved, name)
    return "" if np.array_equal(before, after) else f"{of} changes with {by}"
