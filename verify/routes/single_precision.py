"""Float32 results against the derived equations in many digits, within float32's roundings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from verify.arithmetic.running import UNIT
from verify.evidence.case import Case
from verify.evidence.derived import FUNCTIONS, Function, programs_of
from verify.evidence.rounding import rounding
from verify.evidence.subject import Subject, exact
from verify.evidence.verdict import Comparison


@dataclass(frozen=True, eq=False)
class SinglePrecision:
    """The route; see `Route` for the fields."""

    name: str = "single precision"
    shows: str = (
        "Every element of every function at float32 inputs is float32, and within the running "
        "error bound of float32 of the derived equations in 50 digits."
    )
    does_not_show: str = (
        "That the derived equations are right: it evaluates the same ones. It measures rounding "
        "alone and is no independent route for any element."
    )
    functions: tuple[Function, ...] = FUNCTIONS
    kinds: tuple[str, ...] = ("ordinary", "saturated")
    elementwise: bool = False
    claims: tuple[str, ...] = ("equation",)
    undecided: str = "never"

    def asked(self, *, quick: bool) -> tuple[Function, ...]:  # noqa: ARG002 - fast in any case
        """All functions."""
        return self.functions

    def compare(
        self, subject: Subject, case: Case, functions: Iterable[Function]
    ) -> Iterator[Comparison]:
        """Each element against its true value at the rounded point."""
        of_floats = case.cast("float32")
        right = exact(programs_of(case.cell))
        for function in functions:
            got, allowed = subject.compute(function, of_floats), rounding(of_floats, function)
            for name, true in right.compute(function, of_floats).items():
                own = UNIT * np.abs(true)
                yield Comparison(f"{function}.{name}", got[name], true, own, allowed[name])


ROUTE = SinglePrecision()
