"""The index of the reports: the cells, the words, the routes and the one table of bounds."""

from __future__ import annotations

from collections.abc import Sequence

from equations.cell import Cell
from verify.evidence.bounds import BOUNDS
from verify.report.markdown import document, table
from verify.routes import routes

WORDS = (
    (
        "proved",
        "an argument carried out by machine, for all real inputs, at sizes it names or at all",
    ),
    ("by construction", "true because of how the code is made, and of nothing that was computed"),
    (
        "cross-checked",
        "compared at particular inputs with values found another way, within stated bounds",
    ),
)

ABOUT = (
    "What the verification of every cell found. `gateproof report` writes these pages; they hold "
    "no measured number. What was measured, and on which machine, is in "
    "[measured/](measured/evidence.md). What frameworks mean by these cells, and how their weights "
    "are converted, is in [dialects](dialects.md)."
)
ABOUT_WORDS = (
    "Every claim is one of three things. What they rest on: [docs/trust.md](../docs/trust.md)."
)
ABOUT_ROUTES = (
    "A route compares values. Each says for every element whether it agrees, disagrees or cannot "
    "decide there; every element of every gradient has to be decided by two routes that share no "
    "code. Each route is itself held to planted errors."
)
ABOUT_BOUNDS = (
    "All the numbers that verdicts use, and why each is what it is. None is an absolute tolerance."
)


def index(cells: Sequence[Cell]) -> str:
    """The page that leads to all others."""
    rows = [(f"[{cell.name}]({cell.name}.md)", cell.doc.split("\n")[0]) for cell in cells]
    judges = [(route.name, route.shows, route.does_not_show) for route in routes()]
    bounds = [(name, f"{bound.value:g}", bound.argument) for name, bound in BOUNDS.items()]
    return document(
        [
            "# Reports",
            ABOUT,
            "## Cells",
            table(("cell", "what it is"), rows),
            "## Words",
            ABOUT_WORDS,
            table(("word", "meaning"), WORDS),
            "## Routes",
            ABOUT_ROUTES,
            table(("route", "agreement shows", "it does not show"), judges),
            "## Bounds",
            ABOUT_BOUNDS,
            table(("bound", "value", "argument"), bounds),
        ]
    )
