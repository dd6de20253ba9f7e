"""Float64 results against the derived equations in many digits, relative to their condition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from verify.arithmetic.precise import to_float
from verify.arithmetic.running import UNIT
from verify.evidence.bounds import BOUNDS
from verify.evidence.case import Array, Case
from verify.evidence.derived import FUNCTIONS, Function, compute, programs_of
from verify.evidence.rounding import terms
from verify.evidence.subject import Subject
from verify.evidence.verdict import TRUE, Comparison


def conditioned(case: Case, function: Function) -> dict[str, tuple[Array, Array]]:
    """The true value of each element, and its size times its condition as printed."""
    values = compute(function, programs_of(case.cell), case, TRUE)
    sizes = terms(case, function, careful=False)
    true = {name: to_float(value) for name, value in values.items()}
    return {name: (value, np.maximum(np.abs(value), sizes[name])) for name, value in true.items()}


@dataclass(frozen=True, eq=False)
class ManyDigits:
    """The route; see `Route` for the fields."""

    name: str = "many digits"
    shows: str = (
        "Every element of every result and gradient is within 1e-13 of the derived equations in "
        "50 digits, relative to its value and scaled by its condition."
    )
    does_not_show: str = (
        "That the derived equations are right: it evaluates the same ones. It measures rounding "
        "alone and is no independent route for any element."
    )
    functions: tuple[Function, ...] = FUNCTIONS
    kinds: tuple[str, ...] = ("wide", "ordinary", "saturated")
    elementwise: bool = False
    claims: tuple[str, ...] = ("equation",)
    undecided: str = "never"

    def asked(self, *, quick: bool) -> tuple[Function, ...]:  # noqa: ARG002 - fast in any case
        """All functions."""
        return self.functions

    def compare(
        self, subject: Subject, case: Case, functions: Iterable[Function]
    ) -> Iterator[Comparison]:
        """Each element against its true value."""
        for function in functions:
            got = subject.compute(function, case)
            for name, (true, size) in conditioned(case, function).items():
                own, allowed = UNIT * np.abs(true), BOUNDS["digits"].value * size
                yield Comparison(f"{function}.{name}", got[name], true, own, allowed)


def needing(subject: Subject, case: Case) -> tuple[int, int, int]:
    """How many elements need a condition at all, how many one above 1,000, of how many.

    The condition an element needs is its relative error over 1e-13, where that is more than 1.
    """
    plain = high = total = 0
    for function in FUNCTIONS:
        got = subject.compute(function, case)
        for name, (true, _) in conditioned(case, function).items():
            error, unit = np.abs(got[name] - true), BOUNDS["digits"].value * np.abs(true)
            plain += int((error > unit).sum())
            high += int((error > BOUNDS["condition"].value * unit).sum())
            total += true.size
    return plain, high, total


ROUTE = ManyDigits()
