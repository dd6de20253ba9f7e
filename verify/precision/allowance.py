"""How much difference rounding alone can make: a budget for every element, and an answer from it.

The budget is the running error bound of the derived equations at these inputs, in the roundings of
the format that the code computes in. It is made twice. The careful one takes 1 - σ(a) as σ(-a) and
1 - tanh² as sech², so that a saturated gate keeps its digits; the plain one takes the equations as
they are printed, where 1 - u is a difference that loses them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from verify.arithmetic.formats import FORMATS, Format
from verify.arithmetic.running import Running
from verify.evidence.bounds import BOUNDS
from verify.evidence.case import Array, Case
from verify.evidence.derived import Function, compute, programs_of, with_companions

Verdict = Literal["yes", "in part", "no"]

ENDLESS = -5000
"""A lowest exponent that no number of a case reaches: a condition knows no underflow."""

COMPUTATIONS = 2
"""A difference is between two computations, and each may be off by its budget."""


@lru_cache(maxsize=512)
def budget(
    case: Case, function: Function, dtype: str | None = None, *, plain: bool = False
) -> Mapping[str, Array]:
    """How far from the truth rounding alone can lead code, for every element, by field.

    Args:
        case: the inputs.
        function: of the public surface.
        dtype: the floats that the code computes in; those of the case's arrays if None.
        plain: allow what the equations as printed lose where a gate saturates.

    Returns:
        Bounds on |computed - true|: an error above its bound is no rounding.
    """
    of = FORMATS[dtype or next(iter(case.point.values())).dtype.name]
    programs = programs_of(case.cell)
    values = compute(function, programs if plain else with_companions(programs), case, _counted(of))
    return {name: BOUNDS["code"].value * value.error for name, value in values.items()}


@lru_cache(maxsize=512)
def conditions(case: Case, function: Function, of: Format) -> Mapping[str, tuple[Array, Array]]:
    """Each value, and how much larger than it the terms are that it is made of, at least 1.

    This is the condition of the careful computation: large where a sum cancels, and not large
    because 1 - u was computed from a rounded u.
    """
    values = compute(function, with_companions(programs_of(case.cell)), case, _terms(of))
    found = {}
    for name, value in values.items():
        terms, size = value.error / (2 * of.unit), np.abs(value.value)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = np.where(terms > size, terms / size, 1.0)
        found[name] = value.value, ratio
    return found


@lru_cache(maxsize=8)
def _counted(of: Format) -> Running:
    return Running(format=of)


@lru_cache(maxsize=8)
def _terms(of: Format) -> Running:
    return Running(counted=False, format=replace(of, lowest=ENDLESS))


@dataclass(frozen=True)
class Answer:
    """Whether a difference can be rounding, for one result.

    Attributes:
        quantity: the result, such as `step.h`.
        dtype: the floats computed in.
        difference: what was asked about.
        elements: how many there are.
        explained: for how many of them the careful budget of two computations covers it.
        saturated: for how many more the budget of the equations as printed does.
        least, most: the smallest and the largest careful budget of an element.
        largest: the largest value of an element.
        condition: the largest condition of an element.
    """

    quantity: str
    dtype: str
    difference: float
    elements: int
    explained: int
    saturated: int
    least: float
    most: float
    largest: float
    condition: float

    @property
    def verdict(self) -> Verdict:
        """Whether rounding alone can make the difference, wherever it was seen."""
        if self.explained == self.elements:
            return "yes"
        return "in part" if self.explained + self.saturated else "no"

    @property
    def reason(self) -> str:
        """One sentence."""
        size = f"values up to {self.largest:.2g}, terms up to {self.condition:.3g} times as large"
        if self.verdict == "yes":
            return f"two careful computations may differ by {self.least:.2g} and more ({size})"
        if self.verdict == "no":
            return f"two careful computations differ by {self.most:.2g} at most ({size})"
        left = self.elements - self.explained - self.saturated
        parts = (
            (self.explained, "by rounding"),
            (self.saturated, "only where 1 - u loses its digits at a saturated gate"),
            (left, "by neither"),
        )
        told = ", ".join(f"{count} {how}" for count, how in parts if count)
        return (
            f"of {self.elements} elements {told}; two careful computations may differ by "
            f"{self.least:.2g} in one element and by {self.most:.2g} in another"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "verdict": self.verdict, "reason": self.reason}


def explain(
    difference: float, case: Case, functions: Iterable[Function] = ("step",)
) -> list[Answer]:
    """Whether a difference between two computations can be rounding, for every result.

    Args:
        difference: its absolute value.
        case: the inputs of both, in arrays of the floats they compute in.
        functions: what was computed.
    """
    dtype = next(iter(case.point.values())).dtype.name
    answers = []
    for function in functions:
        careful, plain = budget(case, function), budget(case, function, plain=True)
        for name, (value, condition) in conditions(case, function, FORMATS[dtype]).items():
            bound = COMPUTATIONS * careful[name]
            within = bound >= difference
            lost = ~within & (COMPUTATIONS * plain[name] >= difference)
            answer = Answer(
                f"{function}.{name}",
                dtype,
                difference,
                int(bound.size),
                int(within.sum()),
                int(lost.sum()),
                float(np.min(bound, initial=np.inf)),
                float(np.max(bound, initial=0.0)),
                float(np.max(np.abs(value), initial=0.0)),
                float(np.max(condition, initial=1.0)),
            )
            answers.append(answer)
    return answers
