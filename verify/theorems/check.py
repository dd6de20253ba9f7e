"""All theorems of a cell: proved where the solver is installed, evaluated everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Literal

from equations.cell import Cell
from equations.theorem import Theorem
from verify.evidence.record import QUICK
from verify.theorems.replay import replay

Way = Literal["proved", "evaluated"]

INSTALL = 'needs z3: pip install "gateproof[proofs]"'
LEMMA = (
    "what z3 is told of a function follows from exp > 0, exp increasing, exp(a) exp(b) = exp(a + b)"
)


@dataclass(frozen=True)
class TheoremResult:
    """One theorem of one cell, examined in one way; or the facts that proofs rest on.

    Attributes:
        theorem: the theorem; None for facts.
        name: its name, or that of the facts.
        way: proved by the solver, or evaluated at inputs that satisfy its assumptions.
        as_expected: a true theorem was established; a planted false one was not proved, and was
            refuted by a counterexample that was evaluated.
        detail: how it was established, or what is wrong.
        skipped: whether it was not examined, for want of the solver or of time.
    """

    theorem: Theorem | None
    name: str
    way: Way
    as_expected: bool
    detail: str
    skipped: bool = False


def solver_missing() -> bool:
    """Whether the solver is not installed."""
    return find_spec("z3") is None


def check_theorems(cell: Cell, *, quick: bool = False, seed: int = 0) -> Iterator[TheoremResult]:
    """Examine every theorem of a cell; a cell without theorems gives nothing.

    Args:
        cell: the cell.
        quick: where the solver is installed, each theorem in one way: a true one is proved and a
            planted one refuted; the other way is skipped.
        seed: of the inputs at which theorems are evaluated.
    """
    brief = quick and not solver_missing()
    if cell.theorems:
        yield from [_skipped(None, "proved", INSTALL)] if solver_missing() else _lemmas()
    for theorem in cell.theorems:
        if brief and not theorem.holds:
            yield _skipped(theorem, "proved", QUICK)
        else:
            yield _proved(cell, theorem)
        if brief and theorem.holds:
            yield _skipped(theorem, "evaluated", QUICK)
        else:
            yield _evaluated(cell, theorem, seed)


@cache
def _lemmas() -> tuple[TheoremResult, ...]:
    """What proofs rest on, which is the same for all cells."""
    from verify.theorems.prove import lemmas  # noqa: PLC0415 - z3 is an extra

    found = []
    for function, wrong in lemmas():
        detail = f"not proved: {', '.join(wrong)}" if wrong else "each fact by z3"
        found.append(TheoremResult(None, f"facts of {function}", "proved", not wrong, detail))
    return tuple(found)


def _skipped(theorem: Theorem | None, way: Way, why: str) -> TheoremResult:
    name = theorem.name if theorem else "facts"
    return TheoremResult(theorem, name, way, as_expected=False, detail=why, skipped=True)


def _proved(cell: Cell, theorem: Theorem) -> TheoremResult:
    if solver_missing():
        return _skipped(theorem, "proved", INSTALL)
    from verify.theorems.prove import prove  # noqa: PLC0415 - z3 is an extra

    answer = prove(cell, theorem)
    expected = answer.outcome == ("proved" if theorem.holds else "open")
    return TheoremResult(theorem, theorem.name, "proved", expected, answer.detail)


def _evaluated(cell: Cell, theorem: Theorem, seed: int) -> TheoremResult:
    found = replay(cell, theorem, seed=seed)
    if not found.points:
        detail = "no inputs satisfy its assumptions, so it says nothing"
    elif found.refuted:
        detail = found.refuted
    else:
        detail = f"holds at {found.points} inputs"
    expected = bool(found.points) and bool(found.refuted) != theorem.holds
    return TheoremResult(theorem, theorem.name, "evaluated", expected, detail)
