"""The interface of a route, and the kind that has a reference value for every element."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from verify.evidence.case import Array, Case
from verify.evidence.derived import Function
from verify.evidence.rounding import largest, rounding
from verify.evidence.subject import Subject
from verify.evidence.verdict import Comparison

Elements = Mapping[str, npt.NDArray[np.bool_]]
"""Some elements of a function's results, by field."""


class Reference(NamedTuple):
    """A value and a bound on its error, elementwise."""

    value: Array
    bound: Array


class Route(Protocol):
    """Compares a subject with what it holds to be right.

    Attributes:
        name: in reports.
        shows: what agreement establishes.
        does_not_show: what it leaves open.
        functions: the functions it can judge.
        kinds: the kinds of cases it is used at.
        elementwise: whether it decides element by element against the definition, and so counts
            as one of the independent routes that must decide every element.
        claims: the kinds of planted errors it claims to see.
        undecided: why it cannot decide an element, where it cannot.
    """

    name: str
    shows: str
    does_not_show: str
    functions: tuple[Function, ...]
    kinds: tuple[str, ...]
    elementwise: bool
    claims: tuple[str, ...]
    undecided: str

    def asked(self, *, quick: bool) -> tuple[Function, ...]:
        """The functions it is asked about in any case; about others where it is needed."""

    def compare(
        self, subject: Subject, case: Case, functions: Iterable[Function]
    ) -> Iterator[Comparison]:
        """Compare the subject's results of these functions at a case."""


@dataclass(frozen=True, eq=False)
class ElementRoute:
    """A route with a reference value for every element; see `Route` for the fields.

    A route may be slow, in reserve for what others do not decide, and able to find a part of the
    elements in less time than all: the others are then undecided.
    """

    name: str
    shows: str
    does_not_show: str
    functions: tuple[Function, ...]
    reference: Callable[[Case, Function], Mapping[str, Reference]]
    kinds: tuple[str, ...]
    undecided: str
    elementwise: bool = True
    claims: tuple[str, ...] = ("equation", "batch", "sequence", "linear")
    slow: bool = False
    reserve: bool = False
    partly: Callable[[Case, Function, Elements], Mapping[str, Reference]] | None = None

    def asked(self, *, quick: bool) -> tuple[Function, ...]:
        """All, but those of a slow route when time is short, and none of a route in reserve."""
        return () if self.reserve or (quick and self.slow) else self.functions

    def among(self, wanted: Mapping[Function, Elements]) -> ElementRoute:
        """The same route for these elements, and for no others where that is less work."""
        partly = self.partly
        if partly is None:
            return self
        return replace(self, reference=lambda case, of: partly(case, of, wanted[of]))

    def compare(
        self, subject: Subject, case: Case, functions: Iterable[Function]
    ) -> Iterator[Comparison]:
        """Each field of each function against its reference."""
        for function in functions:
            if function not in self.functions:
                continue
            got, allowed = subject.compute(function, case), rounding(case, function)
            scale = largest(case, function)
            for name, expected in self.reference(case, function).items():
                quantity = f"{function}.{name}"
                yield Comparison(quantity, got[name], *expected, allowed[name], scale=scale)
