"""Whether everything a generated step computes is representable: its largest magnitude.

Computed in the widest floats of the machine from Σ|terms| of every equation, with each factor below
one counted as one, so that no product in whatever order it is taken is larger. Where those floats
are no wider than float64, what overflows is infinite and so counts as out of reach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from verify.arithmetic.floats import Floats
from verify.boundaries.claim import held
from verify.boundaries.floats.rounding import Magnitudes
from verify.interpret import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from equations.cell import Cell
    from equations.program import Program

Array = Any


def largest(
    cell: Cell, program: Program, inputs: Mapping[str, Array], sizes: Mapping[str, int]
) -> float:
    """The largest magnitude on the way through the forward equations and a program on top of them.

    Args:
        cell: the cell.
        program: its forward program, or one derived from it.
        inputs: the arguments of both by name, without a batch.
        sizes: the length of each axis.
    """
    wide = {name: np.asarray(value, np.longdouble) for name, value in inputs.items()}
    forward = cell.forward()
    with np.errstate(all="ignore"):
        values = evaluate(forward, wide, sizes, Floats())
        functions = [
            eq.symbol for eq in forward.equations if isinstance(eq.value, sp.Function | sp.Pow)
        ]
        known = {name: np.maximum(np.abs(value), 1) for name, value in wide.items()}
        known |= {s.name: np.maximum(np.abs(values[s.name]), 1) for s in functions}
        known |= evaluate(held(forward, tuple(functions)), known, sizes, Magnitudes())
        known |= evaluate(program, known, sizes, Magnitudes()) if program is not forward else {}
        magnitudes = [np.max(np.asarray(value), initial=0) for value in known.values()]
    return float(np.nan_to_num(max(magnitudes), nan=np.inf))
