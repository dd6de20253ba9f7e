"""A name of a cell that generated code has another use for is refused where the cell is defined."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from equations.cell import Cell
from equations.generate.targets import TARGETS
from equations.language import LanguageError
from equations.registry import load
from verify.target import built

NEUTRAL = "qqq"
CELL = """
from equations.definition import Definition, Input, Parameter, State
from equations.language import *


class small(Definition):
    x = Input("n_x")
    h = State("n_h")
    W_u = W_r = V = Parameter("n_h", "n_x")
    U_u = U_r = Parameter("n_h", "n_h")
    qqq = b_r = Parameter("n_h")
    u = sigmoid(W_u @ x + U_u @ h + qqq)
    r = sigmoid(W_r @ x + U_r @ h + b_r)
    h_next = u * h + (1 - u) * tanh(V @ x + r * h)
"""


def defined(folder: Path, name: str, axis: str = "n_h") -> Cell:
    """The cell with its parameter and its axis called so."""
    path = folder / "small.py"
    path.write_text(CELL.replace(NEUTRAL, name).replace("n_h", axis), encoding="utf-8")
    return load(path)


def attempted(folder: Path, *names: str) -> Cell | str:
    """The cell, or why it is refused."""
    try:
        return defined(folder, *names)
    except LanguageError as error:
        return str(error)


def names_in(text: str) -> Iterator[str]:
    """The names that functions read and bind which have local names for the symbols of a cell.

    Helpers have names of their own, which meet nobody's.
    """
    for node in ast.parse(text).body:
        if not isinstance(node, ast.FunctionDef) or "segments" in node.name:
            continue
        if node.name.startswith("_") and not node.name.startswith("_unroll_"):
            continue
        yield from (argument.arg for argument in node.args.args)
        for part in (part for statement in node.body for part in ast.walk(statement)):
            if isinstance(part, ast.Name):
                yield part.id


def results(cell: Cell) -> list[Any]:
    """What the functions of the generated module return, at one point."""
    module = built(cell, "small.py")
    rng = np.random.default_rng(0)
    sizes = dict(zip(cell.axes, (3, 2), strict=True))
    params = module.Params(*(rng.normal(size=[sizes[a] for a in s.axes]) for s in cell.parameters))
    xs, state = rng.normal(size=(3, 2, sizes[cell.inputs[0].axes[0]])), None
    state = module.State(rng.normal(size=(2, sizes[cell.states[0].axes[0]])))
    after, saved = module.step(params, xs[0], state)
    nexts, tape = module.unroll(params, xs, state)
    return [
        *(after, saved, nexts, tape, module.step_jacobian(params, saved)),
        module.step_vjp(params, saved, after),
        module.step_jvp(params, saved, params, xs[0], state),
        module.step_hvp(params, saved, after, params, xs[0], state),
        module.unroll_vjp(params, tape, nexts),
        module.unroll_jvp(params, tape, params, xs, state),
    ]


def flat(values: Any) -> Iterator[np.ndarray]:  # noqa: ANN401 - nested tuples
    if isinstance(values, tuple | list):
        for value in values:
            yield from flat(value)
    else:
        yield values


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """All names that the modules of the cell have, in every form."""
    cell = defined(tmp_path_factory.mktemp("names"), NEUTRAL)
    texts = [target.text(cell, "small.py") for target in TARGETS.values()]
    own = {s.name for s in cell.program.symbols} | {*cell.axes}
    found = {name for text in texts for name in names_in(text)}
    return sorted(name for name in found - own if NEUTRAL not in name and name[0] != "_")


def test_every_name_of_generated_code_is_refused_or_harmless(
    tmp_path: Path, written: list[str]
) -> None:
    """A parameter that is called as something in the modules is: refused, or the same results."""
    assert len(written) > 200
    expected = list(flat(results(defined(tmp_path, NEUTRAL))))
    for name in written:
        cell = attempted(tmp_path, name)
        if isinstance(cell, str):
            assert cell.startswith("small: ")
            assert name in cell
            continue
        for one, other in zip(flat(results(cell)), expected, strict=True):
            assert np.array_equal(one, other), name


def test_no_axis_is_called_as_something_in_generated_code(
    tmp_path: Path, written: list[str]
) -> None:
    """The same for an axis."""
    for name in written:
        cell = attempted(tmp_path, NEUTRAL, name)
        if isinstance(cell, str):
            assert cell.startswith("small: ")
            assert name in cell
        else:
            results(cell)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("x_all", "reserved for generated code"),
        ("range", "reserved for generated code"),
        ("W_u_r", "W_u and W_r side by side"),
        ("du_dh", "the derivative of u"),
        ("da_u", "what is derived from a_u"),
        ("n_x", "an axis"),
    ],
)
def test_the_refusal_says_why(tmp_path: Path, name: str, why: str) -> None:
    assert why in str(attempted(tmp_path, name))
