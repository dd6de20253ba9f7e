"""What is printed of every cell is what was accepted, in every format and every process."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from equations import cells
from equations.printing import render

GOLDEN = Path(__file__).parent / "golden"
SUFFIXES = {"unicode": "txt", "ascii": "txt", "latex": "tex", "markdown": "md"}
HEADINGS = {"unicode": "== {} ==", "ascii": "== {} ==", "latex": "% {}", "markdown": "## {}"}
ACCEPT = "pytest tests/printing --update-golden"

Passes = Callable[[str], list[tuple[str, Any]]]


def golden_path(name: str, form: str) -> Path:
    """Where the accepted text of a cell is."""
    return GOLDEN / form / f"{name}.{SUFFIXES[form]}"


def document(passes: list[tuple[str, Any]], form: Any) -> str:  # noqa: ANN401 - a literal
    """Everything printed of a cell in one format."""
    parts = [
        f"{HEADINGS[form].format(title)}\n\n{render(printed, form)}\n" for title, printed in passes
    ]
    return "\n".join(parts)


@pytest.mark.parametrize("form", SUFFIXES)
@pytest.mark.parametrize("name", list(cells))
def test_printed_text_is_the_accepted_one(
    name: str, form: str, printed_passes: Passes, *, update_golden: bool
) -> None:
    """Every pass of every cell prints as its golden file says."""
    path = golden_path(name, form)
    printed = document(printed_passes(name), form)
    if update_golden:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(printed, encoding="utf-8")
    accepted = path.read_text(encoding="utf-8") if path.exists() else ""
    difference = difflib.unified_diff(
        accepted.splitlines(),
        printed.splitlines(),
        f"{path.name} (accepted)",
        "printed",
        lineterm="",
    )
    message = "\n".join((*difference, f"if this is right, accept it with: {ACCEPT}"))
    assert printed == accepted, message


def test_no_golden_file_is_stale(*, update_golden: bool) -> None:
    """A golden file that belongs to no cell is an error."""
    wanted = {golden_path(name, form) for name in cells for form in SUFFIXES}
    stale = [path for path in GOLDEN.rglob("*") if path.is_file() and path not in wanted]
    if update_golden:
        for path in stale:
            path.unlink()
        stale = []
    assert not stale, f"of no cell: {stale}; remove them with: {ACCEPT}"


@pytest.mark.parametrize("name", list(cells))
def test_ascii_is_seven_bit(name: str, printed_passes: Passes) -> None:
    """The ASCII format has no other character."""
    assert document(printed_passes(name), "ascii").isascii()


@pytest.mark.parametrize("name", list(cells))
def test_every_program_prints_itself(name: str, printed_passes: Passes) -> None:
    """`str`, `to_latex`, `to_markdown` and the display of notebooks are the formats."""
    for _, printed in printed_passes(name):
        assert str(printed) == render(printed, "unicode")
        assert printed.to_latex() == printed._repr_latex_() == render(printed, "latex")
        assert printed.to_markdown() == render(printed, "markdown")


def test_unknown_format_is_refused() -> None:
    """The message lists the formats there are."""
    name = next(iter(cells))
    with pytest.raises(ValueError, match="'html'; expected unicode, ascii, latex or markdown"):
        render(cells[name].definition(), "html")  # type: ignore[arg-type]


PRINT_ALL = """
import sys
sys.stdout.reconfigure(encoding="utf-8")
from conftest import passes_of
from equations import cells
from equations.printing import render
for name in cells:
    for title, printed in passes_of(cells[name]):
        for form in ("unicode", "latex"):
            print(name, title, render(printed, form))
"""


def test_print_does_not_depend_on_the_hash_seed() -> None:
    """Processes whose sets are ordered differently print the same."""
    printed = [
        subprocess.run(
            [sys.executable, "-c", PRINT_ALL],
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    ]
    assert printed[0]
    assert printed[1:] == printed[:-1]
