"""A project that is not this one verifies a cell of its own with one line of configuration."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from verify.suite import STAGES

SETTINGS = """
[tool.pytest.ini_options]
gateproof_cells = ["my_cell.py"]
"""
MINIMAL_GATED_UNIT = '''
from equations.boundary import Boundary
from equations.definition import Definition, Input, Parameter, State
from equations.language import sigmoid, tanh


class mgu(Definition):
    """Minimal gated unit."""

    x = Input("n_x")
    h = State("n_h")
    W_f = W_h = Parameter("n_h", "n_x")
    U_f = U_h = Parameter("n_h", "n_h")
    b_f = b_h = Parameter("n_h")

    f = sigmoid(W_f @ x + U_f @ h + b_f)
    h_cand = tanh(W_h @ x + U_h @ (f * h) + b_h)
    h_next = (1 - f) * h + f * h_cand

    boundaries = (Boundary("f = 0 copies the state", h_next, "=", h, at={f: 0}),)
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the setting, a definition and a test of its own."""
    (tmp_path / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "my_cell.py").write_text(MINIMAL_GATED_UNIT, encoding="utf-8")
    (tmp_path / "test_other.py").write_text("def test_other():\n    pass\n", encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """That project's pytest."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, encoding="utf-8", timeout=300, check=False
    )


def test_every_kind_of_evidence_is_a_test(project: Path) -> None:
    """Collected beside the project's own tests, once."""
    done = run(project, "--collect-only", "--quiet")
    assert done.returncode == 0, done.stdout
    items = [line for line in done.stdout.splitlines() if "::" in line]
    assert items == [*(f"my_cell.py::{stage}" for stage in STAGES), "test_other.py::test_other"]


def test_a_right_cell_passes_on_two_workers(project: Path) -> None:
    """The whole suite, in its quick form, spread by pytest-xdist."""
    done = run(project, "--gateproof-quick", "--numprocesses", "2")
    assert done.returncode == 0, done.stdout
    assert f"{len(STAGES) + 1} passed" in done.stdout


def test_a_wrong_statement_fails_with_its_name(project: Path) -> None:
    """The claim and what speaks against it, and no traceback through gateproof."""
    wrong = MINIMAL_GATED_UNIT.replace("{f: 0}", "{f: 1}")
    (project / "my_cell.py").write_text(wrong, encoding="utf-8")
    done = run(project, "--gateproof-quick", "my_cell.py::boundaries", "my_cell.py::code")
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    assert "mgu: boundaries: f = 0 copies the state: over the reals: FAILED: " in done.stdout
    assert "run_stage" not in done.stdout


def test_an_ill_typed_cell_fails_with_its_equation(project: Path) -> None:
    """The cell, the equation and both axes, said once and not by every kind of evidence."""
    wrong = MINIMAL_GATED_UNIT.replace("W_f @ x", "W_f @ h")
    (project / "my_cell.py").write_text(wrong, encoding="utf-8")
    done = run(project)
    assert done.returncode == 1
    assert f"1 failed, 1 passed, {len(STAGES) - 1} skipped" in done.stdout
    assert "mgu: equation f: axes do not agree: W_f has n_x where h has n_h" in done.stdout
    assert "_DefinitionType" not in done.stdout


def test_a_project_can_run_one_of_its_own_tests(project: Path) -> None:
    """Naming a test runs that test and does not verify the cells besides."""
    done = run(project, "test_other.py")
    assert done.returncode == 0
    assert "1 passed" in done.stdout


def test_a_missing_file_is_named(project: Path) -> None:
    """Rather than pass over."""
    (project / "my_cell.py").unlink()
    done = run(project)
    assert done.returncode == 4
    assert "gateproof_cells: expected a Python file, got " in done.stderr
    assert "my_cell.py" in done.stderr


def test_a_project_without_the_setting_is_left_alone(tmp_path: Path) -> None:
    """The plugin is loaded wherever gateproof is installed."""
    (tmp_path / "my_cell.py").write_text(MINIMAL_GATED_UNIT, encoding="utf-8")
    (tmp_path / "test_other.py").write_text("def test_other():\n    pass\n", encoding="utf-8")
    done = run(tmp_path, "--quiet")
    assert done.returncode == 0
    assert "1 passed" in done.stdout


def test_loading_the_plugin_loads_neither_sympy_nor_numpy() -> None:
    """It costs a project nothing until such a test runs."""
    code = "import sys, verify.plugin; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert {"sympy", "numpy", "autograd", "mpmath"}.isdisjoint(done.stdout.split())


def test_the_plugin_knows_all_stages() -> None:
    """It lists them itself, so as not to import the suite."""
    from verify import plugin  # noqa: PLC0415 - beside the claim about what importing it costs

    assert tuple(STAGES) == plugin.STAGES
