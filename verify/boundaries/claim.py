"""The two sides of a claim as a program, and the derived programs its symbols stand for."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sympy as sp

from equations.derive.local import partial
from equations.derive.names import TangentNames
from equations.derive.normal import normal_form
from equations.derive.reverse import reverse
from equations.derive.tangent import jacobian, tangent
from equations.language import (
    Contract,
    Identity,
    LanguageError,
    Ones,
    TensorSymbol,
    absolute,
    axes_of,
    broadcast,
    largest,
    ramp,
)
from equations.program import Equation, Program
from verify.interpret import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from equations.boundary import Boundary
    from equations.cell import Cell
    from verify.interpret import Arithmetic

Array = Any


def claim_program(boundary: Boundary) -> Program:
    """A program with results `left`, `right` and then both sides of every assumption."""
    pairs = ((boundary.left, boundary.right), *boundary.given)
    return sides_program(f"claim {boundary.name!r}", boundary.symbols, pairs)


@lru_cache(maxsize=256)
def sides_program(
    name: str, symbols: frozenset[TensorSymbol], pairs: tuple[tuple[sp.Expr, sp.Expr], ...]
) -> Program:
    """A program with both sides of every pair as its results; kept, for many points."""
    equations: list[Equation] = []
    for k, pair in enumerate(pairs):
        axes = next((axes for side in pair if (axes := axes_of(side)) is not None), ())
        for which, side in zip(("left", "right"), pair, strict=True):
            symbol = TensorSymbol(f"{which}_{k}_of_claim", axes)
            equations.append(Equation(symbol, side))
    results = tuple(equation.symbol for equation in equations)
    return Program(name, tuple(sorted(symbols, key=str)), tuple(equations), results)


def derived_symbols(boundary: Boundary) -> list[TensorSymbol]:
    """The symbols of the claim that are derivatives, in a stable order."""
    return sorted((s for s in boundary.symbols if s.origin is not None), key=str)


@lru_cache(maxsize=256)
def held(program: Program, symbols: tuple[TensorSymbol, ...]) -> Program:
    """The program with these values handed to it; unlike `given`, no equation is dropped."""
    return replace(
        program,
        arguments=(*program.arguments, *(s for s in symbols if s not in program.arguments)),
        equations=tuple(eq for eq in program.equations if eq.symbol not in symbols),
    )


def computed(
    cell: Cell,
    symbols: Iterable[TensorSymbol],
    free: Mapping[str, Array],
    sizes: Mapping[str, Any],
    arithmetic: Arithmetic,
    *,
    along: tuple[TensorSymbol, ...] | None = None,
) -> dict[str, Array]:
    """All values of a cell and these derived symbols, from the forward and derived equations.

    Args:
        cell: the cell.
        symbols: derived symbols, as `derived_symbols` gives them.
        free: what is given instead of computed, by name: arguments, cotangents of results,
            directions, and whatever else is held.
        sizes: the length of each axis.
        arithmetic: what a number is.
        along: the arguments that a tangent is along; all of them unless told otherwise.
    """
    forward = cell.forward()
    whole = held(forward, _among(forward, free))
    known = {**free, **evaluate(whole, free, sizes, arithmetic)}
    for symbol in symbols:
        if symbol.name not in free:
            program, result = derived_program(cell, symbol, along)
            rest = _given(program, _among(program, free))
            known[symbol.name] = evaluate(rest, known, sizes, arithmetic)[result.name]
    return known


def _among(program: Program, free: Mapping[str, Array]) -> tuple[TensorSymbol, ...]:
    return tuple(symbol for symbol in program.symbols if symbol.name in free)


_given = lru_cache(maxsize=256)(Program.given)


def free_symbols(
    cell: Cell,
    symbols: Iterable[TensorSymbol],
    *,
    along: tuple[TensorSymbol, ...] | None = None,
) -> list[TensorSymbol]:
    """What the symbols of a claim are computed from, in a stable order.

    They are arguments of the cell, cotangents of its results, constants and, where a symbol is a
    tangent, the directions of the arguments `along`; of all of them unless told otherwise.
    """
    fixed = (*cell.program.arguments, *seeds_of(cell).values())
    own = {s for s in symbols if s.origin is not None and s.origin[0] == "constant"}
    if any(s.origin is not None and s.origin[0] == "tangent" for s in symbols):
        own |= set(directions(cell, along).values())
    return [*fixed, *sorted(own, key=str)]


def directions(
    cell: Cell, along: tuple[TensorSymbol, ...] | None = None
) -> dict[TensorSymbol, TensorSymbol]:
    """The tangent of each of these arguments of a cell; of all of them unless told otherwise."""
    names = TangentNames(())
    return {s: names.tangent(s) for s in (cell.program.arguments if along is None else along)}


def ends(boundary: Boundary, sizes: Mapping[str, int], arithmetic: Arithmetic) -> dict[str, Array]:
    """The values that the gates of a statement are held at, by name."""
    return {
        gate.name: arithmetic.number(sp.Integer(end))
        * arithmetic.ones(*(sizes[axis] for axis in gate.axes))
        for gate, end in boundary.at.items()
    }


def single(cell: Cell, of: TensorSymbol) -> Program:
    """The one equation of a value, as written, as a program of its own."""
    value = cell.program.value_of(of)
    if value is None:
        raise LanguageError(f"{cell.name}: {of} has no equation; direct(...) is of one equation")
    arguments = tuple(s for s in cell.program.symbols if s in value.atoms(TensorSymbol))
    return Program(f"equation {of} of {cell.name}", arguments, (Equation(of, value),), (of,))


def derived_program(
    cell: Cell, symbol: TensorSymbol, along: tuple[TensorSymbol, ...] | None = None
) -> tuple[Program, TensorSymbol]:
    """The derived program that computes a symbol of a claim, and its name for it.

    Its arguments are values of `cell.forward()`, for a cotangent those of the results, and for a
    tangent those of the arguments `along`; of all of them unless told otherwise.

    Raises:
        LanguageError: the symbol is made by none of the functions for it, or has no derivation.
    """
    key = cell.program, symbol, along
    if key not in _derived:
        _derived[key] = _derive(cell, symbol, along)
    return _derived[key]


_derived: dict[tuple[Any, ...], tuple[Program, TensorSymbol]] = {}
"""What was derived already, by the program that defines the cell."""


def _derive(
    cell: Cell, symbol: TensorSymbol, along: tuple[TensorSymbol, ...] | None
) -> tuple[Program, TensorSymbol]:
    kind, sources = symbol.origin or ("", ())
    of = sources[0] if sources else symbol
    if kind == "cotangent":
        program = cell.backward()
        if all(s.name != symbol.name for s in program.symbols):
            forward = cell.forward()
            program = reverse(forward.given([of]), wrt=[of])
        return program.needed_for([program[symbol.name]]), symbol
    if kind == "jacobian":
        program = jacobian(cell.forward(), by=[sources[1]], results=[of])
        return program, program.results[0]
    if kind == "direct":
        one = normal_form(single(cell, of))
        inner = jacobian(one, by=[sources[1]], results=[of])
        # Inner values of the one equation are computed with it; all others are the cell's.
        program = one.needed_for([s for s in inner.arguments if one.value_of(s) is not None])
        whole = program.then(inner, inner.name).needed_for(inner.results)
        return whole, inner.results[0]
    if kind == "tangent" and of.origin is not None and of.origin[0] == "cotangent":
        if (argument := of.origin[1][0]) not in cell.program.arguments:
            raise LanguageError(f"{cell.name}: hvp: {argument} is not an argument of the cell")
        program = cell.second()
        return program.needed_for([program[symbol.name]]), program[symbol.name]
    if kind == "tangent":
        program = tangent(cell.forward(), wrt=along, results=[of])
        return program, program.results[0]
    if kind == "slope":
        value = cell.forward().value_of(of)
        argument = value.args[0] if isinstance(value, sp.Function) else None
        if not isinstance(argument, TensorSymbol):
            raise LanguageError(f"{cell.name}: {of} is not a function of a pre-activation")
        if isinstance(value, ramp):
            made = Equation(symbol, value.selection.xreplace({value: of, argument: sp.S.One}))
        else:
            made = Equation(symbol, partial(value, argument, {value: of}))
        return Program(f"slope of {of} in {cell.name}", (of,), (made,), (symbol,)), symbol
    if kind == "norm":
        # It is never differentiated, so it may be the largest component as a shift may.
        rows = TensorSymbol(f"{symbol}_of_rows", (), role="shift")
        steps = (
            Equation(rows, largest(Contract("ij->i", absolute(of)))),
            Equation(symbol, broadcast(rows, *symbol.axes)),
        )
        return Program(f"norm of {of}", (of,), steps, (symbol,)), symbol
    raise LanguageError(
        f"{cell.name}: {symbol} is not made by gradient, jacobian, direct, jvp, hvp, slope or norm"
    )


def seeds_of(cell: Cell) -> dict[TensorSymbol, TensorSymbol]:
    """The symbol that the loss's cotangent of each result has in the backward program."""
    seeds = {}
    for symbol in cell.backward().arguments:
        if symbol.origin is not None and symbol.origin[0] in ("seed", "cotangent"):
            of = symbol.origin[1][0]
            if isinstance(of, TensorSymbol) and of in cell.forward().results:
                seeds[of] = symbol
    return seeds


def is_exact(expression: sp.Expr) -> bool:
    """Whether floats hold it without rounding: a copy, a number, an identity, diag of a symbol."""
    if isinstance(expression, Contract):
        inputs, output = expression.letters
        tensors = [part for part in expression.operands if not isinstance(part, Identity | Ones)]
        return (
            len(tensors) <= 1
            and set("".join(inputs)) == set(output)
            and all(map(is_exact, tensors))
        )
    return isinstance(expression, TensorSymbol | Identity | Ones) or expression.is_Integer is True
