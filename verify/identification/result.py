"""What was found, and its explanation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from verify.dialects.arrays import Params, Place
from verify.dialects.record import Dialect
from verify.identification.nearest import Nearest
from verify.identification.target import Target


@dataclass(frozen=True)
class Mismatch:
    """It computes another function than its weights were made for.

    Attributes:
        expected: the dialect they were made for.
        differ: the equation of each that differs, its own first.
        gap: how far it is off on a random input with the weights it holds.
        repair: the options under which the same arrays are the function that was expected; None
            for one that is to be left out.
    """

    expected: str
    differ: tuple[str, str] | None
    gap: float | None
    repair: Mapping[str, Any]


@dataclass(frozen=True)
class Identification:
    """Which dialect a target is.

    Attributes:
        target: what was identified.
        record: the layout that was found; None where nothing matches.
        dialect: its name where it is a known one; otherwise None.
        cell: the name of the cell whose equations it computes; None where nothing matches.
        exact: whether it is the same function within rounding on every input that was tried.
        params: the `Params` of the generated cell, of the first layer; None where nothing matches.
        places: the same of every layer and direction.
        inputs: how many inputs were tried.
        worst: the largest error, in units of the bound on rounding.
        alike: other dialects with the same equations and the same layout.
        rivals: cells that no input can tell apart from it, with the reason.
        siblings: dialects of its framework that read the same arrays as another function: nothing
            in the weights says which one they were made for.
        nearest: the nearest dialect, where nothing matches.
        expected: the name of the dialect that it was held against.
        mismatch: where it is not that.
    """

    target: Target
    record: Dialect | None
    dialect: str | None
    cell: str | None
    exact: bool
    params: Params | None
    places: Mapping[Place, Params] = field(default_factory=dict)
    inputs: int = 0
    worst: float | None = None
    alike: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    siblings: tuple[str, ...] = ()
    nearest: Nearest | None = None
    expected: str = ""
    mismatch: Mismatch | None = None

    @property
    def arrays(self) -> dict[str, str]:
        """Each array of the target as a matrix of the cell's parameters."""
        if self.record is None:
            return {}
        names = dict(zip(self.record.layouts, self.record.array_names(), strict=True))
        layouts = {k.removesuffix("?"): text for k, text in self.record.arrays.items()}
        return {
            names[own]: text for own, text in layouts.items() if names[own] in self.target.small
        }

    def __str__(self) -> str:
        """The explanation, some lines."""
        return "\n".join(self._lines())

    __repr__ = __str__

    def _lines(self) -> list[str]:
        title = self.target.title
        if self.record is None:
            return [f"{title}: no dialect matches", *(self.nearest.lines() if self.nearest else [])]
        name = self.dialect or "a layout of its own, which no record has"
        lines = [f"{title}: {name}; the cell {self.cell}"]
        lines += [f"  {line}" for line in str(self.record.symbolic).splitlines()]
        width = max(map(len, self.arrays), default=0)
        lines += [f"  {own:{width}} = {text}" for own, text in self.arrays.items()]
        lines += [f"  {k} + {v:g} when it runs" for k, v in self.record.added.items()]
        lines += [f"  {k} = {v}, no array holds it" for k, v in self.record.fixed.items()]
        if len(self.places) > 1:
            lines.append(
                f"{len(self.places)} layers and directions; the first was run, the others are "
                "read by the same record"
            )
        lines.append(
            f"cross-checked: {self.inputs} random inputs with random weights, states that are not "
            f"zero and two steps; the largest error is {self.worst:.2g} of the bound on rounding "
            f"in {self.target.dtype}"
        )
        if self.alike:
            lines.append(f"the same equations and layout: {', '.join(self.alike)}")
        lines += [f"cannot be told apart: {rival}" for rival in self.rivals]
        if self.expected and self.mismatch is None:
            lines.append(f"as expected: it is the function of {self.expected}")
        elif self.siblings and not self.expected:
            lines.append(
                f"the same arrays would be another function in {', '.join(self.siblings)}; with "
                "--expect it is held against the dialect that they were made for"
            )
        return lines + self._mismatch()

    def _mismatch(self) -> list[str]:
        found = self.mismatch
        if found is None:
            return []
        lines = [f"MISMATCH: it computes {self.dialect or self.cell}, not {found.expected}"]
        if found.differ:
            lines.append(f"  its own: {found.differ[0]}")
            lines.append(f"  expected: {found.differ[1]}")
        if found.gap is not None:
            lines.append(f"  with the weights it holds a random input is off by {found.gap:.2g}")
        if found.repair:
            told = ", ".join(
                f"leave out {key}" if value is None else f"set {key}={value}"
                for key, value in found.repair.items()
            )
            lines.append(f"  {told}: then the same arrays are what was expected")
        return lines

    def to_json(self) -> dict[str, Any]:
        """The same for machines."""
        nearest, mismatch = self.nearest, self.mismatch
        return {
            "target": self.target.title,
            "dialect": self.dialect,
            "cell": self.cell,
            "exact": self.exact,
            "arrays": self.arrays,
            "added": dict(self.record.added) if self.record else {},
            "fixed": dict(self.record.fixed) if self.record else {},
            "places": [{"layer": layer, "reverse": back} for layer, back in self.places],
            "inputs": self.inputs,
            "worst": self.worst,
            "alike": list(self.alike),
            "cannot_be_told_apart": list(self.rivals),
            "siblings": list(self.siblings),
            "expected": self.expected or None,
            "nearest": nearest.to_json() if nearest else None,
            "mismatch": {
                "expected": mismatch.expected,
                "differ": list(mismatch.differ or ()),
                "gap": mismatch.gap,
                "set": {k: v and str(v) for k, v in mismatch.repair.items()},
            }
            if mismatch
            else None,
        }
