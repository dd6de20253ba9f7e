"""A definition refuses nonsense early, and says which cell, which equation and which axes."""

from __future__ import annotations

from pathlib import Path

import pytest

from equations import cells
from equations.cell import Cell
from equations.language import LanguageError
from equations.registry import load

HEAD = """
import numpy
import sympy as sp

from equations.boundary import Boundary as Statement
from equations.definition import Definition, Input, Output, Parameter, Shift, State
from equations.language import *

class bad(Definition):
    x = Input("n_x")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    U = Parameter("n_h", "n_h")
"""


def define(folder: Path, *lines: str) -> Cell:
    """The cell of a definition with these further lines."""
    path = folder / "bad.py"
    path.write_text(HEAD + "".join(f"    {line}\n" for line in lines), encoding="utf-8")
    return load(path)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["u = sigmoid(W @ h)", "h_next = u * h"],
            r"bad: equation u: .* W has n_x where h has n_h",
        ),
        (["h_next = W @ x + x"], r"bad: equation h_next: axes do not agree: .*n_h.*n_x"),
        (["h_next = W @ x", "h_next = U @ h"], r"bad: h_next is defined twice"),
        (["h_next = W @ x + h"], r"bad: parameter U is in no equation"),
        (["u = U @ h", "h_next = W @ x"], r"bad: equation u is used by nothing"),
        (["y = W @ x + U @ h"], r"bad: state h has no equation h_next"),
        (["h_next = outer(W @ x, U @ h)"], r"expected the axes of h \(n_h\), got \(n_h, n_h\)"),
        (
            ["du = U @ h", "u = W @ x", "h_next = u * du"],
            r"du is the name of what is derived from u",
        ),
        (["a_h_next = U @ h", "h_next = tanh(W @ x) * a_h_next"], r"choose another"),
        (["np = W @ x", "h_next = np + U @ h"], r"'np' cannot be a name: it is reserved"),
        (["h_next = W @ x + U @ h", "colour = 'red'"], r"colour is neither a declaration"),
        (["h_next = W @ x + U @ h", "display = {'W': 'V'}"], r"display: expected above W"),
        (["h_next = Output(W @ x + U @ h)"], r"bad: equation h_next: .* without Output"),
        (["facts = ((x, 1),)", "h_next = W @ x + U @ h"], r"bad: facts: expected pairs .*x, 1"),
        (["boundaries = 3", "h_next = W @ x + U @ h"], r"bad: boundaries: expected a tuple of Bou"),
        (
            ["theorems = (3,)", "h_next = W @ x + U @ h"],
            r"bad: theorems: .* Theorem, got one with 3",
        ),
        (["facts = 3", "h_next = W @ x + U @ h"], r"bad: facts: expected a tuple of pairs, got 3"),
        (["gates = {'h_next': 'keeps'}", "h_next = W @ x + U @ h"], r"bad: gate h_next: .*'keeps'"),
        (["gates = {'x': ('a', 'b')}", "h_next = W @ x + U @ h"], r"bad: gate x: expected a name"),
        (["gates = 3", "h_next = W @ x + U @ h"], r"bad: gates: expected a dict of names, got 3"),
        (["loss = 'cost'", "h_next = W @ x + U @ h"], r"bad: loss: expected .*, got 'cost'"),
        (["loss = 'h_next'", "h_next = W @ x + U @ h"], r"bad: loss: .* Output, got 'h_next'"),
        (["gates = {'z': ('a', 'b')}", "h_next = W @ x + U @ h"], r"'z' in gates or display"),
        (["h_next = W @ x + U @ h + broadcast(largest(h), 'n_h')"], r"only for a shift"),
        (["b = Parameter('B')"], r"bad: b: 'B' cannot be the name of an axis"),
        (["b = Parameter('n_h', 'T')"], r"bad: b: 'T' cannot be the name of an axis"),
        (["b = Parameter('params')"], r"bad: b: 'params' cannot be the name of an axis"),
        (["b = Parameter('n h')"], r"bad: b: 'n h' cannot be the name of an axis"),
        (["h_next = sp.sin(W @ x + U @ h)"], r"bad: equation h_next: sin is not of the language"),
        (["h_next = sp.pi * (W @ x + U @ h)"], r"equation h_next: pi is not of the language"),
        (["h_next = (W @ x + U @ h) ** sp.Rational(1, 3)"], r"h_next: power .*multiple of 1/2"),
        (["h_next = (W @ x + U @ h) * float('inf')"], r"bad: equation h_next: "),
        (
            ["g = sigmoid(total(h))", "h_next = g * h + W @ x + U @ h"],
            r"bad: equation h_next: axes .*; use scale\(g, h\)",
        ),
        (
            ["h_next = W @ x + U @ h + total(h)"],
            r"bad: equation h_next: axes .*U h_\{t-1\}.*; use broadcast\(Σ h_\{t-1\}, 'n_h'\)",
        ),
        (
            ["h_next = W @ 2 + U @ h"],
            r"bad: line 14 of .*W @ 2: .*use scale for a scalar, \* for a n",
        ),
        (["h_next = 3 @ h"], r"bad: line 14 of .*3 @ h: both sides of @ need an axis"),
        (["h_next = (2 * U) @ (2 * h)"], r"bad: line 14 of .* for @: .*use matmul"),
        (["h_next = U @ h + dot(W, x)"], r"bad: line 14 of .*dot.*got W with 2 and x with 1"),
        (["import numpy as np", "h_next = U @ h"], r"bad: np is imported in the class; .* above"),
        (["from equations.boundary import Boundary"], r"bad: Boundary is imported in the class"),
        (["h_next = numpy.tanh(W @ x)"], r"bad: line 14 .*use those of equations.language"),
        (["h_next = h if x > 0 else 2 * h"], r"bad: line 14 .*use where\(condition, first"),
        (["h_next = where(h, h, 2 * h)"], r"bad: line 14 .*the condition is a relation"),
        (
            ["h_next = W @ x + U @ h", "boundaries = (Statement('b', h_next, '=', x),)"],
            r"bad: line 15 of bad.py, boundaries = .*: boundary 'b': left has axes",
        ),
    ],
)
def test_a_bad_definition_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(LanguageError, match=message):
        define(tmp_path, *lines)


def test_a_float_is_the_decimal_fraction_it_is_written_as(tmp_path: Path) -> None:
    cell = define(tmp_path, "h_next = 0.9 * h + W @ x + U @ h * 1e-3")
    value = str(cell.program.value_of(cell["h_next"]))
    assert "9*h/10" in value
    assert "/1000" in value


def test_use_before_definition_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        LanguageError, match=r"bad: line 14 of bad.py, .*: name 'later' is not defined"
    ):
        define(tmp_path, "h_next = W @ x + U @ h + later")


def test_a_file_without_a_definition_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.py"
    path.write_text("", encoding="utf-8")
    with pytest.raises(LanguageError, match="expected one cell definition, got none"):
        load(path)


def test_the_registry_lists_what_it_knows() -> None:
    with pytest.raises(KeyError, match=r"unknown cell 'gro'; known: .*gru"):
        cells["gro"]
    assert list(cells) == sorted(cells)


@pytest.mark.parametrize("name", list(cells))
def test_every_cell_knows_its_file_and_its_source(name: str) -> None:
    cell = cells[name]
    assert cell.name == name
    assert cell.source
    assert cell.doc
    assert len(cell.next_states) == len(cell.states)
