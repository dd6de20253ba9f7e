"""A statement in symbols, in any of the formats that equations are printed in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sympy as sp

from equations.boundary import Boundary, Saturation
from equations.order import Order
from equations.printing import claim, expression
from equations.theorem import links

if TYPE_CHECKING:
    from equations.cell import Cell
    from equations.printing import Format
    from equations.theorem import Chain, Theorem

Links = Sequence[tuple[sp.Expr, str, sp.Expr]]
ARROW = {"unicode": "→ ±∞", "ascii": "-> +-infinity"}


def statement_text(cell: Cell, statement: Boundary | Saturation, form: Format = "unicode") -> str:
    """A statement in symbols, on one line.

    Args:
        cell: the cell it belongs to.
        statement: the statement.
        form: `unicode`, `ascii`, `latex` (formulas between dollars) or `markdown` (the same).
    """
    order = Order(cell.forward().position)
    formula = form in ("latex", "markdown")

    def claimed(left: sp.Expr, relation: str, right: sp.Expr) -> str:
        return _chain(((left, relation, right),), order, form)

    if isinstance(statement, Saturation):
        gate = expression(statement.gate, order, form)
        rate = "" if statement.rate == 1 else f"{statement.rate}"
        if formula:
            return (
                rf"$\partial {gate} / \partial a \sim C \, e^{{-{rate}|a|}}$ as $a \to \pm\infty$"
            )
        derivative = f"∂{gate}/∂a" if form == "unicode" else f"d{gate}/da"
        return f"{derivative} ~ C e^(-{rate}|a|) as a {ARROW[form]}"
    parts = [claimed(statement.left, statement.relation, statement.right)]
    held = [claimed(gate, "=", sp.Integer(end)) for gate, end in statement.at.items()]
    given = [claimed(left, "=", right) for left, right in statement.given]
    parts += [f"at {', '.join(held)}"] if held else []
    parts += [f"given {', '.join(given)}"] if given else []
    parts += [f"over {statement.steps:,} steps"] if statement.steps > 1 else []
    return " ".join(parts)


def theorem_text(cell: Cell, theorem: Theorem, form: Format = "unicode") -> str:
    """A theorem in symbols, on one line, in the same formats."""
    order = Order(cell.forward().position)

    def chain(of: Chain) -> str:
        return _chain(tuple(links(of)), order, form)

    parts = [chain(theorem.claim)]
    parts += ["at every step if at the first"] if theorem.invariant else []
    parts += [f"given {', '.join(map(chain, theorem.given))}"] if theorem.given else []
    return ", ".join(parts) if theorem.invariant and theorem.given else " ".join(parts)


def _chain(of: Links, order: Order, form: Format) -> str:
    """A chain of relations: each but the first without its left side, which was just written."""
    text = ""
    for left, relation, right in of:
        written = claim(left, relation, right, order, form)
        text += written.removeprefix(expression(left, order, form)) if text else written
    return f"${text}$" if form in ("latex", "markdown") else text
