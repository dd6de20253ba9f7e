"""LSTM with coupled input and forget gate, f = 1 - i, and diagonal peepholes.

    i_t = σ(W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i)
    g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)
    c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
    o_t = σ(W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o)
    h_t = o_t ∘ tanh(c_t)

Generated from equations/cells/lstm_coupled.py by `gateproof generate lstm_coupled`: change that
file, not this one. B is the batch, T the number of time steps. MIT licence; see LICENSE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, cast, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

_CELL = "lstm_coupled"
_DTYPES = (np.float32, np.float64)
_ARRAYS = frozenset({np.ndarray, *_DTYPES, type(None)})
_COUNTS_STEPS = False
_PARAMS = {
    "W_i": "n_h n_x",
    "W_o": "n_h n_x",
    "W_g": "n_h n_x",
    "U_i": "n_h n_h",
    "U_o": "n_h n_h",
    "U_g": "n_h n_h",
    "p_i": "n_h",
    "p_o": "n_h",
    "b_i": "n_h",
    "b_o": "n_h",
    "b_g": "n_h",
}
_INPUTS = {"x": "n_x"}
_STATE = {"h": "n_h", "c": "n_h"}
_NEXT = {"h": "n_h", "c": "n_h"}
_SAVED = {
    "x": "n_x",
    "h": "n_h",
    "c": "n_h",
    "i": "n_h",
    "one_minus_i": "n_h",
    "a_g": "n_h",
    "g": "n_h",
    "c_next": "n_h",
    "o": "n_h",
    "one_minus_o": "n_h",
    "tanh_c_next": "n_h",
    "h_next": "n_h",
}


class Params(NamedTuple):
    """The parameters."""

    W_i: Array  # (n_h, n_x)
    W_o: Array  # (n_h, n_x)
    W_g: Array  # (n_h, n_x)
    U_i: Array  # (n_h, n_h)
    U_o: Array  # (n_h, n_h)
    U_g: Array  # (n_h, n_h)
    p_i: Array  # (n_h,)
    p_o: Array  # (n_h,)
    b_i: Array  # (n_h,)
    b_o: Array  # (n_h,)
    b_g: Array  # (n_h,)


class State(NamedTuple):
    """The state."""

    h: Array  # (B, n_h)
    c: Array  # (B, n_h)


class Saved(NamedTuple):
    """The values of the equations in one step."""

    x: Array  # (B, n_x)
    h: Array  # (B, n_h)
    c: Array  # (B, n_h)
    i: Array  # (B, n_h)
    one_minus_i: Array  # (B, n_h)
    a_g: Array  # (B, n_h)
    g: Array  # (B, n_h)
    c_next: Array  # (B, n_h)
    o: Array  # (B, n_h)
    one_minus_o: Array  # (B, n_h)
    tanh_c_next: Array  # (B, n_h)
    h_next: Array  # (B, n_h)


class Tape(NamedTuple):
    """The values of the equations in all steps."""

    x: Array  # (T, B, n_x)
    h: Array  # (T, B, n_h)
    c: Array  # (T, B, n_h)
    i: Array  # (T, B, n_h)
    one_minus_i: Array  # (T, B, n_h)
    a_g: Array  # (T, B, n_h)
    g: Array  # (T, B, n_h)
    c_next: Array  # (T, B, n_h)
    o: Array  # (T, B, n_h)
    one_minus_o: Array  # (T, B, n_h)
    tanh_c_next: Array  # (T, B, n_h)
    h_next: Array  # (T, B, n_h)


class Checkpoints(NamedTuple):
    """What is kept of a sequence when the rest is to be computed again."""

    x: Array  # all steps
    states: tuple[State, ...]  # before the first of every so many steps
    every: int


class Jacobian(NamedTuple):
    """The derivatives of every new state by every old one."""

    h: State
    c: State


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
        W_i=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_o=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_g=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        U_i=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        U_o=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        U_g=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        p_i=np.zeros((n_h,), dtype=dtype),
        p_o=np.zeros((n_h,), dtype=dtype),
        b_i=np.zeros((n_h,), dtype=dtype),
        b_o=np.zeros((n_h,), dtype=dtype),
        b_g=np.zeros((n_h,), dtype=dtype),
    )


@np.errstate(over="ignore", divide="ignore")
def step(params: Params, x: Array, state: State) -> tuple[State, Saved]:
    """One time step: the new state, and the values of the equations for its derivatives.

    Args:
        params: the parameters.
        x: the input, x (B, n_x).
        state: the old state, h (B, n_h), c (B, n_h).

    Returns:
        h (B, n_h), c (B, n_h).
        The values of the equations, which may refer to arguments and results: do not change them.
    """
    _check("step", params, (x,), state)
    W_i, W_o, W_g, U_i, U_o, U_g, p_i, p_o, b_i, b_o, b_g = params
    h, c = state
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    a_i = x @ W_i.T + h @ U_i.T + p_i * c + b_i
    # i_t = σ(a_i)
    exp_i = np.exp(-a_i)
    i = 1 / (1 + exp_i)
    # 1 - i_t
    one_minus_i = 1 / (1 + 1 / exp_i)
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    a_g = x @ W_g.T + h @ U_g.T + b_g
    # g_t = tanh(a_g)
    g = np.tanh(a_g)
    # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
    c_next = one_minus_i * c + i * g
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    a_o = x @ W_o.T + h @ U_o.T + p_o * c_next + b_o
    # o_t = σ(a_o)
    exp_o = np.exp(-a_o)
    o = 1 / (1 + exp_o)
    # 1 - o_t
    one_minus_o = 1 / (1 + 1 / exp_o)
    # tanh(c_t)
    tanh_c_next = np.tanh(c_next)
    # h_t = o_t ∘ tanh(c_t)
    h_next = o * tanh_c_next
    saved = Saved(
        x=x,
        h=h,
        c=c,
        i=i,
        one_minus_i=one_minus_i,
        a_g=a_g,
        g=g,
        c_next=c_next,
        o=o,
        one_minus_o=one_minus_o,
        tanh_c_next=tanh_c_next,
        h_next=h_next,
    )
    return State(h=h_next, c=c_next), saved


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
    W_i, W_o, W_g, U_i, U_o = params.W_i, params.W_o, params.W_g, params.U_i, params.U_o
    U_g, p_i, p_o = params.U_g, params.p_i, params.p_o
    x, h, c, i, one_minus_i, a_g = saved.x, saved.h, saved.c, saved.i, saved.one_minus_i, saved.a_g
    g, c_next, o, one_minus_o = saved.g, saved.c_next, saved.o, saved.one_minus_o
    tanh_c_next = saved.tanh_c_next
    dh_next, dc_next_given = dnext
    # 1 - g_t²
    exp_g = np.exp(-2 * np.abs(a_g))
    slope_g = 4 * exp_g / (1 + exp_g) ** 2
    # 1 - tanh²(c_t)
    exp_tanh_c_next = np.exp(-2 * np.abs(c_next))
    slope_tanh_c_next = 4 * exp_tanh_c_next / (1 + exp_tanh_c_next) ** 2
    # h_t = o_t ∘ tanh(c_t)
    dtanh_c_next = dh_next * o
    do = dh_next * tanh_c_next
    # o_t = σ(a_o)
    da_o = do * o * one_minus_o
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    dW_o = da_o.T @ x
    dU_o = da_o.T @ h
    dp_o = (da_o * c_next).sum(axis=0)
    db_o = da_o.sum(axis=0)
    # c_t is in a_o, tanh(c_t)
    dc_next = dc_next_given + dtanh_c_next * slope_tanh_c_next + da_o * p_o
    # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
    dg = dc_next * i
    # g_t = tanh(a_g)
    da_g = dg * slope_g
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    dW_g = da_g.T @ x
    dU_g = da_g.T @ h
    db_g = da_g.sum(axis=0)
    # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
    di = dc_next * (g - c)
    # i_t = σ(a_i)
    da_i = di * i * one_minus_i
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    dW_i = da_i.T @ x
    dU_i = da_i.T @ h
    dp_i = (da_i * c).sum(axis=0)
    db_i = da_i.sum(axis=0)
    # x_t is in a_i, a_g, a_o
    dx = da_i @ W_i + da_o @ W_o + da_g @ W_g
    # h_{t-1} is in a_i, a_g, a_o
    dh = da_i @ U_i + da_o @ U_o + da_g @ U_g
    # c_{t-1} is in a_i, c_t
    dc = dc_next * one_minus_i + da_i * p_i
    dparams = Params(
        W_i=dW_i,
        W_o=dW_o,
        W_g=dW_g,
        U_i=dU_i,
        U_o=dU_o,
        U_g=dU_g,
        p_i=dp_i,
        p_o=dp_o,
        b_i=db_i,
        b_o=db_o,
        b_g=db_g,
    )
    return dparams, dx, State(h=dh, c=dc)


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
        h (B, n_h), c (B, n_h).
    """
    *_, dparams, (dx,), dstate = _check("step_jvp", params, saved, dparams, (dx,), dstate)
    W_i, W_o, W_g, U_i, U_o = params.W_i, params.W_o, params.W_g, params.U_i, params.U_o
    U_g, p_i, p_o = params.U_g, params.p_i, params.p_o
    x, h, c, i, one_minus_i, a_g = saved.x, saved.h, saved.c, saved.i, saved.one_minus_i, saved.a_g
    g, c_next, o, one_minus_o = saved.g, saved.c_next, saved.o, saved.one_minus_o
    tanh_c_next = saved.tanh_c_next
    (
        W_i_dot,
        W_o_dot,
        W_g_dot,
        U_i_dot,
        U_o_dot,
        U_g_dot,
        p_i_dot,
        p_o_dot,
        b_i_dot,
        b_o_dot,
        b_g_dot,
    ) = dparams
    x_dot = dx
    h_dot, c_dot = dstate
    # 1 - g_t²
    exp_g = np.exp(-2 * np.abs(a_g))
    slope_g = 4 * exp_g / (1 + exp_g) ** 2
    # 1 - tanh²(c_t)
    exp_tanh_c_next = np.exp(-2 * np.abs(c_next))
    slope_tanh_c_next = 4 * exp_tanh_c_next / (1 + exp_tanh_c_next) ** 2
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    a_i_dot = (
        x_dot @ W_i.T
        + h_dot @ U_i.T
        + p_i * c_dot
        + x @ W_i_dot.T
        + h @ U_i_dot.T
        + c * p_i_dot
        + b_i_dot
    )
    # i_t = σ(a_i)
    i_dot = i * one_minus_i * a_i_dot
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    a_g_dot = x_dot @ W_g.T + h_dot @ U_g.T + x @ W_g_dot.T + h @ U_g_dot.T + b_g_dot
    # g_t = tanh(a_g)
    g_dot = slope_g * a_g_dot
    # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
    c_next_dot = one_minus_i * c_dot + (g - c) * i_dot + i * g_dot
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    a_o_dot = (
        x_dot @ W_o.T
        + h_dot @ U_o.T
        + p_o * c_next_dot
        + x @ W_o_dot.T
        + h @ U_o_dot.T
        + c_next * p_o_dot
        + b_o_dot
    )
    # o_t = σ(a_o)
    o_dot = o * one_minus_o * a_o_dot
    # tanh(c_t)
    tanh_c_next_dot = slope_tanh_c_next * c_next_dot
    # h_t = o_t ∘ tanh(c_t)
    h_next_dot = tanh_c_next * o_dot + o * tanh_c_next_dot
    return State(h=h_next_dot, c=c_next_dot)


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
    W_i, W_o, W_g, U_i, U_o = params.W_i, params.W_o, params.W_g, params.U_i, params.U_o
    U_g, p_i, p_o = params.U_g, params.p_i, params.p_o
    x, h, c, i, one_minus_i, a_g = saved.x, saved.h, saved.c, saved.i, saved.one_minus_i, saved.a_g
    g, c_next, o, one_minus_o = saved.g, saved.c_next, saved.o, saved.one_minus_o
    tanh_c_next = saved.tanh_c_next
    dh_next, dc_next_given = dnext
    (
        W_i_dot,
        W_o_dot,
        W_g_dot,
        U_i_dot,
        U_o_dot,
        U_g_dot,
        p_i_dot,
        p_o_dot,
        b_i_dot,
        b_o_dot,
        b_g_dot,
    ) = dparams
    x_dot = dx
    h_dot, c_dot = dstate
    # 1 - g_t²
    exp_g = np.exp(-2 * np.abs(a_g))
    slope_g = 4 * exp_g / (1 + exp_g) ** 2
    # 1 - tanh²(c_t)
    exp_tanh_c_next = np.exp(-2 * np.abs(c_next))
    slope_tanh_c_next = 4 * exp_tanh_c_next / (1 + exp_tanh_c_next) ** 2
    # h_t = o_t ∘ tanh(c_t)
    dtanh_c_next = dh_next * o
    do = dh_next * tanh_c_next
    # o_t = σ(a_o)
    da_o = do * o * one_minus_o
    # c_t is in a_o, tanh(c_t)
    dc_next = dc_next_given + dtanh_c_next * slope_tanh_c_next + da_o * p_o
    # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
    dg = dc_next * i
    # g_t = tanh(a_g)
    da_g = dg * slope_g
    # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
    di = dc_next * (g - c)
    # i_t = σ(a_i)
    da_i = di * i * one_minus_i
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    a_i_dot = (
        x_dot @ W_i.T
        + h_dot @ U_i.T
        + p_i * c_dot
        + x @ W_i_dot.T
        + h @ U_i_dot.T
        + c * p_i_dot
        + b_i_dot
    )
    # i_t = σ(a_i)
    i_dot = i * one_minus_i * a_i_dot
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    a_g_dot = x_dot @ W_g.T + h_dot @ U_g.T + x @ W_g_dot.T + h @ U_g_dot.T + b_g_dot
    # g_t = tanh(a_g)
    g_dot = slope_g * a_g_dot
    # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
    c_next_dot = one_minus_i * c_dot + (g - c) * i_dot + i * g_dot
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    a_o_dot = (
        x_dot @ W_o.T
        + h_dot @ U_o.T
        + p_o * c_next_dot
        + x @ W_o_dot.T
        + h @ U_o_dot.T
        + c_next * p_o_dot
        + b_o_dot
    )
    # o_t = σ(a_o)
    o_dot = o * one_minus_o * a_o_dot
    # tanh(c_t)
    tanh_c_next_dot = slope_tanh_c_next * c_next_dot
    # h_t = o_t ∘ tanh(c_t)
    dtanh_c_next_dot = dh_next * o_dot
    do_dot = dh_next * tanh_c_next_dot
    # o_t = σ(a_o)
    da_o_dot = do * (1 - 2 * o) * o_dot + do_dot * o * one_minus_o
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    dW_o_dot = da_o.T @ x_dot + da_o_dot.T @ x
    dU_o_dot = da_o.T @ h_dot + da_o_dot.T @ h
    dp_o_dot = (da_o * c_next_dot).sum(axis=0) + (da_o_dot * c_next).sum(axis=0)
    db_o_dot = da_o_dot.sum(axis=0)
    # c_t is in a_o, tanh(c_t)
    dc_next_dot = (
        dtanh_c_next_dot * slope_tanh_c_next
        + da_o_dot * p_o
        + da_o * p_o_dot
        - 2 * dtanh_c_next * tanh_c_next * tanh_c_next_dot
    )
    # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
    dg_dot = dc_next * i_dot + dc_next_dot * i
    # g_t = tanh(a_g)
    da_g_dot = dg_dot * slope_g - 2 * dg * g * g_dot
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    dW_g_dot = da_g.T @ x_dot + da_g_dot.T @ x
    dU_g_dot = da_g.T @ h_dot + da_g_dot.T @ h
    db_g_dot = da_g_dot.sum(axis=0)
    # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
    di_dot = dc_next * g_dot + dc_next_dot * (g - c) - dc_next * c_dot
    # i_t = σ(a_i)
    da_i_dot = di * (1 - 2 * i) * i_dot + di_dot * i * one_minus_i
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    dW_i_dot = da_i.T @ x_dot + da_i_dot.T @ x
    dU_i_dot = da_i.T @ h_dot + da_i_dot.T @ h
    dp_i_dot = (da_i * c_dot).sum(axis=0) + (da_i_dot * c).sum(axis=0)
    db_i_dot = da_i_dot.sum(axis=0)
    # x_t is in a_i, a_g, a_o
    dx_dot = (
        da_i_dot @ W_i
        + da_o_dot @ W_o
        + da_g_dot @ W_g
        + da_i @ W_i_dot
        + da_o @ W_o_dot
        + da_g @ W_g_dot
    )
    # h_{t-1} is in a_i, a_g, a_o
    dh_dot = (
        da_i_dot @ U_i
        + da_o_dot @ U_o
        + da_g_dot @ U_g
        + da_i @ U_i_dot
        + da_o @ U_o_dot
        + da_g @ U_g_dot
    )
    # c_{t-1} is in a_i, c_t
    dc_dot = dc_next_dot * one_minus_i + da_i_dot * p_i + da_i * p_i_dot - dc_next * i_dot
    dparams = Params(
        W_i=dW_i_dot,
        W_o=dW_o_dot,
        W_g=dW_g_dot,
        U_i=dU_i_dot,
        U_o=dU_o_dot,
        U_g=dU_g_dot,
        p_i=dp_i_dot,
        p_o=dp_o_dot,
        b_i=db_i_dot,
        b_o=db_o_dot,
        b_g=db_g_dot,
    )
    return dparams, dx_dot, State(h=dh_dot, c=dc_dot)


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
    U_i, U_o, U_g, p_i, p_o = params.U_i, params.U_o, params.U_g, params.p_i, params.p_o
    c, i, one_minus_i, a_g, g = saved.c, saved.i, saved.one_minus_i, saved.a_g, saved.g
    c_next, o, one_minus_o = saved.c_next, saved.o, saved.one_minus_o
    tanh_c_next = saved.tanh_c_next
    # 1 - g_t²
    exp_g = np.exp(-2 * np.abs(a_g))
    slope_g = 4 * exp_g / (1 + exp_g) ** 2
    # 1 - tanh²(c_t)
    exp_tanh_c_next = np.exp(-2 * np.abs(c_next))
    slope_tanh_c_next = 4 * exp_tanh_c_next / (1 + exp_tanh_c_next) ** 2
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    da_i_dh = U_i
    # i_t = σ(a_i)
    di_dh = (i * one_minus_i)[:, :, None] * da_i_dh
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    da_g_dh = U_g
    # g_t = tanh(a_g)
    dg_dh = slope_g[:, :, None] * da_g_dh
    # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
    dc_next_dh = (g - c)[:, :, None] * di_dh + i[:, :, None] * dg_dh
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    da_o_dh = U_o + p_o[:, None] * dc_next_dh
    # o_t = σ(a_o)
    do_dh = (o * one_minus_o)[:, :, None] * da_o_dh
    # tanh(c_t)
    dtanh_c_next_dh = slope_tanh_c_next[:, :, None] * dc_next_dh
    # h_t = o_t ∘ tanh(c_t)
    dh_next_dh = tanh_c_next[:, :, None] * do_dh + o[:, :, None] * dtanh_c_next_dh
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    da_i_dc = p_i[:, None] * np.eye(n_h, dtype=dtype)
    # i_t = σ(a_i)
    di_dc = (i * one_minus_i)[:, :, None] * da_i_dc
    # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
    dc_next_dc = one_minus_i[:, :, None] * np.eye(n_h, dtype=dtype) + (g - c)[:, :, None] * di_dc
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    da_o_dc = p_o[:, None] * dc_next_dc
    # o_t = σ(a_o)
    do_dc = (o * one_minus_o)[:, :, None] * da_o_dc
    # tanh(c_t)
    dtanh_c_next_dc = slope_tanh_c_next[:, :, None] * dc_next_dc
    # h_t = o_t ∘ tanh(c_t)
    dh_next_dc = tanh_c_next[:, :, None] * do_dc + o[:, :, None] * dtanh_c_next_dc
    return Jacobian(h=State(h=dh_next_dh, c=dh_next_dc), c=State(h=dc_next_dh, c=dc_next_dc))


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
        state0: the first state, h (B, n_h), c (B, n_h).
        checkpoint_every: keep the states of every so many steps alone, and compute the rest again
            on the way back: less memory for more time. The gradients are the same but for rounding.

    Returns:
        h (T, B, n_h), c (T, B, n_h).
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
    W_g, U_g, b_g = params.W_g, params.U_g, params.b_g
    minus_W_i, minus_W_o, minus_U_i, minus_U_o = -params.W_i, -params.W_o, -params.U_i, -params.U_o
    minus_p_i, minus_p_o, minus_b_i, minus_b_o = -params.p_i, -params.p_o, -params.b_i, -params.b_o
    minus_b_i_b_g_minus_b_o = np.concatenate((minus_b_i, b_g, minus_b_o)).reshape(3, 1, n_h)
    minus_U_i_columns = _columns(minus_U_i, 1, B)
    U_g_columns = _columns(U_g, 1, B)
    minus_U_o_columns = _columns(minus_U_o, 1, B)
    x_all = xs
    h_steps = np.empty((T + 1, B, n_h), dtype=dtype)
    h_steps[0] = state0.h
    h_all, h_next_all = h_steps[:-1], h_steps[1:]
    c_steps = np.empty((T + 1, B, n_h), dtype=dtype)
    c_steps[0] = state0.c
    c_all, c_next_all = c_steps[:-1], c_steps[1:]
    room_n_h = _gates(T, 7, B, n_h, dtype=dtype)
    one_minus_i_to_one_minus_o_all, g_all = room_n_h[:, :5], room_n_h[:, 5]
    tanh_c_next_all = room_n_h[:, 6]
    # -W_i x_t - b_i
    # W_g x_t + b_g
    # -W_o x_t - b_o
    minus_a_i_to_minus_a_o_ahead_all = one_minus_i_to_one_minus_o_all[:, 1:4]
    _product(x_all, (minus_W_i, W_g, minus_W_o), minus_a_i_to_minus_a_o_ahead_all)
    add(
        minus_a_i_to_minus_a_o_ahead_all,
        minus_b_i_b_g_minus_b_o,
        out=minus_a_i_to_minus_a_o_ahead_all,
    )
    h = h_steps[0]
    c = c_steps[0]
    spare_n_h = np.empty((B, n_h), dtype=dtype)
    spare_n_h_blocks = _blocks(spare_n_h[None], minus_U_i_columns)
    spare_j_n_h = np.empty((B, n_h), dtype=dtype)
    for (
        minus_a_i_ahead,
        inverse_exp_i,
        inverse_exp_exp_i,
        a_g_ahead,
        g,
        c_next,
        minus_a_o_ahead,
        inverse_exp_o,
        exp_inverse_exp_o,
        tanh_c_next,
        h_next,
    ) in zip(
        one_minus_i_to_one_minus_o_all[:, 1],
        one_minus_i_to_one_minus_o_all[:, 0],
        one_minus_i_to_one_minus_o_all[:, :2],
        one_minus_i_to_one_minus_o_all[:, 2],
        g_all,
        c_next_all,
        one_minus_i_to_one_minus_o_all[:, 3],
        one_minus_i_to_one_minus_o_all[:, 4],
        one_minus_i_to_one_minus_o_all[:, 3:],
        tanh_c_next_all,
        h_next_all,
        strict=False,
    ):
        # -a_i = -(W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i)
        minus_a_i = minus_a_i_ahead
        product(h, minus_U_i_columns, out=spare_n_h_blocks)
        multiply(minus_p_i, c, out=spare_j_n_h)
        add(spare_n_h, minus_a_i_ahead, out=minus_a_i)
        add(minus_a_i, spare_j_n_h, out=minus_a_i)
        # i_t = σ(a_i)
        exp_i = minus_a_i_ahead
        exp(minus_a_i, out=exp_i)
        # 1 - i_t
        reciprocal(exp_i, out=inverse_exp_i)
        # 1 - i_t
        # i_t = σ(a_i)
        one_minus_i_i = inverse_exp_exp_i
        add(inverse_exp_exp_i, one, out=one_minus_i_i)
        reciprocal(one_minus_i_i, out=one_minus_i_i)
        # a_g = W_g x_t + U_g h_{t-1} + b_g
        a_g = a_g_ahead
        product(h, U_g_columns, out=spare_n_h_blocks)
        add(spare_n_h, a_g_ahead, out=a_g)
        # g_t = tanh(a_g)
        tanh(a_g, out=g)
        # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
        one_minus_i = inverse_exp_i
        i = minus_a_i_ahead
        multiply(one_minus_i, c, out=c_next)
        multiply(i, g, out=spare_n_h)
        add(c_next, spare_n_h, out=c_next)
        # -a_o = -(W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o)
        minus_a_o = minus_a_o_ahead
        product(h, minus_U_o_columns, out=spare_n_h_blocks)
        multiply(minus_p_o, c_next, out=spare_j_n_h)
        add(spare_n_h, minus_a_o_ahead, out=minus_a_o)
        add(minus_a_o, spare_j_n_h, out=minus_a_o)
        # o_t = σ(a_o)
        exp_o = minus_a_o_ahead
        exp(minus_a_o, out=exp_o)
        # 1 - o_t
        reciprocal(exp_o, out=inverse_exp_o)
        # o_t = σ(a_o)
        # 1 - o_t
        o_one_minus_o = exp_inverse_exp_o
        add(exp_inverse_exp_o, one, out=o_one_minus_o)
        reciprocal(o_one_minus_o, out=o_one_minus_o)
        # tanh(c_t)
        tanh(c_next, out=tanh_c_next)
        # h_t = o_t ∘ tanh(c_t)
        o = minus_a_o_ahead
        multiply(o, tanh_c_next, out=h_next)
        h = h_next
        c = c_next
    tape = Tape(
        x=xs,
        h=h_all,
        c=c_all,
        i=one_minus_i_to_one_minus_o_all[:, 1],
        one_minus_i=one_minus_i_to_one_minus_o_all[:, 0],
        a_g=one_minus_i_to_one_minus_o_all[:, 2],
        g=g_all,
        c_next=c_next_all,
        o=one_minus_i_to_one_minus_o_all[:, 3],
        one_minus_o=one_minus_i_to_one_minus_o_all[:, 4],
        tanh_c_next=tanh_c_next_all,
        h_next=h_next_all,
    )
    return State(h=h_next_all, c=c_next_all), tape


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
    c_is_given = getattr(dnexts, "c", None) is not None
    sizes, dtype, *_, dnexts = _check("unroll_vjp", params, tape, dnexts)
    T, B, n_x, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_h"]
    absolute, add, copyto, divide, exp = np.absolute, np.add, np.copyto, np.divide, np.exp
    multiply, square, subtract = np.multiply, np.square, np.subtract
    product = np.dot if B == 1 else np.matmul  # of one row, dot is faster
    one = np.array(1, dtype=dtype)
    four = np.array(4, dtype=dtype)
    minus_two = np.array(-2, dtype=dtype)
    W_i, W_o, W_g, U_i, U_o = params.W_i, params.W_o, params.W_g, params.U_i, params.U_o
    U_g, p_i, p_o = params.U_g, params.p_i, params.p_o
    U_o_g_i_columns = _columns(np.concatenate((U_o, U_g, U_i)).T, 1, B)
    steps = _chunk(T, B * (5 * n_h))
    exp_g_to_one_minus_i_factor_chunk = np.empty((3, steps, B, n_h), dtype=dtype).swapaxes(0, 1)
    dc_next_da_o_by_dh_next_chunk = np.empty((2, steps, B, n_h), dtype=dtype).swapaxes(0, 1)
    dh_next = np.empty((B, n_h), dtype=dtype)
    dc_next_da_o_da_g_da_i_dc_flat = np.empty((T, B, 5, n_h), dtype=dtype)
    dc_next_da_o_da_g_da_i_dc_all = dc_next_da_o_da_g_da_i_dc_flat.swapaxes(1, 2)
    dh_next_later = np.zeros((B, n_h), dtype=dtype)
    dc_next_later = np.zeros((B, n_h), dtype=dtype)
    dh = dh_next_later
    spare_n_h = np.empty((B, n_h), dtype=dtype)
    dh_blocks = _blocks(dh[None], U_o_g_i_columns)
    for stop in range(T, 0, -steps):
        start = max(stop - steps, 0)
        back = slice(stop - 1, start - 1 if start else None, -1)
        exp_g_to_one_minus_i_factor_all = exp_g_to_one_minus_i_factor_chunk[: stop - start]
        dc_next_da_o_by_dh_next_all = dc_next_da_o_by_dh_next_chunk[: stop - start]
        c_all = tape.c[start:stop]
        i_all = tape.i[start:stop]
        one_minus_i_all = tape.one_minus_i[start:stop]
        a_g_all = tape.a_g[start:stop]
        g_all = tape.g[start:stop]
        c_next_all = tape.c_next[start:stop]
        o_all = tape.o[start:stop]
        one_minus_o_all = tape.one_minus_o[start:stop]
        tanh_c_next_all = tape.tanh_c_next[start:stop]
        dh_next_given_all = dnexts.h[start:stop]
        dc_next_given_all = dnexts.c[start:stop]
        # 1 - g_t²
        exp_g_all = exp_g_to_one_minus_i_factor_all[:, 0]
        absolute(a_g_all, out=exp_g_all)
        multiply(exp_g_all, minus_two, out=exp_g_all)
        exp(exp_g_all, out=exp_g_all)
        slope_g_all = exp_g_to_one_minus_i_factor_all[:, 0]
        spare = np.empty_like(slope_g_all)
        add(exp_g_all, one, out=spare)
        square(spare, out=spare)
        divide(exp_g_all, spare, out=slope_g_all)
        multiply(slope_g_all, four, out=slope_g_all)
        # 1 - tanh²(c_t)
        exp_tanh_c_next_all = dc_next_da_o_by_dh_next_all[:, 0]
        absolute(c_next_all, out=exp_tanh_c_next_all)
        multiply(exp_tanh_c_next_all, minus_two, out=exp_tanh_c_next_all)
        exp(exp_tanh_c_next_all, out=exp_tanh_c_next_all)
        slope_tanh_c_next_all = dc_next_da_o_by_dh_next_all[:, 0]
        spare = np.empty_like(slope_tanh_c_next_all)
        add(exp_tanh_c_next_all, one, out=spare)
        square(spare, out=spare)
        divide(exp_tanh_c_next_all, spare, out=slope_tanh_c_next_all)
        multiply(slope_tanh_c_next_all, four, out=slope_tanh_c_next_all)
        # o_t ∘ tanh(c_t) ∘ (1 - o_t)
        da_o_by_dh_next_all = dc_next_da_o_by_dh_next_all[:, 1]
        multiply(o_all, one_minus_o_all, out=da_o_by_dh_next_all)
        multiply(da_o_by_dh_next_all, tanh_c_next_all, out=da_o_by_dh_next_all)
        # o_t ∘ (1 - tanh²(c_t))
        dc_next_by_dh_next_all = dc_next_da_o_by_dh_next_all[:, 0]
        multiply(o_all, slope_tanh_c_next_all, out=dc_next_by_dh_next_all)
        # i_t ∘ (1 - g_t²)
        da_g_by_dc_next_all = exp_g_to_one_minus_i_factor_all[:, 0]
        multiply(i_all, slope_g_all, out=da_g_by_dc_next_all)
        # i_t ∘ (1 - i_t) ∘ (g_t - c_{t-1})
        da_i_by_dc_next_all = exp_g_to_one_minus_i_factor_all[:, 1]
        subtract(g_all, c_all, out=da_i_by_dc_next_all)
        multiply(i_all, da_i_by_dc_next_all, out=da_i_by_dc_next_all)
        multiply(da_i_by_dc_next_all, one_minus_i_all, out=da_i_by_dc_next_all)
        # 1 - i_t
        one_minus_i_factor_all = exp_g_to_one_minus_i_factor_all[:, 2]
        copyto(one_minus_i_factor_all, one_minus_i_all)
        for (
            dh_next_given,
            dc_next_from_dh_next_da_o,
            dc_next_da_o_by_dh_next,
            dc_next_from_dh_next,
            da_o,
            dc_next_given,
            da_g_da_i_dc_from_dc_next,
            da_g_by_dc_next_to_one_minus_i_factor,
            da_o_g_i_row,
            dc_from_dc_next,
            da_i,
        ) in zip(
            dh_next_given_all[::-1],
            dc_next_da_o_da_g_da_i_dc_all[back, :2],
            dc_next_da_o_by_dh_next_all[::-1],
            dc_next_da_o_da_g_da_i_dc_all[back, 0],
            dc_next_da_o_da_g_da_i_dc_all[back, 1],
            dc_next_given_all[::-1],
            dc_next_da_o_da_g_da_i_dc_all[back, 2:],
            exp_g_to_one_minus_i_factor_all[::-1],
            dc_next_da_o_da_g_da_i_dc_flat.reshape(T, B, 5 * n_h)[back, :, n_h : 4 * n_h],
            dc_next_da_o_da_g_da_i_dc_all[back, 4],
            dc_next_da_o_da_g_da_i_dc_all[back, 3],
            strict=False,
        ):
            add(dh_next_later, dh_next_given, out=dh_next)
            # c_t is in a_o, tanh(c_t)
            # o_t = σ(a_o)
            multiply(dh_next, dc_next_da_o_by_dh_next, out=dc_next_from_dh_next_da_o)
            # c_t is in a_o, tanh(c_t)
            dc_next = dc_next_from_dh_next
            multiply(da_o, p_o, out=spare_n_h)
            add(dc_next_later, dc_next_from_dh_next, out=dc_next)
            add(dc_next, spare_n_h, out=dc_next)
            if c_is_given:
                add(dc_next, dc_next_given, out=dc_next)
            # g_t = tanh(a_g)
            # i_t = σ(a_i)
            # c_{t-1} is in a_i, c_t
            multiply(dc_next, da_g_by_dc_next_to_one_minus_i_factor, out=da_g_da_i_dc_from_dc_next)
            # h_{t-1} is in a_i, a_g, a_o
            product(da_o_g_i_row, U_o_g_i_columns, out=dh_blocks)
            # c_{t-1} is in a_i, c_t
            dc = dc_from_dc_next
            multiply(da_i, p_i, out=spare_n_h)
            add(dc_from_dc_next, spare_n_h, out=dc)
            dc_next_later = dc
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    da_o_g_i_rows = dc_next_da_o_da_g_da_i_dc_flat.reshape(T * B, 5 * n_h)[:, n_h : 4 * n_h]
    x_rows = tape.x.reshape(T * B, n_x)
    dW_o_g_i = da_o_g_i_rows.T @ x_rows
    dW_o = dW_o_g_i[:n_h]
    dW_g = dW_o_g_i[n_h : 2 * n_h]
    dW_i = dW_o_g_i[2 * n_h :]
    h_rows = tape.h.reshape(T * B, n_h)
    dU_o_g_i = da_o_g_i_rows.T @ h_rows
    dU_o = dU_o_g_i[:n_h]
    dU_g = dU_o_g_i[n_h : 2 * n_h]
    dU_i = dU_o_g_i[2 * n_h :]
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    c_next_rows = tape.c_next.reshape(T * B, n_h)
    da_o_rows = dc_next_da_o_da_g_da_i_dc_flat.reshape(T * B, 5 * n_h)[:, n_h : 2 * n_h]
    dp_o = (da_o_rows * c_next_rows).sum(axis=0)
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    db_o_g_i = np.ones(T * B, dtype=dtype) @ da_o_g_i_rows
    db_o = db_o_g_i[:n_h]
    db_g = db_o_g_i[n_h : 2 * n_h]
    db_i = db_o_g_i[2 * n_h :]
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    c_rows = tape.c.reshape(T * B, n_h)
    da_i_rows = dc_next_da_o_da_g_da_i_dc_flat.reshape(T * B, 5 * n_h)[:, 3 * n_h : 4 * n_h]
    dp_i = (da_i_rows * c_rows).sum(axis=0)
    # x_t is in a_i, a_g, a_o
    W_o_g_i = np.concatenate((W_o, W_g, W_i))
    dx_rows = da_o_g_i_rows @ W_o_g_i
    dparams = Params(
        W_i=dW_i,
        W_o=dW_o,
        W_g=dW_g,
        U_i=dU_i,
        U_o=dU_o,
        U_g=dU_g,
        p_i=dp_i,
        p_o=dp_o,
        b_i=db_i,
        b_o=db_o,
        b_g=db_g,
    )
    return dparams, dx_rows.reshape(T, B, n_x), State(h=dh_next_later, c=dc_next_later.copy())


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
        h (T, B, n_h), c (T, B, n_h).
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
    W_i, W_o, W_g, U_i, U_o = params.W_i, params.W_o, params.W_g, params.U_i, params.U_o
    U_g, p_i, p_o = params.U_g, params.p_i, params.p_o
    (
        W_i_dot,
        W_o_dot,
        W_g_dot,
        U_i_dot,
        U_o_dot,
        U_g_dot,
        p_i_dot,
        p_o_dot,
        b_i_dot,
        b_o_dot,
        b_g_dot,
    ) = dparams
    U_i_columns = _columns(U_i, 1, B)
    U_g_columns = _columns(U_g, 1, B)
    U_o_columns = _columns(U_o, 1, B)
    x_all = tape.x
    h_all = tape.h
    c_all = tape.c
    i_all = tape.i
    one_minus_i_all = tape.one_minus_i
    a_g_all = tape.a_g
    g_all = tape.g
    c_next_all = tape.c_next
    o_all = tape.o
    one_minus_o_all = tape.one_minus_o
    tanh_c_next_all = tape.tanh_c_next
    x_dot_all = dxs
    work_n_h = _gates(T, 7, B, n_h, dtype=dtype)
    exp_g_all, exp_tanh_c_next_all, a_i_dot_all = work_n_h[:, 0], work_n_h[:, 1], work_n_h[:, 2]
    a_g_dot_all, c_next_dot_by_a_i_dot_all = work_n_h[:, 3], work_n_h[:, 4]
    a_o_dot_all, h_next_dot_by_a_o_dot_all = work_n_h[:, 5], work_n_h[:, 6]
    c_next_dot_all = np.empty((T, B, n_h), dtype=dtype)
    h_next_dot_all = np.empty((T, B, n_h), dtype=dtype)
    # 1 - g_t²
    absolute(a_g_all, out=exp_g_all)
    multiply(exp_g_all, minus_two, out=exp_g_all)
    exp(exp_g_all, out=exp_g_all)
    slope_g_all = exp_g_all
    spare = np.empty_like(slope_g_all)
    add(exp_g_all, one, out=spare)
    square(spare, out=spare)
    divide(exp_g_all, spare, out=slope_g_all)
    multiply(slope_g_all, four, out=slope_g_all)
    # 1 - tanh²(c_t)
    absolute(c_next_all, out=exp_tanh_c_next_all)
    multiply(exp_tanh_c_next_all, minus_two, out=exp_tanh_c_next_all)
    exp(exp_tanh_c_next_all, out=exp_tanh_c_next_all)
    slope_tanh_c_next_all = exp_tanh_c_next_all
    spare = np.empty_like(slope_tanh_c_next_all)
    add(exp_tanh_c_next_all, one, out=spare)
    square(spare, out=spare)
    divide(exp_tanh_c_next_all, spare, out=slope_tanh_c_next_all)
    multiply(slope_tanh_c_next_all, four, out=slope_tanh_c_next_all)
    # W_i ẋ_t + ḃ_i + Ẇ_i x_t + U̇_i h_{t-1} + c_{t-1} ∘ ṗ_i
    a_i_dot_ahead_all = a_i_dot_all
    spare = np.empty_like(a_i_dot_ahead_all)
    spare_j = np.empty_like(a_i_dot_ahead_all)
    spare_k = np.empty_like(a_i_dot_ahead_all)
    _product(x_dot_all, (W_i,), a_i_dot_ahead_all[:, None])
    _product(x_all, (W_i_dot,), spare[:, None])
    _product(h_all, (U_i_dot,), spare_j[:, None])
    multiply(c_all, p_i_dot, out=spare_k)
    add(a_i_dot_ahead_all, spare, out=a_i_dot_ahead_all)
    add(a_i_dot_ahead_all, spare_j, out=a_i_dot_ahead_all)
    add(a_i_dot_ahead_all, spare_k, out=a_i_dot_ahead_all)
    add(a_i_dot_ahead_all, b_i_dot, out=a_i_dot_ahead_all)
    # W_g ẋ_t + ḃ_g + Ẇ_g x_t + U̇_g h_{t-1}
    a_g_dot_ahead_all = a_g_dot_all
    spare = np.empty_like(a_g_dot_ahead_all)
    spare_j = np.empty_like(a_g_dot_ahead_all)
    _product(x_dot_all, (W_g,), a_g_dot_ahead_all[:, None])
    _product(x_all, (W_g_dot,), spare[:, None])
    _product(h_all, (U_g_dot,), spare_j[:, None])
    add(a_g_dot_ahead_all, spare, out=a_g_dot_ahead_all)
    add(a_g_dot_ahead_all, spare_j, out=a_g_dot_ahead_all)
    add(a_g_dot_ahead_all, b_g_dot, out=a_g_dot_ahead_all)
    # i_t ∘ (1 - g_t²)
    c_next_dot_by_a_g_dot_all = exp_g_all
    multiply(i_all, slope_g_all, out=c_next_dot_by_a_g_dot_all)
    # i_t ∘ (1 - i_t) ∘ (g_t - c_{t-1})
    subtract(g_all, c_all, out=c_next_dot_by_a_i_dot_all)
    multiply(i_all, c_next_dot_by_a_i_dot_all, out=c_next_dot_by_a_i_dot_all)
    multiply(c_next_dot_by_a_i_dot_all, one_minus_i_all, out=c_next_dot_by_a_i_dot_all)
    # W_o ẋ_t + ḃ_o + Ẇ_o x_t + U̇_o h_{t-1} + c_t ∘ ṗ_o
    a_o_dot_ahead_all = a_o_dot_all
    spare = np.empty_like(a_o_dot_ahead_all)
    spare_j = np.empty_like(a_o_dot_ahead_all)
    spare_k = np.empty_like(a_o_dot_ahead_all)
    _product(x_dot_all, (W_o,), a_o_dot_ahead_all[:, None])
    _product(x_all, (W_o_dot,), spare[:, None])
    _product(h_all, (U_o_dot,), spare_j[:, None])
    multiply(c_next_all, p_o_dot, out=spare_k)
    add(a_o_dot_ahead_all, spare, out=a_o_dot_ahead_all)
    add(a_o_dot_ahead_all, spare_j, out=a_o_dot_ahead_all)
    add(a_o_dot_ahead_all, spare_k, out=a_o_dot_ahead_all)
    add(a_o_dot_ahead_all, b_o_dot, out=a_o_dot_ahead_all)
    # o_t ∘ (1 - tanh²(c_t))
    h_next_dot_by_c_next_dot_all = exp_tanh_c_next_all
    multiply(o_all, slope_tanh_c_next_all, out=h_next_dot_by_c_next_dot_all)
    # o_t ∘ tanh(c_t) ∘ (1 - o_t)
    multiply(o_all, one_minus_o_all, out=h_next_dot_by_a_o_dot_all)
    multiply(h_next_dot_by_a_o_dot_all, tanh_c_next_all, out=h_next_dot_by_a_o_dot_all)
    h_dot = dstate0.h
    c_dot = dstate0.c
    spare_n_h = np.empty((B, n_h), dtype=dtype)
    spare_n_h_blocks = _blocks(spare_n_h[None], U_i_columns)
    spare_j_n_h = np.empty((B, n_h), dtype=dtype)
    for (
        a_i_dot_ahead,
        a_g_dot_ahead,
        c_next_dot,
        one_minus_i,
        c_next_dot_by_a_i_dot,
        c_next_dot_by_a_g_dot,
        a_o_dot_ahead,
        h_next_dot,
        h_next_dot_by_c_next_dot,
        h_next_dot_by_a_o_dot,
    ) in zip(
        a_i_dot_all,
        a_g_dot_all,
        c_next_dot_all,
        one_minus_i_all,
        c_next_dot_by_a_i_dot_all,
        exp_g_all,
        a_o_dot_all,
        h_next_dot_all,
        exp_tanh_c_next_all,
        h_next_dot_by_a_o_dot_all,
        strict=False,
    ):
        # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
        a_i_dot = a_i_dot_ahead
        product(h_dot, U_i_columns, out=spare_n_h_blocks)
        multiply(p_i, c_dot, out=spare_j_n_h)
        add(spare_n_h, a_i_dot_ahead, out=a_i_dot)
        add(a_i_dot, spare_j_n_h, out=a_i_dot)
        # a_g = W_g x_t + U_g h_{t-1} + b_g
        a_g_dot = a_g_dot_ahead
        product(h_dot, U_g_columns, out=spare_n_h_blocks)
        add(spare_n_h, a_g_dot_ahead, out=a_g_dot)
        # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
        multiply(one_minus_i, c_dot, out=c_next_dot)
        multiply(c_next_dot_by_a_i_dot, a_i_dot, out=spare_n_h)
        multiply(c_next_dot_by_a_g_dot, a_g_dot, out=spare_j_n_h)
        add(c_next_dot, spare_n_h, out=c_next_dot)
        add(c_next_dot, spare_j_n_h, out=c_next_dot)
        # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
        a_o_dot = a_o_dot_ahead
        product(h_dot, U_o_columns, out=spare_n_h_blocks)
        multiply(p_o, c_next_dot, out=spare_j_n_h)
        add(spare_n_h, a_o_dot_ahead, out=a_o_dot)
        add(a_o_dot, spare_j_n_h, out=a_o_dot)
        # h_t = o_t ∘ tanh(c_t)
        multiply(h_next_dot_by_c_next_dot, c_next_dot, out=h_next_dot)
        multiply(h_next_dot_by_a_o_dot, a_o_dot, out=spare_n_h)
        add(h_next_dot, spare_n_h, out=h_next_dot)
        h_dot = h_next_dot
        c_dot = c_next_dot
    return State(h=h_next_dot_all, c=c_next_dot_all)


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
