"""The generated cells against forwards and backwards written by hand from the papers' equations.

Two evaluations of the same equations are each within the bound that the hand-written one carries
along: half an ulp of the terms' absolute sum for every addition, in any order, and what every
factor passes on. So they differ by at most twice the bound.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import by_hand
import numpy as np
import pytest
from rounded import errors, rounded, values

from equations.generated import gru, lstm, rnn

Array = Any
Named = Any  # a named tuple of a generated module
T, B, N_X, N_H = 4, 3, 2, 4
SHARP = 1e-12
"""A bound above this would be of no use: results are of the size of one."""


def drawn(module: ModuleType, seed: int = 0) -> tuple[Named, Array, Named]:
    """Parameters, all of them random, inputs, and a first state that is not zero."""
    rng = np.random.default_rng(seed)
    shapes = module.init(rng, n_x=N_X, n_h=N_H)
    params = module.Params(*(0.7 * rng.normal(size=p.shape) for p in shapes))
    states = [0.5 * rng.normal(size=(B, N_H)) for _ in module.State._fields]
    return params, rng.normal(size=(T, B, N_X)), module.State(*states)


def exactly(params: Named) -> Named:
    """The parameters as numbers that carry a bound."""
    return type(params)(*map(rounded, params))


def assert_close(got: Array, by_hand: Array) -> None:
    """Within twice the bound, which has to be a sharp one."""
    bound = 2 * errors(by_hand)
    assert np.max(bound) < SHARP
    assert np.all(np.abs(got - values(by_hand)) <= bound)


def hand_gru(params: Named, xs: Array, state: Named, b: int) -> list[dict[str, Array]]:
    """One sample of a batch through the hand-written gru."""
    return by_hand.gru(exactly(params), rounded(xs[:, b]), rounded(state.h[b]))


def hand_lstm(params: Named, xs: Array, state: Named, b: int) -> list[dict[str, Array]]:
    """One sample of a batch through the hand-written lstm."""
    start = rounded(state.h[b]), rounded(state.c[b])
    return by_hand.lstm(exactly(params), rounded(xs[:, b]), *start)


def column(steps: list[dict[str, Array]], name: str) -> Array:
    """One value of every step."""
    return np.array([step[name] for step in steps])


def test_rnn_forward() -> None:
    """h_t = tanh(W_h x_t + U_h h_{t-1} + b_h), step and sequence."""
    params, xs, state = drawn(rnn)
    whole, _ = rnn.unroll(params, xs, state)
    first, _ = rnn.step(params, xs[0], state)
    for b in range(B):
        hs = by_hand.rnn(exactly(params), rounded(xs[:, b]), rounded(state.h[b]))
        assert_close(whole.h[:, b], hs)
        assert_close(first.h[b], hs[0])


def test_gru_forward() -> None:
    """States, and the gates under the names of the equations."""
    params, xs, state = drawn(gru)
    whole, tape = gru.unroll(params, xs, state)
    first, saved = gru.step(params, xs[0], state)
    for b in range(B):
        steps = hand_gru(params, xs, state, b)
        assert_close(whole.h[:, b], column(steps, "h"))
        assert_close(first.h[b], steps[0]["h"])
        for ours, theirs in (("u", "u"), ("r", "r"), ("h_cand", "cand")):
            assert_close(getattr(tape, ours)[:, b], column(steps, theirs))
            assert_close(getattr(saved, ours)[b], steps[0][theirs])


def test_lstm_forward() -> None:
    """Both states, and the gates under the names of the equations."""
    params, xs, state = drawn(lstm)
    whole, tape = lstm.unroll(params, xs, state)
    first, saved = lstm.step(params, xs[0], state)
    for b in range(B):
        steps = hand_lstm(params, xs, state, b)
        for name in ("h", "c"):
            assert_close(getattr(whole, name)[:, b], column(steps, name))
            assert_close(getattr(first, name)[b], steps[0][name])
        for name in ("f", "i", "o", "g"):
            assert_close(getattr(tape, name)[:, b], column(steps, name))
            assert_close(getattr(saved, name)[b], steps[0][name])


def assert_gradients(pulled: tuple[Named, Array, Named], samples: list[dict[str, Array]]) -> None:
    """Gradients of parameters are sums over the batch; the others belong to a sample."""
    dparams, dxs, dstate = pulled
    for name, got in dparams._asdict().items():
        assert_close(got, sum(sample[name] for sample in samples[1:]) + samples[0][name])
    for b, sample in enumerate(samples):
        assert_close(dxs[:, b], sample["xs"])
        for name, got in dstate._asdict().items():
            assert_close(got[b], sample[name])


def test_gru_backward() -> None:
    """Backpropagation through time as textbooks print it, with a cotangent at every step."""
    params, xs, state = drawn(gru, seed=1)
    dhs = np.random.default_rng(2).normal(size=(T, B, N_H))
    _, tape = gru.unroll(params, xs, state)
    samples = [
        by_hand.gru_backward(exactly(params), hand_gru(params, xs, state, b), rounded(dhs[:, b]))
        for b in range(B)
    ]
    assert_gradients(gru.unroll_vjp(params, tape, gru.State(h=dhs)), samples)


def test_lstm_backward() -> None:
    """The same with cotangents of both states at every step."""
    params, xs, state = drawn(lstm, seed=1)
    dhs, dcs = np.random.default_rng(2).normal(size=(2, T, B, N_H))
    _, tape = lstm.unroll(params, xs, state)
    samples = [
        by_hand.lstm_backward(
            exactly(params),
            hand_lstm(params, xs, state, b),
            rounded(dhs[:, b]),
            rounded(dcs[:, b]),
        )
        for b in range(B)
    ]
    assert_gradients(lstm.unroll_vjp(params, tape, lstm.State(h=dhs, c=dcs)), samples)


@pytest.mark.parametrize("name", gru.Params._fields)
def test_a_parameter_that_is_off_by_a_trillionth_is_seen(name: str) -> None:
    """The bound is sharp: a relative error of 1e-12 in any one parameter exceeds it."""
    params, xs, state = drawn(gru)
    wrong = params._replace(**{name: getattr(params, name) * (1 + 1e-12)})
    got, _ = gru.unroll(wrong, xs, state)
    for b in range(B):
        right = column(hand_gru(params, xs, state, b), "h")
        with pytest.raises(AssertionError):
            assert_close(got.h[:, b], right)


def test_the_neighbouring_dialects_of_the_gru_are_seen() -> None:
    """The update gate the other way round; the relevance gate after the product."""
    params, xs, state = drawn(gru)
    mirrored = params._replace(W_u=-params.W_u, U_u=-params.U_u, b_u=-params.b_u)
    other, _ = gru.step(mirrored, xs[0], state)
    _, saved = gru.step(params, xs[0], state)
    after = np.tanh(xs[0] @ params.W_h.T + saved.r * (state.h @ params.U_h.T) + params.b_h)
    after = (1 - saved.u) * state.h + saved.u * after
    for b in range(B):
        right = hand_gru(params, xs, state, b)[0]["h"]
        for wrong in (other.h[b], after[b]):
            with pytest.raises(AssertionError):
                assert_close(wrong, right)
