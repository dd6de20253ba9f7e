"""The generated modules: current, self-contained, and exactly what their definitions generate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from equations import cells
from equations.generate.files import differences, write
from equations.generate.targets import TARGETS
from equations.generate.text.einsum import Operand, contract

FORBIDDEN = ("sympy", "scipy", "autograd", "mpmath", "verify", "torch", "jax", "numba")


@pytest.mark.parametrize("target", list(TARGETS))
@pytest.mark.parametrize("name", list(cells))
def test_the_checked_in_module_is_what_the_definition_generates(name: str, target: str) -> None:
    path = TARGETS[target].folder / f"{name}.py"
    assert path.read_text(encoding="utf-8") == TARGETS[target].text(cells[name], "")


@pytest.mark.parametrize("target", list(TARGETS))
def test_no_generated_module_is_left_over(target: str) -> None:
    texts = {f"{name}.py": TARGETS[target].text(cells[name], "") for name in cells}
    assert differences(TARGETS[target].folder, texts, "*.py") == []


@pytest.mark.parametrize("name", list(cells))
def test_a_generated_module_loads_numpy_and_nothing_else(name: str) -> None:
    code = f"import sys, equations.generated.{name}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded.intersection(FORBIDDEN)


def test_a_stale_a_missing_and_a_left_over_file_are_all_named(tmp_path: Path) -> None:
    write(tmp_path / "old.py", "old")
    write(tmp_path / "a.py", "a")
    found = differences(tmp_path, {"a.py": "b", "c.py": "c"}, "*.py")
    assert [line.removeprefix(str(tmp_path)) for line in found] == [
        "/a.py is not current",
        "/c.py is missing",
        "/old.py belongs to no definition",
    ]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    write(path, "first")
    with pytest.raises(UnicodeEncodeError):
        write(path, "\ud800")
    assert path.read_text(encoding="utf-8") == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["a.py"]


@pytest.mark.parametrize(
    ("letters", "output", "text"),
    [
        (("ij", "Bj"), "Bi", "b @ a.T"),
        (("Bi", "ij"), "Bj", "a @ b"),
        (("Bi", "Bj"), "ij", "a.T @ b"),
        (("Bi", "Bj"), "Bij", "a[:, :, None] * b[:, None, :]"),
        (("Bij", "Bj"), "Bi", "(a @ b[:, :, None])[:, :, 0]"),
        (("Bi", "Bij"), "Bj", "(a[:, None, :] @ b)[:, 0, :]"),
        (("Bi", "Bi"), "B", "(a * b).sum(axis=-1)"),
        (("B", "Bi"), "i", "a @ b"),
        (("B", "Bi"), "Bi", "a[:, None] * b"),
        (("i", "ij"), "ij", "a[:, None] * b"),
        (("ij", "Bjk"), "Bik", "a @ b"),
        (("Bij", "jk"), "Bik", "a @ b"),
        (("ji", "Bjk"), "Bik", "a.T @ b"),
        (("Bi", "ij"), "Bij", "a[:, :, None] * b"),
    ],
)
def test_contractions_become_the_numpy_a_person_would_write(
    letters: tuple[str, str], output: str, text: str
) -> None:
    operands = [Operand(name, part) for name, part in zip("ab", letters, strict=True)]
    assert contract(operands, output).text == text
