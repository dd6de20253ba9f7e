"""Numbers and formulas that were printed and are wrong: ours are right, and tell them apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from digits import differing, printed
from rounded import errors, rounded, values

from equations.generated import gru, rnn

Array = Any
Named = Any  # the parameters, with or without bounds


class TestWalkthrough:
    """A walkthrough of backpropagation through time on PracHub: two steps, every size one.

    x = 1, 2 and targets 1, 2; W_x = 0.5, W_h = 0.1, W_y = 2, no bias; half the sum of squares.
    """

    params = rnn.Params(W_h=np.array([[0.5]]), U_h=np.array([[0.1]]), b_h=np.zeros(1))
    xs = np.array([[[1.0]], [[2.0]]])
    targets = np.array([[[1.0]], [[2.0]]])

    def forward(self) -> tuple[Any, Any, Array]:
        """States, tape and outputs."""
        states, tape = rnn.unroll(self.params, self.xs, rnn.State(h=np.zeros((1, 1))))
        return states, tape, 2 * states.h

    def second_step(self) -> rnn.Params:
        """The gradients that the second step alone contributes; that of b is of its argument."""
        states, _, outputs = self.forward()
        _, saved = rnn.step(self.params, self.xs[1], rnn.State(h=states.h[0]))
        cotangent = rnn.State(h=2 * (outputs - self.targets)[1])
        return rnn.step_vjp(self.params, saved, cotangent)[0]

    def test_the_right_numbers(self) -> None:
        """Of the forward pass, and the gradients summed over both steps."""
        states, tape, outputs = self.forward()
        assert printed(states.h[1, 0, 0], ".78033")
        assert printed(states.h[1, 0, 0], f"{np.tanh(1.0462117157260009):.15f}")
        assert printed(outputs[1, 0, 0], "1.56065837")
        assert printed(self.second_step().b_h[0], "-.34364104")
        wrong = outputs - self.targets
        d, _, _ = rnn.unroll_vjp(self.params, tape, rnn.State(h=2 * wrong))
        own = np.sum(wrong * states.h)
        got = [d.W_h[0, 0], d.U_h[0, 0], own, d.b_h[0]]
        assert differing(got, "-.83347916 -.15880242 -.37784372 -.48983812") == []

    def test_the_printed_numbers_are_not_ours(self) -> None:
        """Every one of the five is further off than its last digit."""
        states, _, outputs = self.forward()
        second = self.second_step()
        results = [states.h[1], outputs[1], second.b_h, second.W_h, second.U_h]
        got = [float(np.sum(result)) for result in results]
        assert len(differing(got, ".7790 1.558 -.3475 -.695 -.1606")) == 5


def vignette(p: Named, x: Array, h: Array, d3: Array, *, as_printed: bool) -> dict[str, Array]:
    """One step back through a gru in the vignette's numbered values, as printed or put right.

    It writes row vectors and calls W what multiplies the state and U what multiplies the input:
    the transposes of our U and W. Without biases.

    Args:
        p: our parameters.
        x: the input.
        h: the old state.
        d3: the cotangent of the new state.
        as_printed: with its mistakes.
    """
    z, r = _sigmoid(p.W_u @ x + p.U_u @ h), _sigmoid(p.W_r @ x + p.U_r @ h)
    g = np.tanh(p.W_h @ x + p.U_h @ (r * h))
    d4, d5, d7, d8 = (1 - z) * d3, d3 * h, d3 * g, d3 * z
    d9 = d7 + d8 if as_printed else d7 - d5
    d10, d11 = d8 * (1 - g * g), d9 * z * (1 - z)
    d12, d13 = p.U_h.T @ d10, p.W_h.T @ d10
    d14, d15 = p.U_u.T @ d11, p.W_u.T @ d11
    gated = d13 if as_printed else d12
    d16, d17 = gated * h, gated * r
    d18 = (d17 if as_printed else d16) * r * (1 - r)
    d19 = d17 + d4
    d20, d21 = p.U_r.T @ d18, p.W_r.T @ d18
    through_w, through_u = d14 + d20, d15 + d21
    state, given = (
        (d19 + through_u, d12 + through_w) if as_printed else (d19 + through_w, d13 + through_u)
    )
    first, last = (d10, d18) if as_printed else (d18, d10)
    return {
        "h": state,
        "x": given,
        "W_u": np.outer(d11, x),
        "U_u": np.outer(d11, h),
        "W_r": np.outer(first, x),
        "U_r": np.outer(first, h),
        "W_h": np.outer(last, x),
        "U_h": np.outer(last, r * h),
    }


def _sigmoid(a: Array) -> Array:
    return np.array([number.sigmoid() for number in a], dtype=object)


class TestVignette:
    """The GRU vignette of the R package rnn on CRAN, whose backward pass has five mistakes.

    It exchanges W and U against its own forward pass, has 1 - δ5 for -δ5 and never uses it, adds δ8
    where -δ5 belongs, takes the gate's gradient from the wrong branch, and exchanges the gradients
    of two pairs of weights. Sizes are equal, since otherwise its products do not even fit.
    """

    def compared(self, *, as_printed: bool) -> set[str]:
        """The gradients that differ from ours by more than the roundings of both."""
        rng = np.random.default_rng(3)
        sizes = gru.init(rng, n_x=3, n_h=3)
        params = gru.Params(*(rng.normal(size=p.shape) for p in sizes))
        zero = np.zeros(3)
        params = params._replace(b_u=zero, b_r=zero, b_h=zero)
        x, h, dh = rng.normal(size=(3, 3))
        _, saved = gru.step(params, x[None], gru.State(h=h[None]))
        dparams, dx, dstate = gru.step_vjp(params, saved, gru.State(h=dh[None]))
        ours = dparams._asdict() | {"x": dx[0], "h": dstate.h[0]}
        exact = gru.Params(*map(rounded, params))
        theirs = vignette(exact, rounded(x), rounded(h), rounded(dh), as_printed=as_printed)
        return {
            name
            for name, value in theirs.items()
            if np.any(np.abs(ours[name] - values(value)) > 2 * errors(value))
        }

    def test_put_right(self) -> None:
        """Its numbered values lead to our gradients once the mistakes are out."""
        assert self.compared(as_printed=False) == set()

    def test_as_printed(self) -> None:
        """No gradient it prints is right."""
        wrong = {"h", "x", "W_u", "U_u", "W_r", "U_r", "W_h", "U_h"}
        assert self.compared(as_printed=True) == wrong
