"""Gated recurrent unit: Γ_u = 1 keeps the state, Γ_r comes after the product.

    Γ_u  = σ(W_u x_t + U_u h_{t-1} + b_u)
    Γ_r  = σ(W_r x_t + U_r h_{t-1} + b_r)
    h'_t = tanh(W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r)
    h_t  = Γ_u ∘ h_{t-1} + h'_t ∘ (1 - Γ_u)

Generated from equations/cells/gru_after_keep.py by `gateproof generate gru_after_keep`: change that
file, not this one. B is the batch, T the number of time steps. MIT licence; see LICENSE.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

_CELL = "gru_after_keep"
_DTYPES = (np.float32, np.float64)
_PARAMS = {
    "W_u": "n_h n_x",
    "W_r": "n_h n_x",
    "W_h": "n_h n_x",
    "U_u": "n_h n_h",
    "U_r": "n_h n_h",
    "U_h": "n_h n_h",
    "b_u": "n_h",
    "b_r": "n_h",
    "b_h": "n_h",
    "c_h": "n_h",
}
_INPUTS = {"x": "n_x"}
_STATE = {"h": "n_h"}
_NEXT = {"h": "n_h"}
_SAVED = {
    "x": "n_x",
    "h": "n_h",
    "u": "n_h",
    "r": "n_h",
    "U_h_h": "n_h",
    "h_cand": "n_h",
    "h_next": "n_h",
}


class Params(NamedTuple):
    """The parameters."""

    W_u: Array  # (n_h, n_x)
    W_r: Array  # (n_h, n_x)
    W_h: Array  # (n_h, n_x)
    U_u: Array  # (n_h, n_h)
    U_r: Array  # (n_h, n_h)
    U_h: Array  # (n_h, n_h)
    b_u: Array  # (n_h,)
    b_r: Array  # (n_h,)
    b_h: Array  # (n_h,)
    c_h: Array  # (n_h,)


class State(NamedTuple):
    """The state."""

    h: Array  # (B, n_h)


class Saved(NamedTuple):
    """The values of the equations in one step."""

    x: Array  # (B, n_x)
    h: Array  # (B, n_h)
    u: Array  # (B, n_h)
    r: Array  # (B, n_h)
    U_h_h: Array  # (B, n_h)
    h_cand: Array  # (B, n_h)
    h_next: Array  # (B, n_h)


class Tape(NamedTuple):
    """The values of the equations in all steps."""

    x: Array  # (T, B, n_x)
    h: Array  # (T, B, n_h)
    u: Array  # (T, B, n_h)
    r: Array  # (T, B, n_h)
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
        W_u=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_r=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_h=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        U_u=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        U_r=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        U_h=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        b_u=np.zeros((n_h,), dtype=dtype),
        b_r=np.zeros((n_h,), dtype=dtype),
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
    W_u, W_r, W_h, U_u, U_r, U_h, b_u, b_r, b_h, c_h = params
    (h,) = state
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    a_u = x @ W_u.T + h @ U_u.T + b_u
    # Γ_u = σ(a_u)
    u = _sigmoid(a_u)
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    a_r = x @ W_r.T + h @ U_r.T + b_r
    # Γ_r = σ(a_r)
    r = _sigmoid(a_r)
    # U_h h_{t-1}
    U_h_h = h @ U_h.T
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    a_h_cand = x @ W_h.T + b_h + (U_h_h + c_h) * r
    # h'_t = tanh(a_{h'})
    h_cand = np.tanh(a_h_cand)
    # h_t = Γ_u ∘ h_{t-1} + h'_t ∘ (1 - Γ_u)
    h_next = u * h + h_cand * (1 - u)
    saved = Saved(x=x, h=h, u=u, r=r, U_h_h=U_h_h, h_cand=h_cand, h_next=h_next)
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
    W_u, W_r, W_h, U_u, U_r = params.W_u, params.W_r, params.W_h, params.U_u, params.U_r
    U_h, c_h = params.U_h, params.c_h
    x, h, u, r, U_h_h, h_cand = saved.x, saved.h, saved.u, saved.r, saved.U_h_h, saved.h_cand
    (dh_next,) = dnext
    # h_t = Γ_u ∘ h_{t-1} + h'_t ∘ (1 - Γ_u)
    dh_cand = dh_next * (1 - u)
    # h'_t = tanh(a_{h'})
    da_h_cand = dh_cand * (1 - h_cand**2)
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    dW_h = da_h_cand.T @ x
    db_h = da_h_cand.sum(axis=0)
    dc_h = (da_h_cand * r).sum(axis=0)
    dU_h_h = da_h_cand * r
    # U_h h_{t-1}
    dU_h = dU_h_h.T @ h
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    dr = da_h_cand * (U_h_h + c_h)
    # Γ_r = σ(a_r)
    da_r = dr * r * (1 - r)
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    dW_r = da_r.T @ x
    dU_r = da_r.T @ h
    db_r = da_r.sum(axis=0)
    # h_t = Γ_u ∘ h_{t-1} + h'_t ∘ (1 - Γ_u)
    du = dh_next * (h - h_cand)
    # Γ_u = σ(a_u)
    da_u = du * u * (1 - u)
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    dW_u = da_u.T @ x
    dU_u = da_u.T @ h
    db_u = da_u.sum(axis=0)
    # x_t is in a_u, a_r, a_{h'}
    dx = da_u @ W_u + da_r @ W_r + da_h_cand @ W_h
    # h_{t-1} is in a_u, a_r, U_h h_{t-1}, h_t
    dh = dh_next * u + da_u @ U_u + da_r @ U_r + dU_h_h @ U_h
    dparams = Params(
        W_u=dW_u,
        W_r=dW_r,
        W_h=dW_h,
        U_u=dU_u,
        U_r=dU_r,
        U_h=dU_h,
        b_u=db_u,
        b_r=db_r,
        b_h=db_h,
        c_h=dc_h,
    )
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
    W_u, W_r, W_h, U_u, U_r = params.W_u, params.W_r, params.W_h, params.U_u, params.U_r
    U_h, c_h = params.U_h, params.c_h
    x, h, u, r, U_h_h, h_cand = saved.x, saved.h, saved.u, saved.r, saved.U_h_h, saved.h_cand
    (
        W_u_dot,
        W_r_dot,
        W_h_dot,
        U_u_dot,
        U_r_dot,
        U_h_dot,
        b_u_dot,
        b_r_dot,
        b_h_dot,
        c_h_dot,
    ) = dparams
    x_dot = dx
    (h_dot,) = dstate
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    a_u_dot = x_dot @ W_u.T + h_dot @ U_u.T + x @ W_u_dot.T + h @ U_u_dot.T + b_u_dot
    # Γ_u = σ(a_u)
    u_dot = u * (1 - u) * a_u_dot
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    a_r_dot = x_dot @ W_r.T + h_dot @ U_r.T + x @ W_r_dot.T + h @ U_r_dot.T + b_r_dot
    # Γ_r = σ(a_r)
    r_dot = r * (1 - r) * a_r_dot
    # U_h h_{t-1}
    U_h_h_dot = h_dot @ U_h.T + h @ U_h_dot.T
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    a_h_cand_dot = (
        r * U_h_h_dot
        + x_dot @ W_h.T
        + (U_h_h + c_h) * r_dot
        + x @ W_h_dot.T
        + b_h_dot
        + r * c_h_dot
    )
    # h'_t = tanh(a_{h'})
    h_cand_dot = (1 - h_cand**2) * a_h_cand_dot
    # h_t = Γ_u ∘ h_{t-1} + h'_t ∘ (1 - Γ_u)
    h_next_dot = u * h_dot + (h - h_cand) * u_dot + (1 - u) * h_cand_dot
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
    W_u, W_r, W_h, U_u, U_r = params.W_u, params.W_r, params.W_h, params.U_u, params.U_r
    U_h, c_h = params.U_h, params.c_h
    x, h, u, r, U_h_h, h_cand = saved.x, saved.h, saved.u, saved.r, saved.U_h_h, saved.h_cand
    (dh_next,) = dnext
    (
        W_u_dot,
        W_r_dot,
        W_h_dot,
        U_u_dot,
        U_r_dot,
        U_h_dot,
        b_u_dot,
        b_r_dot,
        b_h_dot,
        c_h_dot,
    ) = dparams
    x_dot = dx
    (h_dot,) = dstate
    # h_t = Γ_u ∘ h_{t-1} + h'_t ∘ (1 - Γ_u)
    dh_cand = dh_next * (1 - u)
    # h'_t = tanh(a_{h'})
    da_h_cand = dh_cand * (1 - h_cand**2)
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    dU_h_h = da_h_cand * r
    dr = da_h_cand * (U_h_h + c_h)
    # Γ_r = σ(a_r)
    da_r = dr * r * (1 - r)
    # h_t = Γ_u ∘ h_{t-1} + h'_t ∘ (1 - Γ_u)
    du = dh_next * (h - h_cand)
    # Γ_u = σ(a_u)
    da_u = du * u * (1 - u)
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    a_u_dot = x_dot @ W_u.T + h_dot @ U_u.T + x @ W_u_dot.T + h @ U_u_dot.T + b_u_dot
    # Γ_u = σ(a_u)
    u_dot = u * (1 - u) * a_u_dot
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    a_r_dot = x_dot @ W_r.T + h_dot @ U_r.T + x @ W_r_dot.T + h @ U_r_dot.T + b_r_dot
    # Γ_r = σ(a_r)
    r_dot = r * (1 - r) * a_r_dot
    # U_h h_{t-1}
    U_h_h_dot = h_dot @ U_h.T + h @ U_h_dot.T
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    a_h_cand_dot = (
        r * U_h_h_dot
        + x_dot @ W_h.T
        + (U_h_h + c_h) * r_dot
        + x @ W_h_dot.T
        + b_h_dot
        + r * c_h_dot
    )
    # h'_t = tanh(a_{h'})
    h_cand_dot = (1 - h_cand**2) * a_h_cand_dot
    # h_t = Γ_u ∘ h_{t-1} + h'_t ∘ (1 - Γ_u)
    dh_cand_dot = -dh_next * u_dot
    # h'_t = tanh(a_{h'})
    da_h_cand_dot = dh_cand_dot * (1 - h_cand**2) - 2 * dh_cand * h_cand * h_cand_dot
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    dW_h_dot = da_h_cand.T @ x_dot + da_h_cand_dot.T @ x
    db_h_dot = da_h_cand_dot.sum(axis=0)
    dc_h_dot = (da_h_cand * r_dot).sum(axis=0) + (da_h_cand_dot * r).sum(axis=0)
    dU_h_h_dot = da_h_cand * r_dot + da_h_cand_dot * r
    # U_h h_{t-1}
    dU_h_dot = dU_h_h.T @ h_dot + dU_h_h_dot.T @ h
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    dr_dot = da_h_cand * U_h_h_dot + da_h_cand_dot * (U_h_h + c_h) + da_h_cand * c_h_dot
    # Γ_r = σ(a_r)
    da_r_dot = dr * (1 - 2 * r) * r_dot + dr_dot * r * (1 - r)
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    dW_r_dot = da_r.T @ x_dot + da_r_dot.T @ x
    dU_r_dot = da_r.T @ h_dot + da_r_dot.T @ h
    db_r_dot = da_r_dot.sum(axis=0)
    # h_t = Γ_u ∘ h_{t-1} + h'_t ∘ (1 - Γ_u)
    du_dot = dh_next * (h_dot - h_cand_dot)
    # Γ_u = σ(a_u)
    da_u_dot = du * (1 - 2 * u) * u_dot + du_dot * u * (1 - u)
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    dW_u_dot = da_u.T @ x_dot + da_u_dot.T @ x
    dU_u_dot = da_u.T @ h_dot + da_u_dot.T @ h
    db_u_dot = da_u_dot.sum(axis=0)
    # x_t is in a_u, a_r, a_{h'}
    dx_dot = (
        da_u_dot @ W_u
        + da_r_dot @ W_r
        + da_h_cand_dot @ W_h
        + da_u @ W_u_dot
        + da_r @ W_r_dot
        + da_h_cand @ W_h_dot
    )
    # h_{t-1} is in a_u, a_r, U_h h_{t-1}, h_t
    dh_dot = (
        dh_next * u_dot
        + da_u_dot @ U_u
        + da_r_dot @ U_r
        + dU_h_h_dot @ U_h
        + da_u @ U_u_dot
        + da_r @ U_r_dot
        + dU_h_h @ U_h_dot
    )
    dparams = Params(
        W_u=dW_u_dot,
        W_r=dW_r_dot,
        W_h=dW_h_dot,
        U_u=dU_u_dot,
        U_r=dU_r_dot,
        U_h=dU_h_dot,
        b_u=db_u_dot,
        b_r=db_r_dot,
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
    U_u, U_r, U_h, c_h = params.U_u, params.U_r, params.U_h, params.c_h
    h, u, r, U_h_h, h_cand = saved.h, saved.u, saved.r, saved.U_h_h, saved.h_cand
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    da_u_dh = U_u
    # Γ_u = σ(a_u)
    du_dh = (u * (1 - u))[:, :, None] * da_u_dh
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    da_r_dh = U_r
    # Γ_r = σ(a_r)
    dr_dh = (r * (1 - r))[:, :, None] * da_r_dh
    # U_h h_{t-1}
    dU_h_h_dh = U_h
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    da_h_cand_dh = r[:, :, None] * dU_h_h_dh + (U_h_h + c_h)[:, :, None] * dr_dh
    # h'_t = tanh(a_{h'})
    dh_cand_dh = (1 - h_cand**2)[:, :, None] * da_h_cand_dh
    # h_t = Γ_u ∘ h_{t-1} + h'_t ∘ (1 - Γ_u)
    dh_next_dh = (
        u[:, :, None] * np.eye(n_h, dtype=dtype)
        + (h - h_cand)[:, :, None] * du_dh
        + (1 - u)[:, :, None] * dh_cand_dh
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
    W_u, W_r, W_h, U_u, U_r = params.W_u, params.W_r, params.W_h, params.U_u, params.U_r
    U_h, b_u, b_r, b_h, c_h = params.U_h, params.b_u, params.b_r, params.b_h, params.c_h
    x_all = xs.reshape(T * B, n_x)
    W_u_r_h = np.concatenate((W_u, W_r, W_h), axis=0)
    U_u_r = np.concatenate((U_u, U_r), axis=0)
    b_u_r_h = np.concatenate((b_u, b_r, b_h), axis=0)
    # W_u x_t + b_u
    # W_r x_t + b_r
    # W_h x_t + b_h
    a_u_r_h_cand_ahead_all = x_all @ W_u_r_h.T + b_u_r_h
    u_r_all = np.empty((T * B, 2 * n_h), dtype=dtype)
    U_h_h_all = np.empty((T * B, n_h), dtype=dtype)
    h_cand_all = np.empty((T * B, n_h), dtype=dtype)
    h_steps = np.empty(((T + 1) * B, n_h), dtype=dtype)
    h_steps[:B] = state0.h
    h_all, h_next_all = h_steps[: T * B], h_steps[B:]
    h = state0.h
    for t in range(T):
        rows = slice(t * B, (t + 1) * B)
        a_u_r_h_cand_ahead = a_u_r_h_cand_ahead_all[rows]
        # a_u = W_u x_t + U_u h_{t-1} + b_u
        # a_r = W_r x_t + U_r h_{t-1} + b_r
        a_u_r = a_u_r_h_cand_ahead[:, : 2 * n_h] + h @ U_u_r.T
        # Γ_u = σ(a_u)
        # Γ_r = σ(a_r)
        u_r = _sigmoid(a_u_r)
        u = u_r[:, :n_h]
        # U_h h_{t-1}
        U_h_h = h @ U_h.T
        # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
        a_h_cand = a_u_r_h_cand_ahead[:, 2 * n_h :] + (U_h_h + c_h) * u_r[:, n_h:]
        # h'_t = tanh(a_{h'})
        h_cand = np.tanh(a_h_cand)
        # h_t = Γ_u ∘ h_{t-1} + h'_t ∘ (1 - Γ_u)
        h_next = u * h + h_cand * (1 - u)
        u_r_all[rows] = u_r
        U_h_h_all[rows] = U_h_h
        h_cand_all[rows] = h_cand
        h_next_all[rows] = h_next
        h = h_next
    r_all = u_r_all[:, n_h:]
    u_all = u_r_all[:, :n_h]
    tape = Tape(
        x=xs,
        h=h_all.reshape(T, B, n_h),
        u=u_all.reshape(T, B, n_h),
        r=r_all.reshape(T, B, n_h),
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
    W_u, W_r, W_h, U_u, U_r = params.W_u, params.W_r, params.W_h, params.U_u, params.U_r
    U_h, c_h = params.U_h, params.c_h
    x_all = tape.x.reshape(T * B, n_x)
    h_all = tape.h.reshape(T * B, n_h)
    u_all = tape.u.reshape(T * B, n_h)
    r_all = tape.r.reshape(T * B, n_h)
    U_h_h_all = tape.U_h_h.reshape(T * B, n_h)
    h_cand_all = tape.h_cand.reshape(T * B, n_h)
    dh_next_given_all = dnexts.h.reshape(T * B, n_h)
    W_u_r_h = np.concatenate((W_u, W_r, W_h), axis=0)
    # (1 - Γ_u) ∘ (1 - h'_t²)
    da_h_cand_by_dh_next_all = (1 - u_all) * (1 - h_cand_all**2)
    # (U_h h_{t-1} + c_h) ∘ Γ_r ∘ (1 - Γ_r)
    da_r_by_da_h_cand_all = (U_h_h_all + c_h) * r_all * (1 - r_all)
    # Γ_u ∘ (1 - Γ_u) ∘ (h_{t-1} - h'_t)
    da_u_by_dh_next_all = u_all * (1 - u_all) * (h_all - h_cand_all)
    dU_h_h_all = np.empty((T * B, n_h), dtype=dtype)
    da_u_r_h_cand_all = np.empty((T * B, 3 * n_h), dtype=dtype)
    dh_next_later = np.zeros((B, n_h), dtype=dtype)
    for t in reversed(range(T)):
        rows = slice(t * B, (t + 1) * B)
        u, r, dh_next_given = u_all[rows], r_all[rows], dh_next_given_all[rows]
        da_h_cand_by_dh_next = da_h_cand_by_dh_next_all[rows]
        da_r_by_da_h_cand, da_u_by_dh_next = da_r_by_da_h_cand_all[rows], da_u_by_dh_next_all[rows]
        dh_next = dh_next_given + dh_next_later
        # h'_t = tanh(a_{h'})
        da_h_cand = dh_next * da_h_cand_by_dh_next
        # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
        dU_h_h = da_h_cand * r
        # Γ_r = σ(a_r)
        da_r = da_h_cand * da_r_by_da_h_cand
        # Γ_u = σ(a_u)
        da_u = dh_next * da_u_by_dh_next
        da_u_r_h_cand = np.concatenate((da_u, da_r, da_h_cand), axis=1)
        # h_{t-1} is in a_u, a_r, U_h h_{t-1}, h_t
        dh = dh_next * u + da_u @ U_u + da_r @ U_r + dU_h_h @ U_h
        dU_h_h_all[rows] = dU_h_h
        da_u_r_h_cand_all[rows] = da_u_r_h_cand
        dh_next_later = dh
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    dW_u_r_h = da_u_r_h_cand_all.T @ x_all
    dW_u = dW_u_r_h[:n_h]
    dW_r = dW_u_r_h[n_h : 2 * n_h]
    dW_h = dW_u_r_h[2 * n_h :]
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    db_u_r_h = da_u_r_h_cand_all.sum(axis=0)
    db_u = db_u_r_h[:n_h]
    db_r = db_u_r_h[n_h : 2 * n_h]
    db_h = db_u_r_h[2 * n_h :]
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    dc_h = (da_u_r_h_cand_all[:, 2 * n_h :] * r_all).sum(axis=0)
    # U_h h_{t-1}
    dU_h = dU_h_h_all.T @ h_all
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    dU_u_r = da_u_r_h_cand_all[:, : 2 * n_h].T @ h_all
    dU_u = dU_u_r[:n_h]
    dU_r = dU_u_r[n_h:]
    # x_t is in a_u, a_r, a_{h'}
    dx_all = da_u_r_h_cand_all @ W_u_r_h
    dparams = Params(
        W_u=dW_u,
        W_r=dW_r,
        W_h=dW_h,
        U_u=dU_u,
        U_r=dU_r,
        U_h=dU_h,
        b_u=db_u,
        b_r=db_r,
        b_h=db_h,
        c_h=dc_h,
    )
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
    W_u, W_r, W_h, U_u, U_r = params.W_u, params.W_r, params.W_h, params.U_u, params.U_r
    U_h, c_h = params.U_h, params.c_h
    (
        W_u_dot,
        W_r_dot,
        W_h_dot,
        U_u_dot,
        U_r_dot,
        U_h_dot,
        b_u_dot,
        b_r_dot,
        b_h_dot,
        c_h_dot,
    ) = dparams
    x_all = tape.x.reshape(T * B, n_x)
    h_all = tape.h.reshape(T * B, n_h)
    u_all = tape.u.reshape(T * B, n_h)
    r_all = tape.r.reshape(T * B, n_h)
    U_h_h_all = tape.U_h_h.reshape(T * B, n_h)
    h_cand_all = tape.h_cand.reshape(T * B, n_h)
    x_dot_all = dxs.reshape(T * B, n_x)
    U_u_r = np.concatenate((U_u, U_r), axis=0)
    W_u_r = np.concatenate((W_u, W_r), axis=0)
    W_u_r_dot = np.concatenate((W_u_dot, W_r_dot), axis=0)
    U_u_r_dot = np.concatenate((U_u_dot, U_r_dot), axis=0)
    b_u_r_dot = np.concatenate((b_u_dot, b_r_dot), axis=0)
    # W_u ẋ_t + ḃ_u + Ẇ_u x_t + U̇_u h_{t-1}
    # W_r ẋ_t + ḃ_r + Ẇ_r x_t + U̇_r h_{t-1}
    a_u_r_dot_ahead_all = (
        x_dot_all @ W_u_r.T + x_all @ W_u_r_dot.T + h_all @ U_u_r_dot.T + b_u_r_dot
    )
    # U̇_h h_{t-1}
    U_h_h_dot_ahead_all = h_all @ U_h_dot.T
    # (U_h h_{t-1} + c_h) ∘ Γ_r ∘ (1 - Γ_r)
    a_h_cand_dot_by_a_r_dot_all = (U_h_h_all + c_h) * r_all * (1 - r_all)
    # W_h ẋ_t + ḃ_h + Ẇ_h x_t + Γ_r ∘ ċ_h
    a_h_cand_dot_ahead_all = x_dot_all @ W_h.T + x_all @ W_h_dot.T + b_h_dot + r_all * c_h_dot
    # (1 - Γ_u) ∘ (1 - h'_t²)
    h_next_dot_by_a_h_cand_dot_all = (1 - u_all) * (1 - h_cand_all**2)
    # Γ_u ∘ (1 - Γ_u) ∘ (h_{t-1} - h'_t)
    h_next_dot_by_a_u_dot_all = u_all * (1 - u_all) * (h_all - h_cand_all)
    h_next_dot_all = np.empty((T * B, n_h), dtype=dtype)
    h_dot = dstate0.h
    for t in range(T):
        rows = slice(t * B, (t + 1) * B)
        u, r, U_h_h_dot_ahead = u_all[rows], r_all[rows], U_h_h_dot_ahead_all[rows]
        a_h_cand_dot_by_a_r_dot = a_h_cand_dot_by_a_r_dot_all[rows]
        a_h_cand_dot_ahead = a_h_cand_dot_ahead_all[rows]
        h_next_dot_by_a_h_cand_dot = h_next_dot_by_a_h_cand_dot_all[rows]
        h_next_dot_by_a_u_dot = h_next_dot_by_a_u_dot_all[rows]
        a_u_r_dot_ahead = a_u_r_dot_ahead_all[rows]
        # a_u = W_u x_t + U_u h_{t-1} + b_u
        # a_r = W_r x_t + U_r h_{t-1} + b_r
        a_u_r_dot = a_u_r_dot_ahead + h_dot @ U_u_r.T
        # U_h h_{t-1}
        U_h_h_dot = U_h_h_dot_ahead + h_dot @ U_h.T
        # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
        a_h_cand_dot = (
            a_h_cand_dot_ahead + a_h_cand_dot_by_a_r_dot * a_u_r_dot[:, n_h:] + r * U_h_h_dot
        )
        # h_t = Γ_u ∘ h_{t-1} + h'_t ∘ (1 - Γ_u)
        h_next_dot = (
            u * h_dot
            + h_next_dot_by_a_u_dot * a_u_r_dot[:, :n_h]
            + h_next_dot_by_a_h_cand_dot * a_h_cand_dot
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
