"""Softmax of an affine map of the state, and the cross entropy averaged over T steps.

    a_t      = W_y h_t + b_y
    m_t      = max(a_t)
    z_t      = a_t - m_t
    e_t      = exp(z_t)
    s_t      = Σ e_t
    ŷ_t      = e_t/s_t
    log(ŷ_t) = z_t - log(s_t)
    J_t      = -y_tᵀ log(ŷ_t)/T

    where m_t is a shift: no result depends on it

Generated from equations/cells/softmax_cross_entropy.py by `gateproof generate
softmax_cross_entropy`: change that file, not this one. B is the batch, T the number of time steps.
MIT licence; see LICENSE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, cast, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

_CELL = "softmax_cross_entropy"
_DTYPES = (np.float32, np.float64)
_ARRAYS = frozenset({np.ndarray, *_DTYPES, type(None)})
_COUNTS_STEPS = True
_PARAMS = {"W_y": "n_y n_h", "b_y": "n_y"}
_INPUTS = {"h": "n_h", "y": "n_y"}
_STATE: dict[str, str] = {}
_NEXT = {"y_hat": "n_y", "cost": ""}
_SAVED = {
    "h": "n_h",
    "y": "n_y",
    "a": "n_y",
    "z": "n_y",
    "e": "n_y",
    "s": "",
    "inv_s": "",
    "y_hat": "n_y",
    "rest_e": "",
    "log_s": "",
    "log_y_hat": "n_y",
    "cost": "",
}


class Params(NamedTuple):
    """The parameters."""

    W_y: Array  # (n_y, n_h)
    b_y: Array  # (n_y,)


class Inputs(NamedTuple):
    """The inputs of a step."""

    h: Array  # (B, n_h)
    y: Array  # (B, n_y)


class State(NamedTuple):
    """The state."""


class Next(NamedTuple):
    """What a step returns: new states, then outputs."""

    y_hat: Array  # (B, n_y)
    cost: Array  # (B,)


class Saved(NamedTuple):
    """The values of the equations in one step."""

    h: Array  # (B, n_h)
    y: Array  # (B, n_y)
    a: Array  # (B, n_y)
    z: Array  # (B, n_y)
    e: Array  # (B, n_y)
    s: Array  # (B,)
    inv_s: Array  # (B,)
    y_hat: Array  # (B, n_y)
    rest_e: Array  # (B,)
    log_s: Array  # (B,)
    log_y_hat: Array  # (B, n_y)
    cost: Array  # (B,)


class Tape(NamedTuple):
    """The values of the equations in all steps."""

    h: Array  # (T, B, n_h)
    y: Array  # (T, B, n_y)
    a: Array  # (T, B, n_y)
    z: Array  # (T, B, n_y)
    e: Array  # (T, B, n_y)
    s: Array  # (T, B)
    inv_s: Array  # (T, B)
    y_hat: Array  # (T, B, n_y)
    rest_e: Array  # (T, B)
    log_s: Array  # (T, B)
    log_y_hat: Array  # (T, B, n_y)
    cost: Array  # (T, B)


class Checkpoints(NamedTuple):
    """What is kept of a sequence when the rest is to be computed again."""

    x: Inputs  # all steps
    states: tuple[State, ...]  # before the first of every so many steps
    every: int


class Jacobian(NamedTuple):
    """The derivatives of every new state by every old one."""


def init(rng: np.random.Generator, *, n_y: int, n_h: int, dtype: DTypeLike = np.float64) -> Params:
    """Random parameters: weights uniform within 1/sqrt(fan in), everything else zero.

    Args:
        rng: the random generator that is drawn from.
        n_y: the length of this axis.
        n_h: the length of this axis.
        dtype: float32 or float64.
    """
    _check_init(rng, dtype, n_y=n_y, n_h=n_h)
    return Params(
        W_y=(rng.uniform(-1, 1, (n_y, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        b_y=np.zeros((n_y,), dtype=dtype),
    )


def step(params: Params, x: Inputs, state: State) -> tuple[Next, Saved]:
    """One time step: the new state, and the values of the equations for its derivatives.

    Args:
        params: the parameters.
        x: the input, h (B, n_h), y (B, n_y).
        state: the old state, nothing.

    Returns:
        y_hat (B, n_y), cost (B).
        The values of the equations, which may refer to arguments and results: do not change them.
    """
    _check("step", params, x, state)
    W_y, b_y = params
    h, y = x
    T = 1
    # a_t = W_y h_t + b_y
    a = h @ W_y.T + b_y
    # m_t = max(a_t)
    m = a.max(axis=-1)
    # z_t = a_t - m_t
    z = a - m[:, None]
    # e_t = exp(z_t)
    e = np.exp(z)
    # s_t = Σ e_t
    s = e.sum(axis=-1)
    # 1/s_t
    inv_s = 1 / s
    # ŷ_t = e_t/s_t
    y_hat = inv_s[:, None] * e
    # s_t - 1
    rest_e = np.where(y_hat > 0.625, 0, e).sum(axis=-1)
    # log(s_t)
    log_s = np.where(s < 1.5, np.log1p(rest_e), np.log(s))
    # log(ŷ_t) = z_t - log(s_t)
    log_y_hat = z - log_s[:, None]
    # J_t = -y_tᵀ log(ŷ_t)/T
    cost = -(y * log_y_hat).sum(axis=-1) / T
    saved = Saved(
        h=h,
        y=y,
        a=a,
        z=z,
        e=e,
        s=s,
        inv_s=inv_s,
        y_hat=y_hat,
        rest_e=rest_e,
        log_s=log_s,
        log_y_hat=log_y_hat,
        cost=cost,
    )
    return Next(y_hat=y_hat, cost=cost), saved


def step_vjp(params: Params, saved: Saved, dnext: Next | None) -> tuple[Params, Inputs, State]:
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
    W_y = params.W_y
    h, y, s, y_hat, rest_e = saved.h, saved.y, saved.s, saved.y_hat, saved.rest_e
    log_y_hat = saved.log_y_hat
    dy_hat, dcost = dnext
    T = 1
    # 1 - ŷ_t
    rest_y_hat = rest_e / s
    # J_t = -y_tᵀ log(ŷ_t)/T
    dy = -(dcost[:, None] * log_y_hat) / T
    dlog_y_hat = dy_hat * y_hat - (dcost[:, None] * y) / T
    # log(ŷ_t) = z_t - log(s_t)
    dlog_s = -dlog_y_hat.sum(axis=-1)
    # Σ δlog(ŷ_t)
    rest_dlog_y_hat = np.where(y_hat > 0.625, 0, dlog_y_hat).sum(axis=-1)
    # z_t is in e_t, log(ŷ_t)
    dz = np.where(
        y_hat > 0.625,
        rest_y_hat[:, None] * dlog_y_hat - rest_dlog_y_hat[:, None] * y_hat,
        dlog_y_hat + dlog_s[:, None] * y_hat,
    )
    # a_t is in m_t, z_t
    da = dz
    # a_t = W_y h_t + b_y
    dW_y = da.T @ h
    db_y = da.sum(axis=0)
    dh = da @ W_y
    dparams = Params(W_y=dW_y, b_y=db_y)
    return dparams, Inputs(h=dh, y=dy), State()


def step_jvp(
    params: Params, saved: Saved, dparams: Params | None, dx: Inputs | None, dstate: State | None
) -> Next:
    """Forward mode of `step`: the tangents of what it returned.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dparams: the tangents of the parameters; it or a field may be None for zero.
        dx: the tangent of the input; None for zero.
        dstate: the tangent of the old state; it or a field may be None for zero.

    Returns:
        y_hat (B, n_y), cost (B).
    """
    *_, dparams, dx, dstate = _check("step_jvp", params, saved, dparams, dx, dstate)
    W_y = params.W_y
    h, y, s, y_hat, rest_e = saved.h, saved.y, saved.s, saved.y_hat, saved.rest_e
    log_y_hat = saved.log_y_hat
    W_y_dot, b_y_dot = dparams
    h_dot = dx.h
    y_dot = dx.y
    T = 1
    # 1 - ŷ_t
    rest_y_hat = rest_e / s
    # a_t = W_y h_t + b_y
    a_dot = h_dot @ W_y.T + h @ W_y_dot.T + b_y_dot
    # z_t = a_t - m_t
    z_dot = a_dot
    # log(s_t)
    log_s_dot = (y_hat * z_dot).sum(axis=-1)
    # Σ (ŷ_t ∘ ż_t)
    rest_z_dot = np.where(y_hat > 0.625, 0, y_hat * z_dot).sum(axis=-1)
    # log(ŷ_t) = z_t - log(s_t)
    log_y_hat_dot = np.where(
        y_hat > 0.625, rest_y_hat[:, None] * z_dot - rest_z_dot[:, None], z_dot - log_s_dot[:, None]
    )
    # ŷ_t = e_t/s_t
    y_hat_dot = y_hat * log_y_hat_dot
    # J_t = -y_tᵀ log(ŷ_t)/T
    cost_dot = -(y_dot * log_y_hat).sum(axis=-1) / T - (y * log_y_hat_dot).sum(axis=-1) / T
    return Next(y_hat=y_hat_dot, cost=cost_dot)


def step_hvp(
    params: Params,
    saved: Saved,
    dnext: Next | None,
    dparams: Params | None,
    dx: Inputs | None,
    dstate: State | None,
) -> tuple[Params, Inputs, State]:
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
    *_, dnext, dparams, dx, dstate = _check("step_hvp", params, saved, dnext, dparams, dx, dstate)
    W_y = params.W_y
    h, y, s, y_hat, rest_e = saved.h, saved.y, saved.s, saved.y_hat, saved.rest_e
    dy_hat, dcost = dnext
    W_y_dot, b_y_dot = dparams
    h_dot = dx.h
    y_dot = dx.y
    T = 1
    # 1 - ŷ_t
    rest_y_hat = rest_e / s
    # J_t = -y_tᵀ log(ŷ_t)/T
    dlog_y_hat = dy_hat * y_hat - (dcost[:, None] * y) / T
    # log(ŷ_t) = z_t - log(s_t)
    dlog_s = -dlog_y_hat.sum(axis=-1)
    # Σ δlog(ŷ_t)
    rest_dlog_y_hat = np.where(y_hat > 0.625, 0, dlog_y_hat).sum(axis=-1)
    # z_t is in e_t, log(ŷ_t)
    dz = np.where(
        y_hat > 0.625,
        rest_y_hat[:, None] * dlog_y_hat - rest_dlog_y_hat[:, None] * y_hat,
        dlog_y_hat + dlog_s[:, None] * y_hat,
    )
    # a_t is in m_t, z_t
    da = dz
    # a_t = W_y h_t + b_y
    a_dot = h_dot @ W_y.T + h @ W_y_dot.T + b_y_dot
    # z_t = a_t - m_t
    z_dot = a_dot
    # log(s_t)
    log_s_dot = (y_hat * z_dot).sum(axis=-1)
    # Σ (ŷ_t ∘ ż_t)
    rest_z_dot = np.where(y_hat > 0.625, 0, y_hat * z_dot).sum(axis=-1)
    # log(ŷ_t) = z_t - log(s_t)
    log_y_hat_dot = np.where(
        y_hat > 0.625, rest_y_hat[:, None] * z_dot - rest_z_dot[:, None], z_dot - log_s_dot[:, None]
    )
    # ŷ_t = e_t/s_t
    y_hat_dot = y_hat * log_y_hat_dot
    # J_t = -y_tᵀ log(ŷ_t)/T
    dy_dot = -(dcost[:, None] * log_y_hat_dot) / T
    dlog_y_hat_dot = dy_hat * y_hat_dot - (dcost[:, None] * y_dot) / T
    # log(ŷ_t) = z_t - log(s_t)
    dlog_s_dot = -dlog_y_hat_dot.sum(axis=-1)
    # Σ δ̇log(ŷ_t)
    rest_dlog_y_hat_dot = np.where(y_hat > 0.625, 0, dlog_y_hat_dot).sum(axis=-1)
    # δ̇log(ŷ_t) + δ̇log(s_t) ŷ_t
    dz_dot_of_dlog_y_hat_dot = np.where(
        y_hat > 0.625,
        rest_y_hat[:, None] * dlog_y_hat_dot - rest_dlog_y_hat_dot[:, None] * y_hat,
        dlog_y_hat_dot + dlog_s_dot[:, None] * y_hat,
    )
    # z_t is in e_t, log(ŷ_t)
    dz_dot = dlog_s[:, None] * y_hat_dot + dz_dot_of_dlog_y_hat_dot
    # a_t is in m_t, z_t
    da_dot = dz_dot
    # a_t = W_y h_t + b_y
    dW_y_dot = da.T @ h_dot + da_dot.T @ h
    db_y_dot = da_dot.sum(axis=0)
    dh_dot = da_dot @ W_y + da @ W_y_dot
    dparams = Params(W_y=dW_y_dot, b_y=db_y_dot)
    return dparams, Inputs(h=dh_dot, y=dy_dot), State()


def step_jacobian(params: Params, saved: Saved) -> Jacobian:
    """The derivative of every new state by every old one.

    Args:
        params: the parameters.
        saved: what `step` kept.

    Returns:
        `jacobian.a.b` is the derivative of the new `a` by the old `b`: the batch, the axes of `a`,
        the axes of `b`.
    """
    _check("step_jacobian", params, saved)
    return Jacobian()


@overload
def unroll(params: Params, xs: Inputs, state0: State) -> tuple[Next, Tape]: ...
@overload
def unroll(
    params: Params, xs: Inputs, state0: State, *, checkpoint_every: int
) -> tuple[Next, Checkpoints]: ...
def unroll(
    params: Params, xs: Inputs, state0: State, *, checkpoint_every: int | None = None
) -> tuple[Next, Tape | Checkpoints]:
    """A sequence: what `step` returns after every step, and the values of the equations.

    Args:
        params: the parameters.
        xs: the inputs, h (T, B, n_h), y (T, B, n_y).
        state0: the first state, nothing.
        checkpoint_every: keep the states of every so many steps alone, and compute the rest again
            on the way back: less memory for more time. The gradients are the same but for rounding.

    Returns:
        y_hat (T, B, n_y), cost (T, B).
        The tape, which may refer to arguments and results: do not change it. Besides those it holds
        4 * n_y + 4 numbers per step and sample.
    """
    if checkpoint_every is not None:
        return _unroll_in_segments(params, xs, state0, checkpoint_every)
    sizes, dtype, *_ = _check("unroll", params, xs, state0)
    T, B, n_y = sizes["T"], sizes["B"], sizes["n_y"]
    add, exp, reciprocal = np.add, np.exp, np.reciprocal
    W_y, b_y = params.W_y, params.b_y
    h_all = xs.h
    room_n_y = _gates(T, 2, B, n_y, dtype=dtype)
    a_all, e_all = room_n_y[:, 0], room_n_y[:, 1]
    inv_s_all = np.empty((T, B), dtype=dtype)
    # a_t = W_y h_t + b_y
    _product(h_all, (W_y,), a_all[:, None])
    add(a_all, b_y, out=a_all)
    # m_t = max(a_t)
    a_rows = a_all.reshape(T * B, n_y)
    m_rows = a_rows.max(axis=-1)
    # z_t = a_t - m_t
    z_rows = a_rows - m_rows[:, None]
    # e_t = exp(z_t)
    z_all = z_rows.reshape(T, B, n_y)
    exp(z_all, out=e_all)
    # s_t = Σ e_t
    e_rows = e_all.reshape(T * B, n_y)
    s_rows = e_rows.sum(axis=-1)
    # 1/s_t
    s_all = s_rows.reshape(T, B)
    reciprocal(s_all, out=inv_s_all)
    # ŷ_t = e_t/s_t
    inv_s_rows = inv_s_all.reshape(T * B)
    y_hat_rows = inv_s_rows[:, None] * e_rows
    # s_t - 1
    rest_e_rows = np.where(y_hat_rows > 0.625, 0, e_rows).sum(axis=-1)
    # log(s_t)
    log_s_rows = np.where(s_rows < 1.5, np.log1p(rest_e_rows), np.log(s_rows))
    # log(ŷ_t) = z_t - log(s_t)
    log_y_hat_rows = z_rows - log_s_rows[:, None]
    # J_t = -y_tᵀ log(ŷ_t)/T
    y_rows = xs.y.reshape(T * B, n_y)
    cost_rows = -(y_rows * log_y_hat_rows).sum(axis=-1) / T
    tape = Tape(
        h=xs.h,
        y=xs.y,
        a=a_all,
        z=z_rows.reshape(T, B, n_y),
        e=e_all,
        s=s_rows.reshape(T, B),
        inv_s=inv_s_all,
        y_hat=y_hat_rows.reshape(T, B, n_y),
        rest_e=rest_e_rows.reshape(T, B),
        log_s=log_s_rows.reshape(T, B),
        log_y_hat=log_y_hat_rows.reshape(T, B, n_y),
        cost=cost_rows.reshape(T, B),
    )
    return Next(y_hat=y_hat_rows.reshape(T, B, n_y), cost=cost_rows.reshape(T, B)), tape


def unroll_vjp(
    params: Params, tape: Tape | Checkpoints, dnexts: Next | None
) -> tuple[Params, Inputs, State]:
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
    T, B, n_h, n_y = sizes["T"], sizes["B"], sizes["n_h"], sizes["n_y"]
    copyto, divide = np.copyto, np.divide
    W_y = params.W_y
    s_all = tape.s
    rest_e_all = tape.rest_e
    rest_y_hat_all = np.empty((T, B), dtype=dtype)
    dz_all = np.empty((T, B, n_y), dtype=dtype)
    # 1 - ŷ_t
    divide(rest_e_all, s_all, out=rest_y_hat_all)
    # J_t = -y_tᵀ log(ŷ_t)/T
    dcost_rows = dnexts.cost.reshape(T * B)
    log_y_hat_rows = tape.log_y_hat.reshape(T * B, n_y)
    dy_rows = -(dcost_rows[:, None] * log_y_hat_rows) / T
    dy_hat_rows = dnexts.y_hat.reshape(T * B, n_y)
    y_rows = tape.y.reshape(T * B, n_y)
    y_hat_rows = tape.y_hat.reshape(T * B, n_y)
    dlog_y_hat_rows = dy_hat_rows * y_hat_rows - (dcost_rows[:, None] * y_rows) / T
    dlog_y_hat_all = dz_all
    dlog_y_hat_all[...] = dlog_y_hat_rows.reshape(T, B, n_y)
    # log(ŷ_t) = z_t - log(s_t)
    dlog_s_rows = -dlog_y_hat_rows.sum(axis=-1)
    # Σ δlog(ŷ_t)
    rest_dlog_y_hat_rows = np.where(y_hat_rows > 0.625, 0, dlog_y_hat_rows).sum(axis=-1)
    # z_t is in e_t, log(ŷ_t)
    rest_y_hat_rows = rest_y_hat_all.reshape(T * B)
    dz_rows = np.where(
        y_hat_rows > 0.625,
        rest_y_hat_rows[:, None] * dlog_y_hat_rows - rest_dlog_y_hat_rows[:, None] * y_hat_rows,
        dlog_y_hat_rows + dlog_s_rows[:, None] * y_hat_rows,
    )
    dz_all[...] = dz_rows.reshape(T, B, n_y)
    # a_t is in m_t, z_t
    da_all = dz_all
    copyto(da_all, dz_all)
    # a_t = W_y h_t + b_y
    da_rows = da_all.reshape(T * B, n_y)
    h_rows = tape.h.reshape(T * B, n_h)
    dW_y = da_rows.T @ h_rows
    db_y = np.ones(T * B, dtype=dtype) @ da_rows
    dh_rows = da_rows @ W_y
    dparams = Params(W_y=dW_y, b_y=db_y)
    return dparams, Inputs(h=dh_rows.reshape(T, B, n_h), y=dy_rows.reshape(T, B, n_y)), State()


def unroll_jvp(
    params: Params,
    tape: Tape | Checkpoints,
    dparams: Params | None,
    dxs: Inputs | None,
    dstate0: State | None,
) -> Next:
    """Forward mode of `unroll`: the tangents of what it returned, for every step.

    Args:
        params: the parameters.
        tape: what `unroll` kept.
        dparams: the tangents of the parameters; it or a field may be None for zero.
        dxs: the tangents of the inputs; None for zero.
        dstate0: the tangent of the first state; it or a field may be None for zero.

    Returns:
        y_hat (T, B, n_y), cost (T, B).
    """
    if isinstance(tape, Checkpoints):
        return _unroll_jvp_in_segments(params, tape, dparams, dxs, dstate0)
    sizes, dtype, *_, dparams, dxs, dstate0 = _check(
        "unroll_jvp", params, tape, dparams, dxs, dstate0
    )
    T, B, n_y = sizes["T"], sizes["B"], sizes["n_y"]
    add, copyto, divide, multiply = np.add, np.copyto, np.divide, np.multiply
    W_y = params.W_y
    W_y_dot, b_y_dot = dparams
    h_all = tape.h
    s_all = tape.s
    y_hat_all = tape.y_hat
    rest_e_all = tape.rest_e
    h_dot_all = dxs.h
    rest_y_hat_all = np.empty((T, B), dtype=dtype)
    a_dot_all = np.empty((T, B, n_y), dtype=dtype)
    y_hat_dot_all = np.empty((T, B, n_y), dtype=dtype)
    # 1 - ŷ_t
    divide(rest_e_all, s_all, out=rest_y_hat_all)
    # a_t = W_y h_t + b_y
    spare = np.empty_like(a_dot_all)
    _product(h_dot_all, (W_y,), a_dot_all[:, None])
    _product(h_all, (W_y_dot,), spare[:, None])
    add(a_dot_all, spare, out=a_dot_all)
    add(a_dot_all, b_y_dot, out=a_dot_all)
    # z_t = a_t - m_t
    z_dot_all = a_dot_all
    copyto(z_dot_all, a_dot_all)
    # log(s_t)
    y_hat_rows = tape.y_hat.reshape(T * B, n_y)
    z_dot_rows = z_dot_all.reshape(T * B, n_y)
    log_s_dot_rows = (y_hat_rows * z_dot_rows).sum(axis=-1)
    # Σ (ŷ_t ∘ ż_t)
    rest_z_dot_rows = np.where(y_hat_rows > 0.625, 0, y_hat_rows * z_dot_rows).sum(axis=-1)
    # log(ŷ_t) = z_t - log(s_t)
    rest_y_hat_rows = rest_y_hat_all.reshape(T * B)
    log_y_hat_dot_rows = np.where(
        y_hat_rows > 0.625,
        rest_y_hat_rows[:, None] * z_dot_rows - rest_z_dot_rows[:, None],
        z_dot_rows - log_s_dot_rows[:, None],
    )
    log_y_hat_dot_all = a_dot_all
    log_y_hat_dot_all[...] = log_y_hat_dot_rows.reshape(T, B, n_y)
    # ŷ_t = e_t/s_t
    multiply(y_hat_all, log_y_hat_dot_all, out=y_hat_dot_all)
    # J_t = -y_tᵀ log(ŷ_t)/T
    log_y_hat_rows = tape.log_y_hat.reshape(T * B, n_y)
    y_rows = tape.y.reshape(T * B, n_y)
    y_dot_rows = dxs.y.reshape(T * B, n_y)
    cost_dot_rows = (
        -(y_dot_rows * log_y_hat_rows).sum(axis=-1) / T
        - (y_rows * log_y_hat_dot_rows).sum(axis=-1) / T
    )
    return Next(y_hat=y_hat_dot_all, cost=cost_dot_rows.reshape(T, B))


def _unroll_in_segments(
    params: Params, xs: Inputs, state0: State, every: int
) -> tuple[Next, Checkpoints]:
    """The sequence segment by segment; of each the first state is kept."""
    sizes, *_ = _check("unroll", params, xs, state0)
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
        part = unroll(params, Inputs(*(x[steps] for x in xs)), state0)[0]
        parts.append(part)
        state0 = _last(part, state0)
    nexts = Next(*map(np.concatenate, zip(*parts, strict=True)))
    return nexts, Checkpoints(xs, tuple(states), every)


def _unroll_vjp_in_segments(
    params: Params, tape: Checkpoints, dnexts: Next | None
) -> tuple[Params, Inputs, State]:
    """Backpropagation through time segment by segment, each computed forward again."""
    xs, dxs, total = tape.x, [], None
    later: tuple[Any, ...] = (0,) * len(State._fields)
    maybe = _over_time("unroll_vjp", "dnexts", dnexts, tape)
    for k, state in reversed(list(enumerate(tape.states))):
        steps = slice(k * tape.every, (k + 1) * tape.every)
        part, again = unroll(params, Inputs(*(x[steps] for x in xs)), state)
        given = [
            np.zeros_like(value) if d is None else d[steps].copy()
            for value, d in zip(part, maybe, strict=True)
        ]
        for d, carried in zip(given, later, strict=False):
            d[-1:] += carried
        dparams, dx, later = unroll_vjp(params, again, Next(*given))
        total = dparams if total is None else Params(*map(np.add, total, dparams))
        dxs.append(dx)
    joined = [np.concatenate(parts[::-1]) for parts in zip(*dxs, strict=True)]
    return cast("Params", total), Inputs(*joined), State(*later)


def _unroll_jvp_in_segments(
    params: Params,
    tape: Checkpoints,
    dparams: Params | None,
    dxs: Inputs | None,
    dstate0: State | None,
) -> Next:
    """Forward mode segment by segment, each computed forward again."""
    xs, parts = tape.x, []
    maybe = _over_time("unroll_jvp", "dxs", dxs, tape)
    dstate0 = State(*_fields("unroll_jvp", "dstate0", dstate0))
    for k, state in enumerate(tape.states):
        steps = slice(k * tape.every, (k + 1) * tape.every)
        _, again = unroll(params, Inputs(*(x[steps] for x in xs)), state)
        dx: list[Any] = [None if d is None else d[steps] for d in maybe]
        part = unroll_jvp(params, again, dparams, Inputs(*dx), dstate0)
        parts.append(part)
        dstate0 = _last(part, dstate0)
    return Next(*map(np.concatenate, zip(*parts, strict=True)))


def _last(values: tuple[Array, ...], before: State) -> State:
    """The states after the last step; those before the first where there was none."""
    pairs: Iterable[tuple[Array, Array]] = zip(values, before, strict=False)
    return State(*[value[-1] if len(value) else first for value, first in pairs])


def _over_time(function: str, name: str, group: _Given, tape: Checkpoints) -> tuple[Any, ...]:
    """The arrays of an argument that has some for every step; None for each if it is None."""
    T, arrays = len(tape.x[0]), _fields(function, name, group)
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
    "x": (Inputs, "B", _INPUTS),
    "xs": (Inputs, "T B", _INPUTS),
    "state": (State, "B", _STATE),
    "state0": (State, "B", _STATE),
    "saved": (Saved, "B", _SAVED),
    "tape": (Tape, "T B", _SAVED),
    "next": (Next, "B", _NEXT),
    "nexts": (Next, "T B", _NEXT),
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
