"""What was found about one statement in one way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from equations.boundary import Boundary, Saturation

Way = Literal["over the reals", "hit exactly", "approached"]
Verdict = Literal["holds", "refuted", "cannot decide"]


class UndecidedError(Exception):
    """A procedure cannot decide a statement; the message says why."""


class CounterexampleError(Exception):
    """A statement fails at a point; the message says where and by how much."""


@dataclass(frozen=True)
class Finding:
    """A verdict and why."""

    verdict: Verdict
    detail: str


@dataclass(frozen=True)
class BoundaryResult:
    """One statement of one cell, examined in one way.

    Attributes:
        cell: the name of the cell.
        statement: the statement itself.
        way: how it was examined.
        verdict: what was found: it holds, it is refuted, or it cannot be decided in this way.
        detail: how it was established, the counterexample, or why it cannot be decided here.
    """

    cell: str
    statement: Boundary | Saturation
    way: Way
    verdict: Verdict
    detail: str

    @property
    def name(self) -> str:
        """The statement in one short sentence."""
        return self.statement.name

    @property
    def as_expected(self) -> bool:
        """Whether a true statement was established and a planted false one refuted."""
        return self.verdict == ("holds" if self.statement.holds else "refuted")

    def __str__(self) -> str:
        """One line for a terminal or a failing test."""
        planted = "" if self.statement.holds else " (planted)"
        return f"{self.cell}: {self.name}{planted}: {self.way}: {self.verdict}: {self.detail}"
