"""Minimal gated unit: one gate f keeps the state at 1 and resets it after the product.

    f_t  = σ(W_f x_t + U_f h_{t-1} + b_f)
    h'_t = tanh(W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ f_t)
    h_t  = f_t ∘ h_{t-1} + h'_t ∘ (1 - f_t)

Generated from equations/cells/mgu_after_keep.py by `gateproof generate mgu_after_keep`: change that
file, not this one. B is the batch, T the number of time steps. MIT licence; see LICENSE.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

_CELL = "mgu_after_keep"
_DTYPES = (np.float32, np.float64)
_PARAMS = {
    "W_f": "n_h n_x",
    "W_h": "n_h n_x",
    "U_f": "n_h n_h",
    "U_h": "n_h n_h",
    "b_f": "n_h",
    "b_h": "n_h",
    "c_h": "n_h",
}
_INPUTS = {"x": "n_x"}
_STATE = {"h": "n_h"}
_NEXT = {"h": "n_h"}
_SAVED = {"x": "n_x", "h": "n_h", "f": "n_h", "U_h_h": "n_h", "h_cand": "n_h", "h_next": "n_h"}


class Params(NamedTuple):
    """The parameters."""

    W_f: Array  # (n_h, n_x)
    W_h: Array  # (n_h, n_x)
    U_f: Array  # (n_h, n_h)
    U_h: Array  # (n_h, n_h)
    b_f: Array  # (n_h,)
    b_h: Array  # (n_h,)
    c_h: Array  # (n_h,)


class State(NamedTuple):
    """The state."""

    h: Array  # (B, n_h)


class Saved(NamedTuple):
    """The values of the equations in one step."""

    x: Array  # (B, n_x)
    h: Array  # (B, n_h)
    f: Array  # (B, n_h)
    U_h_h: Array  # (B, n_h)
    h_cand: Array  # (B, n_h)
    h_next: Array  # (B, n_h)


class Tape(NamedTuple):
    """The values of the equations in all steps."""

    x: Array  # (T, B, n_x)
    h: Array  # (T, B, n_h)
    f: Array  # (T, B, n_h)
    U_h_h: Array  # (T, B, n_h)
    h_cand: Array  # (T, B, n_h)
    h_next: Array  # (T, B, n_h)


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
    if np.dtype(dtype) not in _DTYPES:
        raise TypeError(f"{_CELL}.init: dtype: expected float32 or float64, got {dtype}")
    return Params(
        W_f=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_h=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        U_f=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        U_h=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        b_f=np.zeros((n_h,), dtype=dtype),
        b_h=np.zeros((n_h,), dtype=dtype),
        c_h=np.zeros((n_h,), dtype=dtype),
    )


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
    _check("step", (params, _PARAMS, ""), ((x,), _INPUTS, "B"), (state, _STATE, "B"))
    W_f, W_h, U_f, U_h, b_f, b_h, c_h = params
    (h,) = state
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    a_f = x @ W_f.T + h @ U_f.T + b_f
    # f_t = σ(a_f)
    f = _sigmoid(a_f)
    # U_h h_{t-1}
    U_h_h = h @ U_h.T
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ f_t
    a_h_cand = x @ W_h.T + b_h + (U_h_h + c_h) * f
    # h'_t = tanh(a_{h'})
    h_cand = np.tanh(a_h_cand)
    # h_t = f_t ∘ h_{t-1} + h'_t ∘ (1 - f_t)
    h_next = f * h + h_cand * (1 - f)
    saved = Saved(x=x, h=h, f=f, U_h_h=U_h_h, h_cand=h_cand, h_next=h_next)
    return State(h=h_next), saved


def step_vjp(params: Params, saved: Saved, dnext: State) -> tuple[Params, Array, State]:
    """Reverse mode of `step`: cotangents of parameters, input and old state.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dnext: the cotangents of what `step` returned, with its shapes; None for zero.

    Returns:
        Cotangents shaped like the arguments of `step`; those of the parameters are summed over
        the batch.
    """
    dnext = State(*_filled(dnext, [saved.h_next.shape], saved[0].dtype))
    _check("step_vjp", (params, _PARAMS, ""), (saved, _SAVED, "B"), (dnext, _NEXT, "B"))
    W_f, W_h, U_f, U_h, c_h = params.W_f, params.W_h, params.U_f, params.U_h, params.c_h
    x, h, f, U_h_h, h_cand = saved.x, saved.h, saved.f, saved.U_h_h, saved.h_cand
    (dh_next,) = dnext
    # h_t = f_t ∘ h_{t-1} + h'_t ∘ (1 - f_t)
    dh_cand = dh_next * (1 - f)
    # h'_t = tanh(a_{h'})
    da_h_cand = dh_cand * (1 - h_cand**2)
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ f_t
    dW_h = da_h_cand.T @ x
    db_h = da_h_cand.sum(axis=0)
    dc_h = (da_h_cand * f).sum(axis=0)
    dU_h_h = da_h_cand * f
    # U_h h_{t-1}
    dU_h = dU_h_h.T @ h
    # f_t is in a_{h'}, h_t
    df = dh_next * (h - h_cand) + da_h_cand * (U_h_h + c_h)
    # f_t = σ(a_f)
    da_f = df * f * (1 - f)
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    dW_f = da_f.T @ x
    dU_f = da_f.T @ h
    db_f = da_f.sum(axis=0)
    # x_t is in a_f, a_{h'}
    dx = da_f @ W_f + da_h_cand @ W_h
    # h_{t-1} is in a_f, U_h h_{t-1}, h_t
    dh = dh_next * f + da_f @ U_f + dU_h_h @ U_h
    dparams = Params(W_f=dW_f, W_h=dW_h, U_f=dU_f, U_h=dU_h, b_f=db_f, b_h=db_h, c_h=dc_h)
    return dparams, dx, State(h=dh)


def step_jvp(params: Params, saved: Saved, dparams: Params, dx: Array, dstate: State) -> State:
    """Forward mode of `step`: the tangents of what it returned.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dparams: the tangents of the parameters; a field may be None for zero.
        dx: the tangent of the input; None for zero.
        dstate: the tangent of the old state; a field may be None for zero.

    Returns:
        h (B, n_h).
    """
    dparams = Params(*_filled(dparams, [p.shape for p in params], saved[0].dtype))
    (dx,) = _filled((dx,), [saved.x.shape], saved[0].dtype)
    dstate = State(*_filled(dstate, [saved.h.shape], saved[0].dtype))
    _check(
        "step_jvp",
        (params, _PARAMS, ""),
        (saved, _SAVED, "B"),
        (dparams, _PARAMS, ""),
        ((dx,), _INPUTS, "B"),
        (dstate, _STATE, "B"),
    )
    W_f, W_h, U_f, U_h, c_h = params.W_f, params.W_h, params.U_f, params.U_h, params.c_h
    x, h, f, U_h_h, h_cand = saved.x, saved.h, saved.f, saved.U_h_h, saved.h_cand
    W_f_dot, W_h_dot, U_f_dot, U_h_dot, b_f_dot, b_h_dot, c_h_dot = dparams
    x_dot = dx
    (h_dot,) = dstate
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    a_f_dot = x_dot @ W_f.T + h_dot @ U_f.T + x @ W_f_dot.T + h @ U_f_dot.T + b_f_dot
    # f_t = σ(a_f)
    f_dot = f * (1 - f) * a_f_dot
    # U_h h_{t-1}
    U_h_h_dot = h_dot @ U_h.T + h @ U_h_dot.T
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ f_t
    a_h_cand_dot = (
        f * U_h_h_dot
        + x_dot @ W_h.T
        + (U_h_h + c_h) * f_dot
        + x @ W_h_dot.T
        + b_h_dot
        + f * c_h_dot
    )
    # h'_t = tanh(a_{h'})
    h_cand_dot = (1 - h_cand**2) * a_h_cand_dot
    # h_t = f_t ∘ h_{t-1} + h'_t ∘ (1 - f_t)
    h_next_dot = f * h_dot + (h - h_cand) * f_dot + (1 - f) * h_cand_dot
    return State(h=h_next_dot)


def step_hvp(
    params: Params, saved: Saved, dnext: State, dparams: Params, dx: Array, dstate: State
) -> tuple[Params, Array, State]:
    """Second order: how the cotangents of `step_vjp` change along a direction.

    This is the Hessian of the inner product of `dnext` and the results of `step`, times the
    direction.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dnext: the cotangents of what `step` returned, held fixed; None for zero.
        dparams: the direction in the parameters; a field may be None for zero.
        dx: the direction in the input; None for zero.
        dstate: the direction in the old state; a field may be None for zero.

    Returns:
        The directional derivatives of what `step_vjp` returns.
    """
    dnext = State(*_filled(dnext, [saved.h_next.shape], saved[0].dtype))
    dparams = Params(*_filled(dparams, [p.shape for p in params], saved[0].dtype))
    (dx,) = _filled((dx,), [saved.x.shape], saved[0].dtype)
    dstate = State(*_filled(dstate, [saved.h.shape], saved[0].dtype))
    _check(
        "step_hvp",
        (params, _PARAMS, ""),
        (saved, _SAVED, "B"),
        (dnext, _NEXT, "B"),
        (dparams, _PARAMS, ""),
        ((dx,), _INPUTS, "B"),
        (dstate, _STATE, "B"),
    )
    W_f, W_h, U_f, U_h, c_h = params.W_f, params.W_h, params.U_f, params.U_h, params.c_h
    x, h, f, U_h_h, h_cand = saved.x, saved.h, saved.f, saved.U_h_h, saved.h_cand
    (dh_next,) = dnext
    W_f_dot, W_h_dot, U_f_dot, U_h_dot, b_f_dot, b_h_dot, c_h_dot = dparams
    x_dot = dx
    (h_dot,) = dstate
    # h_t = f_t ∘ h_{t-1} + h'_t ∘ (1 - f_t)
    dh_cand = dh_next * (1 - f)
    # h'_t = tanh(a_{h'})
    da_h_cand = dh_cand * (1 - h_cand**2)
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ f_t
    dU_h_h = da_h_cand * f
    # f_t is in a_{h'}, h_t
    df = dh_next * (h - h_cand) + da_h_cand * (U_h_h + c_h)
    # f_t = σ(a_f)
    da_f = df * f * (1 - f)
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    a_f_dot = x_dot @ W_f.T + h_dot @ U_f.T + x @ W_f_dot.T + h @ U_f_dot.T + b_f_dot
    # f_t = σ(a_f)
    f_dot = f * (1 - f) * a_f_dot
    # U_h h_{t-1}
    U_h_h_dot = h_dot @ U_h.T + h @ U_h_dot.T
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ f_t
    a_h_cand_dot = (
        f * U_h_h_dot
        + x_dot @ W_h.T
        + (U_h_h + c_h) * f_dot
        + x @ W_h_dot.T
        + b_h_dot
        + f * c_h_dot
    )
    # h'_t = tanh(a_{h'})
    h_cand_dot = (1 - h_cand**2) * a_h_cand_dot
    # h_t = f_t ∘ h_{t-1} + h'_t ∘ (1 - f_t)
    dh_cand_dot = -dh_next * f_dot
    # h'_t = tanh(a_{h'})
    da_h_cand_dot = dh_cand_dot * (1 - h_cand**2) - 2 * dh_cand * h_cand * h_cand_dot
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ f_t
    dW_h_dot = da_h_cand.T @ x_dot + da_h_cand_dot.T @ x
    db_h_dot = da_h_cand_dot.sum(axis=0)
    dc_h_dot = (da_h_cand * f_dot).sum(axis=0) + (da_h_cand_dot * f).sum(axis=0)
    dU_h_h_dot = da_h_cand * f_dot + da_h_cand_dot * f
    # U_h h_{t-1}
    dU_h_dot = dU_h_h.T @ h_dot + dU_h_h_dot.T @ h
    # f_t is in a_{h'}, h_t
    df_dot = (
        dh_next * h_dot
        + da_h_cand * U_h_h_dot
        + da_h_cand_dot * (U_h_h + c_h)
        + da_h_cand * c_h_dot
        - dh_next * h_cand_dot
    )
    # f_t = σ(a_f)
    da_f_dot = df * (1 - 2 * f) * f_dot + df_dot * f * (1 - f)
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    dW_f_dot = da_f.T @ x_dot + da_f_dot.T @ x
    dU_f_dot = da_f.T @ h_dot + da_f_dot.T @ h
    db_f_dot = da_f_dot.sum(axis=0)
    # x_t is in a_f, a_{h'}
    dx_dot = da_f_dot @ W_f + da_h_cand_dot @ W_h + da_f @ W_f_dot + da_h_cand @ W_h_dot
    # h_{t-1} is in a_f, U_h h_{t-1}, h_t
    dh_dot = dh_next * f_dot + da_f_dot @ U_f + dU_h_h_dot @ U_h + da_f @ U_f_dot + dU_h_h @ U_h_dot
    dparams = Params(
        W_f=dW_f_dot,
        W_h=dW_h_dot,
        U_f=dU_f_dot,
        U_h=dU_h_dot,
        b_f=db_f_dot,
        b_h=db_h_dot,
        c_h=dc_h_dot,
    )
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
    sizes, dtype = _check("step_jacobian", (params, _PARAMS, ""), (saved, _SAVED, "B"))
    n_h = sizes["n_h"]
    U_f, U_h, c_h = params.U_f, params.U_h, params.c_h
    h, f, U_h_h, h_cand = saved.h, saved.f, saved.U_h_h, saved.h_cand
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    da_f_dh = U_f
    # f_t = σ(a_f)
    df_dh = (f * (1 - f))[:, :, None] * da_f_dh
    # U_h h_{t-1}
    dU_h_h_dh = U_h
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ f_t
    da_h_cand_dh = f[:, :, None] * dU_h_h_dh + (U_h_h + c_h)[:, :, None] * df_dh
    # h'_t = tanh(a_{h'})
    dh_cand_dh = (1 - h_cand**2)[:, :, None] * da_h_cand_dh
    # h_t = f_t ∘ h_{t-1} + h'_t ∘ (1 - f_t)
    dh_next_dh = (
        f[:, :, None] * np.eye(n_h, dtype=dtype)
        + (h - h_cand)[:, :, None] * df_dh
        + (1 - f)[:, :, None] * dh_cand_dh
    )
    return Jacobian(h=State(h=dh_next_dh))


def unroll(params: Params, xs: Array, state0: State) -> tuple[State, Tape]:
    """A sequence: what `step` returns after every step, and the values of the equations.

    Args:
        params: the parameters.
        xs: the inputs, x (T, B, n_x).
        state0: the first state, h (B, n_h).

    Returns:
        h (T, B, n_h).
        The tape, which may refer to arguments and results: do not change it.
    """
    sizes, dtype = _check(
        "unroll",
        (params, _PARAMS, ""),
        ((xs,), _INPUTS, "T B"),
        (state0, _STATE, "B"),
    )
    T, B, n_x, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_h"]
    W_f, W_h, U_f, U_h, b_f = params.W_f, params.W_h, params.U_f, params.U_h, params.b_f
    b_h, c_h = params.b_h, params.c_h
    x_all = xs.reshape(T * B, n_x)
    W_f_h = np.concatenate((W_f, W_h), axis=0)
    b_f_h = np.concatenate((b_f, b_h), axis=0)
    # W_f x_t + b_f
    # W_h x_t + b_h
    a_f_h_cand_ahead_all = x_all @ W_f_h.T + b_f_h
    f_all = np.empty((T * B, n_h), dtype=dtype)
    U_h_h_all = np.empty((T * B, n_h), dtype=dtype)
    h_cand_all = np.empty((T * B, n_h), dtype=dtype)
    h_steps = np.empty(((T + 1) * B, n_h), dtype=dtype)
    h_steps[:B] = state0.h
    h_all, h_next_all = h_steps[: T * B], h_steps[B:]
    h = state0.h
    for t in range(T):
        rows = slice(t * B, (t + 1) * B)
        a_f_h_cand_ahead = a_f_h_cand_ahead_all[rows]
        # a_f = W_f x_t + U_f h_{t-1} + b_f
        a_f = a_f_h_cand_ahead[:, :n_h] + h @ U_f.T
        # f_t = σ(a_f)
        f = _sigmoid(a_f)
        # U_h h_{t-1}
        U_h_h = h @ U_h.T
        # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ f_t
        a_h_cand = a_f_h_cand_ahead[:, n_h:] + (U_h_h + c_h) * f
        # h'_t = tanh(a_{h'})
        h_cand = np.tanh(a_h_cand)
        # h_t = f_t ∘ h_{t-1} + h'_t ∘ (1 - f_t)
        h_next = f * h + h_cand * (1 - f)
        f_all[rows] = f
        U_h_h_all[rows] = U_h_h
        h_cand_all[rows] = h_cand
        h_next_all[rows] = h_next
        h = h_next
    tape = Tape(
        x=xs,
        h=h_all.reshape(T, B, n_h),
        f=f_all.reshape(T, B, n_h),
        U_h_h=U_h_h_all.reshape(T, B, n_h),
        h_cand=h_cand_all.reshape(T, B, n_h),
        h_next=h_next_all.reshape(T, B, n_h),
    )
    return State(h=tape.h_next), tape


def unroll_vjp(params: Params, tape: Tape, dnexts: State) -> tuple[Params, Array, State]:
    """Backpropagation through time: cotangents of parameters, inputs and first state.

    Args:
        params: the parameters.
        tape: what `unroll` kept.
        dnexts: the cotangents of what `unroll` returned, for every step; None for zero.

    Returns:
        Cotangents shaped like the arguments of `unroll`; those of the parameters are summed over
        batch and time.
    """
    dnexts = State(*_filled(dnexts, [tape.h_next.shape], tape[0].dtype))
    sizes, dtype = _check(
        "unroll_vjp",
        (params, _PARAMS, ""),
        (tape, _SAVED, "T B"),
        (dnexts, _NEXT, "T B"),
    )
    T, B, n_x, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_h"]
    W_f, W_h, U_f, U_h, c_h = params.W_f, params.W_h, params.U_f, params.U_h, params.c_h
    x_all = tape.x.reshape(T * B, n_x)
    h_all = tape.h.reshape(T * B, n_h)
    f_all = tape.f.reshape(T * B, n_h)
    U_h_h_all = tape.U_h_h.reshape(T * B, n_h)
    h_cand_all = tape.h_cand.reshape(T * B, n_h)
    dh_next_given_all = dnexts.h.reshape(T * B, n_h)
    W_f_h = np.concatenate((W_f, W_h), axis=0)
    # (1 - f_t) ∘ (1 - h'_t²)
    da_h_cand_by_dh_next_all = (1 - f_all) * (1 - h_cand_all**2)
    # h_{t-1} - h'_t
    df_by_dh_next_all = h_all - h_cand_all
    # U_h h_{t-1} + c_h
    df_by_da_h_cand_all = U_h_h_all + c_h
    # f_t ∘ (1 - f_t)
    da_f_by_df_all = f_all * (1 - f_all)
    dU_h_h_all = np.empty((T * B, n_h), dtype=dtype)
    da_f_h_cand_all = np.empty((T * B, 2 * n_h), dtype=dtype)
    dh_next_later = np.zeros((B, n_h), dtype=dtype)
    for t in reversed(range(T)):
        rows = slice(t * B, (t + 1) * B)
        f, dh_next_given = f_all[rows], dh_next_given_all[rows]
        da_h_cand_by_dh_next = da_h_cand_by_dh_next_all[rows]
        df_by_dh_next, df_by_da_h_cand = df_by_dh_next_all[rows], df_by_da_h_cand_all[rows]
        da_f_by_df = da_f_by_df_all[rows]
        dh_next = dh_next_given + dh_next_later
        # h'_t = tanh(a_{h'})
        da_h_cand = dh_next * da_h_cand_by_dh_next
        # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ f_t
        dU_h_h = da_h_cand * f
        # f_t is in a_{h'}, h_t
        df = dh_next * df_by_dh_next + da_h_cand * df_by_da_h_cand
        # f_t = σ(a_f)
        da_f = df * da_f_by_df
        da_f_h_cand = np.concatenate((da_f, da_h_cand), axis=1)
        # h_{t-1} is in a_f, U_h h_{t-1}, h_t
        dh = dh_next * f + da_f @ U_f + dU_h_h @ U_h
        dU_h_h_all[rows] = dU_h_h
        da_f_h_cand_all[rows] = da_f_h_cand
        dh_next_later = dh
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ f_t
    dW_f_h = da_f_h_cand_all.T @ x_all
    dW_f = dW_f_h[:n_h]
    dW_h = dW_f_h[n_h:]
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ f_t
    db_f_h = da_f_h_cand_all.sum(axis=0)
    db_f = db_f_h[:n_h]
    db_h = db_f_h[n_h:]
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ f_t
    dc_h = (da_f_h_cand_all[:, n_h:] * f_all).sum(axis=0)
    # U_h h_{t-1}
    dU_h = dU_h_h_all.T @ h_all
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    dU_f = da_f_h_cand_all[:, :n_h].T @ h_all
    # x_t is in a_f, a_{h'}
    dx_all = da_f_h_cand_all @ W_f_h
    dparams = Params(W_f=dW_f, W_h=dW_h, U_f=dU_f, U_h=dU_h, b_f=db_f, b_h=db_h, c_h=dc_h)
    return dparams, dx_all.reshape(T, B, n_x), State(h=dh_next_later)


def unroll_jvp(params: Params, tape: Tape, dparams: Params, dxs: Array, dstate0: State) -> State:
    """Forward mode of `unroll`: the tangents of what it returned, for every step.

    Args:
        params: the parameters.
        tape: what `unroll` kept.
        dparams: the tangents of the parameters; a field may be None for zero.
        dxs: the tangents of the inputs; None for zero.
        dstate0: the tangent of the first state; a field may be None for zero.

    Returns:
        h (T, B, n_h).
    """
    dparams = Params(*_filled(dparams, [p.shape for p in params], tape[0].dtype))
    (dxs,) = _filled((dxs,), [tape.x.shape], tape[0].dtype)
    dstate0 = State(*_filled(dstate0, [tape.h.shape[1:]], tape[0].dtype))
    sizes, dtype = _check(
        "unroll_jvp",
        (params, _PARAMS, ""),
        (tape, _SAVED, "T B"),
        (dparams, _PARAMS, ""),
        ((dxs,), _INPUTS, "T B"),
        (dstate0, _STATE, "B"),
    )
    T, B, n_x, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_h"]
    W_f, W_h, U_f, U_h, c_h = params.W_f, params.W_h, params.U_f, params.U_h, params.c_h
    W_f_dot, W_h_dot, U_f_dot, U_h_dot, b_f_dot, b_h_dot, c_h_dot = dparams
    x_all = tape.x.reshape(T * B, n_x)
    h_all = tape.h.reshape(T * B, n_h)
    f_all = tape.f.reshape(T * B, n_h)
    U_h_h_all = tape.U_h_h.reshape(T * B, n_h)
    h_cand_all = tape.h_cand.reshape(T * B, n_h)
    x_dot_all = dxs.reshape(T * B, n_x)
    # W_f ẋ_t + ḃ_f + Ẇ_f x_t + U̇_f h_{t-1}
    a_f_dot_ahead_all = x_dot_all @ W_f.T + x_all @ W_f_dot.T + h_all @ U_f_dot.T + b_f_dot
    # f_t ∘ (1 - f_t)
    f_dot_by_a_f_dot_all = f_all * (1 - f_all)
    # U̇_h h_{t-1}
    U_h_h_dot_ahead_all = h_all @ U_h_dot.T
    # U_h h_{t-1} + c_h
    a_h_cand_dot_by_f_dot_all = U_h_h_all + c_h
    # W_h ẋ_t + ḃ_h + Ẇ_h x_t + f_t ∘ ċ_h
    a_h_cand_dot_ahead_all = x_dot_all @ W_h.T + x_all @ W_h_dot.T + b_h_dot + f_all * c_h_dot
    # h_{t-1} - h'_t
    h_next_dot_by_f_dot_all = h_all - h_cand_all
    # (1 - f_t) ∘ (1 - h'_t²)
    h_next_dot_by_a_h_cand_dot_all = (1 - f_all) * (1 - h_cand_all**2)
    h_next_dot_all = np.empty((T * B, n_h), dtype=dtype)
    h_dot = dstate0.h
    for t in range(T):
        rows = slice(t * B, (t + 1) * B)
        f, a_f_dot_ahead = f_all[rows], a_f_dot_ahead_all[rows]
        f_dot_by_a_f_dot, U_h_h_dot_ahead = f_dot_by_a_f_dot_all[rows], U_h_h_dot_ahead_all[rows]
        a_h_cand_dot_by_f_dot = a_h_cand_dot_by_f_dot_all[rows]
        a_h_cand_dot_ahead = a_h_cand_dot_ahead_all[rows]
        h_next_dot_by_f_dot = h_next_dot_by_f_dot_all[rows]
        h_next_dot_by_a_h_cand_dot = h_next_dot_by_a_h_cand_dot_all[rows]
        # a_f = W_f x_t + U_f h_{t-1} + b_f
        a_f_dot = a_f_dot_ahead + h_dot @ U_f.T
        # f_t = σ(a_f)
        f_dot = f_dot_by_a_f_dot * a_f_dot
        # U_h h_{t-1}
        U_h_h_dot = U_h_h_dot_ahead + h_dot @ U_h.T
        # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ f_t
        a_h_cand_dot = a_h_cand_dot_ahead + a_h_cand_dot_by_f_dot * f_dot + f * U_h_h_dot
        # h_t = f_t ∘ h_{t-1} + h'_t ∘ (1 - f_t)
        h_next_dot = (
            f * h_dot + h_next_dot_by_f_dot * f_dot + h_next_dot_by_a_h_cand_dot * a_h_cand_dot
        )
        h_next_dot_all[rows] = h_next_dot
        h_dot = h_next_dot
    return State(h=h_next_dot_all.reshape(T, B, n_h))


def _sigmoid(a: Array) -> Array:
    """1 / (1 + e^-a), by e^-|a|: it cannot overflow, and keeps its digits where a is negative."""
    t = np.exp(-np.abs(a))
    value: Array = np.maximum(t, a >= 0) / (1 + t)
    return value


def _filled(
    given: tuple[Array | None, ...], shapes: list[tuple[int, ...]], dtype: np.dtype[Any]
) -> list[Array]:
    """The given arrays, with zeros where there is None."""
    return [
        np.zeros(shape, dtype) if array is None else array
        for array, shape in zip(given, shapes, strict=True)
    ]


def _check(
    function: str, *groups: tuple[object, dict[str, str], str]
) -> tuple[dict[str, int], np.dtype[Any] | None]:
    """The length of every axis and the dtype, once all arrays agree on them.

    A group is its arrays, the axes of each by name, and the axes that come before those.
    """
    sizes: dict[str, int] = {}
    dtype: np.dtype[Any] | None = None
    for arrays, own_axes, lead in groups:
        if not isinstance(arrays, tuple) or len(arrays) != len(own_axes):
            names, got = ", ".join(own_axes), type(arrays).__name__
            raise TypeError(f"{_CELL}.{function}: expected a tuple of {names}, got {got}")
        for array, (name, own) in zip(arrays, own_axes.items(), strict=True):
            where = f"{_CELL}.{function}: {name}"
            if not isinstance(array, np.ndarray | np.generic):
                raise TypeError(f"{where}: expected a NumPy array, got {type(array).__name__}")
            dtype = dtype or array.dtype
            if array.dtype not in _DTYPES or array.dtype != dtype:
                wanted = f"{dtype} like the rest" if dtype in _DTYPES else "float32 or float64"
                raise TypeError(f"{where}: expected dtype {wanted}, got {array.dtype}")
            axes = f"{lead} {own}".split()
            known = zip(axes, array.shape, strict=False)
            if len(axes) != array.ndim or any(sizes.setdefault(axis, n) != n for axis, n in known):
                wanted = ", ".join(f"{axis}={sizes.get(axis, 'any')}" for axis in axes)
                raise ValueError(f"{where}: expected shape ({wanted}), got {array.shape}")
    return sizes, dtype
