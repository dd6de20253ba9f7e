"""Whether a difference can be rounding: an answer from the budget of every element."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from verify.arithmetic.formats import FORMATS, Format
from verify.evidence.case import Array, Case
from verify.evidence.derived import Function
from verify.evidence.rounding import budget, terms, values

Verdict = Literal["yes", "in part", "no"]

COMPUTATIONS = 2
"""A difference is between two computations, and each may be off by its budget."""

SHOWN = 3
"""How many elements a sentence names."""

WORD = "by construction"
"""What an answer is: a budget holds by the way it is carried along, whatever was computed."""


def conditions(
    case: Case, function: Function, true: Mapping[str, Array], of: Format
) -> Mapping[str, Array]:
    """How much larger the terms of every element are than its value, at least 1, by field.

    Below the normal range, where an ulp no longer shrinks with the value, they are compared with
    the smallest normal number: an ulp times the condition is an ulp of the terms at any value.

    Args:
        case: the inputs.
        function: of the public surface.
        true: the values.
        of: the format whose ulps are told in units of the condition.
    """
    return {
        name: np.maximum(1, size / np.maximum(np.abs(true[name]), of.normal))
        for name, size in terms(case, function).items()
        if name in true
    }


@dataclass(frozen=True, eq=False)
class Answer:
    """Whether a difference can be rounding, for every element of one result.

    Attributes:
        quantity: the result, such as `step.h`.
        dtype: the floats computed in.
        differences: what was asked about.
        careful: the most that two careful computations differ by.
        plain: the most that two of the equations as they are printed do.
        largest: the largest value of an element.
        condition: the largest condition of an element.
    """

    quantity: str
    dtype: str
    differences: Array
    careful: Array
    plain: Array
    largest: float
    condition: float

    @property
    def verdicts(self) -> Array:
        """For every element whether rounding can make the difference, or only at saturation."""
        lost = np.where(self.differences <= self.plain, "saturated", "no")
        return np.where(self.differences <= self.careful, "yes", lost)

    @property
    def elements(self) -> int:
        """How many there are."""
        return int(self.careful.size)

    @property
    def explained(self) -> int:
        """For how many of them the careful budget of two computations covers it."""
        return int((self.verdicts == "yes").sum())

    @property
    def saturated(self) -> int:
        """For how many more the budget of the equations as printed does."""
        return int((self.verdicts == "saturated").sum())

    @property
    def difference(self) -> float:
        """The largest that was asked about."""
        return float(np.max(self.differences, initial=0.0))

    @property
    def least(self) -> float:
        """The smallest careful budget of an element."""
        return float(np.min(self.careful, initial=np.inf))

    @property
    def most(self) -> float:
        """The largest careful budget of an element."""
        return float(np.max(self.careful, initial=0.0))

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
            return f"up to {self.least:.2g} rounding cannot be excluded in any element ({size})"
        if self.verdict == "no":
            told = f"two careful computations differ by {self.most:.2g} at most ({size})"
            return f"{told}{self._places()}"
        left = self.elements - self.explained - self.saturated
        parts = (
            (self.explained, "by rounding"),
            (self.saturated, "only where 1 - u loses its digits at a saturated gate"),
            (left, "by neither"),
        )
        told = ", ".join(f"{count} {how}" for count, how in parts if count)
        return (
            f"of {self.elements} elements {told}; rounding cannot be excluded up to "
            f"{self.least:.2g} in one and {self.most:.2g} in another{self._places()}"
        )

    def _places(self) -> str:
        """The elements that rounding explains least, where each has a difference of its own."""
        if np.all(self.differences == self.difference):
            return ""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(self.verdicts == "yes", 0.0, self.differences / self.careful)
        worst = [np.unravel_index(k, ratios.shape) for k in np.argsort(-ratios, axis=None)[:SHOWN]]
        told = [
            f"{[int(k) for k in at]} {self.differences[at]:.2g} of {self.careful[at]:.2g}"
            for at in worst
            if ratios[at]
        ]
        return f"; most beyond it: {', '.join(told)}"

    def to_json(self) -> dict[str, Any]:
        """Plain values; what has no bound is null, and every element has its own verdict."""
        told = ("difference", "elements", "explained", "saturated", "least", "most", "largest")
        found = {name: getattr(self, name) for name in (*told, "condition")}
        return {
            "quantity": self.quantity,
            "dtype": self.dtype,
            **{name: value if np.isfinite(value) else None for name, value in found.items()},
            "verdict": self.verdict,
            "reason": self.reason,
            "verdicts": self.verdicts.tolist(),
            "word": WORD,
        }


def explain(
    difference: float | Mapping[str, Array], case: Case, functions: Iterable[Function] = ("step",)
) -> list[Answer]:
    """Whether rounding can be excluded as the reason of a difference, for every element.

    Args:
        difference: its absolute value, in every element of every result; or by result, such as
            `step_vjp.W_u`, an array of its shape: then those results alone are answered.
        case: the inputs of both, in arrays of the floats they compute in.
        functions: what was computed.
    """
    answers = []
    for function in functions:
        careful, plain = budget(case, function), budget(case, function, careful=False)
        found = values(case, function)
        condition = conditions(case, function, found, FORMATS[case.dtype.name])
        for name, value in found.items():
            quantity = f"{function}.{name}"
            asked = difference.get(quantity) if isinstance(difference, Mapping) else difference
            if asked is not None:
                answer = Answer(
                    quantity,
                    case.dtype.name,
                    np.broadcast_to(asked, value.shape),
                    COMPUTATIONS * careful[name],
                    COMPUTATIONS * plain[name],
                    float(np.max(np.abs(value), initial=0.0)),
                    float(np.max(condition[name], initial=1.0)),
                )
                answers.append(answer)
    return answers
