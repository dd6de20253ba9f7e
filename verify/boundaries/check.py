"""All boundary statements of a cell, each in every way it can be examined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equations.boundary import Boundary, check_statements, hvp
from verify.boundaries.floats.approach import approach
from verify.boundaries.floats.exact import hit
from verify.boundaries.reals import proof, saturation
from verify.boundaries.record import BoundaryResult

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from equations.cell import Cell


def check_boundaries(
    cell: Cell, module: ModuleType, *, quick: bool = False
) -> Iterator[BoundaryResult]:
    """Examine every statement of a cell; a cell without statements gives nothing.

    Args:
        cell: the symbolic cell.
        module: the NumPy module generated from it.
        quick: fewer points, one pair of sizes for the proofs, and no proofs of second order, which
            take longest.

    Yields:
        For a `Boundary` a result for each of the three ways; for a `Saturation` the proof and the
        approach, since at an exact end floats cannot tell one rate from another.

    Raises:
        LanguageError: a statement speaks of what the cell does not have.
    """
    check_statements(cell.name, cell.boundaries, cell.forward().symbols)
    curvatures = frozenset(map(hvp, cell.program.arguments))
    for statement in cell.boundaries:
        if isinstance(statement, Boundary):
            if not (quick and statement.symbols & curvatures):
                real = proof.prove(cell, statement, quick=quick)
                how = real.verdict, real.detail
                yield BoundaryResult(cell.name, statement, "over the reals", *how)
            found = hit(cell, module, statement, quick=quick)
            yield BoundaryResult(cell.name, statement, "hit exactly", found.verdict, found.detail)
        else:
            real = saturation.prove(cell, statement)
            yield BoundaryResult(cell.name, statement, "over the reals", real.verdict, real.detail)
        driven = approach(cell, module, statement, quick=quick)
        yield BoundaryResult(cell.name, statement, "approached", driven.verdict, driven.detail)
