"""All theorems of a cell: proved where the solver is installed, evaluated everywhere.

An invariant is followed in generated code as well, where rounding may lead out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import Literal

from equations.cell import Cell
from equations.theorem import Theorem
from verify.evidence.record import QUICK
from verify.theorems.drift import STEPS, drift, with_slack
from verify.theorems.replay import replay

Way = Literal["z3", "evaluated", "in floats"]

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
        way: by the solver, evaluated at inputs that satisfy its assumptions, or, of an invariant,
            in generated code over many steps.
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


def check_theorems(
    cell: Cell, module: ModuleType | None = None, *, quick: bool = False, seed: int = 0
) -> Iterator[TheoremResult]:
    """Examine every theorem of a cell; a cell without theorems gives nothing.

    Args:
        cell: the cell.
        module: the module generated from it, to follow invariants in; none are followed without.
        quick: where the solver is installed, each theorem in one way: a true one is proved and a
            planted one refuted; all else is skipped.
        seed: of the inputs at which theorems are evaluated.
    """
    missing = solver_missing()
    brief = quick and not missing
    if cell.theorems:
        yield from [_skipped(None, "z3", INSTALL)] if missing else _lemmas()
    proved: set[str] = set()
    for theorem in cell.theorems:
        if missing or (brief and not theorem.holds):
            yield _skipped(theorem, "z3", INSTALL if missing else QUICK)
        else:
            result = _solved(cell, theorem, proved)
            proved |= {theorem.name} if theorem.holds and result.as_expected else set()
            yield result
        if brief and theorem.holds:
            yield _skipped(theorem, "evaluated", QUICK)
        else:
            yield _evaluated(cell, theorem, seed)
        if module is not None and theorem.invariant and theorem.holds:
            if quick or missing:
                yield _skipped(theorem, "in floats", QUICK if quick else INSTALL)
            else:
                yield _followed(cell, module, theorem, seed)


@cache
def _lemmas() -> tuple[TheoremResult, ...]:
    """What proofs rest on, which is the same for all cells."""
    from verify.theorems.prove import lemmas  # noqa: PLC0415 - z3 is an extra

    found = []
    for function, wrong in lemmas():
        detail = f"not proved: {', '.join(wrong)}" if wrong else "each fact by z3"
        found.append(TheoremResult(None, f"facts of {function}", "z3", not wrong, detail))
    return tuple(found)


def _skipped(theorem: Theorem | None, way: Way, why: str) -> TheoremResult:
    name = theorem.name if theorem else "facts"
    return TheoremResult(theorem, name, way, as_expected=False, detail=why, skipped=True)


def _solved(cell: Cell, theorem: Theorem, proved: AbstractSet[str]) -> TheoremResult:
    """What the solver makes of a theorem, once the theorems that it follows from are proved."""
    from verify.theorems.prove import prove  # noqa: PLC0415 - z3 is an extra

    if missing := [name for name in theorem.by if name not in proved]:
        detail = f"follows from what is not proved: {'; '.join(missing)}"
        return TheoremResult(theorem, theorem.name, "z3", as_expected=False, detail=detail)
    answer = prove(cell, theorem)
    expected = answer.outcome == ("proved" if theorem.holds else "open")
    return TheoremResult(theorem, theorem.name, "z3", expected, answer.detail)


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


def _followed(cell: Cell, module: ModuleType, theorem: Theorem, seed: int) -> TheoremResult:
    from verify.theorems.prove import prove  # noqa: PLC0415 - z3 is an extra

    slack = with_slack(theorem)
    if slack is None or prove(cell, slack).outcome != "proved":
        return _skipped(theorem, "in floats", "no bound: it is not proved of states that are off")
    found = drift(cell, module, theorem, seed=seed)
    detail = found.refuted or (
        f"left by at most {found.units} unit roundoffs a step, over {STEPS} steps of "
        f"{found.samples} sequences in float32 and float64"
    )
    if not found.samples:
        detail = "no sequence satisfies its assumptions, so it says nothing"
    expected = bool(found.samples) and not found.refuted
    return TheoremResult(theorem, theorem.name, "in floats", expected, detail)
