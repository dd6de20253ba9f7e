"""The values a claim speaks of, written out component by component at small sizes.

Two ways that share only the interpreter: from the definition, where the written-out components are
differentiated by rules that share nothing with SymPy's `diff`, and from the derived equations. The
gates are put at their ends after differentiation in the first, before evaluation in the second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from equations.language import TensorSymbol
from verify.arithmetic.symbols import Opaque, Symbols, derivative
from verify.boundaries.claim import (
    computed,
    derived_symbols,
    directions,
    ends,
    free_symbols,
    held,
    seeds_of,
    single,
)
from verify.boundaries.record import UndecidedError
from verify.interpret import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from equations.boundary import Boundary
    from equations.cell import Cell

Array = Any


def components(symbol: TensorSymbol, sizes: Mapping[str, int]) -> Array:
    """A symbol as an array of scalar symbols, one for each component."""
    shape = tuple(sizes[axis] for axis in symbol.axes)
    array = np.empty(shape, dtype=object)
    for index in np.ndindex(shape):
        at = ",".join(str(i + 1) for i in index)
        array[index] = sp.Symbol(f"{symbol.name}[{at}]" if at else symbol.name, real=True)
    return array


def from_definition(cell: Cell, boundary: Boundary, sizes: Mapping[str, int]) -> dict[str, Array]:
    """The values of the claim's symbols, with derivatives taken component by component."""
    arguments = {s.name: components(s, sizes) for s in cell.program.arguments}
    arithmetic = Symbols()
    values = evaluate(cell.program, arguments, sizes, arithmetic)
    at_end: dict[sp.Expr, sp.Expr] = {}
    for gate, end in boundary.at.items():
        for value in np.ravel(_objects(values[gate.name])):
            if not isinstance(value, Opaque):
                raise UndecidedError(f"{gate} is not the value of a function, so it has no end")
            at_end[value] = sp.Integer(end)
    for symbol in derived_symbols(boundary):
        values[symbol.name] = _derivative(cell, symbol, values, sizes)
    return {s.name: _replaced(values[s.name], at_end) for s in boundary.symbols if s.name in values}


def from_derived(cell: Cell, boundary: Boundary, sizes: Mapping[str, int]) -> dict[str, Array]:
    """The values of the claim's symbols, from the forward and the derived equations."""
    arithmetic = Symbols()
    free = {s.name: components(s, sizes) for s in free_symbols(cell, boundary.symbols)}
    free |= ends(boundary, sizes, arithmetic)
    return computed(cell, derived_symbols(boundary), free, sizes, arithmetic)


def _derivative(
    cell: Cell, symbol: TensorSymbol, values: Mapping[str, Array], sizes: Mapping[str, int]
) -> Array:
    """A derived symbol by the scalar derivatives of the components of the definition."""
    kind, sources = symbol.origin or ("", ())
    of, by = sources[0], sources[-1]
    program = cell.program
    if kind == "tangent":
        before = _derivative(cell, of, values, sizes) if of.origin is not None else values[of.name]
        return _along(cell, before, sizes)
    if kind == "direct":
        program = single(cell, of)
    cut = () if by in program.arguments else (by,)
    free = {s.name: components(s, sizes) for s in (*program.arguments, *cut)}
    inner = (
        evaluate(held(program, cut), free, sizes, Symbols())
        if (cut or kind == "direct")
        else values
    )
    if kind == "cotangent":
        target: Array = sp.Add(
            *(
                term
                for result, seed in seeds_of(cell).items()
                for term in np.ravel(_objects(components(seed, sizes) * inner[result.name]))
            )
        )
    else:
        target = inner[of.name]
    slopes = _by_components(target, components(by, sizes))
    if inner is values:
        return slopes
    back = {
        a: b
        for name, array in free.items()
        for a, b in zip(np.ravel(array), np.ravel(_objects(values[name])), strict=True)
    }
    return _replaced(slopes, back)


def _along(cell: Cell, value: Array, sizes: Mapping[str, int]) -> Array:
    """The derivative at t = 0 of a value where each argument is moved by t times its direction."""
    t = sp.Symbol("t", real=True)
    moved = {
        a: a + t * b
        for symbol, direction in directions(cell).items()
        for a, b in zip(
            np.ravel(components(symbol, sizes)), np.ravel(components(direction, sizes)), strict=True
        )
    }
    slopes = _by_components(_replaced(value, moved), np.asarray(t, object))
    return _replaced(slopes, {t: sp.S.Zero})


def _by_components(target: Array, by: Array) -> Array:
    target = _objects(target)
    slopes = np.empty((*target.shape, *by.shape), dtype=object)
    for i in np.ndindex(target.shape):
        for j in np.ndindex(by.shape):
            slopes[(*i, *j)] = derivative(target[i], by[j])
    return slopes


def _replaced(value: Array, rule: Mapping[sp.Expr, sp.Expr]) -> Array:
    return np.asarray(np.frompyfunc(lambda e: sp.sympify(e).xreplace(rule), 1, 1)(value), object)


def _objects(value: Array) -> Array:
    return np.asarray(value, dtype=object)
