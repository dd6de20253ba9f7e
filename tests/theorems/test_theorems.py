"""Theorems: true ones are proved for every size, false ones are refuted by what replays."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import sympy as sp

from equations import cells
from equations.cell import Cell
from equations.definition import Definition, Input, Parameter, State
from equations.language import (
    Contract,
    LanguageError,
    absolute,
    broadcast,
    dot,
    maximum,
    sigmoid,
    tanh,
    total,
)
from equations.theorem import Theorem, constant, inlined, links, norm, slope, tangent
from verify.arithmetic.symbols import Logistic
from verify.boundaries.text import theorem_text
from verify.cli import run
from verify.report.page import section
from verify.suite import run_stage
from verify.theorems import check
from verify.theorems.components import Components, Tensor, tensor
from verify.theorems.facts import FACTS
from verify.theorems.replay import replay

z3 = pytest.importorskip("z3", reason='needs pip install "gateproof[proofs]"')
from verify.theorems.prove import lemmas, prove  # noqa: E402 - z3 is an extra

every_cell = pytest.mark.parametrize("name", list(cells))


class leaky(Definition):  # noqa: N801 - a cell
    """A gated cell with a linear candidate and its opposite polarity."""

    x = Input("n_x")
    h = State("n_h")
    W_u = W_c = Parameter("n_h", "n_x")
    U_u = U_c = Parameter("n_h", "n_h")
    b_u = b_c = Parameter("n_h")
    u = sigmoid(W_u @ x + U_u @ h + b_u)
    c = tanh(W_c @ x + U_c @ (u * h) + b_c)
    h_next = (1 - u) * h + u * c


CELL: Cell = leaky.cell
h, u, c, h_next = (CELL[name] for name in ("h", "u", "c", "h_next"))
W_u, U_u, b_u, U_c, W_c, b_c = (CELL[n] for n in ("W_u", "U_u", "b_u", "U_c", "W_c", "b_c"))
x = CELL["x"]
C, B = constant("C", "n_h"), broadcast(constant("B"), "n_h")

TRUE = (
    Theorem("two steps of bounds", (-1, "<", c, "<", 1)),
    Theorem("an invariant", (absolute(h), "<=", maximum(C, sp.S.One)), invariant=True),
    Theorem("an assumption that is an equation", (h_next, "=", h), given=((c, "=", h),)),
    Theorem("a product with a norm", (absolute(U_u @ h), "<=", B * norm(U_u)),
            given=((absolute(h), "<=", B),)),
    Theorem("sums are linear", (U_u @ (2 * h + c), "=", 2 * (U_u @ h) + U_u @ c)),
    Theorem("sums of nothing vanish", (U_u @ (h * u), "=", 0), given=((h, "=", 0),)),
    Theorem("a sum is at least each of its positive terms", (0, "<", total(u))),
    Theorem("oddness", (tanh(-h), "=", -tanh(h))),
    Theorem("the gate increases", (sigmoid(h), "<=", sigmoid(h + 1))),
    Theorem("the other polarity", (sigmoid(-W_u @ x - U_u @ h - b_u), "=", 1 - u)),
)  # fmt: skip

FALSE = (
    Theorem("a bound too small", (c, "<", sp.Rational(9, 10))),
    Theorem("no invariant", (absolute(h), "<=", sp.Rational(1, 2)), invariant=True),
    Theorem("an equation", (h_next, "=", h)),
    Theorem("a bound of one component for a sum", (absolute(U_u @ h), "<=", C * norm(U_u)),
            given=((absolute(h), "<=", C),)),
    Theorem("a norm too small", (absolute(U_u @ h), "<=", norm(U_u) / 2),
            given=((absolute(h), "<=", 1),)),
    Theorem("a column norm", (absolute(Contract("ij,i->j", U_u, h)), "<=", norm(U_u)),
            given=((absolute(h), "<=", 1),)),
    Theorem("sums are no products", (dot(h, c), "=", total(h) * total(c))),
    Theorem("a slope", (slope(u), "<", sp.Rational(1, 5))),
    Theorem("a tangent", (absolute(tangent(h_next)), "<=", 1),
            given=((absolute(tangent(h)), "<=", 1),)),
    Theorem("the polarity is none", (
        h_next, "=", inlined(CELL.program, "h_next", {W_u: -W_u, U_u: -U_u, b_u: -b_u}),
    )),
    Theorem("the gate may be applied after the product", (
        h_next, "=", (1 - u) * h + u * tanh(W_c @ x + u * (U_c @ h) + b_c),
    )),
)  # fmt: skip


def named(theorem: Theorem) -> str:
    """The id of a test."""
    return theorem.name


@pytest.mark.parametrize("theorem", TRUE, ids=named)
def test_a_true_statement_is_proved_and_holds_where_it_is_evaluated(theorem: Theorem) -> None:
    """Both ways, and at inputs that satisfy its assumptions unless they are of measure zero."""
    assert prove(CELL, theorem).outcome == "proved"
    assert not replay(CELL, theorem).refuted


@pytest.mark.parametrize("theorem", FALSE, ids=named)
def test_a_false_statement_is_refuted(theorem: Theorem) -> None:
    """The solver finds no proof, and a counterexample was evaluated in sixty digits."""
    assert prove(CELL, theorem).outcome == "open"
    assert replay(CELL, theorem).refuted.startswith("counterexample: off by ")


def test_reset_before_and_after_the_product_differ_at_a_point_in_plain_numpy() -> None:
    """The counterexample replays without any code of the project."""
    found = replay(CELL, FALSE[-1]).refuted
    values = {symbol.name: np.zeros([2] * len(symbol.axes)) for symbol in CELL.program.arguments}
    for name, numbers in re.findall(r"(\w+) = (\[.*?\])(?=, [a-zA-Z])", found):
        values[name] = np.array(json.loads(numbers))
    v = type("v", (), values)
    gate = 1 / (1 + np.exp(-(v.W_u @ v.x + v.U_u @ v.h + v.b_u)))
    before = np.tanh(v.W_c @ v.x + v.U_c @ (gate * v.h) + v.b_c)
    after = np.tanh(v.W_c @ v.x + gate * (v.U_c @ v.h) + v.b_c)
    off = np.max(np.abs(gate * (before - after)))
    assert off > 1e-2
    assert f"off by {off:.4g} " in found


@every_cell
def test_a_cell_with_theorems_has_planted_false_ones_too(name: str) -> None:
    """A check that cannot fail shows nothing."""
    assert {theorem.holds for theorem in cells[name].theorems} in ({True, False}, set())


@every_cell
@pytest.mark.parametrize("shape", ["unicode", "ascii", "latex", "markdown"])
def test_theorems_print_in_every_format(name: str, shape: str) -> None:
    """One line each, in the characters of the format, each side once."""
    for theorem in cells[name].theorems:
        text = theorem_text(cells[name], theorem, shape)  # type: ignore[arg-type]
        assert "\n" not in text
        assert shape != "ascii" or text.isascii()
        signs = {"unicode": "≤", "ascii": "<=", "latex": r"\le ", "markdown": r"\le "}[shape]
        assert text.count(signs) == [r for _, r, _ in links_of(theorem)].count("<=")


def links_of(theorem: Theorem) -> list[tuple[sp.Expr, str, sp.Expr]]:
    """All relations that are written."""
    return [link for chain in (theorem.claim, *theorem.given) for link in links(chain)]


def test_a_proof_is_the_same_alone_and_after_others() -> None:
    """Each theorem has a context of its own."""
    backwards = {t.name: prove(CELL, t) for t in reversed((*TRUE, *FALSE))}
    assert {t.name: prove(CELL, t) for t in (*TRUE, *FALSE)} == backwards


def test_giving_up_is_told_as_such() -> None:
    """Neither a proof nor a refutation."""
    answer = prove(CELL, FALSE[3], resources=1)
    assert answer.outcome == "undecided"
    assert "gave up after 1 units" in answer.detail


def result_of(theorem: Theorem, way: Literal["z3", "evaluated"]) -> check.TheoremResult:
    """What the check of a cell with that theorem makes of it."""
    results = check.check_theorems(replace(CELL, theorems=(theorem,)))
    return next(r for r in results if r.theorem == theorem and r.way == way)


def test_a_theorem_taken_for_its_opposite_fails() -> None:
    """True planted as false, false stated as true."""
    assert not result_of(replace(TRUE[0], holds=False), "z3").as_expected
    assert not result_of(replace(TRUE[0], holds=False), "evaluated").as_expected
    assert not result_of(FALSE[0], "z3").as_expected
    assert not result_of(FALSE[0], "evaluated").as_expected


def test_assumptions_that_nothing_satisfies_prove_nothing() -> None:
    """The solver proves anything from them; the evaluation says so."""
    empty = Theorem("everything", (h, "=", 1), given=((2, "<", u),))
    assert result_of(empty, "z3").as_expected
    assert "says nothing" in result_of(empty, "evaluated").detail
    assert not result_of(empty, "evaluated").as_expected


QUOTIENT = absolute(h) / maximum(h, -h)
"""1, and 0/0 where h is 0, as it is at some of the integers that are drawn."""


def test_a_claim_without_a_value_where_its_assumptions_hold_is_refuted() -> None:
    """A NaN is not below its bound."""
    nowhere = Theorem("1 everywhere", (QUOTIENT, "<=", 1))
    assert replay(CELL, nowhere).refuted.startswith("counterexample: off by nan at ")
    assert not replay(CELL, replace(nowhere, given=((0, "<", absolute(h)),))).refuted


def test_a_draw_without_a_value_does_not_hide_the_others() -> None:
    """The worst of those that have one is told."""
    halved = Theorem("1/2 everywhere", (QUOTIENT, "<=", sp.Rational(1, 2)))
    assert replay(CELL, halved).refuted.startswith("counterexample: off by 0.5 at h = ")


def test_what_follows_from_a_theorem_without_a_proof_is_not_proved() -> None:
    """The solver would take the false lemma for true."""
    bound = Theorem("small", (absolute(tangent(u)), "<=", norm(U_u) / 5),
                    given=((absolute(tangent(h)), "<=", 1),))  # fmt: skip
    after = replace(bound, name="after", claim=(absolute(tangent(u)), "<=", norm(U_u) / 4),
                    by=("small",))  # fmt: skip
    cell = replace(CELL, theorems=(bound, after))
    assert prove(cell, after).outcome == "proved"
    found = [r for r in check.check_theorems(cell) if r.theorem and r.way == "z3"]
    assert [r.as_expected for r in found] == [False, False]
    assert found[1].detail == "follows from what is not proved: small"


def test_the_facts_are_proved_and_a_wrong_one_is_not() -> None:
    """From what is assumed of exp."""
    assert dict(lemmas()) == {"sigmoid": [], "tanh": [], "exp": []}
    wrong = {"σ(a) < 9/10": lambda s: 10 * s < 9, "σ(a) > 0": lambda s: s > 0}
    signs = {"σ(a) > 1/2": lambda _a, s: 2 * s > 1}
    both = {"σ falls": lambda a, s, b, t: (a < b) == (s > t)}
    planted = replace(FACTS[Logistic], bounds=wrong, signs=signs, both=both)
    assert dict(lemmas({Logistic: planted})) == {
        "sigmoid": ["σ(a) < 9/10", "σ(a) > 1/2", "σ falls"]
    }


def test_equal_sums_are_equal_expressions() -> None:
    """Whatever the letters, the order, and what stands in front."""
    of = Components()
    matrix, vector = tensor(U_u), tensor(h)
    first = of.einsum("ij,j->i", matrix, vector)
    assert of.einsum("ba,a->b", matrix, vector) == first
    assert of.einsum("j,ij->i", vector, matrix) == first
    assert of.einsum("ij,j->i", matrix, vector * Tensor(sp.Integer(2))) == first * Tensor(
        sp.Integer(2)
    )
    assert of.einsum("ij,jk->ik", of.identity("n_h"), matrix) == matrix
    deep = of.einsum("ij,jk,k->i", matrix, matrix, vector)
    assert of.einsum("ij,j->i", of.einsum("ij,jk->ik", matrix, matrix), vector) == deep
    with pytest.raises(NotImplementedError, match="a sum of ones is a size"):
        of.einsum("i->", of.ones("n_h"))


def test_without_the_solver_theorems_are_skipped_and_evaluated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not established, not failed, and the page and the finding say what to install."""
    monkeypatch.setattr(check, "find_spec", lambda _name: None)
    name = next(iter(cells))
    findings = list(run_stage(name, "theorems", quick=True, seed=0))
    skipped = [finding for finding in findings if finding.skipped]
    assert {finding.word for finding in findings if not finding.skipped} == {"cross-checked"}
    assert len(skipped) == 1 + len(cells[name].theorems)
    assert not any(finding.passed or finding.failed for finding in skipped)
    assert all('pip install "gateproof[proofs]"' in str(finding) for finding in skipped)
    assert section("theorems", findings).count("**skipped**") == len(skipped)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Theorem("t", (h, "<=")), "expected expressions with a relation between each two"),
        (lambda: Theorem("t", (h, ">=", 1)), "expected one of =, <=, <, got '>='"),
        (lambda: Theorem("t", (h, "<=", x)), "h has axes"),
        (lambda: Theorem("t", (h, "<=", U_u @ x)), "axes do not agree"),
    ],
)
def test_a_malformed_theorem_is_refused(make: type[Theorem], message: str) -> None:
    """With its name and what is wrong."""
    with pytest.raises(LanguageError, match="theorem 't'") as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("theorems", "message"),
    [
        ((TRUE[0], TRUE[0]), "is stated twice"),
        ((Theorem("t", (cells["rnn"]["W_h"], "=", 0)),), "W_h is not one of its symbols"),
        ((Theorem("t", (constant("u", "n_h"), "=", 0)),), "a name of the cell"),
        ((Theorem("t", (h, "=", 0), by=("s",)),), "expected a theorem about one step"),
        ((TRUE[3], Theorem("t", (h, "=", 0), by=(TRUE[3].name,))), "not assumed here"),
    ],
)
def test_theorems_that_do_not_fit_the_cell_are_refused(
    theorems: tuple[Theorem, ...], message: str
) -> None:
    """When the cell is defined."""
    from equations.theorem import check_theorems  # noqa: PLC0415 - not that of verify

    with pytest.raises(LanguageError, match=message):
        check_theorems("leaky", theorems, CELL.forward())


def test_reports_of_the_checkout_are_refused_without_the_solver(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They would not be the same as where it is installed."""
    monkeypatch.setattr(check, "find_spec", lambda _name: None)
    assert run(["report", next(iter(cells))]) == 2
    assert 'pip install "gateproof[proofs]"' in capsys.readouterr().err
