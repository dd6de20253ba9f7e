"""All routes on one cell: the verdicts, the planted errors, and what they amount to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import numpy as np
import numpy.typing as npt

from equations.cell import Cell
from verify.evidence.bounds import BOUNDS
from verify.evidence.case import Case, Kind, inadequate, make_case
from verify.evidence.derived import FUNCTIONS, Function, compute, programs_of
from verify.evidence.record import Compared, Outcome, Planted, Record, Stated
from verify.evidence.rounding import rounding
from verify.evidence.subject import Subject, exact, interpreted
from verify.evidence.verdict import Comparison, Verdict, judge
from verify.mutants import Mutant, mutants
from verify.routes import routes
from verify.routes.many_digits import needing
from verify.routes.route import ElementRoute, Route

KINDS: tuple[Kind, ...] = ("ordinary", "saturated", "opposite", "small", "large", "wide", "long")
COVERED: tuple[Kind, ...] = ("ordinary", "saturated", "opposite")
"""Where every element must be decided by two routes; the other cases are looked at besides."""

LARGER: tuple[Kind, ...] = ("wide", "long")
"""For sizes, not for finding mistakes in equations: some of their lengths are equal."""

QUICK_KINDS = COVERED[:2]
PLANTED_AT: tuple[Kind, ...] = ("ordinary", "saturated")
ENOUGH = 5
QUICK_SHARE = 5
"""A quick run plants every fifth error of those in equations."""
ROUTES_PER_ELEMENT = 2


@dataclass(eq=False)
class Coverage:
    """By how many independent routes each element was decided, and agreed."""

    counts: dict[tuple[str, str], npt.NDArray[np.int64]] = field(default_factory=dict)

    def add(self, case: Case, quantity: str, verdict: Verdict) -> None:
        """Count one route's verdict."""
        key = (case.kind, quantity)
        agreed = (verdict.decided & verdict.agrees).astype(np.int64)
        self.counts[key] = self.counts.get(key, np.zeros_like(agreed)) + agreed

    def missing(self, case: Case) -> dict[Function, dict[str, npt.NDArray[np.bool_]]]:
        """Which elements fewer than two routes have decided, by function and field."""
        short: dict[Function, dict[str, npt.NDArray[np.bool_]]] = {}
        for function in FUNCTIONS:
            for (kind, quantity), counts in self.counts.items():
                of, _, name = quantity.partition(".")
                if (kind, of) == (case.kind, function) and np.any(counts < ROUTES_PER_ELEMENT):
                    short.setdefault(function, {})[name] = counts < ROUTES_PER_ELEMENT
        return short

    def statements(self, cell: Cell, kinds: Iterable[str]) -> Iterator[Stated]:
        """One statement for each case."""
        for kind in kinds:
            of_kind = {q: n for (k, q), n in self.counts.items() if k == kind}
            short = {q: int((n < ROUTES_PER_ELEMENT).sum()) for q, n in of_kind.items()}
            total = sum(n.size for n in of_kind.values())
            missing = {q: n for q, n in short.items() if n}
            note = f"{total} elements" + "".join(f"; {q}: {n} not" for q, n in missing.items())
            yield Stated(
                cell.name,
                "all",
                kind,
                "every element is decided by two routes that share no code",
                not missing,
                note,
            )


def run_routes(
    cell: Cell, subject: Subject | None = None, *, quick: bool = False, seed: int = 0
) -> Iterator[Record]:
    """Check a subject by every route at every case, and every route by planted errors.

    Args:
        cell: the cell, whose definition is the ground truth.
        subject: what to check: `generated(module, cell)`; the interpreted equations if None.
        quick: fewer cases, errors planted at ordinary inputs alone, and slow routes only where
            others do not decide.
        seed: of the cases and of the draw of planted errors.

    Yields:
        Records as they are found; all is well if every one has `passed`.
    """
    subject = subject or interpreted(programs_of(cell))
    cases = {kind: make_case(cell, kind, seed) for kind in KINDS}
    yield _adequate(cell, [case for kind, case in cases.items() if kind not in LARGER])
    coverage = Coverage()
    found = list(routes())
    covered = QUICK_KINDS if quick else COVERED
    for kind in QUICK_KINDS if quick else KINDS:
        case, asked = cases[kind], [r for r in found if kind in r.kinds]
        if quick and kind != "ordinary":
            asked = [route for route in asked if route.elementwise]
        for route in asked:
            yield from check(route, subject, case, coverage, route.asked(quick=quick))
        if kind in covered:
            yield from _reserve(asked, subject, case, coverage, quick=quick)
    yield from coverage.statements(cell, covered)
    if not quick:
        yield _condition(cell, subject, cases["wide"])
    for kind in PLANTED_AT[: 1 if quick else None]:
        for route in found:
            if kind in route.kinds:
                yield from plant(route, cases[kind], seed, route.asked(quick=quick), quick=quick)


def _reserve(
    asked: Iterable[Route], subject: Subject, case: Case, coverage: Coverage, *, quick: bool
) -> Iterator[Compared]:
    """Ask further routes about the functions with elements that are not decided twice yet."""
    for route in asked:
        missing = coverage.missing(case)
        if isinstance(route, ElementRoute) and missing:
            done = route.asked(quick=quick)
            left = [f for f in missing if f in route.functions and f not in done]
            # A frozen dataclass has no attributes that can be set, as mypy wants of a protocol's.
            narrowed = cast("Route", route.among(missing))
            yield from check(narrowed, subject, case, coverage, left)


def check(
    route: Route,
    subject: Subject,
    case: Case,
    coverage: Coverage | None = None,
    functions: Iterable[Function] | None = None,
) -> Iterator[Compared]:
    """One route on a subject at one case; all functions it can judge unless told which."""
    for function in route.functions if functions is None else functions:
        try:
            comparisons = list(route.compare(subject, case, (function,)))
        except Exception as error:  # noqa: BLE001 - whatever a subject raises, it has no result
            note = f"{function}: {type(error).__name__}: {error}"
            yield Compared(
                case.cell.name, route.name, case.kind, function, 1, 0, 1, 0, 0, np.inf, note
            )
            continue
        for comparison in comparisons:
            verdict = judge(comparison)
            if coverage is not None and route.elementwise:
                coverage.add(case, comparison.quantity, verdict)
            yield compared(route, case, comparison, verdict)


def compared(route: Route, case: Case, comparison: Comparison, verdict: Verdict) -> Compared:
    """The record of one comparison."""
    decided, agrees = verdict.decided, verdict.agrees
    small = BOUNDS["small"].value * np.abs(comparison.expected)
    wrong = np.argwhere(decided & ~agrees)
    note = comparison.note
    if not np.all(decided):
        note = "; ".join(filter(None, [note, f"undecided: {route.undecided}"]))
    if len(wrong):
        note = _first_wrong(comparison, tuple(int(k) for k in wrong[0]))
    return Compared(
        case.cell.name,
        route.name,
        case.kind,
        comparison.quantity,
        int(decided.size),
        int((decided & agrees).sum()),
        int((decided & ~agrees).sum()),
        int((~decided).sum()),
        int((decided & (comparison.allowed > small)).sum()),
        float(np.max(verdict.ratio[decided], initial=0.0)),
        note,
    )


def _first_wrong(comparison: Comparison, place: tuple[int, ...]) -> str:
    """Where, expected, got."""
    if np.shape(comparison.got) != np.shape(comparison.expected):
        shape, wanted = np.shape(comparison.got), np.shape(comparison.expected)
        return f"{comparison.quantity}: expected shape {wanted}, got {shape}"
    got, expected = comparison.got[place], comparison.expected[place]
    bound = (comparison.own + comparison.allowed)[place]
    where = f"{list(place)}" if place else ""
    return (
        f"{comparison.quantity}{where}: expected {float(expected)!r} within {float(bound):.1e}, "
        f"got {float(got)!r}"
    )


def _adequate(cell: Cell, cases: list[Case]) -> Stated:
    problems = "; ".join(inadequate(cases))
    statement = "the inputs are adequate"
    return Stated(cell.name, "all", "all", statement, not problems, problems, own=True)


def _condition(cell: Cell, subject: Subject, case: Case) -> Stated:
    plain, high, total = needing(subject, case)
    return Stated(
        cell.name,
        "many digits",
        case.kind,
        "at most one element in a hundred needs a condition over 1,000",
        high <= total / 100,
        f"{plain} of {total} elements need a condition, {high} of them one over 1,000",
    )


def plant(
    route: Route,
    case: Case,
    seed: int = 0,
    functions: Iterable[Function] | None = None,
    *,
    quick: bool = False,
) -> Iterator[Record]:
    """What the route makes of the planted errors it claims to see, and whether that is enough."""
    if functions == ():
        return
    outcomes: list[Outcome] = []
    wanted = set(route.functions if functions is None else functions)
    for place, mutant in enumerate(_mutants(case, seed)):
        if quick and mutant.kind == "equation" and place % QUICK_SHARE:
            continue
        if mutant.kind in route.claims and wanted.issuperset(mutant.functions):
            record = planted(route, case, mutant)
            outcomes.append(record.outcome)
            yield record
    caught, none = outcomes.count("caught"), outcomes.count("equivalent")
    few = f" of {len(outcomes)} planted, of which {none} change nothing here"
    yield Stated(
        case.cell.name,
        route.name,
        case.kind,
        f"at least {ENOUGH} planted errors were caught",
        caught >= ENOUGH,
        f"{caught} caught{'' if caught >= ENOUGH else few}",
        own=True,
    )


@lru_cache(maxsize=16)
def _mutants(case: Case, seed: int) -> tuple[Mutant, ...]:
    """Kept, so that all routes meet the same wrong subjects with their results."""
    return mutants(case.cell, seed)


@lru_cache(maxsize=4096)
def _wrong(mutant: Mutant, *, exactly: bool) -> Subject:
    return mutant.subject(exact if exactly else interpreted)


def planted(route: Route, case: Case, mutant: Mutant) -> Planted:
    """Whether the route catches the error; if not, whether there is anything to see here."""
    outcome: Outcome
    seen = _seen(route, _wrong(mutant, exactly=False), case, mutant.functions)
    if seen:
        outcome, note = "caught", seen
    elif not _changes(mutant, case):
        outcome, note = "equivalent", "changes no element beyond its rounding here"
    elif _seen(route, _wrong(mutant, exactly=True), case, mutant.functions, 2.0):
        outcome, note = "missed", "its exact values are beyond twice the bounds of this route"
    else:
        outcome, note = (
            "below the bound",
            "elements change, but nothing that this route compares, beyond its bounds",
        )
    return Planted(case.cell.name, route.name, case.kind, mutant.name, outcome, note)


def _seen(
    route: Route,
    subject: Subject,
    case: Case,
    functions: Iterable[Function],
    strictness: float = 1.0,
) -> str:
    """The first quantity that disagrees; empty if none does."""
    for comparison in route.compare(subject, case, functions):
        if judge(comparison, strictness).disagrees:
            return comparison.quantity
    return ""


@lru_cache(maxsize=4096)
def _changes(mutant: Mutant, case: Case) -> bool:
    """Whether the error changes any element beyond its rounding, by its value in many digits."""
    wrong = _wrong(mutant, exactly=True)
    right = exact(programs_of(case.cell))
    for function in mutant.functions:
        bounds = rounding(case, function)
        values = right.compute(function, case)
        for name, value in wrong.compute(function, case).items():
            if np.any(np.abs(value - values[name]) > bounds[name]):
                return True
    return False


__all__ = ["FUNCTIONS", "check", "compute", "plant", "planted", "run_routes"]
