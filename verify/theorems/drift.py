"""Invariants in floats: how far generated code may leave them, and whether it leaves them further.

Over the reals a step keeps an invariant p <= q. If for every s >= 0 it keeps p <= q + s as well,
which is proved, then a state that is off by s is off by no more after an exact step, and a computed
step adds its own roundings: after t steps code is off by at most t times what a step is off by. The
roundings of a pre-activation do not count, since with its own bias it may have any value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from equations.cell import Cell
from equations.language import TensorSymbol, axes_of
from equations.theorem import Theorem, constant
from verify.arithmetic.floats import Floats
from verify.arithmetic.formats import FORMATS, Format
from verify.arithmetic.running import Running
from verify.boundaries.claim import derived_program, held, sides_program
from verify.boundaries.drive import movable
from verify.boundaries.floats.generated import strict
from verify.boundaries.points import small_sizes
from verify.evidence.bounds import BOUNDS
from verify.evidence.derived import Textbook, programs_of, with_companions
from verify.interpret import evaluate
from verify.theorems.replay import excess_of

Array = Any
STEPS, SAMPLES, DRAWS = 500, 32, 4
"""How long the sequences are, how many share their parameters, and how often those are drawn."""


@dataclass(frozen=True)
class Drift:
    """What became of an invariant in generated code.

    Attributes:
        refuted: where it was left further than rounding explains, or an empty text.
        samples: how many sequences satisfied its assumptions at every step.
        units: the most that a step may add, in unit roundoffs of the larger of 1 and the bound.
    """

    refuted: str
    samples: int
    units: int


def with_slack(theorem: Theorem) -> Theorem | None:
    """The invariant that states off by a slack satisfy; none for one that has an equation."""
    first = theorem.links[0][0]
    sides = (first, *(right for _, _, right in theorem.links))
    axes = next((a for side in sides if (a := axes_of(side)) is not None), ())
    slack = constant("slack", *axes)
    claim: tuple[object, ...] = (first,)
    for k, (_, relation, right) in enumerate(theorem.links, start=1):
        if relation == "=":
            return None
        claim += relation, right + k * slack  # p <= q + s <= r + 2 s: once for each relation
    return replace(theorem, claim=claim, given=(*theorem.given, (0, "<=", slack)))


def drift(cell: Cell, module: ModuleType, theorem: Theorem, *, seed: int = 0) -> Drift:
    """Run generated code over long sequences, from states at the ends and with gates there."""
    rng = np.random.default_rng(seed)
    samples, units = 0, 0.0
    for draw in range(DRAWS):
        for of in FORMATS.values():
            free = _trajectory(cell, module, theorem, of, rng)
            over, allowed = (
                a.reshape(STEPS, SAMPLES)
                for a in excess_of(cell, theorem, free, small_sizes(cell), Floats())
            )
            kept = np.all(allowed, axis=0) & (over[0] <= 0)
            added, most = _added(cell, theorem, free, of)
            explained = np.cumsum(added.reshape(STEPS, SAMPLES), axis=0)
            wrong = np.argwhere(~(over[1:] <= explained[:-1]) & kept)
            if len(wrong):
                t, sample = wrong[0]
                off, room = over[t + 1, sample], explained[t, sample]
                at = f"{of.name}: after step {t + 1} of draw {draw + 1}"
                return Drift(f"{at} off by {off:.3g}, and rounding explains {room:.3g}", 1, 0)
            samples += int(kept.sum())
            units = max(units, float(most.reshape(STEPS, SAMPLES)[:, kept].max(initial=0.0)))
    return Drift("", samples, math.ceil(units))


def _trajectory(
    cell: Cell, module: ModuleType, theorem: Theorem, of: Format, rng: np.random.Generator
) -> dict[str, Array]:
    """Arguments and constants by name: the states before each step of each sequence, in a row."""
    sizes = small_sizes(cell)

    def shape(symbol: TensorSymbol, *before: int) -> tuple[int, ...]:
        return (*before, *(sizes[axis] for axis in symbol.axes))

    def drawn(symbol: TensorSymbol, *before: int) -> Array:
        return rng.normal(size=shape(symbol, *before)).astype(of.dtype)

    params = {p.name: drawn(p) / 2 for p in cell.parameters}
    for own in movable(cell):
        far = rng.choice([0, 3, -3, 40, -40], size=shape(own.bias))
        params[own.bias.name] += far.astype(of.dtype)
    xs = [drawn(s, STEPS, SAMPLES) for s in cell.inputs]
    starts = [np.sign(drawn(s, SAMPLES)) for s in cell.states]
    fixed = {}
    for symbol in sorted(theorem.symbols, key=str):
        if symbol.origin is not None and symbol.origin[0] == "constant":
            below = 1 - 10 ** rng.uniform(-4, 0, size=shape(symbol, SAMPLES))
            above = 1 / (1 - below)
            one = rng.integers(2, size=(SAMPLES, *(1 for _ in symbol.axes)))
            fixed[symbol.name] = np.where(one, below, above)
    with strict():
        made = module.Params(*(params[p.name] for p in cell.parameters))
        series = module.Inputs(*xs) if len(xs) > 1 else xs[0]
        states, _ = module.unroll(made, series, module.State(*starts))
    old = [np.concatenate([s[None], after[:-1]]) for s, after in zip(starts, states, strict=False)]
    steps = {
        **{s.name: x for s, x in zip(cell.inputs, xs, strict=True)},
        **{s.name: h for s, h in zip(cell.states, old, strict=True)},
        **{name: np.broadcast_to(c, (STEPS, *c.shape)) for name, c in fixed.items()},
    }
    whole = STEPS * SAMPLES
    return {
        **{name: np.broadcast_to(p, (whole, *p.shape)) for name, p in params.items()},
        **{name: v.reshape(whole, *v.shape[2:]) for name, v in steps.items()},
    }


def _added(
    cell: Cell, theorem: Theorem, free: Mapping[str, Array], of: Format
) -> tuple[Array, Array]:
    """How far a step may miss the claim by its own roundings, also in units, for each sample."""
    step = theorem.step(dict(cell.carried))
    sizes, running = small_sizes(cell), Running(format=of)
    exact = {name: np.asarray(value, float) for name, value in free.items()}
    values = evaluate(cell.forward(), exact, sizes, Textbook())
    arguments = tuple(own.argument for own in movable(cell))
    given = {**exact, **{a.name: values[a.name] for a in arguments}}
    forward = held(with_companions(programs_of(cell)).forward, arguments)
    known = evaluate(forward, {n: running.lift(v) for n, v in given.items()}, sizes, running)
    pairs = tuple((left, right) for left, _, right in step.links)
    program = sides_program(f"{step.name} in floats", step.symbols, pairs)
    for symbol in program.arguments:
        if symbol.name in exact:
            known[symbol.name] = running.lift(exact[symbol.name])
        elif symbol.name not in known:
            derived, result = derived_program(cell, symbol, cell.states)
            known[symbol.name] = evaluate(derived, known, sizes, running)[result.name]
    sides = evaluate(program, known, sizes, running)
    added, units = [], []
    for left, right in zip(program.results[::2], program.results[1::2], strict=True):
        off = BOUNDS["code"].value * (sides[left.name].error + sides[right.name].error)
        added.append(off.reshape(len(off), -1).max(axis=1))
        relative = off / (of.unit * np.maximum(1, np.abs(sides[right.name].value)))
        units.append(relative.reshape(len(off), -1).max(axis=1))
    return np.max(added, axis=0), np.max(units, axis=0)
