"""Independence of a declared shift, and cells with what the registry may lack."""

from __future__ import annotations

import pytest

from equations.cell import Cell
from equations.definition import Definition, Input, Output, Parameter, Shift, State
from equations.language import (
    Size,
    absolute,
    broadcast,
    clip,
    dot,
    exp,
    largest,
    log,
    maximum,
    mean,
    outer,
    relu,
    scale,
    sigmoid,
    sqrt,
    tanh,
    total,
    where,
)
from verify.proof.prove import prove


class stable_softmax(Definition):  # noqa: N801 - a definition carries the cell's own name
    """Softmax and the logarithm of its denominator, with the maximum taken out."""

    x = Input("n_x")
    W = Parameter("n_y", "n_x")
    a = W @ x
    m = Shift(largest(a))
    e = exp(a - broadcast(m, "n_y"))
    y = Output(scale(1 / total(e), e))
    log_sum = Output(m + log(total(e)))


class false_shift(Definition):  # noqa: N801
    """The maximum is taken out of the numerator alone."""

    x = Input("n_x")
    W = Parameter("n_y", "n_x")
    a = W @ x
    m = Shift(largest(a))
    e = exp(a - broadcast(m, "n_y"))
    y = Output(scale(1 / total(exp(a)), e))


class forgotten_shift(Definition):  # noqa: N801
    """The logarithm of the denominator without what was taken out."""

    x = Input("n_x")
    W = Parameter("n_y", "n_x")
    a = W @ x
    m = Shift(mean(a))
    log_sum = Output(log(total(exp(a - broadcast(m, "n_y")))))


class kinks(Definition):  # noqa: N801
    """Every function with a kink, on a state and on two inputs."""

    x = Input("n_x")
    y = Input("n_h")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    U = Parameter("n_h", "n_h")
    a = W @ x + U @ h
    g = clip(a, -1, 1)
    h_next = relu(a) * y + absolute(h) * g + maximum(a, h)
    o = Output(where(h > y, tanh(a), y * h))


class matrices(Definition):  # noqa: N801
    """A matrix state, scalars, means, roots and quotients."""

    x = Input("n_x")
    S = State("n_h", "n_x")
    n = State()
    w = Parameter("n_x")
    b = Parameter()
    W = Parameter("n_h", "n_x")
    beta = sigmoid(dot(w, x) / Size("n_x") + b)
    v = tanh(W @ x)
    S_next = scale(beta, S) + outer(v, x)
    n_next = beta * n + sqrt(1 + dot(x, x))
    o = Output(scale(1 / n_next, S_next @ x) + broadcast(mean(v), "n_h") / 3)


RIGHT = [stable_softmax.cell, kinks.cell, matrices.cell]
WRONG = [false_shift.cell, forgotten_shift.cell]


@pytest.mark.parametrize("cell", RIGHT, ids=lambda cell: cell.name)
def test_what_is_right_is_proved(cell: Cell) -> None:
    """Shifts, kinks, matrices, scalars, means, roots and quotients go through every proof."""
    proofs = list(prove(cell, quick=len(cell.states) > 0))
    assert [proof for proof in proofs if not proof.holds] == []
    shifts = [symbol for symbol in cell.program.symbols if symbol.role == "shift"]
    assert any(proof.name.startswith("shift") for proof in proofs) == bool(shifts)


@pytest.mark.parametrize("cell", WRONG, ids=lambda cell: cell.name)
def test_a_false_shift_is_refuted(cell: Cell) -> None:
    """A result that depends on a declared shift is named, with its derivative."""
    proofs = list(prove(cell, quick=True))
    refuted = [proof for proof in proofs if not proof.holds]
    shift = [proof for proof in refuted if proof.name.startswith("shift m")]
    (result,) = (symbol for symbol in cell.outputs)
    assert len(shift) == 1
    assert shift[0].detail.startswith(f"∂{result}")
    # Dual numbers give the shift a slope of its own, so they disagree with what is derived.
    assert "cross-checked" in {proof.kind for proof in refuted}
