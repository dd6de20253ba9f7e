"""Minimal gated recurrent unit: gate and candidate see the input alone.

    z_t  = σ(W_z x_t + b_z)
    h'_t = W_h x_t + b_h
    h_t  = (1 - z_t) ∘ h_{t-1} + z_t ∘ h'_t

Generated from equations/cells/mingru.py by `gateproof generate mingru`: change that file, not this
one. B is the batch, T the number of time steps. MIT licence; see LICENSE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, cast, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

_CELL = "mingru"
_DTYPES = (np.float32, np.float64)
_ARRAYS = frozenset({np.ndarray, *_DTYPES, type(None)})
_COUNTS_STEPS = False
_PARAMS = {"W_z": "n_h n_x", "W_h": "n_h n_x", "b_z": "n_h", "b_h": "n_h"}
_INPUTS = {"x": "n_x"}
_STATE = {"h": "n_h"}
_NEXT = {"h": "n_h"}
_SAVED = {
    "x": "n_x",
    "h": "n_h",
    "z": "n_h",
    "one_minus_z": "n_h",
    "h_cand": "n_h",
    "h_next": "n_h",
}


class Params(NamedTuple):
    """The parameters."""

    W_z: Array  # (n_h, n_x)
    W_h: Array  # (n_h, n_x)
    b_z: Array  # (n_h,)
    b_h: Array  # (n_h,)


class State(NamedTuple):
    """The state."""

    h: Array  # (B, n_h)


class Saved(NamedTuple):
    """The values of the equations in one step."""

    x: Array  # (B, n_x)
    h: Array  # (B, n_h)
    z: Array  # (B, n_h)
    one_minus_z: Array  # (B, n_h)
    h_cand: Array  # (B, n_h)
    h_next: Array  # (B, n_h)


class Tape(NamedTuple):
    """The values of the equations in all steps."""

    x: Array  # (T, B, n_x)
    h: Array  # (T, B, n_h)
    z: Array  # (T, B, n_h)
    one_minus_z: Array  # (T, B, n_h)
    h_cand: Array  # (T, B, n_h)
    h_next: Array  # (T, B, n_h)


class Checkpoints(NamedTuple):
    """What is kept of a sequence when the rest is to be computed again."""

    x: Array  # all steps
    states: tuple[State, ...]  # before the first of every so many steps
    every: int


class Jacobian(NamedTuple):
    """The derivatives of every new state by every old one."""

    h: State


def init(rng: np.random.Generator, *, n_h: int, n_x: int, dtype: DTypeLike = np.float64) -> Params:
    """Random parameters: weights uniform within 1/sqrt(fan in), everything else zero.

    Args:
        rng: the random generator that is drawn from.
        n_h: the length of this axis.
        n_x: the length of this axis.
        dtype: float32 or float64.
    """
    _check_init(rng, dtype, n_h=n_h, n_x=n_x)
    return Params(
        W_z=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_h=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        b_z=np.zeros((n_h,), dtype=dtype),
        b_h=np.zeros((n_h,), dtype=dtype),
    )


@np.errstate(over="ignore", divide="ignore")
def step(params: Params, x: Array, state: State) -> tuple[State, Saved]:
    """One time step: the new state, and the values of the equations for its derivatives.

    Args:
        params: the parameters.
        x: the input, x (B, n_x).
        state: the old state, h (B, n_h).

    Returns:
        h (B, n_h).
        The values of the equations, which may refer to arguments and results: do not change them.
    """
    _check("step", params, (x,), state)
    W_z, W_h, b_z, b_h = params
    (h,) = state
    # a_z = W_z x_t + b_z
    a_z = x @ W_z.T + b_z
    # z_t = σ(a_z)
    exp_z = np.exp(-a_z)
    z = 1 / (1 + exp_z)
    # 1 - z_t
    one_minus_z = 1 / (1 + 1 / exp_z)
    # h'_t = W_h x_t + b_h
    h_cand = x @ W_h.T + b_h
    # h_t = (1 - z_t) ∘ h_{t-1} + z_t ∘ h'_t
    h_next = one_minus_z * h + z * h_cand
    saved = Saved(x=x, h=h, z=z, one_minus_z=one_minus_z, h_cand=h_cand, h_next=h_next)
    return State(h=h_next), saved


def step_vjp(params: Params, saved: Saved, dnext: State | None) -> tuple[Params, Array, State]:
    """Reverse mode of `step`: cotangents of parameters, input and old state.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dnext: the cotangents of what `step` returned, with its shapes; it or a field may be None
            for zero.

    Returns:
        Cotangents shaped like the arguments of `step`; those of the parameters are summed over
        the batch.
    """
    *_, dnext = _check("step_vjp", params, saved, dnext)
    W_z, W_h = params.W_z, params.W_h
    x, h, z, one_minus_z, h_cand = saved.x, saved.h, saved.z, saved.one_minus_z, saved.h_cand
    (dh_next,) = dnext
    # h_t = (1 - z_t) ∘ h_{t-1} + z_t ∘ h'_t
    dh = dh_next * one_minus_z
    dh_cand = dh_next * z
    # h'_t = W_h x_t + b_h
    dW_h = dh_cand.T @ x
    db_h = dh_cand.sum(axis=0)
    # h_t = (1 - z_t) ∘ h_{t-1} + z_t ∘ h'_t
    dz = dh_next * (h_cand - h)
    # z_t = σ(a_z)
    da_z = dz * one_minus_z * z
    # a_z = W_z x_t + b_z
    dW_z = da_z.T @ x
    db_z = da_z.sum(axis=0)
    # x_t is in a_z, h'_t
    dx = da_z @ W_z + dh_cand @ W_h
    dparams = Params(W_z=dW_z, W_h=dW_h, b_z=db_z, b_h=db_h)
    return dparams, dx, State(h=dh)


def step_jvp(
    params: Params, saved: Saved, dparams: Params | None, dx: Array | None, dstate: State | None
) -> State:
    """Forward mode of `step`: the tangents of what it returned.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dparams: the tangents of the parameters; it or a field may be None for zero.
        dx: the tangent of the input; None for zero.
        dstate: the tangent of the old state; it or a field may be None for zero.

    Returns:
        h (B, n_h).
    """
    *_, dparams, (dx,), dstate = _check("step_jvp", params, saved, dparams, (dx,), dstate)
    W_z, W_h = params.W_z, params.W_h
    x, h, z, one_minus_z, h_cand = saved.x, saved.h, saved.z, saved.one_minus_z, saved.h_cand
    W_z_dot, W_h_dot, b_z_dot, b_h_dot = dparams
    x_dot = dx
    (h_dot,) = dstate
    # a_z = W_z x_t + b_z
    a_z_dot = x_dot @ W_z.T + x @ W_z_dot.T + b_z_dot
    # z_t = σ(a_z)
    z_dot = one_minus_z * z * a_z_dot
    # h'_t = W_h x_t + b_h
    h_cand_dot = x_dot @ W_h.T + x @ W_h_dot.T + b_h_dot
    # h_t = (1 - z_t) ∘ h_{t-1} + z_t ∘ h'_t
    h_next_dot = one_minus_z * h_dot + (h_cand - h) * z_dot + z * h_cand_dot
    return State(h=h_next_dot)


def step_hvp(
    params: Params,
    saved: Saved,
    dnext: State | None,
    dparams: Params | None,
    dx: Array | None,
    dstate: State | None,
) -> tuple[Params, Array, State]:
    """Second order: how the cotangents of `step_vjp` change along a direction.

    This is the Hessian of the inner product of `dnext` and the results of `step`, times the
    direction.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dnext: the cotangents of what `step` returned, held fixed; it or a field may be None
            for zero.
        dparams: the direction in the parameters; it or a field may be None for zero.
        dx: the direction in the input; None for zero.
        dstate: the direction in the old state; it or a field may be None for zero.

    Returns:
        The directional derivatives of what `step_vjp` returns.
    """
    *_, dnext, dparams, (dx,), dstate = _check(
        "step_hvp", params, saved, dnext, dparams, (dx,), dstate
    )
    W_z, W_h = params.W_z, params.W_h
    x, h, z, one_minus_z, h_cand = saved.x, saved.h, saved.z, saved.one_minus_z, saved.h_cand
    (dh_next,) = dnext
    W_z_dot, W_h_dot, b_z_dot, b_h_dot = dparams
    x_dot = dx
    (h_dot,) = dstate
    # h_t = (1 - z_t) ∘ h_{t-1} + z_t ∘ h'_t
    dh_cand = dh_next * z
    dz = dh_next * (h_cand - h)
    # z_t = σ(a_z)
    da_z = dz * one_minus_z * z
    # a_z = W_z x_t + b_z
    a_z_dot = x_dot @ W_z.T + x @ W_z_dot.T + b_z_dot
    # z_t = σ(a_z)
    z_dot = one_minus_z * z * a_z_dot
    # h'_t = W_h x_t + b_h
    h_cand_dot = x_dot @ W_h.T + x @ W_h_dot.T + b_h_dot
    # h_t = (1 - z_t) ∘ h_{t-1} + z_t ∘ h'_t
    dh_dot = -dh_next * z_dot
    dh_cand_dot = dh_next * z_dot
    # h'_t = W_h x_t + b_h
    dW_h_dot = dh_cand.T @ x_dot + dh_cand_dot.T @ x
    db_h_dot = dh_cand_dot.sum(axis=0)
    # h_t = (1 - z_t) ∘ h_{t-1} + z_t ∘ h'_t
    dz_dot = dh_next * (h_cand_dot - h_dot)
    # z_t = σ(a_z)
    da_z_dot = dz * (1 - 2 * z) * z_dot + dz_dot * one_minus_z * z
    # a_z = W_z x_t + b_z
    dW_z_dot = da_z.T @ x_dot + da_z_dot.T @ x
    db_z_dot = da_z_dot.sum(axis=0)
    # x_t is in a_z, h'_t
    dx_dot = da_z_dot @ W_z + dh_cand_dot @ W_h + da_z @ W_z_dot + dh_cand @ W_h_dot
    dparams = Params(W_z=dW_z_dot, W_h=dW_h_dot, b_z=db_z_dot, b_h=db_h_dot)
    return dparams, dx_dot, State(h=dh_dot)


def step_jacobian(params: Params, saved: Saved) -> Jacobian:
    """The derivative of every new state by every old one.

    Args:
        params: the parameters.
        saved: what `step` kept.

    Returns:
        `jacobian.a.b` is the derivative of the new `a` by the old `b`: the batch, the axes of `a`,
        the axes of `b`.
    """
    sizes, dtype, *_ = _check("step_jacobian", params, saved)
    n_h = sizes["n_h"]
    one_minus_z = saved.one_minus_z
    # h_t = (1 - z_t) ∘ h_{t-1} + z_t ∘ h'_t
    dh_next_dh = one_minus_z[:, :, None] * np.eye(n_h, dtype=dtype)
    return Jacobian(h=State(h=dh_next_dh))


@overload
def unroll(params: Params, xs: Array, state0: State) -> tuple[State, Tape]: ...
@overload
def unroll(
    params: Params, xs: Array, state0: State, *, checkpoint_every: int
) -> tuple[State, Checkpoints]: ...
@np.errstate(over="ignore", divide="ignore")
def unroll(
    params: Params, xs: Array, state0: State, *, checkpoint_every: int | None = None
) -> tuple[State, Tape | Checkpoints]:
    """A sequence: what `step` returns after every step, and the values of the equations.

    Args:
        params: the parameters.
        xs: the inputs, x (T, B, n_x).
        state0: the first state, h (B, n_h).
        checkpoint_every: keep the states of every so many steps alone, and compute the rest again
            on the way back: less memory for more time. The gradients are the same but for rounding.

    Returns:
        h (T, B, n_h).
        The tape, which may refer to arguments and results: do not change it. Besides those it holds
        3 * n_h numbers per step and sample.
    """
    if checkpoint_every is not None:
        return _unroll_in_segments(params, xs, state0, checkpoint_every)
    sizes, dtype, *_ = _check("unroll", params, (xs,), state0)
    T, B, n_h = sizes["T"], sizes["B"], sizes["n_h"]
    add, exp, multiply, reciprocal = np.add, np.exp, np.multiply, np.reciprocal
    one = np.array(1, dtype=dtype)
    W_h, b_h = params.W_h, params.b_h
    minus_W_z, minus_b_z = -params.W_z, -params.b_z
    minus_b_z_b_h = np.concatenate((minus_b_z, b_h)).reshape(2, 1, n_h)
    x_all = xs
    h_steps = np.empty((T + 1, B, n_h), dtype=dtype)
    h_steps[0] = state0.h
    h_all, h_next_all = h_steps[:-1], h_steps[1:]
    one_minus_z_z_h_cand_all = _gates(T, 3, B, n_h, dtype=dtype)
    h_next_ahead_all = np.empty((T, B, n_h), dtype=dtype)
    # -a_z = -(W_z x_t + b_z)
    # h'_t = W_h x_t + b_h
    minus_a_z_h_cand_all = one_minus_z_z_h_cand_all[:, 1:]
    _product(x_all, (minus_W_z, W_h), minus_a_z_h_cand_all)
    add(minus_a_z_h_cand_all, minus_b_z_b_h, out=minus_a_z_h_cand_all)
    # z_t = σ(a_z)
    exp_z_all = one_minus_z_z_h_cand_all[:, 1]
    minus_a_z_all = one_minus_z_z_h_cand_all[:, 1]
    exp(minus_a_z_all, out=exp_z_all)
    # 1 - z_t
    inverse_exp_z_all = one_minus_z_z_h_cand_all[:, 0]
    reciprocal(exp_z_all, out=inverse_exp_z_all)
    # 1 - z_t
    # z_t = σ(a_z)
    one_minus_z_z_all = one_minus_z_z_h_cand_all[:, :2]
    inverse_exp_exp_z_all = one_minus_z_z_h_cand_all[:, :2]
    add(inverse_exp_exp_z_all, one, out=one_minus_z_z_all)
    reciprocal(one_minus_z_z_all, out=one_minus_z_z_all)
    # z_t ∘ h'_t
    z_all = one_minus_z_z_h_cand_all[:, 1]
    h_cand_all = one_minus_z_z_h_cand_all[:, 2]
    multiply(z_all, h_cand_all, out=h_next_ahead_all)
    h = h_steps[0]
    for h_next, one_minus_z, h_next_ahead in zip(
        h_next_all,
        one_minus_z_z_h_cand_all[:, 0],
        h_next_ahead_all,
        strict=False,
    ):
        # h_t = (1 - z_t) ∘ h_{t-1} + z_t ∘ h'_t
        multiply(one_minus_z, h, out=h_next)
        add(h_next, h_next_ahead, out=h_next)
        h = h_next
    tape = Tape(
        x=xs,
        h=h_all,
        z=one_minus_z_z_h_cand_all[:, 1],
        one_minus_z=one_minus_z_z_h_cand_all[:, 0],
        h_cand=one_minus_z_z_h_cand_all[:, 2],
        h_next=h_next_all,
    )
    return State(h=h_next_all), tape


def unroll_vjp(
    params: Params, tape: Tape | Checkpoints, dnexts: State | None
) -> tuple[Params, Array, State]:
    """Backpropagation through time: cotangents of parameters, inputs and first state.

    Args:
        params: the parameters.
        tape: what `unroll` kept.
        dnexts: the cotangents of what `unroll` returned, for every step; it or a field may be
            None for zero.

    Returns:
        Cotangents shaped like the arguments of `unroll`; those of the parameters are summed over
        batch and time.
    """
    if isinstance(tape, Checkpoints):
        return _unroll_vjp_in_segments(params, tape, dnexts)
    sizes, dtype, *_, dnexts = _check("unroll_vjp", params, tape, dnexts)
    T, B, n_x, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_h"]
    add, multiply = np.add, np.multiply
    W_z, W_h = params.W_z, params.W_h
    one_minus_z_all = tape.one_minus_z
    dh_next_given_all = dnexts.h
    dh_next_all = np.empty((T, B, n_h), dtype=dtype)
    dh_next_later = np.zeros((B, n_h), dtype=dtype)
    dh = dh_next_later
    for dh_next, dh_next_given, one_minus_z in zip(
        dh_next_all[::-1],
        dh_next_given_all[::-1],
        one_minus_z_all[::-1],
        strict=False,
    ):
        add(dh_next_later, dh_next_given, out=dh_next)
        # h_t = (1 - z_t) ∘ h_{t-1} + z_t ∘ h'_t
        multiply(dh_next, one_minus_z, out=dh)
    # h_t = (1 - z_t) ∘ h_{t-1} + z_t ∘ h'_t
    dh_next_rows = dh_next_all.reshape(T * B, n_h)
    z_rows = tape.z.reshape(T * B, n_h)
    dh_cand_rows = dh_next_rows * z_rows
    # h'_t = W_h x_t + b_h
    x_rows = tape.x.reshape(T * B, n_x)
    dW_h = dh_cand_rows.T @ x_rows
    db_h = np.ones(T * B, dtype=dtype) @ dh_cand_rows
    # z_t = σ(a_z)
    h_rows = tape.h.reshape(T * B, n_h)
    h_cand_rows = tape.h_cand.reshape(T * B, n_h)
    one_minus_z_rows = tape.one_minus_z.reshape(T * B, n_h)
    da_z_rows = dh_next_rows * one_minus_z_rows * z_rows * (h_cand_rows - h_rows)
    # a_z = W_z x_t + b_z
    dW_z = da_z_rows.T @ x_rows
    db_z = np.ones(T * B, dtype=dtype) @ da_z_rows
    # x_t is in a_z, h'_t
    dx_rows = da_z_rows @ W_z + dh_cand_rows @ W_h
    dparams = Params(W_z=dW_z, W_h=dW_h, b_z=db_z, b_h=db_h)
    return dparams, dx_rows.reshape(T, B, n_x), State(h=dh_next_later)


def unroll_jvp(
    params: Params,
    tape: Tape | Checkpoints,
    dparams: Params | None,
    dxs: Array | None,
    dstate0: State | None,
) -> State:
    """Forward mode of `unroll`: the tangents of what it returned, for every step.

    Args:
        params: the parameters.
        tape: what `unroll` kept.
        dparams: the tangents of the parameters; it or a field may be None for zero.
        dxs: the tangents of the inputs; None for zero.
        dstate0: the tangent of the first state; it or a field may be None for zero.

    Returns:
        h (T, B, n_h).
    """
    if isinstance(tape, Checkpoints):
        return _unroll_jvp_in_segments(params, tape, dparams, dxs, dstate0)
    sizes, dtype, *_, dparams, (dxs,), dstate0 = _check(
        "unroll_jvp", params, tape, dparams, (dxs,), dstate0
    )
    T, B, n_h = sizes["T"], sizes["B"], sizes["n_h"]
    add, multiply, subtract = np.add, np.multiply, np.subtract
    W_z, W_h = params.W_z, params.W_h
    W_z_dot, W_h_dot, b_z_dot, b_h_dot = dparams
    b_z_h_dot = np.concatenate((b_z_dot, b_h_dot)).reshape(2, 1, n_h)
    x_all = tape.x
    h_all = tape.h
    z_all = tape.z
    one_minus_z_all = tape.one_minus_z
    h_cand_all = tape.h_cand
    x_dot_all = dxs
    a_z_h_cand_dot_all = _gates(T, 2, B, n_h, dtype=dtype)
    h_next_dot_all = np.empty((T, B, n_h), dtype=dtype)
    # a_z = W_z x_t + b_z
    # h'_t = W_h x_t + b_h
    spare = np.empty_like(a_z_h_cand_dot_all)
    _product(x_dot_all, (W_z, W_h), a_z_h_cand_dot_all)
    _product(x_all, (W_z_dot, W_h_dot), spare)
    add(a_z_h_cand_dot_all, spare, out=a_z_h_cand_dot_all)
    add(a_z_h_cand_dot_all, b_z_h_dot, out=a_z_h_cand_dot_all)
    # z_t = σ(a_z)
    z_dot_all = a_z_h_cand_dot_all[:, 0]
    a_z_dot_all = a_z_h_cand_dot_all[:, 0]
    multiply(one_minus_z_all, a_z_dot_all, out=z_dot_all)
    multiply(z_dot_all, z_all, out=z_dot_all)
    # z_t ∘ ḣ'_t + (h'_t - h_{t-1}) ∘ ż_t
    h_next_dot_ahead_all = a_z_h_cand_dot_all[:, 1]
    h_cand_dot_all = a_z_h_cand_dot_all[:, 1]
    spare = np.empty_like(h_next_dot_ahead_all)
    multiply(z_all, h_cand_dot_all, out=h_next_dot_ahead_all)
    subtract(h_cand_all, h_all, out=spare)
    multiply(spare, z_dot_all, out=spare)
    add(spare, h_next_dot_ahead_all, out=h_next_dot_ahead_all)
    h_dot = dstate0.h
    for h_next_dot, one_minus_z, h_next_dot_ahead in zip(
        h_next_dot_all,
        one_minus_z_all,
        a_z_h_cand_dot_all[:, 1],
        strict=False,
    ):
        # h_t = (1 - z_t) ∘ h_{t-1} + z_t ∘ h'_t
        multiply(one_minus_z, h_dot, out=h_next_dot)
        add(h_next_dot_ahead, h_next_dot, out=h_next_dot)
        h_dot = h_next_dot
    return State(h=h_next_dot_all)


def _unroll_in_segments(
    params: Params, xs: Array, state0: State, every: int
) -> tuple[State, Checkpoints]:
    """The sequence segment by segment; of each the first state is kept."""
    sizes, *_ = _check("unroll", params, (xs,), state0)
    if type(every) is not int or every < 1:
        expected = "expected an integer of at least 1"
        raise ValueError(f"{_CELL}.unroll: checkpoint_every: {expected}, got {every!r}")
    if _COUNTS_STEPS and every < sizes["T"]:
        expected = "the equations count the steps, so they cannot be cut into segments"
        raise ValueError(f"{_CELL}.unroll: checkpoint_every: {expected}")
    states, parts = [], []
    for start in range(0, max(sizes["T"], 1), every):
        states.append(State(*map(np.copy, cast("tuple[Array, ...]", state0))))
        steps = slice(start, start + every)
        # A name for the tape would keep it while the next is made.
        part = unroll(params, xs[steps], state0)[0]
        parts.append(part)
        state0 = _last(part, state0)
    nexts = State(*map(np.concatenate, zip(*parts, strict=True)))
    return nexts, Checkpoints(xs, tuple(states), every)


def _unroll_vjp_in_segments(
    params: Params, tape: Checkpoints, dnexts: State | None
) -> tuple[Params, Array, State]:
    """Backpropagation through time segment by segment, each computed forward again."""
    xs, dxs, total = tape.x, [], None
    later: tuple[Any, ...] = (0,) * len(State._fields)
    maybe = _over_time("unroll_vjp", "dnexts", dnexts, tape)
    for k, state in reversed(list(enumerate(tape.states))):
        steps = slice(k * tape.every, (k + 1) * tape.every)
        part, again = unroll(params, xs[steps], state)
        given = [
            np.zeros_like(value) if d is None else d[steps].copy()
            for value, d in zip(part, maybe, strict=True)
        ]
        for d, carried in zip(given, later, strict=False):
            d[-1:] += carried
        dparams, dx, later = unroll_vjp(params, again, State(*given))
        total = dparams if total is None else Params(*map(np.add, total, dparams))
        dxs.append((dx,))
    joined = [np.concatenate(parts[::-1]) for parts in zip(*dxs, strict=True)]
    return cast("Params", total), joined[0], State(*later)


def _unroll_jvp_in_segments(
    params: Params,
    tape: Checkpoints,
    dparams: Params | None,
    dxs: Array | None,
    dstate0: State | None,
) -> State:
    """Forward mode segment by segment, each computed forward again."""
    xs, parts = tape.x, []
    maybe = _over_time("unroll_jvp", "dxs", (dxs,), tape)
    dstate0 = State(*_fields("unroll_jvp", "dstate0", dstate0))
    for k, state in enumerate(tape.states):
        steps = slice(k * tape.every, (k + 1) * tape.every)
        _, again = unroll(params, xs[steps], state)
        dx: list[Any] = [None if d is None else d[steps] for d in maybe]
        part = unroll_jvp(params, again, dparams, dx[0], dstate0)
        parts.append(part)
        dstate0 = _last(part, dstate0)
    return State(*map(np.concatenate, zip(*parts, strict=True)))


def _last(values: tuple[Array, ...], before: State) -> State:
    """The states after the last step; those before the first where there was none."""
    pairs: Iterable[tuple[Array, Array]] = zip(values, before, strict=False)
    return State(*[value[-1] if len(value) else first for value, first in pairs])


def _over_time(function: str, name: str, group: _Given, tape: Checkpoints) -> tuple[Any, ...]:
    """The arrays of an argument that has some for every step; None for each if it is None."""
    T, arrays = len(tape.x), _fields(function, name, group)
    for array in arrays:
        if array is not None and getattr(array, "shape", ())[:1] != (T,):
            got = getattr(array, "shape", type(array).__name__)
            expected = f"expected arrays of T={T} steps, got {got}"
            raise ValueError(f"{_CELL}.{function}: {name}: {expected}")
    return arrays


def _gates(T: int, G: int, *lengths: int, dtype: DTypeLike) -> Array:
    """Room for G gates at every step, (T, G, B, n): all of one gate together, or all of one row.

    The second is better for a single row per step: then what one step computes is in one piece.
    """
    B, *rest = lengths
    if B == 1:
        return np.empty((T, B, G, *rest), dtype).swapaxes(1, 2)
    return np.empty((G, T, B, *rest), dtype).swapaxes(0, 1)


def _product(x: Array, weights: tuple[Array, ...], out: Array) -> None:
    """Every row of x (T, B, k) times each of the weights (n, k), into out (T, G, B, n)."""
    (T, G, B, n), k = out.shape, x.shape[2]
    rows, joint = x.reshape(T * B, k), np.concatenate(weights)
    if B == 1:
        np.matmul(rows, joint.T, out=out.reshape(T, G * n))
    else:
        by_gate = joint.reshape(G, n, k).swapaxes(1, 2)
        np.matmul(rows, by_gate, out=out.swapaxes(0, 1).reshape(G, T * B, n))


def _check_init(rng: object, dtype: DTypeLike, **lengths: object) -> None:
    """Refuse what `init` cannot draw parameters from."""
    if not isinstance(rng, np.random.Generator):
        expected = f"expected a NumPy random Generator, got {type(rng).__name__}"
        raise TypeError(f"{_CELL}.init: rng: {expected}")
    try:
        known = np.dtype(dtype) in _DTYPES
    except (TypeError, ValueError):
        known = False
    if not known:
        raise TypeError(f"{_CELL}.init: dtype: expected float32 or float64, got {dtype}")
    for axis, n in lengths.items():
        if not isinstance(n, int | np.integer) or n < 0:
            expected = f"expected an integer of at least 0, got {n!r}"
            raise ValueError(f"{_CELL}.init: {axis}: {expected}")


_Given = Any  # what a function is given for an argument
_GROUPS: dict[str, tuple[Any, str, dict[str, str]]] = {
    "params": (Params, "", _PARAMS),
    "x": (tuple, "B", _INPUTS),
    "xs": (tuple, "T B", _INPUTS),
    "state": (State, "B", _STATE),
    "state0": (State, "B", _STATE),
    "saved": (Saved, "B", _SAVED),
    "tape": (Tape, "T B", _SAVED),
    "next": (State, "B", _NEXT),
    "nexts": (State, "T B", _NEXT),
}
# A cotangent or a tangent has the shapes of what it belongs to, and may be None for zero.
_GROUPS |= {f"d{name}": group for name, group in _GROUPS.items()}
_ARGUMENTS = {
    "step": ("params", "x", "state"),
    "step_vjp": ("params", "saved", "dnext"),
    "step_jvp": ("params", "saved", "dparams", "dx", "dstate"),
    "step_hvp": ("params", "saved", "dnext", "dparams", "dx", "dstate"),
    "step_jacobian": ("params", "saved"),
    "unroll": ("params", "xs", "state0"),
    "unroll_vjp": ("params", "tape", "dnexts"),
    "unroll_jvp": ("params", "tape", "dparams", "dxs", "dstate0"),
}
_KINDS = {name: tuple(_GROUPS[own][0] for own in of) for name, of in _ARGUMENTS.items()}


def _check(function: str, *groups: _Given) -> tuple[Any, ...]:
    """The length of every axis and the dtype, and the arguments with zeros for None."""
    if tuple(map(type, groups)) == _KINDS[function]:
        arrays: list[Array | None] = list(chain.from_iterable(groups))
        kinds = set(map(type, arrays))
        if kinds <= _ARRAYS:
            dtypes = [array.dtype for array in arrays if array is not None]
            shapes = [None if array is None else array.shape for array in arrays]
            sizes = _lengths(function, tuple(shapes))
            if sizes is not None:
                dtype = dtypes[0]
                # Counting compares by identity first, which a set does not.
                if dtypes.count(dtype) == len(dtypes) and dtype in _DTYPES:
                    zeros = type(None) in kinds
                    full = _filled(function, groups, sizes, dtype) if zeros else groups
                    return sizes, dtype, *full
    return _checked(function, *groups)


@lru_cache(maxsize=64)
def _lengths(function: str, shapes: tuple[tuple[int, ...] | None, ...]) -> dict[str, int] | None:
    """The length of every axis, from the shapes of all arrays; None if they do not fit."""
    axes = [
        (f"{lead} {own}".split(), argument.startswith("d"))
        for argument in _ARGUMENTS[function]
        for _, lead, table in [_GROUPS[argument]]
        for own in table.values()
    ]
    sizes: dict[str, int] = {}
    for (names, zero), shape in zip(axes, shapes, strict=True):
        if shape is None and zero:
            continue
        if shape is None:
            return None
        known = zip(names, shape, strict=False)
        if len(names) != len(shape) or any(sizes.setdefault(name, n) != n for name, n in known):
            return None
    return sizes


def _checked(function: str, *groups: _Given) -> tuple[Any, ...]:
    """The same array by array, to say which one does not fit, or to put zeros in its place."""
    sizes: dict[str, int] = {}
    dtype: np.dtype[Any] | None = None
    arguments = _ARGUMENTS[function]
    given = [_fields(function, *pair) for pair in zip(arguments, groups, strict=True)]
    for argument, arrays in zip(arguments, given, strict=True):
        _, lead, table = _GROUPS[argument]
        for array, (name, own) in zip(arrays, table.items(), strict=True):
            if array is None and argument.startswith("d"):
                continue
            where = f"{_CELL}.{function}: {name}"
            if type(array) not in (np.ndarray, np.memmap, *_DTYPES):
                got = type(array).__name__  # a matrix or a masked array computes otherwise
                raise TypeError(f"{where}: expected a NumPy array, got {got}")
            dtype = dtype or array.dtype
            if array.dtype not in _DTYPES or array.dtype != dtype:
                wanted = f"{dtype} like the rest" if dtype in _DTYPES else "float32 or float64"
                raise TypeError(f"{where}: expected dtype {wanted}, got {array.dtype}")
            axes = f"{lead} {own}".split()
            known = zip(axes, array.shape, strict=False)
            if len(axes) != array.ndim or any(sizes.setdefault(axis, n) != n for axis, n in known):
                wanted = ", ".join(f"{axis}={sizes.get(axis, 'any')}" for axis in axes)
                raise ValueError(f"{where}: expected shape ({wanted}), got {array.shape}")
    return sizes, dtype, *_filled(function, given, sizes, cast("np.dtype[Any]", dtype))


def _filled(
    function: str, groups: Iterable[_Given], sizes: dict[str, int], dtype: np.dtype[Any]
) -> Iterator[_Given]:
    """The arguments, with zeros where there is None."""
    for argument, arrays in zip(_ARGUMENTS[function], groups, strict=True):
        kind, lead, table = _GROUPS[argument]
        zero = argument.startswith("d") and type(None) in map(type, arrays)
        if type(arrays) is kind and not zero:
            yield arrays
            continue
        values = [
            np.zeros([sizes[axis] for axis in f"{lead} {own}".split()], dtype)
            if array is None
            else array
            for array, own in zip(arrays, table.values(), strict=True)
        ]
        yield getattr(kind, "_make", kind)(values)


def _fields(function: str, argument: str, group: _Given) -> tuple[Any, ...]:
    """The arrays of an argument, which may be None for zero: then None for each."""
    kind, _, table = _GROUPS[argument]
    zero = argument.startswith("d")
    if group is None and zero:
        return (None,) * len(table)
    if getattr(group, "_fields", None) != getattr(kind, "_fields", None):
        wanted = f"{kind.__name__}({', '.join(table)}){' or None' if zero else ''}"
        fields = f"({', '.join(group._fields)})" if hasattr(group, "_fields") else ""
        got = f"got {type(group).__name__}{fields}"
        raise TypeError(f"{_CELL}.{function}: {argument}: expected {wanted}, {got}")
    return tuple(group)
