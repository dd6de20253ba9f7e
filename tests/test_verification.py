"""The verification itself: every kind of evidence about every cell, and the reports it is told in.

A new cell is verified here without touching a test. `gateproof check` runs the same.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from equations import cells
from verify.report.index import index
from verify.report.page import HEADINGS, section, static
from verify.suite import STAGES, run_stage

REPORTS = Path(__file__).parents[1] / "reports"

every_cell = pytest.mark.parametrize("name", list(cells))


def read(file: str) -> str:
    """A page of the reports."""
    path = REPORTS / file
    assert path.is_file(), f"{path} is missing; run gateproof report"
    return path.read_text(encoding="utf-8")


def assert_told(part: str, file: str) -> None:
    """A page has this part, word for word."""
    page, part = read(file), part.strip("\n")
    if part not in page:
        missing = [line for line in part.splitlines() if line not in page] or ["(another order)"]
        lines = "\n".join(missing[:10])
        pytest.fail(f"reports/{file} is not current; run gateproof report:\n{lines}", pytrace=False)


@every_cell
@pytest.mark.parametrize("stage", list(STAGES))
def test_every_claim_holds_and_is_in_the_report(name: str, stage: str) -> None:
    """All findings of one stage are as they should be, and the page tells exactly these."""
    findings = list(run_stage(name, stage, quick=False, seed=0))
    if skipped := [finding.detail for finding in findings if finding.skipped]:
        pytest.skip(skipped[0])
    failed = [str(finding) for finding in findings if not finding.passed]
    assert not failed, "\n".join(failed[:10])
    stated = {"boundaries": cells[name].boundaries, "theorems": cells[name].theorems}
    assert findings or not stated.get(stage, True)
    assert_told(section(stage, findings), f"{name}.md")


@every_cell
def test_the_report_shows_the_equations_as_they_are(name: str) -> None:
    """What follows from the definition alone is current, and there is no section besides."""
    told = static(cells[name])
    for part in told:
        assert_told(part, f"{name}.md")
    expected = [line for part in told for line in headings(part)]
    assert headings(read(f"{name}.md")) == [*expected, *(f"## {HEADINGS[s]}" for s in STAGES)]


def headings(text: str) -> list[str]:
    """The headings of the parts of a page."""
    return re.findall(r"^## .*$", text, flags=re.MULTILINE)


def test_the_index_is_current() -> None:
    """Cells, words, routes and bounds."""
    expected = index([cells[name] for name in cells])
    assert_told(expected, "index.md")
    assert len(read("index.md")) == len(expected)


def test_no_page_is_left_over() -> None:
    """Every page belongs to a cell."""
    pages = {path.name for path in REPORTS.glob("*.md")}
    assert pages == {"index.md", "dialects.md", *(f"{name}.md" for name in cells)}


def test_measured_numbers_say_where_they_are_from() -> None:
    """Machine, versions and command, in files of their own."""
    pages = sorted((REPORTS / "measured").glob("*.md"))
    assert pages
    for path in pages:
        text = path.read_text(encoding="utf-8")
        for word in ("Command: `", "Machine: ", "python 3.", "numpy ", "sympy "):
            assert word in text, path.name
