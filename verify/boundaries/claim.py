"""The two sides of a claim as a program, and the derived programs its symbols stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equations.derive.normal import normal_form
from equations.derive.reverse import reverse
from equations.derive.tangent import jacobian
from equations.language import (
    Contract,
    Identity,
    LanguageError,
    Ones,
    TensorSymbol,
    axes_of,
)
from equations.program import Equation, Program

if TYPE_CHECKING:
    import sympy as sp

    from equations.boundary import Boundary
    from equations.cell import Cell


def claim_program(boundary: Boundary) -> Program:
    """A program with results `left`, `right` and then both sides of every assumption."""
    symbols = sorted(boundary.symbols, key=str)
    equations: list[Equation] = []
    for k, pair in enumerate(((boundary.left, boundary.right), *boundary.given)):
        axes = next((axes for side in pair if (axes := axes_of(side)) is not None), ())
        for name, side in zip(("left", "right"), pair, strict=True):
            suffix = f"_{k}" if k else ""
            equations.append(Equation(TensorSymbol(f"{name}{suffix}_of_claim", axes), side))
    results = tuple(equation.symbol for equation in equations)
    return Program(f"claim {boundary.name!r}", tuple(symbols), tuple(equations), results)


def derived_symbols(boundary: Boundary) -> list[TensorSymbol]:
    """The symbols of the claim that are derivatives, in a stable order."""
    return sorted((s for s in boundary.symbols if s.origin is not None), key=str)


def single(cell: Cell, of: TensorSymbol) -> Program:
    """The one equation of a value, as written, as a program of its own."""
    value = cell.program.value_of(of)
    if value is None:
        raise LanguageError(f"{cell.name}: {of} has no equation; direct(...) is of one equation")
    arguments = tuple(s for s in cell.program.symbols if s in value.atoms(TensorSymbol))
    return Program(f"equation {of} of {cell.name}", arguments, (Equation(of, value),), (of,))


def derived_program(cell: Cell, symbol: TensorSymbol) -> tuple[Program, TensorSymbol]:
    """The derived program that computes a symbol of a claim, and its name for it.

    Its arguments are values of `cell.forward()` and, for a cotangent, those of the results.

    Raises:
        LanguageError: the symbol is not made by gradient, jacobian or direct.
    """
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
    raise LanguageError(f"{cell.name}: {symbol} is not made by gradient, jacobian or direct")


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
