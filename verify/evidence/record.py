"""What a check leaves behind: frozen records that turn into JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

QUICK = "left out by --quick"
"""Why something was not examined that a full run examines."""

Outcome = Literal["caught", "equivalent", "below the bound", "missed"]


@dataclass(frozen=True)
class Record:
    """Base of all records."""

    kind: ClassVar[str] = ""
    cell: str
    route: str
    case: str

    @property
    def passed(self) -> bool:
        """Whether this is as it should be."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the kind of the record and whether it passed."""
        return {"kind": self.kind, "passed": self.passed, **asdict(self)}


@dataclass(frozen=True)
class Compared(Record):
    """The verdict of a route on one quantity at one case.

    Attributes:
        quantity: such as `step_vjp.W_u`.
        elements: how many there are; decided are `agreed` and `disagreed` of them.
        undecided: where the route's own error is not small relative to the true value.
        loose: where the rounding allowed to the subject is not small relative to it either, so
            that agreement says little: what plain float64 loses where a gate saturates.
        worst: the largest error of a decided element in units of its bound.
        note: why elements are undecided, the first that disagrees, or what was measured.
    """

    kind: ClassVar[str] = "compared"
    quantity: str
    elements: int
    agreed: int
    disagreed: int
    undecided: int
    loose: int
    worst: float
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing that was decided disagrees."""
        return self.disagreed == 0


@dataclass(frozen=True)
class Planted(Record):
    """What a route made of a planted error.

    `equivalent`: the error changes no element beyond what rounding is allowed at this input, as
    its value in many digits shows. `below the bound`: it does, but not the sum that this route
    compares, or only elements this route cannot decide. `missed`: the route should have seen it.
    """

    kind: ClassVar[str] = "planted"
    mutant: str
    outcome: Outcome
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the error was caught, or shown not to be visible here."""
        return self.outcome != "missed"


@dataclass(frozen=True)
class Stated(Record):
    """A statement about the evidence as a whole, such as that enough planted errors were caught.

    Attributes:
        statement: what is said.
        holds: whether it does.
        note: what was counted.
        own: whether it is about the strength of the evidence and not about the subject: where it
            does not hold, the evidence cannot decide, and the subject has not failed.
    """

    kind: ClassVar[str] = "stated"
    statement: str
    holds: bool
    note: str = ""
    own: bool = False

    @property
    def passed(self) -> bool:
        """Whether it holds."""
        return self.holds
