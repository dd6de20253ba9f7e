"""Inputs to try a statement at: ordinary ones, and ones that satisfy its assumptions exactly."""

from __future__ import annotations

from functools import lru_cache
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from equations.language import Size
from verify.arithmetic.floats import Floats
from verify.boundaries.claim import claim_program, free_symbols
from verify.boundaries.record import UndecidedError
from verify.interpret import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from equations.boundary import Boundary, Saturation
    from equations.cell import Cell
    from equations.program import Program

Array = Any
ATTEMPTS = 5000


def small_sizes(cell: Cell, lengths: tuple[int, ...] = (2, 3, 2)) -> dict[str, int]:
    """Lengths for the axes of a cell in turn; a size that is no axis of an argument is 1."""
    sizes = dict(zip(cell.axes, cycle(lengths), strict=False))
    return {**dict.fromkeys(_sizes_in(cell.program), 1), **sizes}


@lru_cache(maxsize=64)
def _sizes_in(program: Program) -> tuple[str, ...]:
    """The axes whose length is in the equations."""
    return tuple(sorted({s.axis for eq in program for s in eq.value.atoms(Size)}))


def random_inputs(
    cell: Cell,
    statement: Boundary | Saturation,
    sizes: Mapping[str, int],
    rng: np.random.Generator,
    spread: float = 1.0,
) -> dict[str, Array]:
    """What a statement is computed from, normally distributed, by name."""
    symbols = free_symbols(cell, statement.symbols)
    return {s.name: spread * rng.normal(size=[sizes[axis] for axis in s.axes]) for s in symbols}


def satisfying(
    cell: Cell, boundary: Boundary, sizes: Mapping[str, int], rng: np.random.Generator
) -> dict[str, Array]:
    """Small integers that satisfy the assumptions of a statement without rounding.

    Raises:
        UndecidedError: none were found.
    """
    program = claim_program(boundary)
    assumed = program.needed_for(program.results[2:])
    symbols = free_symbols(cell, boundary.symbols)
    needed = cell.forward().needed_for(
        [s for s in assumed.arguments if s in cell.forward().symbols]
    )
    for _ in range(ATTEMPTS):
        drawn: dict[str, Array] = {
            s.name: rng.integers(-1, 2, size=[sizes[axis] for axis in s.axes]).astype(float)
            for s in symbols
        }
        known = evaluate(needed, drawn, sizes, Floats())
        sides = evaluate(assumed, known, sizes, Floats())
        names = [result.name for result in assumed.results]
        if all(
            np.array_equal(sides[a], sides[b]) for a, b in zip(names[::2], names[1::2], strict=True)
        ):
            return drawn
    raise UndecidedError(f"no small integers satisfy its assumptions in {ATTEMPTS} draws")
