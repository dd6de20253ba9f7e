"""The page on the language: its cells are right, and nothing of the language is left out."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from equations import definition
from equations.language import LanguageError, functions
from equations.registry import load
from verify.suite import run_stage

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
CELLS = {
    re.findall(r"^class (\w+)\(Definition\)", block, re.MULTILINE)[0]: block for block in BLOCKS
}


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_of_the_page_is_verified(tmp_path: Path, name: str) -> None:
    """In a file of its own; what it states about its gates is proved."""
    path = tmp_path / f"{name}.py"
    path.write_text(CELLS[name], encoding="utf-8")
    stages = ("code", "proof", *(["boundaries"] if "Boundary(" in CELLS[name] else []))
    for stage in stages:
        findings = list(run_stage(str(path), stage, quick=True, seed=0))
        assert findings
        assert [str(finding) for finding in findings if finding.failed] == []


def test_the_page_has_all_of_the_language() -> None:
    """Every function, every declaration and every fact."""
    made = [
        name
        for name, value in vars(functions).items()
        if inspect.isfunction(value) and value.__module__ == functions.__name__
    ]
    marks = ("Input", "State", "Parameter", "Output", "Shift")
    assert {*marks} <= {*vars(definition)}
    for name in (*made, *marks, "sigmoid", "tanh", "exp", "log", "sqrt", "Contract", "Identity"):
        assert f"`{name}(" in PAGE, name
    for name in definition.METADATA:
        assert f"| `{name}` |" in PAGE, name


ROWS = re.findall(
    r"^\| (`.*) \| `(.*?)`.* \|$", PAGE.partition("## What is refused")[2], flags=re.MULTILINE
)
REFUSED = [(wrong, right) for row, right in ROWS for wrong in re.findall(r"`(.*?)`", row)[:1]]
HEAD = """
import numpy as np

from equations.definition import Definition, Input, Output, Parameter, State
from equations.language import *


class tried(Definition):
    x = Input("n_x")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    U = Parameter("n_h", "n_h")
    b = Parameter()
    g = sigmoid(total(W @ x) + total(U @ h) + b)
    a = Output(x)
    b_h = Parameter("n_h")
    y = Output(scale(g, b_h))
    h_next = tanh(h)
"""


@pytest.mark.parametrize(("wrong", "right"), REFUSED)
def test_what_is_refused_and_what_is_written_instead(
    tmp_path: Path, wrong: str, right: str
) -> None:
    """Both columns of the table."""
    path = tmp_path / "tried.py"
    names = {"a if": "x if", "else b": "else 2 * x", "a, b": "x, 2 * x"}
    for text, fits in ((wrong, False), (right, True)):
        for old, new in names.items():
            text = text.replace(old, new)  # noqa: PLW2901
        path.write_text(f"{HEAD}    z = Output({text})\n", encoding="utf-8")
        if fits:
            assert load(path).outputs
        else:
            with pytest.raises(LanguageError, match="tried: "):
                load(path)
