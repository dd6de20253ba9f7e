"""A small input at which one cell does what another cannot, by any choice of signs and zeros."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice

import numpy as np

from equations import cells
from equations.cell import Cell
from verify.arithmetic.floats import Floats
from verify.dialects.equivalence import Choice, candidates
from verify.dialects.layout import Array
from verify.interpret import evaluate

CHOICES = 64
"""So many choices are told apart; beyond them the plainest."""
APART = 0.02
"""They differ by this at least, so that two decimals show it."""
DRAWS = 50


@dataclass(frozen=True)
class Counterexample:
    """Small integers, and what both cells make of them.

    Attributes:
        source, target: the names of the cells.
        given: what is not zero, by name.
        state: the name of a new state that differs.
        one, other: its value in the source, and the nearest in the target.
        choices: how many choices of the target's parameters are at least as far off.
    """

    source: str
    target: str
    given: Mapping[str, Array]
    state: str
    one: Array
    other: Array
    choices: int

    def __str__(self) -> str:
        """One line."""
        inputs = ", ".join(f"{name} = {_text(value)}" for name, value in self.given.items())
        place = f"at {inputs}, all else 0" if inputs else "where everything is 0"
        return (
            f"{place}, the new {self.state} is {_text(self.one)} and not "
            f"{_text(self.other)}, the nearest of {self.choices} choices of signs and zeros"
        )


@cache
def counterexample(source: str, target: str) -> Counterexample | None:
    """One made small; None where the cells have different states or no draw tells them apart."""
    one, other = cells[source], cells[target]
    if {str(s) for s in one.states} != {str(s) for s in other.states}:
        return None
    unconditional = (made for made in candidates(one, other) if not made.conditions)
    choices = list(islice(unconditional, CHOICES))
    rng = np.random.default_rng(0)
    for _ in range(DRAWS):
        # Two units: with one, a reset gate commutes with the matrix.
        values = {
            str(s): rng.integers(-2, 3, [1 if a == "n_x" else 2 for a in s.axes]).astype(float)
            for s in one.program.arguments
        }
        if _gap(one, other, choices, values) >= APART:
            return _described(one, other, choices, _smaller(one, other, choices, values))
    return None


def _smaller(
    one: Cell, other: Cell, choices: list[Choice], values: dict[str, Array]
) -> dict[str, Array]:
    """The same with as many zeros as it bears, what only one of the cells has before all else."""
    common = {str(symbol) for symbol in other.program.arguments}
    for value in (values[name] for name in sorted(values, key=lambda name: name in common)):
        for index in np.ndindex(value.shape):
            kept = value[index]
            value[index] = 0.0
            if kept and _gap(one, other, choices, values) < APART:
                value[index] = kept
    return values


def _described(
    one: Cell, other: Cell, choices: list[Choice], values: dict[str, Array]
) -> Counterexample:
    true = _step(one, values)
    nearest = min(
        (_step(other, _moved(other, made, values)) for made in choices),
        key=lambda found: max(np.abs(found[name] - true[name]).max() for name in true),
    )
    state = max(true, key=lambda name: float(np.abs(nearest[name] - true[name]).max()))
    given = {name: value for name, value in values.items() if np.any(value)}
    return Counterexample(
        one.name, other.name, given, state, true[state], nearest[state], len(choices)
    )


def _gap(one: Cell, other: Cell, choices: list[Choice], values: dict[str, Array]) -> float:
    """How far the nearest choice is off."""
    true = _step(one, values)
    nearest = np.inf
    for made in choices:
        found = _step(other, _moved(other, made, values))
        nearest = min(nearest, max(float(np.abs(found[k] - true[k]).max()) for k in true))
        if nearest < APART:
            break
    return float(nearest)


def _moved(other: Cell, made: Choice, values: dict[str, Array]) -> dict[str, Array]:
    """The arguments of the target under a choice."""
    found = {str(s): values[str(s)] for s in (*other.inputs, *other.states)}
    for symbol in other.parameters:
        shape = tuple(1 if axis == "n_x" else 2 for axis in symbol.axes)
        found[str(symbol)] = made.parameters[str(symbol)].value(values, shape)
    return found


def _step(cell: Cell, values: Mapping[str, Array]) -> dict[str, Array]:
    sizes = {axis: 1 if axis == "n_x" else 2 for axis in cell.axes}
    found = evaluate(cell.program, values, sizes, Floats())
    return {str(old): found[str(new)] for old, new in cell.carried}


def _text(value: Array) -> str:
    """Numbers with up to two decimals."""
    return str(np.round(value + 0.0, 2).tolist()).replace(".0,", ",").replace(".0]", "]")
