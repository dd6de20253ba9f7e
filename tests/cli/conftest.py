"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Here

MINIMAL_GATED_UNIT = '''
"""A cell of a user's."""

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
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    """Runs commands in this process."""
    return Here(capsys)


@pytest.fixture
def own_cell(tmp_path: Path) -> Path:
    """A file with a definition of a user's."""
    path = tmp_path / "own_cell.py"
    path.write_text(MINIMAL_GATED_UNIT, encoding="utf-8")
    return path


@pytest.fixture
def wrong_cell(tmp_path: Path) -> Path:
    """The same with a statement that is wrong: a gate at 1 takes the candidate."""
    path = tmp_path / "wrong_cell.py"
    path.write_text(MINIMAL_GATED_UNIT.replace("{f: 0}", "{f: 1}"), encoding="utf-8")
    return path


@pytest.fixture
def ill_typed_cell(tmp_path: Path) -> Path:
    """The same with a weight on the wrong vector."""
    path = tmp_path / "ill_typed_cell.py"
    path.write_text(MINIMAL_GATED_UNIT.replace("W_f @ x", "W_f @ h"), encoding="utf-8")
    return path
