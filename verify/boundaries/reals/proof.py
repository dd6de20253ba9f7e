"""Statements proved for all real numbers, at two pairs of small sizes, or refuted by an example.

The zero test is exact: values of functions become symbols of their own, and what is left is a
polynomial. That a claim holds at every size does not follow from two sizes; it holds there because
the equations are the same in every component.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from equations.boundary import Boundary, jacobian
from equations.language import Identity, axes_of
from verify.arithmetic.symbols import HyperbolicTangent, Logistic, Opaque, Symbols
from verify.boundaries.claim import claim_program
from verify.boundaries.points import small_sizes
from verify.boundaries.reals import inequality
from verify.boundaries.reals.counterexample import counterexample
from verify.boundaries.reals.symbolic import from_definition, from_derived
from verify.boundaries.record import Finding, UndecidedError
from verify.interpret import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from equations.cell import Cell

Array = Any
SIZES = ((2, 3), (3, 2))
RANGE = {Logistic: (0, 1), HyperbolicTangent: (-1, 1)}


def prove(cell: Cell, boundary: Boundary, *, quick: bool = False) -> Finding:
    """Prove a statement from the definition and from the derived equations, or refute it."""
    try:
        argument = ""
        for statement in (boundary, *_induction(cell, boundary)):
            for sizes in _sizes(cell)[: 1 if quick else None]:
                for values in (from_definition, from_derived):
                    found = _proved(statement, values(cell, statement, sizes), sizes)
                    argument = argument or found
    except UndecidedError as reason:
        found_false = counterexample(cell, boundary)
        if found_false is not None:
            return Finding("refuted", found_false)
        return Finding("cannot decide", str(reason))
    at = " and ".join(_sizes_text(sizes) for sizes in _sizes(cell)[: 1 if quick else None])
    more = f"; {boundary.steps:,} steps by induction" if boundary.steps > 1 else ""
    return Finding(
        "holds", f"from the definition and the derived equations, at {at}: {argument}{more}"
    )


class Ordered(Symbols):
    """Symbols in which |a|, max and min are SymPy's own instead of indicators."""

    def compare(self, relation: str, left: Array, right: Array) -> Array:
        """The relation itself, unevaluated."""
        make = {">": sp.Gt, ">=": sp.Ge, "<": sp.Lt, "<=": sp.Le}[relation]
        return np.frompyfunc(lambda a, b: make(a, b, evaluate=False), 2, 1)(left, right)

    def where(self, condition: Array, first: Array, second: Array) -> Array:
        """|a|, max(a, b) or min(a, b) where the selection is one, else a piecewise value."""
        return np.frompyfunc(_selected, 3, 1)(condition, first, second)


def _selected(condition: sp.Expr, first: sp.Expr, second: sp.Expr) -> sp.Expr:
    left, right = condition.args
    if right == 0 and first == left and second == -left and condition.rel_op in (">", ">="):
        return sp.Abs(first)
    if (first, second) == (left, right):
        return (sp.Max if condition.rel_op in (">", ">=") else sp.Min)(first, second)
    return sp.Piecewise((first, condition), (second, True))


def _proved(boundary: Boundary, values: Mapping[str, Array], sizes: Mapping[str, int]) -> str:
    """The argument that establishes the claim for these values."""
    program = claim_program(boundary)
    sides = evaluate(program, values, sizes, Ordered())
    left, right, *assumptions = (
        list(np.ravel(np.asarray(sides[result.name], dtype=object))) for result in program.results
    )
    abstract, box = _abstraction([*left, *right, *(e for side in assumptions for e in side)])
    given = [
        sp.expand(abstract(a) - abstract(b))
        for first, second in zip(assumptions[::2], assumptions[1::2], strict=True)
        for a, b in zip(first, second, strict=True)
    ]
    pairs = [(abstract(a), abstract(b)) for a, b in zip(left, right, strict=True)]
    if boundary.relation == "=":
        for a, b in pairs:
            _check_zero(a - b, given)
        return "left - right is zero in each component" + (" under the assumption" if given else "")
    if given:
        raise UndecidedError("an inequality under an assumption is not handled")
    strict = boundary.relation == "<"
    return [inequality.prove(a, b, box, strict=strict) for a, b in pairs][-1]


def _abstraction(
    expressions: Sequence[sp.Expr],
) -> tuple[Callable[[sp.Expr], sp.Expr], dict[sp.Symbol, tuple[int, int]]]:
    """Names for the values of functions, and the interval each lies in."""
    found = sorted(set().union(*(e.atoms(Opaque) for e in map(sp.sympify, expressions))), key=str)
    names = {value: sp.Symbol(f"_{k}", real=True) for k, value in enumerate(found)}
    box = {names[value]: RANGE[type(value)] for value in found if type(value) in RANGE}
    return lambda expression: sp.sympify(expression).xreplace(names), box


def _check_zero(difference: sp.Expr, given: Sequence[sp.Expr]) -> None:
    expanded = sp.expand(difference)
    if expanded == 0:
        return
    if given and expanded.is_polynomial():
        generators = sorted(expanded.free_symbols.union(*(g.free_symbols for g in given)), key=str)
        _, remainder = sp.reduced(expanded, list(given), *generators)
        if remainder == 0:
            return
    raise UndecidedError(f"left - right is {_short(expanded)}, not identically zero")


def _induction(cell: Cell, boundary: Boundary) -> list[Boundary]:
    """What else one step must satisfy for the claim to hold over many.

    A new state that equals the old one does so after any number of steps. A Jacobian that is the
    identity stays so when the new state does not depend on the other states.
    """
    if boundary.steps == 1:
        return []
    for old, new in cell.carried:
        if (boundary.left, boundary.relation, boundary.right) == (new, "=", old):
            return []
        if boundary.left == jacobian(new, old) and _is_identity(boundary.right):
            return [
                Boundary(boundary.name, jacobian(new, other), "=", sp.S.Zero, boundary.at)
                for other in cell.states
                if other != old
            ]
    raise UndecidedError(
        "over several steps only a copied state, or its identity Jacobian, is understood"
    )


def _is_identity(expression: sp.Expr) -> bool:
    leaves = expression.atoms(Identity)
    return bool(leaves) and not expression.free_symbols and len(axes_of(expression) or ()) % 2 == 0


def _sizes(cell: Cell) -> list[dict[str, int]]:
    """Two assignments of small sizes to the axes of a cell."""
    return [small_sizes(cell, lengths) for lengths in SIZES]


def _sizes_text(sizes: Mapping[str, int]) -> str:
    return f"({', '.join(sizes)}) = ({', '.join(map(str, sizes.values()))})"


def _short(expression: sp.Expr, limit: int = 100) -> str:
    text = str(expression)
    return text if len(text) <= limit else text[: limit - 3] + "..."
