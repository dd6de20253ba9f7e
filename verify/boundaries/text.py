"""A statement in symbols, in any of the formats that equations are printed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy as sp

from equations.boundary import Boundary, Saturation
from equations.order import Order
from equations.printing import claim, expression

if TYPE_CHECKING:
    from equations.cell import Cell
    from equations.printing import Format

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

    def quoted(text: str) -> str:
        return f"${text}$" if formula else text

    def claimed(left: sp.Expr, relation: str, right: sp.Expr) -> str:
        return quoted(claim(left, relation, right, order, form))

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
