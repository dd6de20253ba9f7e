"""The verification of a cell: all its evidence as one list of findings, stage by stage."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Protocol

from equations.boundary import Boundary
from equations.cell import Cell
from verify.boundaries.check import check_boundaries
from verify.boundaries.record import BoundaryResult
from verify.boundaries.text import statement_text, theorem_text
from verify.evidence.case import NoCaseError
from verify.evidence.record import QUICK, Compared, Planted, Record, Stated
from verify.evidence.run import run_routes
from verify.evidence.subject import generated
from verify.proof.prove import prove
from verify.routes import routes
from verify.target import find, module_of, source_of, target_of, text_of
from verify.theorems.check import LEMMA, check_theorems

Word = Literal["proved", "by construction", "cross-checked"]

LEFT_OUT: Mapping[str, Mapping[Word, str]] = {
    "proof": {
        "proved": "the same at further sizes, and second order",
        "cross-checked": "the same for further numbers of steps",
    },
    "boundaries": {
        "proved": "the same at further sizes, and what is stated of second order",
        "cross-checked": "the same at further points and distances from the ends",
    },
    "routes": {
        "cross-checked": "the same at opposite, small, large and wide inputs, of long sequences "
        "and by slow routes; all errors planted in equations, and at saturated inputs too; and "
        "laws, products and remainders there",
    },
}
"""What a quick run leaves out, by stage, and what it would be."""

SCHEMA = 3
"""The version of the JSON that findings are written as."""


@dataclass(frozen=True)
class Finding:
    """One claim about a cell and whether it was borne out.

    Attributes:
        cell: the name of the cell.
        stage: the kind of evidence, a key of `STAGES`.
        name: what was examined, and how.
        claim: the claim in words.
        word: proved, true by construction, or cross-checked.
        passed: whether it is as it should be; for a planted error, whether it was found.
        detail: what was compared, or what is wrong.
        skipped: whether it was not examined here; then it is not established, and did not fail,
            and the detail says what to install, or that a quick run leaves it out.
        undecided: whether the evidence is too weak here to decide; then it did not fail either, and
            the detail says why.
    """

    cell: str
    stage: str
    name: str
    claim: str
    word: Word
    passed: bool
    detail: str
    skipped: bool = False
    undecided: bool = False

    @property
    def failed(self) -> bool:
        """Whether it was examined and is not as it should be."""
        return not (self.passed or self.skipped or self.undecided)

    @property
    def verdict(self) -> str:
        """Its word where it passed, else what became of it."""
        if self.passed:
            return self.word
        return "skipped" if self.skipped else "cannot decide" if self.undecided else "failed"

    def __str__(self) -> str:
        """One line for a terminal."""
        verdict = "FAILED" if self.failed else self.verdict
        return f"{self.cell}: {self.stage}: {self.name}: {verdict}: {self.detail}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def run_stage(
    target: str, stage: str, *, quick: bool, seed: int, form: str = "numpy"
) -> Iterator[Finding]:
    """The findings of one stage for a cell, given by name or file, as soon as each is known.

    A check that cannot be carried through is a finding that failed, and ends the stage. `form` is
    that of the generated module: one of `equations.generate.targets`.
    """
    cell = find(target)
    try:
        yield from STAGES[stage](cell, module_of(target, cell, form), quick=quick, seed=seed)
        for word, claim in LEFT_OUT.get(stage, {}).items() if quick else ():
            name = f"the rest, {word}"
            yield Finding(
                cell.name, stage, name, claim, word, passed=False, detail=QUICK, skipped=True
            )
    except Exception as error:  # noqa: BLE001 - whatever stopped it, the claim is not established
        place = traceback.extract_tb(error.__traceback__)[-1]
        detail = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
        yield Finding(
            cell.name,
            stage,
            "stopped",
            "every check of this stage can be carried through",
            "cross-checked",
            passed=False,
            detail=str(error) if isinstance(error, NoCaseError) else detail,
            undecided=isinstance(error, NoCaseError),
        )


def _code(cell: Cell, module: ModuleType, *, quick: bool, seed: int) -> Iterator[Finding]:  # noqa: ARG001 - a stage
    """That the code under test is the definition's, and what it imports."""
    text, target = text_of(module), target_of(module)
    same = text == target.text(cell, source_of(module))
    yield Finding(
        cell.name,
        "code",
        "the module is current",
        "the module is what the generator makes of the definition, byte for byte",
        "by construction",
        same,
        f"{cell.name}.py",
    )
    imported = sorted(set(re.findall(r"^(?:from|import) (\w+)", text, flags=re.MULTILINE)))
    yield Finding(
        cell.name,
        "code",
        "the module stands alone",
        f"the module imports {target.imports_text}, and nothing else",
        "by construction",
        set(imported) <= target.imports,
        ", ".join(imported),
    )


def _proof(cell: Cell, module: ModuleType, *, quick: bool, seed: int) -> Iterator[Finding]:  # noqa: ARG001 - a stage
    for proof in prove(cell, quick=quick, seed=seed):
        detail = proof.detail
        if proof.error_probability is not None:
            bound = float(proof.error_probability)
            detail += f"; passes by accident with a probability of at most {bound:.1e}"
        yield Finding(cell.name, "proof", proof.name, proof.claim, proof.kind, proof.holds, detail)


def _boundaries(cell: Cell, module: ModuleType, *, quick: bool, seed: int) -> Iterator[Finding]:  # noqa: ARG001 - a stage
    for result in check_boundaries(cell, module, quick=quick):
        yield Finding(
            cell.name,
            "boundaries",
            f"{result.name}{'' if result.statement.holds else PLANTED}: {result.way}",
            statement_text(cell, result.statement),
            _word(result),
            result.as_expected,
            result.detail,
        )


def _word(result: BoundaryResult) -> Word:
    """A refutation of a claim is an evaluation in sixty digits; that of a rate is a limit."""
    evaluated = isinstance(result.statement, Boundary) and not result.statement.holds
    return "proved" if result.way == "over the reals" and not evaluated else "cross-checked"


def _theorems(cell: Cell, module: ModuleType, *, quick: bool, seed: int) -> Iterator[Finding]:
    for result in check_theorems(cell, module, quick=quick, seed=seed):
        theorem = result.theorem
        true = theorem is None or theorem.holds
        yield Finding(
            cell.name,
            "theorems",
            f"{result.name}{'' if true else PLANTED}: {result.way}" if theorem else result.name,
            theorem_text(cell, theorem) if theorem else LEMMA,
            "proved" if result.way == "z3" and true else "cross-checked",
            result.as_expected,
            result.detail,
            result.skipped,
        )


def _routes(cell: Cell, module: ModuleType, *, quick: bool, seed: int) -> Iterator[Finding]:
    """One finding for each route at each kind of input, and one for its planted errors there."""
    shows = {route.name: route.shows for route in routes()}
    records = list(run_routes(cell, generated(module, cell), quick=quick, seed=seed))
    groups: dict[tuple[type[Record], str, str], list[Record]] = {}
    for record in records:
        if isinstance(record, Stated):
            yield _stated(record)
        else:
            groups.setdefault((type(record), record.route, record.case), []).append(record)
    for (kind, route, case), group in groups.items():
        seen = kind is Planted
        yield Finding(
            cell.name,
            "routes",
            f"{route}, {case} inputs" + (": planted errors" if seen else ""),
            SEES if seen else shows[route],
            "cross-checked",
            all(record.passed for record in group),
            _summary(group),
        )


PLANTED = " (planted, to be refuted)"
SEES = "every planted error that changes what this route decides is reported by it"


def _stated(record: Stated) -> Finding:
    where = [record.route] if record.route != "all" else []
    where += [f"{record.case} inputs"] if record.case != "all" else []
    return Finding(
        record.cell,
        "routes",
        ", ".join([*where, record.statement]),
        record.statement,
        "cross-checked",
        record.passed,
        record.note,
        undecided=record.own and not record.passed,
    )


def _summary(group: list[Record]) -> str:
    """What a group of records amounts to, or the first that is not as it should be."""
    wrong = [record for record in group if not record.passed]
    if wrong:
        first = wrong[0]
        what = first.mutant if isinstance(first, Planted) else ""
        note = getattr(first, "note", "")
        return f"{len(wrong)} of {len(group)} fail, the first: {what} {note}".strip()
    if isinstance(group[0], Planted):
        outcomes = Counter(record.outcome for record in group if isinstance(record, Planted))
        return ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    compared = [record for record in group if isinstance(record, Compared)]
    agreed, undecided = (sum(getattr(r, n) for r in compared) for n in ("agreed", "undecided"))
    text = f"{agreed} elements agree, {undecided} undecided"
    return f"{text}; the worst error is {max(r.worst for r in compared):.2f} of its bound"


class Stage(Protocol):
    """One kind of evidence about a cell and its generated module."""

    def __call__(
        self, cell: Cell, module: ModuleType, *, quick: bool, seed: int
    ) -> Iterator[Finding]:
        """The findings, as soon as each is known."""


STAGES: Mapping[str, Stage] = {
    "code": _code,
    "proof": _proof,
    "boundaries": _boundaries,
    "theorems": _theorems,
    "routes": _routes,
}
"""What a verification consists of, in the order in which data flows."""
