"""The language: what SymPy gets wrong with tensors, and what we promise instead."""

from __future__ import annotations

import copy
import pickle

import pytest
import sympy as sp

from equations.language import (
    Contract,
    Identity,
    LanguageError,
    Largest,
    Ones,
    Select,
    Size,
    TensorSymbol,
    axes_of,
    broadcast,
    hard_sigmoid,
    maximum,
    mean,
    outer,
    relu,
    scale,
    sigmoid,
    total,
)

h = TensorSymbol("h", ("n_h",))
x = TensorSymbol("x", ("n_x",))
g = TensorSymbol("g", ())
W = TensorSymbol("W", ("n_h", "n_x"))
U = TensorSymbol("U", ("n_h", "n_h"))

NODES = [
    h,
    W @ x,
    outer(h, x),
    total(h),
    mean(h),
    scale(g, h),
    broadcast(g, "n_h", "n_x"),
    relu(h),
    hard_sigmoid(h),
    Largest(h),
    sigmoid(h),
    Identity("n_h"),
    Ones("n_h"),
    Size("n_h"),
    sp.tanh(W @ x + h) * (1 - h),
]


@pytest.mark.parametrize("node", NODES, ids=str)
def test_every_node_survives_pickle_copy_and_rebuilding(node: sp.Expr) -> None:
    assert pickle.loads(pickle.dumps(node)) == node  # noqa: S301 - our own bytes
    assert copy.deepcopy(node) == node
    if node.args:
        assert node.func(*node.args) == node
    assert hash(copy.deepcopy(node)) == hash(node)


@pytest.mark.parametrize("node", NODES, ids=str)
def test_substitution_reaches_into_every_node(node: sp.Expr) -> None:
    other = TensorSymbol("k", ("n_h",))
    if node.has(h):
        for changed in (node.subs(h, other), node.xreplace({h: other})):
            assert not changed.has(h)
            assert changed.has(other)


def test_axes_are_part_of_a_symbol() -> None:
    first, second = TensorSymbol("q", ("a",)), TensorSymbol("q", ("b",))
    assert first != second
    assert first.axes == ("a",)


def test_a_signature_is_no_free_symbol() -> None:
    assert (W @ x).free_symbols == {W, x}


def test_diff_through_a_contraction_raises_instead_of_giving_zero() -> None:
    with pytest.raises(LanguageError, match="reverse"):
        sp.diff(sp.tanh(W @ x), x)
    with pytest.raises(LanguageError, match="reverse"):
        sp.diff(relu(h), h)
    assert sp.diff(h * (W @ x), h) == W @ x


def test_sigmoid_knows_its_limits_its_derivative_and_its_form_as_exp() -> None:
    assert sigmoid(sp.oo) == 1
    assert sigmoid(-sp.oo) == 0
    assert sigmoid(0) == sp.Rational(1, 2)
    a = sp.Symbol("a", real=True)
    assert sp.diff(sigmoid(a), a) == sigmoid(a) * (1 - sigmoid(a))
    assert sp.simplify(sigmoid(a).rewrite(sp.exp) - 1 / (1 + sp.exp(-a))) == 0


def test_contractions_have_a_normal_form() -> None:
    assert Contract("ab,b->a", W, x) == W @ x
    assert U @ (2 * h) == 2 * (U @ h)
    assert Contract("ij,jk->ik", U, Identity("n_h")) == U
    assert scale(g, outer(h, x)) == Contract(",i,j->ij", g, h, x)
    assert Contract("i,i->", h, Ones("n_h")) == total(h)
    assert mean(h) == total(h) / Size("n_h")


def test_axes_are_checked_in_sums_products_and_contractions() -> None:
    assert axes_of(U @ h + h) == ("n_h",)
    assert axes_of(sp.Integer(3)) is None
    with pytest.raises(LanguageError, match=r"h has axes \(n_h\) with x has axes \(n_x\)"):
        axes_of(h + x)
    with pytest.raises(LanguageError, match="W has n_x where h has n_h"):
        axes_of(W @ h)
    with pytest.raises(LanguageError, match="names 1 axes"):
        axes_of(Contract("i,i->i", W, h))
    with pytest.raises(LanguageError, match="use scale"):
        W @ g


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("ii->i", "distinct letters"),
        ("i->ij", "broadcast with Ones"),
        ("i,j->i", "expected 1 operands"),
        ("i", "an arrow"),
    ],
)
def test_a_malformed_signature_is_refused(signature: str, message: str) -> None:
    with pytest.raises(LanguageError, match=message):
        Contract(signature, h)


def test_a_selection_keeps_its_condition_and_drops_what_is_decided() -> None:
    assert Select(sp.true, h, -h) == h
    assert Select(sp.Gt(h, 0), h, h) == h
    assert maximum(h, sp.S.Zero).has(Select)
    with pytest.raises(LanguageError, match="relation"):
        Select(h, h, -h)
