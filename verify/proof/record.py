"""What a proof says, and the derived programs it is about."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from equations.cell import Cell
    from equations.derive.sequence import Recurrence
    from equations.program import Program

Kind = Literal["proved", "cross-checked"]


@dataclass(frozen=True)
class Proof:
    """One statement about a cell and whether it holds.

    Attributes:
        name: which derived program and where, such as `backward at (n_x, n_h) = (2, 3)`.
        claim: the statement in one sentence.
        kind: proved for all real inputs at these sizes, or cross-checked at random ones.
        holds: False where it was refuted; the detail then says by what.
        detail: what was compared; the first component that differs, and the difference.
        error_probability: for a random check, a bound on the chance that it holds by accident.
    """

    name: str
    claim: str
    kind: Kind
    holds: bool
    detail: str
    error_probability: Fraction | None = None


@dataclass(frozen=True)
class Derived:
    """Everything derived from a cell; replace a field to have a wrong derivation refuted."""

    forward: Program
    backward: Program
    tangent: Program
    jacobian: Program
    linear_map: Program
    second: Program
    bptt: Recurrence
    tangent_sequence: Recurrence

    @classmethod
    def of(cls, cell: Cell) -> Derived:
        """What the cell derives itself."""
        return cls(
            cell.forward(),
            cell.backward(),
            cell.tangent(),
            cell.jacobian(),
            cell.linear_map(),
            cell.second(),
            cell.bptt(),
            cell.tangent_sequence(),
        )
