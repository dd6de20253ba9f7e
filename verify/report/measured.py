"""What one run measured: counts and worst errors, with machine, versions and command."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import distributions, version

import numpy as np

from verify.report.markdown import document, table
from verify.suite import Finding

PACKAGES = ("gateproof", "sympy", "numpy", "autograd", "mpmath")
OPTIONAL = ("z3-solver",)


def versions() -> dict[str, str]:
    """Python and the packages that a verification rests on."""
    installed = {dist.name for dist in distributions()}
    names = (*PACKAGES, *(name for name in OPTIONAL if name in installed))
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def machine() -> str:
    """The processor and system, as far as they are known."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    parts = (platform.machine(), platform.system(), f"{blas['name']} {blas['version']}")
    return ", ".join(part for part in parts if part)


def measured(findings: Mapping[str, Sequence[Finding]], command: str) -> str:
    """The page of measured numbers.

    Args:
        findings: by cell.
        command: what was run.
    """
    parts = [
        "# What was measured",
        f"Command: `{command}`. Machine: {machine()}. "
        + ", ".join(f"{name} {number}" for name, number in versions().items())
        + ".",
    ]
    for cell, found in findings.items():
        rows = [(finding.name, finding.detail) for finding in found if finding.stage == "routes"]
        parts += [f"## {cell}", table(("examined", "found"), rows)]
    return document(parts)
