"""The nearest dialect of a target that is none, with a small input that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.dialects.equivalence import line
from verify.dialects.layout import Array
from verify.dialects.record import Dialect
from verify.identification.probe import Probe, distance, predicted
from verify.identification.target import Target

APART = 0.02
"""They differ by this at least, so that two decimals show it."""
DRAWS = 20
SMALL = 400
"""With so many numbers at most every one is tried as zero; otherwise whole arrays are."""


@dataclass(frozen=True)
class Nearest:
    """A dialect that is not the target's.

    Attributes:
        record: its layout.
        dialect: its name, or that of the cell.
        equation: the equation of the first state that departs, as the dialect has it.
        state: the name of that state.
        given: what is not zero, by name; small integers.
        one, other: the state in the target and in the dialect; None where no small input shows it.
    """

    record: Dialect
    dialect: str
    equation: str
    state: str
    given: Mapping[str, Array]
    one: Array | None
    other: Array | None

    def lines(self) -> list[str]:
        """Its explanation."""
        lines = [
            f"the nearest is {self.dialect}; they differ in the new {self.state}, there",
            f"  {self.equation}",
        ]
        lines += [f"  {own} = {text}" for own, text in self.record.arrays.items()]
        if self.one is None or self.other is None:
            return [*lines, "no small integers were found at which two decimals show it"]
        inputs = ", ".join(f"{name} = {_text(value)}" for name, value in self.given.items())
        place = f"at {inputs}, all else 0" if inputs else "where everything is 0"
        values = f"{_text(self.one)} and not {_text(self.other)}"
        return [*lines, f"{place}: the new {self.state} is {values}"]

    def to_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "dialect": self.dialect,
            "cell": self.record.cell,
            "arrays": dict(self.record.arrays),
            "equation": self.equation,
            "state": self.state,
            "at": {name: value.tolist() for name, value in self.given.items()},
            "target": None if self.one is None else np.round(self.one, 2).tolist(),
            "nearest": None if self.other is None else np.round(self.other, 2).tolist(),
        }


def nearest(target: Target, record: Dialect, name: str) -> Nearest:
    """The record's first state that departs, at an input made small."""
    rng = np.random.default_rng(0)
    found: Probe | None = None
    for draw in range(DRAWS):

        def integers(*shape: int, largest: int = 2 + draw // 2) -> Array:
            return rng.integers(-largest, largest + 1, shape).astype(target.dtype)

        probe = Probe(
            {k: integers(*v.shape) for k, v in target.small.items()},
            integers(1, 1, target.n_x),
            tuple(integers(1, n) for n in target.lengths),
        )
        if _gap(target, record, probe) >= APART:
            found = _smaller(target, record, probe)
            break
    state, equation = _departs(target, record, found)
    if found is None:
        return Nearest(record, name, equation, state, {}, None, None)
    place = record.states.index(state)
    one = target.run(found.arrays, found.xs, found.states)[place][0]
    other = predicted(record, found)[place][0]
    names = {str(symbol): found.xs[0, 0] for symbol in record.symbolic.inputs}
    names |= {k: v[0] for k, v in zip(record.states, found.states, strict=True)}
    given = {k: v for k, v in {**found.arrays, **names}.items() if np.any(v)}
    return Nearest(record, name, equation, state, given, one, other)


def _departs(target: Target, record: Dialect, probe: Probe | None) -> tuple[str, str]:
    """The first state, in the order of the equations, that is off, and its equation."""
    cell = record.symbolic
    off = dict.fromkeys(record.states, True)
    if probe is not None:
        one = target.run(probe.arrays, probe.xs, probe.states)
        other = predicted(record, probe)
        off = {
            name: bool(np.max(np.abs(a - b)) >= APART / 2)
            for name, a, b in zip(record.states, one, other, strict=True)
        }
    carried = {str(new): str(old) for old, new in cell.carried}
    for equation in cell.program:
        new = str(equation.symbol)
        if new in carried and off[carried[new]]:
            return carried[new], line(cell, new)
    return record.states[0], ""


def _gap(target: Target, record: Dialect, probe: Probe) -> float:
    """How far the states are apart, the one that is off most."""
    one = target.run(probe.arrays, probe.xs, probe.states)
    other = predicted(record, probe)
    off, total = distance(one, other)
    return total / max(off, 1)


def _smaller(target: Target, record: Dialect, probe: Probe) -> Probe:
    """The same with as many zeros as it bears."""
    parts = {f"array {k}": v.copy() for k, v in probe.arrays.items()}
    parts |= {"x": probe.xs.copy()}
    parts |= {f"state {k}": v.copy() for k, v in enumerate(probe.states)}

    def joined() -> Probe:
        return Probe(
            {k: parts[f"array {k}"] for k in probe.arrays},
            parts["x"],
            tuple(parts[f"state {k}"] for k in range(len(probe.states))),
        )

    few = sum(value.size for value in parts.values()) <= SMALL
    for value in parts.values():
        kept = value.copy()
        value[...] = 0
        if _gap(target, record, joined()) >= APART:
            continue
        value[...] = kept
        for index in np.ndindex(value.shape) if few else ():
            if value[index]:
                number = value[index]
                value[index] = 0
                if _gap(target, record, joined()) < APART:
                    value[index] = number
    return joined()


def _text(value: Array) -> str:
    """Numbers with up to two decimals."""
    rounded = np.round(np.asarray(value, np.float64) + 0.0, 2) + 0.0
    return str(rounded.tolist()).replace(".0,", ",").replace(".0]", "]")
