"""Printing: a program, a recurrence or one expression as a person would write it.

The steps: `document` decides what is printed, `layout` how an expression is put (with `names` and
`contraction`), `writer` and the two formats beside it write it, `page` aligns and breaks lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy as sp

from equations.printing.document import program_blocks, recurrence_blocks
from equations.printing.layout import Layout
from equations.printing.notation import Compare
from equations.printing.page import Format, page
from equations.program import Equation, Program

if TYPE_CHECKING:
    from collections.abc import Callable

    from equations.derive.sequence import Recurrence
    from equations.order import Order

__all__ = ["Format", "claim", "equation", "expression", "expressions", "render"]


def render(printed: Program | Recurrence, form: Format) -> str:
    """The equations of a program, or the loop of a recurrence, with the notes they need.

    Args:
        printed: a definition, a derived program, or its sequence form.
        form: `unicode` for a terminal, `ascii`, `latex` for amsmath, or `markdown`.

    Raises:
        ValueError: the format is unknown.
    """
    blocks = program_blocks if isinstance(printed, Program) else recurrence_blocks
    return page(form).render(blocks(printed))  # type: ignore[arg-type]


def expression(value: sp.Expr, order: Order, form: Format) -> str:
    """One expression or relation, without delimiters around it.

    Args:
        value: over the symbols that `order` knows, or symbols derived from them.
        order: the writing order of the program it belongs to.
        form: as for `render`; `markdown` gives the formula in LaTeX.
    """
    return expressions(order, form)(value)


def expressions(order: Order, form: Format) -> Callable[[sp.Expr], str]:
    """What writes many expressions of one program, as `expression` does."""
    layout, writer = Layout(order), page(form).writer
    return lambda value: writer.write(layout.expression(sp.sympify(value)))


def equation(printed: Equation, order: Order, form: Format) -> str:
    """One equation on one line, without delimiters around it."""
    left, right = Layout(order).equation(printed.symbol, printed.value)
    return page(form).writer.write(Compare("=", left, right))


def claim(left: sp.Expr, relation: str, right: sp.Expr, order: Order, form: Format) -> str:
    """A claim between two expressions on one line; the relation is `=`, `<=` or `<`."""
    layout = Layout(order)
    sides = (layout.expression(sp.sympify(side)) for side in (left, right))
    return page(form).writer.write(Compare(relation, *sides))
