"""Cells of one's own: without statements, with undecidable ones, with ones that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import sympy as sp

from equations.boundary import Boundary, check_statements, direct, gradient, hvp, jacobian, jvp
from equations.language import Identity, LanguageError, TensorSymbol
from verify.boundaries.check import check_boundaries
from verify.boundaries.record import BoundaryResult
from verify.target import find, module_of

HEAD = """
from equations.boundary import *
from equations.definition import Definition, Input, Parameter, State
from equations.language import *

class own(Definition):
    x = Input("n_x")
    h = State("n_h")
    W = V = Parameter("n_h", "n_x")
    b = Parameter("n_h")
"""
LEAKY = ["u = sigmoid(W @ x + b)", "h_next = (1 - u) * h + u * tanh(V @ x)"]


def check(folder: Path, *lines: str, quick: bool = True) -> list[BoundaryResult]:
    """The results of a cell with these further lines."""
    path = folder / "own.py"
    path.write_text(HEAD + "".join(f"    {line}\n" for line in lines), encoding="utf-8")
    cell = find(str(path))
    return list(check_boundaries(cell, module_of(str(path), cell), quick=quick))


def test_a_cell_without_statements_gives_nothing(tmp_path: Path) -> None:
    """Statements are optional."""
    assert check(tmp_path, *LEAKY) == []


def test_statements_of_ones_own_are_examined(tmp_path: Path) -> None:
    """A cell outside the registry goes through the same checks."""
    found = check(
        tmp_path,
        *LEAKY,
        "boundaries = (",
        "    Boundary('keeps', h_next, '=', h, at={u: 0}, steps=7),",
        "    Boundary('loses', h_next, '=', h, at={u: 1}),",
        "    Saturation('dies', u),",
        ")",
    )
    assert [(r.name, r.verdict) for r in found] == [
        *[("keeps", "holds")] * 3,
        *[("loses", "refuted")] * 3,
        *[("dies", "holds")] * 2,
    ]
    assert [r.as_expected for r in found] == [True] * 3 + [False] * 3 + [True] * 2


def test_a_gate_without_a_bias_cannot_be_driven(tmp_path: Path) -> None:
    """The proof needs none; the code is undecided, and the reason is given."""
    found = check(
        tmp_path,
        "u = sigmoid(W @ x)",
        "h_next = (1 - u) * h + u * tanh(V @ x + b)",
        "boundaries = (Boundary('keeps', h_next, '=', h, at={u: 0}),)",
    )
    assert [r.verdict for r in found] == ["holds", "cannot decide", "cannot decide"]
    assert "the pre-activation of u has 0 biases, expected one" in found[1].detail
    assert not found[1].as_expected


def test_second_order_of_ones_own(tmp_path: Path) -> None:
    """Directions of inputs and changes of values, old and new, may stand on either side."""
    found = check(
        tmp_path,
        *LEAKY,
        "boundaries = (",
        "    Boundary('direction', outer(gradient(h_next), jvp(x)), '=', hvp(V), at={u: 0}),",
        "    Boundary('keeps', jvp(h_next), '=', jvp(h), at={u: 0}),",
        "    Boundary('bends', hvp(b), '=', gradient(h_next) * jvp(u) * jvp(u)),",
        ")",
        quick=False,
    )
    verdicts = [(r.name, r.verdict) for r in found]
    refuted = [(name, "refuted") for name in ("direction", "bends") for _ in range(3)]
    assert sorted(verdicts) == sorted([*refuted, *[("keeps", "holds")] * 3])


def test_a_hessian_product_is_of_an_argument(tmp_path: Path) -> None:
    """Of an inner value there is none, and the message says so."""
    line = "boundaries = (Boundary('inner', hvp(u), '=', 0, at={u: 0}),)"
    with pytest.raises(LanguageError, match="own: hvp: u is not an argument of the cell"):
        check(tmp_path, *LEAKY, line)


def test_an_inequality_outside_the_class_is_not_guessed(tmp_path: Path) -> None:
    """True, since u² < 1, but not affine in u: the proof says so, and the code holds."""
    found = check(
        tmp_path,
        "u = sigmoid(W @ x + V @ x + b)",
        "h_next = u**2 * tanh(h)",
        "boundaries = (Boundary('small', absolute(h_next), '<', 1),)",
    )
    assert [r.verdict for r in found] == ["cannot decide", "holds", "holds"]
    assert "not affine" in found[0].detail


def test_many_steps_are_only_claimed_of_what_is_carried(tmp_path: Path) -> None:
    """An identity after one step says nothing of two unless it is a copy."""
    found = check(
        tmp_path,
        *LEAKY,
        "boundaries = (Boundary('candidate', gradient(h), '=', 0, at={u: 1}, steps=5),)",
    )
    assert found[0].verdict == "cannot decide"
    assert "over several steps" in found[0].detail


h, h_next = TensorSymbol("h", ("n_h",), role="state"), TensorSymbol("h_next", ("n_h",))
S = TensorSymbol("S", ("n_h", "n_h"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("wrong", h_next, "=", S), r"'wrong': left has axes \('n_h',\), right has axes"),
        (("wrong", h_next + S, "=", h), r"'wrong': axes do not agree"),
        (("wrong", h_next, ">", h), r"'wrong': relation: expected one of =, <=, <, got '>'"),
    ],
)
def test_claims_that_do_not_type_check_are_refused(
    arguments: tuple[str, sp.Expr, str, sp.Expr], message: str
) -> None:
    """When the statement is made, and by its name."""
    with pytest.raises(LanguageError, match=message):
        Boundary(*arguments)  # type: ignore[arg-type]


def test_ends_and_steps_are_checked() -> None:
    """A gate ends at 0 or 1, and a statement holds for a step at least."""
    with pytest.raises(LanguageError, match="gate h: expected 0 or 1, got 2"):
        Boundary("wrong", h_next, "=", h, at={h: 2})
    with pytest.raises(LanguageError, match="steps: expected 1 or more, got 0"):
        Boundary("wrong", h_next, "=", h, steps=0)


def test_statements_about_what_the_cell_does_not_have_are_refused() -> None:
    """A name of another cell, in a value, a gradient, a Jacobian; and a statement made twice."""
    own = Boundary("own", jacobian(h_next, h), "=", Identity("n_h"))
    check_statements("cell", [own], [h, h_next])
    for left, right in (
        (h_next, S @ h),
        (gradient(S), sp.S.Zero),
        (direct(h_next, S), sp.S.Zero),
        (jvp(S), sp.S.Zero),
        (hvp(S), sp.S.Zero),
    ):
        with pytest.raises(LanguageError, match="cell: boundary 'other': S is not one of its"):
            check_statements("cell", [Boundary("other", left, "=", right)], [h, h_next])
    with pytest.raises(LanguageError, match="cell: boundary 'own' is stated twice"):
        check_statements("cell", [own, own], [h, h_next])
