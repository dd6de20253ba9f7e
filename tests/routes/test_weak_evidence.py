"""Cells for which the evidence is weak: said so, and no failure of the cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from equations.registry import load
from verify.evidence.run import run_routes
from verify.evidence.subject import Subject, interpreted
from verify.mutants import mutants
from verify.suite import run_stage

HEAD = """
from equations.definition import Definition, Input, Parameter, State
from equations.language import sigmoid, tanh


class weak(Definition):
"""

CELLS = {
    "caught": """
    x = Input()
    h = State()
    w = u = Parameter()
    h_next = tanh(w * x + u * h)
""",
    "u is never driven to its lower end": """
    x = Input("n_x")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    U = Parameter("n_h", "n_h")
    u = sigmoid(tanh(W @ x + U @ h))
    h_next = (1 - u) * h
""",
}
every_weak_cell = pytest.mark.parametrize("reason", CELLS)


@pytest.fixture
def file(reason: str, tmp_path: Path) -> Path:
    """A definition that is right, and that the suite's own errors say little about."""
    path = tmp_path / "weak.py"
    path.write_text(HEAD + CELLS[reason], encoding="utf-8")
    return path


@every_weak_cell
@pytest.mark.parametrize("run", ["quick", "whole"])
def test_weak_evidence_is_undecided_and_not_a_failure(file: Path, reason: str, run: str) -> None:
    """A correct cell holds; what its inputs or planted errors cannot show is told with why."""
    findings = list(run_stage(str(file), "routes", quick=run == "quick", seed=0))
    assert not [str(finding) for finding in findings if finding.failed]
    undecided = [str(finding) for finding in findings if finding.undecided]
    if not (run == "quick" and reason == "caught"):
        assert undecided
    assert all("cannot decide" in text and reason in text for text in undecided)


@every_weak_cell
def test_an_error_in_such_a_cell_is_found(file: Path, reason: str) -> None:  # noqa: ARG001 - makes the file
    """A wrong sign in a gradient fails, whatever else is undecided."""
    cell = load(file)
    mutant = next(m for m in mutants(cell) if m.functions[0] == "step_vjp" and "sign" in m.name)
    wrong: Subject = mutant.subject(interpreted)
    failed = [record for record in run_routes(cell, wrong, quick=True) if not record.passed]
    assert any(record.kind == "compared" for record in failed)


@every_weak_cell
def test_a_crash_is_a_finding_that_names_it(file: Path, reason: str) -> None:  # noqa: ARG001 - makes the file
    """Whatever a subject raises is told as a failure of that function, and nothing stops."""
    cell = load(file)

    def compute(function: str, _case: object) -> dict[str, object]:
        raise AttributeError(f"no {function} here")

    records = list(run_routes(cell, Subject("crashes", compute), quick=True))  # type: ignore[arg-type]
    notes = {getattr(record, "note", "") for record in records if not record.passed}
    assert "step_vjp: AttributeError: no step_vjp here" in notes
