"""What one run measured: counts and worst errors, with machine, versions and command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verify.report.markdown import document, table
from verify.report.provenance import provenance
from verify.suite import Finding

OPTIONAL = ("z3-solver",)


def measured(findings: Mapping[str, Sequence[Finding]], command: str) -> str:
    """The page of measured numbers.

    Args:
        findings: by cell.
        command: what was run.
    """
    parts = [
        "# What was measured",
        provenance(command, OPTIONAL),
    ]
    for cell, found in findings.items():
        rows = [(finding.name, finding.detail) for finding in found if finding.stage == "routes"]
        parts += [f"## {cell}", table(("examined", "found"), rows)]
    return document(parts)
