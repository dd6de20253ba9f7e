"""Theorems evaluated: at inputs that satisfy their assumptions, in floats and then in many digits.

A counterexample is made small before it is told: components are set to zero, or to the nearest
integer, as long as the claim still fails. It is reported only if it fails in sixty digits by far
more than they can be wrong by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from equations.cell import Cell
from equations.theorem import Theorem
from verify.arithmetic.floats import Floats
from verify.arithmetic.precise import Precise
from verify.boundaries.claim import computed, free_symbols, sides_program
from verify.boundaries.points import small_sizes
from verify.evidence.bounds import BOUNDS
from verify.interpret import Arithmetic, evaluate

Array = Any
DRAWS = 4000
"""How many inputs are tried in floats; few of them satisfy an assumption that is an equation."""
KEPT = 8
"""How many of the draws a theorem is evaluated at in many digits."""


@dataclass(frozen=True)
class Replay:
    """What came of evaluating a theorem.

    Attributes:
        refuted: the counterexample, or an empty text.
        points: at how many inputs that satisfy its assumptions it was evaluated in many digits.
    """

    refuted: str
    points: int


def replay(cell: Cell, theorem: Theorem, *, seed: int = 0) -> Replay:
    """Evaluate a theorem at random inputs."""
    step = theorem.step(dict(cell.carried))
    sizes = small_sizes(cell, (2,))
    drawn = _draws(cell, step, sizes, np.random.default_rng(seed))
    excess, allowed = excess_of(cell, step, drawn, sizes, Floats())
    suspected = np.flatnonzero(allowed & _fails(excess, "suspected"))
    if suspected.size:
        worst = suspected[np.argsort(-excess[suspected], kind="stable")[0]]  # NaN is last
        small = _shrunk(cell, step, {name: value[worst] for name, value in drawn.items()}, sizes)
        if told := _told(cell, step, {n: v[None] for n, v in small.items()}, sizes):
            return Replay(told, 1)
    kept = np.flatnonzero(allowed)[:KEPT]
    return Replay(_told(cell, step, {n: v[kept] for n, v in drawn.items()}, sizes), len(kept))


def _draws(
    cell: Cell, theorem: Theorem, sizes: Mapping[str, int], rng: np.random.Generator
) -> dict[str, Array]:
    """Normal numbers of several spreads, and small integers, which can satisfy equations."""
    spread = rng.choice([0.2, 1.0, 3.0], size=DRAWS)
    drawn = {}
    for symbol in free_symbols(cell, theorem.symbols, along=cell.states):
        shape = [sizes[axis] for axis in symbol.axes]
        each = (slice(None), *(None for _ in shape))
        normal = rng.normal(size=(DRAWS, *shape)) * spread[each]
        small = rng.integers(-1, 2, size=(DRAWS, *shape)).astype(float)
        drawn[symbol.name] = np.where(rng.integers(2, size=DRAWS)[each], small, normal)
    return drawn


def excess_of(
    cell: Cell,
    theorem: Theorem,
    free: Mapping[str, Array],
    sizes: Mapping[str, int],
    arithmetic: Arithmetic,
) -> tuple[Array, Array]:
    """By how much the claim fails at most, and whether the assumptions hold, for each sample."""
    all_links = (*theorem.links, *theorem.assumed)
    derived = sorted((s for s in theorem.symbols if s.origin is not None), key=str)
    program = sides_program(theorem.name, theorem.symbols, tuple((a, b) for a, _, b in all_links))
    with np.errstate(all="ignore"):  # a draw that an assumption excludes may divide by zero
        known = computed(cell, derived, free, sizes, arithmetic, along=cell.states)
        sides = evaluate(program, known, sizes, arithmetic)
    excess, allowed = [], []
    for k, (_, relation, _) in enumerate(all_links):
        left, right = (np.asarray(sides[s.name]) for s in program.results[2 * k : 2 * k + 2])
        over = np.abs(left - right) if relation == "=" else left - right
        over = np.asarray(over, float)  # of objects the largest may pass over a NaN
        over = over.reshape(len(over), -1).max(axis=1) if np.ndim(over) else over[None]
        if k < len(theorem.links):
            excess.append(over)
        else:
            allowed.append(over < 0 if relation == "<" else over <= 0)
    holds = np.all(allowed, axis=0) if allowed else np.ones(np.shape(excess[0]), bool)
    return np.max(excess, axis=0), holds


def _fails(excess: Array, bound: str) -> Array:
    """Whether the claim fails by more than a bound, or has no value."""
    return ~(excess <= BOUNDS[bound].value)


def _shrunk(
    cell: Cell, theorem: Theorem, at: Mapping[str, Array], sizes: Mapping[str, int]
) -> dict[str, Array]:
    """The counterexample with as many zeros and integers as it stays one with."""
    best = {name: np.array(value, float) for name, value in at.items()}
    for name, value in (*best.items(), *best.items()):
        for index in np.ndindex(value.shape):
            now = value[index]
            simpler = np.array([0.0, np.sign(now), np.round(now), np.round(now, 1), now])
            tried = {n: np.repeat(v[None], len(simpler), axis=0) for n, v in best.items()}
            tried[name][:, *index] = simpler
            excess, allowed = excess_of(cell, theorem, tried, sizes, Floats())
            fails = allowed & (excess > BOUNDS["suspected"].value)  # no NaN in place of a number
            value[index] = simpler[fails.argmax()] if fails.any() else now
    return best


def _told(cell: Cell, theorem: Theorem, at: Mapping[str, Array], sizes: Mapping[str, int]) -> str:
    """The first point at which the claim fails in many digits, and by how much; empty if none."""
    if not all(map(len, at.values())):
        return ""
    arithmetic = Precise()
    lifted = {name: arithmetic.lift(value) for name, value in at.items()}
    try:
        excess, allowed = excess_of(cell, theorem, lifted, sizes, arithmetic)
        fails = np.flatnonzero(allowed & _fails(excess, "refuted"))
    except ZeroDivisionError:  # only floats have a value there, an infinity or NaN
        excess, allowed = excess_of(cell, theorem, at, sizes, Floats())
        fails = np.flatnonzero(allowed & _fails(excess, "suspected"))
    if not fails.size:
        return ""
    first = fails[0]
    shown = [f"{name} = {v[first].tolist()}" for name, v in at.items() if np.any(v[first])]
    where = ", ".join([*shown, "all else 0"]) if shown else "zero"
    return f"counterexample: off by {float(excess[first]):.4g} at {where}"
