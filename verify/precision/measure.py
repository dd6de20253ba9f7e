"""The worst error of every result and gradient, in ulps of its true value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from verify.arithmetic.formats import Format
from verify.evidence.case import Case, Kind
from verify.evidence.derived import FUNCTIONS, Function
from verify.evidence.rounding import budget
from verify.evidence.subject import Subject
from verify.precision.allowance import conditions
from verify.precision.truth import enclosures, errors, middle, spacing

KINDS: tuple[Kind, ...] = ("ordinary", "saturated", "opposite", "tiny", "huge")


@dataclass(frozen=True)
class Worst:
    """The worst error of one result of one contender at one case.

    Attributes:
        cell, dtype, inputs: where.
        contender: whose.
        quantity: the result, such as `step_vjp.W_u`.
        ulps: the largest error of an element in ulps of its true value.
        conditioned: the largest error in ulps times the condition of the element.
        share: the largest error in units of the budget that rounding has.
        elements: how many there are.
    """

    cell: str
    dtype: str
    inputs: str
    contender: str
    quantity: str
    ulps: float
    conditioned: float
    share: float
    elements: int

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is infinitely wrong is None."""
        return {k: None if v == np.inf else v for k, v in asdict(self).items()}


def worst(
    case: Case, subjects: Iterable[Subject], of: Format, functions: Iterable[Function] = FUNCTIONS
) -> Iterator[Worst]:
    """Every result of every subject at a case in arrays of a format.

    Raises:
        MissingExtraError: python-flint is not installed.
    """
    for function in functions:
        true = enclosures(case, function, of)
        values = {name: middle(balls) for name, balls in true.items()}
        condition, allowed = conditions(case, function, values, of), budget(case, function)
        for subject in subjects:
            with np.errstate(all="ignore"):
                got = subject.compute(function, case)
            for name, balls in true.items():
                ulps = errors(got[name], balls, of)
                with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
                    share = ulps / (allowed[name] / spacing(balls, of))
                yield Worst(
                    case.cell.name,
                    of.name,
                    case.kind,
                    subject.name,
                    f"{function}.{name}",
                    float(np.max(ulps, initial=0.0)),
                    float(np.max(ulps / condition[name], initial=0.0)),
                    float(np.max(share, initial=0.0, where=ulps > 0)),
                    int(ulps.size),
                )
