"""A search for inputs at which a statement fails, in sixty digits.

The gates of the statement are held at their ends exactly, as in the proof. What is reported as a
counterexample misses the claim by far more than sixty digits can be wrong by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.precise import Precise
from verify.boundaries.claim import claim_program, computed, derived_symbols, ends
from verify.boundaries.points import random_inputs, satisfying, small_sizes
from verify.evidence.bounds import BOUNDS
from verify.interpret import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from equations.boundary import Boundary
    from equations.cell import Cell

Array = Any
DRAWS = 60
"""How many inputs are tried: what fails at one in twenty is missed by one search in twenty."""


def counterexample(cell: Cell, boundary: Boundary, seed: int = 0) -> str | None:
    """Inputs that refute the statement, and by how much; None if none was found."""
    arithmetic = Precise()
    rng = np.random.default_rng(seed)
    sizes = small_sizes(cell)
    for _ in range(DRAWS):
        inputs = random_inputs(cell, boundary, sizes, rng, spread=rng.choice([0.5, 1.0, 3.0]))
        if boundary.given:
            inputs = satisfying(cell, boundary, sizes, rng)
        values = {name: arithmetic.lift(value) for name, value in inputs.items()}
        sides = precise_sides(cell, boundary, values, sizes, arithmetic)
        found = worst(boundary, *sides)
        if found is not None and found[1] > BOUNDS["refuted"].value:
            index, _ = found
            return _described(cell, boundary, values, sides, index)
    return None


def precise_sides(
    cell: Cell,
    boundary: Boundary,
    values: Mapping[str, Array],
    sizes: Mapping[str, int],
    arithmetic: Precise,
) -> tuple[Array, Array]:
    """Both sides of the claim; `values` holds arguments and the cotangents of the results."""
    free = {**values, **ends(boundary, sizes, arithmetic)}
    known = computed(cell, derived_symbols(boundary), free, sizes, arithmetic)
    program = claim_program(boundary)
    sides = evaluate(program, known, sizes, arithmetic)
    left, right = (np.asarray(sides[result.name], object) for result in program.results[:2])
    return left, right


def worst(boundary: Boundary, left: Array, right: Array) -> tuple[tuple[int, ...], float] | None:
    """Where the claim fails most, and by how much; None where it holds."""
    excess = np.abs(left - right) if boundary.relation == "=" else left - right
    failing = excess >= 0 if boundary.relation == "<" else excess > 0
    if not np.any(failing):
        return None
    flat = int(np.argmax(np.where(failing, excess, -1).astype(float)))
    index = tuple(int(i) for i in np.unravel_index(flat, np.shape(excess)))
    return index, float(np.asarray(excess)[index])


def _described(
    cell: Cell,
    boundary: Boundary,
    values: Mapping[str, Array],
    sides: tuple[Array, Array],
    index: tuple[int, ...],
) -> str:
    left, right = (float(np.asarray(side)[index]) for side in sides)
    own = [s for s in sorted(boundary.symbols.union(cell.states), key=str) if s.name in values]
    at = "".join(f", {s} = {np.asarray(values[s.name], float).round(4).tolist()}" for s in own)
    where = f"[{','.join(str(i + 1) for i in index)}]" if index else ""
    return f"counterexample: left{where} = {left:.6g}, right{where} = {right:.6g}{at}"
