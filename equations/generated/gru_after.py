"""Gated recurrent unit: Γ_u = 1 takes the candidate, Γ_r comes after the product.

    Γ_u  = σ(W_u x_t + U_u h_{t-1} + b_u)
    Γ_r  = σ(W_r x_t + U_r h_{t-1} + b_r)
    h'_t = tanh(W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r)
    h_t  = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t

Generated from equations/cells/gru_after.py by `gateproof generate gru_after`: change that file, not
this one. B is the batch, T the number of time steps. MIT licence; see LICENSE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, cast, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

_CELL = "gru_after"
_DTYPES = (np.float32, np.float64)
_ARRAYS = frozenset({np.ndarray, *_DTYPES, type(None)})
_COUNTS_STEPS = False
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
    "one_minus_u": "n_h",
    "r": "n_h",
    "one_minus_r": "n_h",
    "U_h_h": "n_h",
    "a_h_cand": "n_h",
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
    one_minus_u: Array  # (B, n_h)
    r: Array  # (B, n_h)
    one_minus_r: Array  # (B, n_h)
    U_h_h: Array  # (B, n_h)
    a_h_cand: Array  # (B, n_h)
    h_cand: Array  # (B, n_h)
    h_next: Array  # (B, n_h)


class Tape(NamedTuple):
    """The values of the equations in all steps."""

    x: Array  # (T, B, n_x)
    h: Array  # (T, B, n_h)
    u: Array  # (T, B, n_h)
    one_minus_u: Array  # (T, B, n_h)
    r: Array  # (T, B, n_h)
    one_minus_r: Array  # (T, B, n_h)
    U_h_h: Array  # (T, B, n_h)
    a_h_cand: Array  # (T, B, n_h)
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
    W_u, W_r, W_h, U_u, U_r, U_h, b_u, b_r, b_h, c_h = params
    (h,) = state
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    a_u = x @ W_u.T + h @ U_u.T + b_u
    # Γ_u = σ(a_u)
    exp_u = np.exp(-a_u)
    u = 1 / (1 + exp_u)
    # 1 - Γ_u
    one_minus_u = 1 / (1 + 1 / exp_u)
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    a_r = x @ W_r.T + h @ U_r.T + b_r
    # Γ_r = σ(a_r)
    exp_r = np.exp(-a_r)
    r = 1 / (1 + exp_r)
    # 1 - Γ_r
    one_minus_r = 1 / (1 + 1 / exp_r)
    # U_h h_{t-1}
    U_h_h = h @ U_h.T
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    a_h_cand = x @ W_h.T + b_h + (U_h_h + c_h) * r
    # h'_t = tanh(a_{h'})
    h_cand = np.tanh(a_h_cand)
    # h_t = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t
    h_next = one_minus_u * h + u * h_cand
    saved = Saved(
        x=x,
        h=h,
        u=u,
        one_minus_u=one_minus_u,
        r=r,
        one_minus_r=one_minus_r,
        U_h_h=U_h_h,
        a_h_cand=a_h_cand,
        h_cand=h_cand,
        h_next=h_next,
    )
    return State(h=h_next), saved


@np.errstate(over="ignore", divide="ignore")
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
    W_u, W_r, W_h, U_u, U_r = params.W_u, params.W_r, params.W_h, params.U_u, params.U_r
    U_h, c_h = params.U_h, params.c_h
    x, h, u, one_minus_u, r = saved.x, saved.h, saved.u, saved.one_minus_u, saved.r
    one_minus_r, U_h_h, a_h_cand = saved.one_minus_r, saved.U_h_h, saved.a_h_cand
    h_cand = saved.h_cand
    (dh_next,) = dnext
    # 1 - h'_t²
    exp_h_cand = np.exp(-2 * np.abs(a_h_cand))
    slope_h_cand = 4 * exp_h_cand / (1 + exp_h_cand) ** 2
    # h_t = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t
    dh_cand = dh_next * u
    # h'_t = tanh(a_{h'})
    da_h_cand = dh_cand * slope_h_cand
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
    da_r = dr * one_minus_r * r
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    dW_r = da_r.T @ x
    dU_r = da_r.T @ h
    db_r = da_r.sum(axis=0)
    # h_t = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t
    du = dh_next * (h_cand - h)
    # Γ_u = σ(a_u)
    da_u = du * one_minus_u * u
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    dW_u = da_u.T @ x
    dU_u = da_u.T @ h
    db_u = da_u.sum(axis=0)
    # x_t is in a_u, a_r, a_{h'}
    dx = da_u @ W_u + da_r @ W_r + da_h_cand @ W_h
    # h_{t-1} is in a_u, a_r, U_h h_{t-1}, h_t
    dh = dh_next * one_minus_u + da_u @ U_u + da_r @ U_r + dU_h_h @ U_h
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


@np.errstate(over="ignore", divide="ignore")
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
    W_u, W_r, W_h, U_u, U_r = params.W_u, params.W_r, params.W_h, params.U_u, params.U_r
    U_h, c_h = params.U_h, params.c_h
    x, h, u, one_minus_u, r = saved.x, saved.h, saved.u, saved.one_minus_u, saved.r
    one_minus_r, U_h_h, a_h_cand = saved.one_minus_r, saved.U_h_h, saved.a_h_cand
    h_cand = saved.h_cand
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
    # 1 - h'_t²
    exp_h_cand = np.exp(-2 * np.abs(a_h_cand))
    slope_h_cand = 4 * exp_h_cand / (1 + exp_h_cand) ** 2
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    a_u_dot = x_dot @ W_u.T + h_dot @ U_u.T + x @ W_u_dot.T + h @ U_u_dot.T + b_u_dot
    # Γ_u = σ(a_u)
    u_dot = one_minus_u * u * a_u_dot
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    a_r_dot = x_dot @ W_r.T + h_dot @ U_r.T + x @ W_r_dot.T + h @ U_r_dot.T + b_r_dot
    # Γ_r = σ(a_r)
    r_dot = one_minus_r * r * a_r_dot
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
    h_cand_dot = slope_h_cand * a_h_cand_dot
    # h_t = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t
    h_next_dot = one_minus_u * h_dot + (h_cand - h) * u_dot + u * h_cand_dot
    return State(h=h_next_dot)


@np.errstate(over="ignore", divide="ignore")
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
    W_u, W_r, W_h, U_u, U_r = params.W_u, params.W_r, params.W_h, params.U_u, params.U_r
    U_h, c_h = params.U_h, params.c_h
    x, h, u, one_minus_u, r = saved.x, saved.h, saved.u, saved.one_minus_u, saved.r
    one_minus_r, U_h_h, a_h_cand = saved.one_minus_r, saved.U_h_h, saved.a_h_cand
    h_cand = saved.h_cand
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
    # 1 - h'_t²
    exp_h_cand = np.exp(-2 * np.abs(a_h_cand))
    slope_h_cand = 4 * exp_h_cand / (1 + exp_h_cand) ** 2
    # h_t = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t
    dh_cand = dh_next * u
    # h'_t = tanh(a_{h'})
    da_h_cand = dh_cand * slope_h_cand
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    dU_h_h = da_h_cand * r
    dr = da_h_cand * (U_h_h + c_h)
    # Γ_r = σ(a_r)
    da_r = dr * one_minus_r * r
    # h_t = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t
    du = dh_next * (h_cand - h)
    # Γ_u = σ(a_u)
    da_u = du * one_minus_u * u
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    a_u_dot = x_dot @ W_u.T + h_dot @ U_u.T + x @ W_u_dot.T + h @ U_u_dot.T + b_u_dot
    # Γ_u = σ(a_u)
    u_dot = one_minus_u * u * a_u_dot
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    a_r_dot = x_dot @ W_r.T + h_dot @ U_r.T + x @ W_r_dot.T + h @ U_r_dot.T + b_r_dot
    # Γ_r = σ(a_r)
    r_dot = one_minus_r * r * a_r_dot
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
    h_cand_dot = slope_h_cand * a_h_cand_dot
    # h_t = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t
    dh_cand_dot = dh_next * u_dot
    # h'_t = tanh(a_{h'})
    da_h_cand_dot = dh_cand_dot * slope_h_cand - 2 * dh_cand * h_cand * h_cand_dot
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
    da_r_dot = dr * (1 - 2 * r) * r_dot + dr_dot * one_minus_r * r
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    dW_r_dot = da_r.T @ x_dot + da_r_dot.T @ x
    dU_r_dot = da_r.T @ h_dot + da_r_dot.T @ h
    db_r_dot = da_r_dot.sum(axis=0)
    # h_t = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t
    du_dot = dh_next * (h_cand_dot - h_dot)
    # Γ_u = σ(a_u)
    da_u_dot = du * (1 - 2 * u) * u_dot + du_dot * one_minus_u * u
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
        da_u_dot @ U_u
        + da_r_dot @ U_r
        + dU_h_h_dot @ U_h
        + da_u @ U_u_dot
        + da_r @ U_r_dot
        + dU_h_h @ U_h_dot
        - dh_next * u_dot
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


@np.errstate(over="ignore", divide="ignore")
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
    U_u, U_r, U_h, c_h = params.U_u, params.U_r, params.U_h, params.c_h
    h, u, one_minus_u, r = saved.h, saved.u, saved.one_minus_u, saved.r
    one_minus_r, U_h_h, a_h_cand = saved.one_minus_r, saved.U_h_h, saved.a_h_cand
    h_cand = saved.h_cand
    # 1 - h'_t²
    exp_h_cand = np.exp(-2 * np.abs(a_h_cand))
    slope_h_cand = 4 * exp_h_cand / (1 + exp_h_cand) ** 2
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    da_u_dh = U_u
    # Γ_u = σ(a_u)
    du_dh = (one_minus_u * u)[:, :, None] * da_u_dh
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    da_r_dh = U_r
    # Γ_r = σ(a_r)
    dr_dh = (one_minus_r * r)[:, :, None] * da_r_dh
    # U_h h_{t-1}
    dU_h_h_dh = U_h
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    da_h_cand_dh = r[:, :, None] * dU_h_h_dh + (U_h_h + c_h)[:, :, None] * dr_dh
    # h'_t = tanh(a_{h'})
    dh_cand_dh = slope_h_cand[:, :, None] * da_h_cand_dh
    # h_t = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t
    dh_next_dh = (
        one_minus_u[:, :, None] * np.eye(n_h, dtype=dtype)
        + (h_cand - h)[:, :, None] * du_dh
        + u[:, :, None] * dh_cand_dh
    )
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
        7 * n_h numbers per step and sample.
    """
    if checkpoint_every is not None:
        return _unroll_in_segments(params, xs, state0, checkpoint_every)
    sizes, dtype, *_ = _check("unroll", params, (xs,), state0)
    T, B, n_h = sizes["T"], sizes["B"], sizes["n_h"]
    add, exp, multiply, reciprocal, tanh = np.add, np.exp, np.multiply, np.reciprocal, np.tanh
    product = np.dot if B == 1 else np.matmul  # of one row, dot is faster
    one = np.array(1, dtype=dtype)
    W_h, U_h, b_h, c_h = params.W_h, params.U_h, params.b_h, params.c_h
    minus_W_u, minus_W_r, minus_U_u, minus_U_r = -params.W_u, -params.W_r, -params.U_u, -params.U_r
    minus_b_u, minus_b_r = -params.b_u, -params.b_r
    b_h_minus_b_u_minus_b_r = np.concatenate((b_h, minus_b_u, minus_b_r)).reshape(3, 1, n_h)
    minus_U_u_r_columns = _columns(np.concatenate((minus_U_u, minus_U_r)), 2, B)
    U_h_columns = _columns(U_h, 1, B)
    x_all = xs
    h_steps = np.empty((T + 1, B, n_h), dtype=dtype)
    h_steps[0] = state0.h
    h_all, h_next_all = h_steps[:-1], h_steps[1:]
    room_n_h = _gates(T, 7, B, n_h, dtype=dtype)
    a_h_cand_to_one_minus_r_all, U_h_h_all = room_n_h[:, :5], room_n_h[:, 5]
    h_cand_all = room_n_h[:, 6]
    # W_h x_t + b_h
    # -W_u x_t - b_u
    # -W_r x_t - b_r
    a_h_cand_to_minus_a_r_ahead_all = a_h_cand_to_one_minus_r_all[:, :3]
    _product(x_all, (W_h, minus_W_u, minus_W_r), a_h_cand_to_minus_a_r_ahead_all)
    add(
        a_h_cand_to_minus_a_r_ahead_all,
        b_h_minus_b_u_minus_b_r,
        out=a_h_cand_to_minus_a_r_ahead_all,
    )
    h = h_steps[0]
    spare_2_n_h = np.empty((2, B, n_h), dtype=dtype)
    spare_2_n_h_blocks = _blocks(spare_2_n_h, minus_U_u_r_columns)
    spare_n_h = np.empty((B, n_h), dtype=dtype)
    for (
        minus_a_u_r_ahead,
        inverse_exp_u_r,
        exp_u_to_inverse_exp_r,
        U_h_h,
        U_h_h_blocks,
        a_h_cand_ahead,
        r,
        h_cand,
        h_next,
        one_minus_u,
        u,
    ) in zip(
        a_h_cand_to_one_minus_r_all[:, 1:3],
        a_h_cand_to_one_minus_r_all[:, 3:],
        a_h_cand_to_one_minus_r_all[:, 1:],
        U_h_h_all,
        _blocks(U_h_h_all[:, None], U_h_columns),
        a_h_cand_to_one_minus_r_all[:, 0],
        a_h_cand_to_one_minus_r_all[:, 2],
        h_cand_all,
        h_next_all,
        a_h_cand_to_one_minus_r_all[:, 3],
        a_h_cand_to_one_minus_r_all[:, 1],
        strict=False,
    ):
        # -a_u = -(W_u x_t + U_u h_{t-1} + b_u)
        # -a_r = -(W_r x_t + U_r h_{t-1} + b_r)
        minus_a_u_r = minus_a_u_r_ahead
        product(h, minus_U_u_r_columns, out=spare_2_n_h_blocks)
        add(spare_2_n_h, minus_a_u_r_ahead, out=minus_a_u_r)
        # Γ_u = σ(a_u)
        # Γ_r = σ(a_r)
        exp_u_r = minus_a_u_r_ahead
        exp(minus_a_u_r, out=exp_u_r)
        # 1 - Γ_u
        # 1 - Γ_r
        reciprocal(exp_u_r, out=inverse_exp_u_r)
        # Γ_u = σ(a_u)
        # Γ_r = σ(a_r)
        # 1 - Γ_u
        # 1 - Γ_r
        u_r_one_minus_u_one_minus_r = exp_u_to_inverse_exp_r
        add(exp_u_to_inverse_exp_r, one, out=u_r_one_minus_u_one_minus_r)
        reciprocal(u_r_one_minus_u_one_minus_r, out=u_r_one_minus_u_one_minus_r)
        # U_h h_{t-1}
        product(h, U_h_columns, out=U_h_h_blocks)
        # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
        a_h_cand = a_h_cand_ahead
        add(U_h_h, c_h, out=spare_n_h)
        multiply(spare_n_h, r, out=spare_n_h)
        add(a_h_cand_ahead, spare_n_h, out=a_h_cand)
        # h'_t = tanh(a_{h'})
        tanh(a_h_cand, out=h_cand)
        # h_t = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t
        multiply(one_minus_u, h, out=h_next)
        multiply(u, h_cand, out=spare_n_h)
        add(h_next, spare_n_h, out=h_next)
        h = h_next
    tape = Tape(
        x=xs,
        h=h_all,
        u=a_h_cand_to_one_minus_r_all[:, 1],
        one_minus_u=a_h_cand_to_one_minus_r_all[:, 3],
        r=a_h_cand_to_one_minus_r_all[:, 2],
        one_minus_r=a_h_cand_to_one_minus_r_all[:, 4],
        U_h_h=U_h_h_all,
        a_h_cand=a_h_cand_to_one_minus_r_all[:, 0],
        h_cand=h_cand_all,
        h_next=h_next_all,
    )
    return State(h=h_next_all), tape


@np.errstate(over="ignore", divide="ignore")
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
    absolute, add, copyto, divide, exp = np.absolute, np.add, np.copyto, np.divide, np.exp
    multiply, square, subtract = np.multiply, np.square, np.subtract
    product = np.dot if B == 1 else np.matmul  # of one row, dot is faster
    one = np.array(1, dtype=dtype)
    four = np.array(4, dtype=dtype)
    minus_two = np.array(-2, dtype=dtype)
    W_u, W_r, W_h, U_u, U_r = params.W_u, params.W_r, params.W_h, params.U_u, params.U_r
    U_h, c_h = params.U_h, params.c_h
    U_h_r_u_columns = _columns(np.concatenate((U_h, U_r, U_u)).T, 1, B)
    steps = _chunk(T, B * (5 * n_h))
    da_u_by_dh_next_etc_chunk = np.empty((3, steps, B, n_h), dtype=dtype).swapaxes(0, 1)
    r_factor_da_r_by_da_h_cand_chunk = np.empty((2, steps, B, n_h), dtype=dtype).swapaxes(0, 1)
    dh_next = np.empty((B, n_h), dtype=dtype)
    dU_h_h_to_dh_flat = np.empty((T, B, 5, n_h), dtype=dtype)
    dU_h_h_to_dh_all = dU_h_h_to_dh_flat.swapaxes(1, 2)
    dh_next_later = np.zeros((B, n_h), dtype=dtype)
    spare_n_h = np.empty((B, n_h), dtype=dtype)
    spare_n_h_blocks = _blocks(spare_n_h[None], U_h_r_u_columns)
    for stop in range(T, 0, -steps):
        start = max(stop - steps, 0)
        back = slice(stop - 1, start - 1 if start else None, -1)
        da_u_by_dh_next_etc_all = da_u_by_dh_next_etc_chunk[: stop - start]
        r_factor_da_r_by_da_h_cand_all = r_factor_da_r_by_da_h_cand_chunk[: stop - start]
        h_all = tape.h[start:stop]
        u_all = tape.u[start:stop]
        one_minus_u_all = tape.one_minus_u[start:stop]
        r_all = tape.r[start:stop]
        one_minus_r_all = tape.one_minus_r[start:stop]
        U_h_h_all = tape.U_h_h[start:stop]
        a_h_cand_all = tape.a_h_cand[start:stop]
        h_cand_all = tape.h_cand[start:stop]
        dh_next_given_all = dnexts.h[start:stop]
        # 1 - h'_t²
        exp_h_cand_all = da_u_by_dh_next_etc_all[:, 1]
        absolute(a_h_cand_all, out=exp_h_cand_all)
        multiply(exp_h_cand_all, minus_two, out=exp_h_cand_all)
        exp(exp_h_cand_all, out=exp_h_cand_all)
        slope_h_cand_all = da_u_by_dh_next_etc_all[:, 1]
        spare = np.empty_like(slope_h_cand_all)
        add(exp_h_cand_all, one, out=spare)
        square(spare, out=spare)
        divide(exp_h_cand_all, spare, out=slope_h_cand_all)
        multiply(slope_h_cand_all, four, out=slope_h_cand_all)
        # Γ_u ∘ (1 - h'_t²)
        da_h_cand_by_dh_next_all = da_u_by_dh_next_etc_all[:, 1]
        multiply(u_all, slope_h_cand_all, out=da_h_cand_by_dh_next_all)
        # (U_h h_{t-1} + c_h) ∘ Γ_r ∘ (1 - Γ_r)
        da_r_by_da_h_cand_all = r_factor_da_r_by_da_h_cand_all[:, 1]
        add(U_h_h_all, c_h, out=da_r_by_da_h_cand_all)
        multiply(da_r_by_da_h_cand_all, one_minus_r_all, out=da_r_by_da_h_cand_all)
        multiply(da_r_by_da_h_cand_all, r_all, out=da_r_by_da_h_cand_all)
        # Γ_u ∘ (1 - Γ_u) ∘ (h'_t - h_{t-1})
        da_u_by_dh_next_all = da_u_by_dh_next_etc_all[:, 0]
        subtract(h_cand_all, h_all, out=da_u_by_dh_next_all)
        multiply(one_minus_u_all, da_u_by_dh_next_all, out=da_u_by_dh_next_all)
        multiply(da_u_by_dh_next_all, u_all, out=da_u_by_dh_next_all)
        # Γ_r
        r_factor_all = r_factor_da_r_by_da_h_cand_all[:, 0]
        copyto(r_factor_all, r_all)
        # 1 - Γ_u
        one_minus_u_factor_all = da_u_by_dh_next_etc_all[:, 2]
        copyto(one_minus_u_factor_all, one_minus_u_all)
        for (
            dh_next_given,
            da_u_to_dh_from_dh_next,
            da_u_by_dh_next_to_one_minus_u_factor,
            dU_h_h_da_r,
            da_h_cand,
            r_factor_da_r_by_da_h_cand,
            dh_from_dh_next,
            dU_h_h_da_r_da_u_row,
        ) in zip(
            dh_next_given_all[::-1],
            dU_h_h_to_dh_all[back, 2:],
            da_u_by_dh_next_etc_all[::-1],
            dU_h_h_to_dh_all[back, :2],
            dU_h_h_to_dh_all[back, 3],
            r_factor_da_r_by_da_h_cand_all[::-1],
            dU_h_h_to_dh_all[back, 4],
            dU_h_h_to_dh_flat.reshape(T, B, 5 * n_h)[back, :, : 3 * n_h],
            strict=False,
        ):
            add(dh_next_later, dh_next_given, out=dh_next)
            # Γ_u = σ(a_u)
            # h'_t = tanh(a_{h'})
            # h_{t-1} is in a_u, a_r, U_h h_{t-1}, h_t
            multiply(dh_next, da_u_by_dh_next_to_one_minus_u_factor, out=da_u_to_dh_from_dh_next)
            # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
            # Γ_r = σ(a_r)
            multiply(da_h_cand, r_factor_da_r_by_da_h_cand, out=dU_h_h_da_r)
            # h_{t-1} is in a_u, a_r, U_h h_{t-1}, h_t
            dh = dh_from_dh_next
            product(dU_h_h_da_r_da_u_row, U_h_r_u_columns, out=spare_n_h_blocks)
            add(spare_n_h, dh_from_dh_next, out=dh)
            dh_next_later = dh
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    da_r_u_h_cand_rows = dU_h_h_to_dh_flat.reshape(T * B, 5 * n_h)[:, n_h : 4 * n_h]
    x_rows = tape.x.reshape(T * B, n_x)
    dW_r_u_h = da_r_u_h_cand_rows.T @ x_rows
    dW_r = dW_r_u_h[:n_h]
    dW_u = dW_r_u_h[n_h : 2 * n_h]
    dW_h = dW_r_u_h[2 * n_h :]
    db_r_u_h = np.ones(T * B, dtype=dtype) @ da_r_u_h_cand_rows
    db_r = db_r_u_h[:n_h]
    db_u = db_r_u_h[n_h : 2 * n_h]
    db_h = db_r_u_h[2 * n_h :]
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    da_h_cand_rows = dU_h_h_to_dh_flat.reshape(T * B, 5 * n_h)[:, 3 * n_h : 4 * n_h]
    r_rows = tape.r.reshape(T * B, n_h)
    dc_h = (da_h_cand_rows * r_rows).sum(axis=0)
    # U_h h_{t-1}
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    dU_h_h_da_r_da_u_rows = dU_h_h_to_dh_flat.reshape(T * B, 5 * n_h)[:, : 3 * n_h]
    h_rows = tape.h.reshape(T * B, n_h)
    dU_h_r_u = dU_h_h_da_r_da_u_rows.T @ h_rows
    dU_h = dU_h_r_u[:n_h]
    dU_r = dU_h_r_u[n_h : 2 * n_h]
    dU_u = dU_h_r_u[2 * n_h :]
    # x_t is in a_u, a_r, a_{h'}
    W_r_u_h = np.concatenate((W_r, W_u, W_h))
    dx_rows = da_r_u_h_cand_rows @ W_r_u_h
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
    return dparams, dx_rows.reshape(T, B, n_x), State(h=dh_next_later.copy())


@np.errstate(over="ignore", divide="ignore")
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
    absolute, add, divide, exp, multiply = np.absolute, np.add, np.divide, np.exp, np.multiply
    square, subtract = np.square, np.subtract
    product = np.dot if B == 1 else np.matmul  # of one row, dot is faster
    one = np.array(1, dtype=dtype)
    four = np.array(4, dtype=dtype)
    minus_two = np.array(-2, dtype=dtype)
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
    b_u_r_dot = np.concatenate((b_u_dot, b_r_dot)).reshape(2, 1, n_h)
    U_u_r_h_columns = _columns(np.concatenate((U_u, U_r, U_h)), 3, B)
    x_all = tape.x
    h_all = tape.h
    u_all = tape.u
    one_minus_u_all = tape.one_minus_u
    r_all = tape.r
    one_minus_r_all = tape.one_minus_r
    U_h_h_all = tape.U_h_h
    a_h_cand_all = tape.a_h_cand
    h_cand_all = tape.h_cand
    x_dot_all = dxs
    work_n_h = _gates(T, 7, B, n_h, dtype=dtype)
    exp_h_cand_all, a_u_r_h_cand_dot_all = work_n_h[:, 0], work_n_h[:, 1:4]
    a_h_cand_dot_by_a_r_dot_all, a_h_cand_dot_ahead_all = work_n_h[:, 4], work_n_h[:, 5]
    h_next_dot_by_a_u_dot_all = work_n_h[:, 6]
    h_next_dot_all = np.empty((T, B, n_h), dtype=dtype)
    # 1 - h'_t²
    absolute(a_h_cand_all, out=exp_h_cand_all)
    multiply(exp_h_cand_all, minus_two, out=exp_h_cand_all)
    exp(exp_h_cand_all, out=exp_h_cand_all)
    slope_h_cand_all = exp_h_cand_all
    spare = np.empty_like(slope_h_cand_all)
    add(exp_h_cand_all, one, out=spare)
    square(spare, out=spare)
    divide(exp_h_cand_all, spare, out=slope_h_cand_all)
    multiply(slope_h_cand_all, four, out=slope_h_cand_all)
    # W_u ẋ_t + ḃ_u + Ẇ_u x_t + U̇_u h_{t-1}
    # W_r ẋ_t + ḃ_r + Ẇ_r x_t + U̇_r h_{t-1}
    a_u_r_dot_ahead_all = a_u_r_h_cand_dot_all[:, :2]
    spare = np.empty_like(a_u_r_dot_ahead_all)
    spare_j = np.empty_like(a_u_r_dot_ahead_all)
    _product(x_dot_all, (W_u, W_r), a_u_r_dot_ahead_all)
    _product(x_all, (W_u_dot, W_r_dot), spare)
    _product(h_all, (U_u_dot, U_r_dot), spare_j)
    add(a_u_r_dot_ahead_all, spare, out=a_u_r_dot_ahead_all)
    add(a_u_r_dot_ahead_all, spare_j, out=a_u_r_dot_ahead_all)
    add(a_u_r_dot_ahead_all, b_u_r_dot, out=a_u_r_dot_ahead_all)
    # U̇_h h_{t-1}
    U_h_h_dot_ahead_all = a_u_r_h_cand_dot_all[:, 2]
    _product(h_all, (U_h_dot,), U_h_h_dot_ahead_all[:, None])
    # (U_h h_{t-1} + c_h) ∘ Γ_r ∘ (1 - Γ_r)
    add(U_h_h_all, c_h, out=a_h_cand_dot_by_a_r_dot_all)
    multiply(a_h_cand_dot_by_a_r_dot_all, one_minus_r_all, out=a_h_cand_dot_by_a_r_dot_all)
    multiply(a_h_cand_dot_by_a_r_dot_all, r_all, out=a_h_cand_dot_by_a_r_dot_all)
    # W_h ẋ_t + ḃ_h + Ẇ_h x_t + Γ_r ∘ ċ_h
    spare = np.empty_like(a_h_cand_dot_ahead_all)
    spare_j = np.empty_like(a_h_cand_dot_ahead_all)
    _product(x_dot_all, (W_h,), a_h_cand_dot_ahead_all[:, None])
    _product(x_all, (W_h_dot,), spare[:, None])
    multiply(r_all, c_h_dot, out=spare_j)
    add(a_h_cand_dot_ahead_all, spare, out=a_h_cand_dot_ahead_all)
    add(a_h_cand_dot_ahead_all, b_h_dot, out=a_h_cand_dot_ahead_all)
    add(a_h_cand_dot_ahead_all, spare_j, out=a_h_cand_dot_ahead_all)
    # Γ_u ∘ (1 - h'_t²)
    h_next_dot_by_a_h_cand_dot_all = exp_h_cand_all
    multiply(u_all, slope_h_cand_all, out=h_next_dot_by_a_h_cand_dot_all)
    # Γ_u ∘ (1 - Γ_u) ∘ (h'_t - h_{t-1})
    subtract(h_cand_all, h_all, out=h_next_dot_by_a_u_dot_all)
    multiply(one_minus_u_all, h_next_dot_by_a_u_dot_all, out=h_next_dot_by_a_u_dot_all)
    multiply(h_next_dot_by_a_u_dot_all, u_all, out=h_next_dot_by_a_u_dot_all)
    h_dot = dstate0.h
    spare_3_n_h = np.empty((3, B, n_h), dtype=dtype)
    spare_3_n_h_blocks = _blocks(spare_3_n_h, U_u_r_h_columns)
    spare_n_h = np.empty((B, n_h), dtype=dtype)
    spare_j_n_h = np.empty((B, n_h), dtype=dtype)
    for (
        a_u_a_r_U_h_h_dot_ahead,
        U_h_h_dot,
        r,
        a_h_cand_dot_by_a_r_dot,
        a_r_dot,
        a_h_cand_dot_ahead,
        h_next_dot,
        one_minus_u,
        h_next_dot_by_a_u_dot,
        a_u_dot,
        h_next_dot_by_a_h_cand_dot,
    ) in zip(
        a_u_r_h_cand_dot_all,
        a_u_r_h_cand_dot_all[:, 2],
        r_all,
        a_h_cand_dot_by_a_r_dot_all,
        a_u_r_h_cand_dot_all[:, 1],
        a_h_cand_dot_ahead_all,
        h_next_dot_all,
        one_minus_u_all,
        h_next_dot_by_a_u_dot_all,
        a_u_r_h_cand_dot_all[:, 0],
        exp_h_cand_all,
        strict=False,
    ):
        # a_u = W_u x_t + U_u h_{t-1} + b_u
        # a_r = W_r x_t + U_r h_{t-1} + b_r
        # U_h h_{t-1}
        a_u_a_r_U_h_h_dot = a_u_a_r_U_h_h_dot_ahead
        product(h_dot, U_u_r_h_columns, out=spare_3_n_h_blocks)
        add(spare_3_n_h, a_u_a_r_U_h_h_dot_ahead, out=a_u_a_r_U_h_h_dot)
        # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
        a_h_cand_dot = U_h_h_dot
        multiply(r, U_h_h_dot, out=a_h_cand_dot)
        multiply(a_h_cand_dot_by_a_r_dot, a_r_dot, out=spare_n_h)
        add(a_h_cand_dot_ahead, a_h_cand_dot, out=a_h_cand_dot)
        add(a_h_cand_dot, spare_n_h, out=a_h_cand_dot)
        # h_t = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t
        multiply(one_minus_u, h_dot, out=h_next_dot)
        multiply(h_next_dot_by_a_u_dot, a_u_dot, out=spare_n_h)
        multiply(h_next_dot_by_a_h_cand_dot, a_h_cand_dot, out=spare_j_n_h)
        add(h_next_dot, spare_n_h, out=h_next_dot)
        add(h_next_dot, spare_j_n_h, out=h_next_dot)
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


def _columns(weights: Array, G: int, B: int) -> Array:
    """Weights of G gates (G n, k) for products with B rows: (G, n / width, k, width).

    The blocks of columns are as wide as BLAS multiplies without packing, which is much faster. For
    a single row they are one matrix.
    """
    rows, k = weights.shape
    if B == 1:
        return np.ascontiguousarray(weights.T)
    n = rows // G
    widths = [width for width in (256, 128, 64, 32, 16) if n % width == 0]
    small = [width for width in widths if B * k * width <= 1_000_000]
    width = (small or widths[:1] or [n])[0]
    return np.ascontiguousarray(weights.reshape(G, n // width, width, k).swapaxes(2, 3))


def _blocks(out: Array, weights: Array) -> Array:
    """The view of results (..., G, B, n) that a product with `_columns` fills.

    The gates of a single row must lie in one piece.
    """
    *lead, G, B, n = out.shape
    if weights.ndim == 2:
        return out.reshape(*lead, B, G * n)
    width = weights.shape[-1]
    return out.reshape(*lead, G, B, n // width, width).swapaxes(-3, -2)


def _chunk(T: int, values: int) -> int:
    """How many steps are computed at once: as many as fit into the cache, but at least 8.

    Args:
        T: all steps.
        values: how many a step computes.
    """
    return max(1, min(T, max(8, 131_072 // max(values, 1))))


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
