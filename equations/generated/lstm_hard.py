"""Long short-term memory with hard gates, clip(a/5 + 1/2, 0, 1), which reach 0 and 1.

    f_t = clip((W_f x_t + U_f h_{t-1} + b_f)/5 + 1/2, 0, 1)
    i_t = clip((W_i x_t + U_i h_{t-1} + b_i)/5 + 1/2, 0, 1)
    o_t = clip((W_o x_t + U_o h_{t-1} + b_o)/5 + 1/2, 0, 1)
    g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)
    c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    h_t = o_t ∘ tanh(c_t)

Generated from equations/cells/lstm_hard.py by `gateproof generate lstm_hard`: change that file, not
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

_CELL = "lstm_hard"
_DTYPES = (np.float32, np.float64)
_ARRAYS = frozenset({np.ndarray, *_DTYPES, type(None)})
_COUNTS_STEPS = False
_PARAMS = {
    "W_f": "n_h n_x",
    "W_i": "n_h n_x",
    "W_o": "n_h n_x",
    "W_g": "n_h n_x",
    "U_f": "n_h n_h",
    "U_i": "n_h n_h",
    "U_o": "n_h n_h",
    "U_g": "n_h n_h",
    "b_f": "n_h",
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
    "f": "n_h",
    "i": "n_h",
    "o": "n_h",
    "a_g": "n_h",
    "g": "n_h",
    "c_next": "n_h",
    "tanh_c_next": "n_h",
    "h_next": "n_h",
}


class Params(NamedTuple):
    """The parameters."""

    W_f: Array  # (n_h, n_x)
    W_i: Array  # (n_h, n_x)
    W_o: Array  # (n_h, n_x)
    W_g: Array  # (n_h, n_x)
    U_f: Array  # (n_h, n_h)
    U_i: Array  # (n_h, n_h)
    U_o: Array  # (n_h, n_h)
    U_g: Array  # (n_h, n_h)
    b_f: Array  # (n_h,)
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
    f: Array  # (B, n_h)
    i: Array  # (B, n_h)
    o: Array  # (B, n_h)
    a_g: Array  # (B, n_h)
    g: Array  # (B, n_h)
    c_next: Array  # (B, n_h)
    tanh_c_next: Array  # (B, n_h)
    h_next: Array  # (B, n_h)


class Tape(NamedTuple):
    """The values of the equations in all steps."""

    x: Array  # (T, B, n_x)
    h: Array  # (T, B, n_h)
    c: Array  # (T, B, n_h)
    f: Array  # (T, B, n_h)
    i: Array  # (T, B, n_h)
    o: Array  # (T, B, n_h)
    a_g: Array  # (T, B, n_h)
    g: Array  # (T, B, n_h)
    c_next: Array  # (T, B, n_h)
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
        W_f=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_i=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_o=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_g=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        U_f=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        U_i=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        U_o=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        U_g=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        b_f=np.zeros((n_h,), dtype=dtype),
        b_i=np.zeros((n_h,), dtype=dtype),
        b_o=np.zeros((n_h,), dtype=dtype),
        b_g=np.zeros((n_h,), dtype=dtype),
    )


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
    W_f, W_i, W_o, W_g, U_f, U_i, U_o, U_g, b_f, b_i, b_o, b_g = params
    h, c = state
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    a_f = x @ W_f.T + h @ U_f.T + b_f
    # f_t = clip(a_f/5 + 1/2, 0, 1)
    f = np.clip(0.5 + 0.2 * a_f, 0, 1)
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    a_i = x @ W_i.T + h @ U_i.T + b_i
    # i_t = clip(a_i/5 + 1/2, 0, 1)
    i = np.clip(0.5 + 0.2 * a_i, 0, 1)
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    a_o = x @ W_o.T + h @ U_o.T + b_o
    # o_t = clip(a_o/5 + 1/2, 0, 1)
    o = np.clip(0.5 + 0.2 * a_o, 0, 1)
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    a_g = x @ W_g.T + h @ U_g.T + b_g
    # g_t = tanh(a_g)
    g = np.tanh(a_g)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    c_next = f * c + i * g
    # tanh(c_t)
    tanh_c_next = np.tanh(c_next)
    # h_t = o_t ∘ tanh(c_t)
    h_next = o * tanh_c_next
    saved = Saved(
        x=x,
        h=h,
        c=c,
        f=f,
        i=i,
        o=o,
        a_g=a_g,
        g=g,
        c_next=c_next,
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
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g = params.U_i, params.U_o, params.U_g
    x, h, c, f, i, o, a_g = saved.x, saved.h, saved.c, saved.f, saved.i, saved.o, saved.a_g
    g, c_next, tanh_c_next = saved.g, saved.c_next, saved.tanh_c_next
    dh_next, dc_next_given = dnext
    # 1 - g_t²
    exp_g = np.exp(-2 * np.abs(a_g))
    slope_g = 4 * exp_g / (1 + exp_g) ** 2
    # 1 - tanh²(c_t)
    exp_tanh_c_next = np.exp(-2 * np.abs(c_next))
    slope_tanh_c_next = 4 * exp_tanh_c_next / (1 + exp_tanh_c_next) ** 2
    # h_t = o_t ∘ tanh(c_t)
    dtanh_c_next = dh_next * o
    # tanh(c_t)
    dc_next = dc_next_given + dtanh_c_next * slope_tanh_c_next
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    dc = dc_next * f
    dg = dc_next * i
    # g_t = tanh(a_g)
    da_g = dg * slope_g
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    dW_g = da_g.T @ x
    dU_g = da_g.T @ h
    db_g = da_g.sum(axis=0)
    # h_t = o_t ∘ tanh(c_t)
    do = dh_next * tanh_c_next
    # o_t = clip(a_o/5 + 1/2, 0, 1)
    da_o = 0.2 * np.where((o > 0) & (o < 1), do, 0)
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    dW_o = da_o.T @ x
    dU_o = da_o.T @ h
    db_o = da_o.sum(axis=0)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    di = dc_next * g
    # i_t = clip(a_i/5 + 1/2, 0, 1)
    da_i = 0.2 * np.where((i > 0) & (i < 1), di, 0)
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    dW_i = da_i.T @ x
    dU_i = da_i.T @ h
    db_i = da_i.sum(axis=0)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    df = dc_next * c
    # f_t = clip(a_f/5 + 1/2, 0, 1)
    da_f = 0.2 * np.where((f > 0) & (f < 1), df, 0)
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    dW_f = da_f.T @ x
    dU_f = da_f.T @ h
    db_f = da_f.sum(axis=0)
    # x_t is in a_f, a_i, a_o, a_g
    dx = da_f @ W_f + da_i @ W_i + da_o @ W_o + da_g @ W_g
    # h_{t-1} is in a_f, a_i, a_o, a_g
    dh = da_f @ U_f + da_i @ U_i + da_o @ U_o + da_g @ U_g
    dparams = Params(
        W_f=dW_f,
        W_i=dW_i,
        W_o=dW_o,
        W_g=dW_g,
        U_f=dU_f,
        U_i=dU_i,
        U_o=dU_o,
        U_g=dU_g,
        b_f=db_f,
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
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g = params.U_i, params.U_o, params.U_g
    x, h, c, f, i, o, a_g = saved.x, saved.h, saved.c, saved.f, saved.i, saved.o, saved.a_g
    g, c_next, tanh_c_next = saved.g, saved.c_next, saved.tanh_c_next
    (
        W_f_dot,
        W_i_dot,
        W_o_dot,
        W_g_dot,
        U_f_dot,
        U_i_dot,
        U_o_dot,
        U_g_dot,
        b_f_dot,
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
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    a_f_dot = x_dot @ W_f.T + h_dot @ U_f.T + x @ W_f_dot.T + h @ U_f_dot.T + b_f_dot
    # f_t = clip(a_f/5 + 1/2, 0, 1)
    f_dot = np.where((f > 0) & (f < 1), 0.2 * a_f_dot, 0)
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    a_i_dot = x_dot @ W_i.T + h_dot @ U_i.T + x @ W_i_dot.T + h @ U_i_dot.T + b_i_dot
    # i_t = clip(a_i/5 + 1/2, 0, 1)
    i_dot = np.where((i > 0) & (i < 1), 0.2 * a_i_dot, 0)
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    a_o_dot = x_dot @ W_o.T + h_dot @ U_o.T + x @ W_o_dot.T + h @ U_o_dot.T + b_o_dot
    # o_t = clip(a_o/5 + 1/2, 0, 1)
    o_dot = np.where((o > 0) & (o < 1), 0.2 * a_o_dot, 0)
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    a_g_dot = x_dot @ W_g.T + h_dot @ U_g.T + x @ W_g_dot.T + h @ U_g_dot.T + b_g_dot
    # g_t = tanh(a_g)
    g_dot = slope_g * a_g_dot
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    c_next_dot = f * c_dot + c * f_dot + g * i_dot + i * g_dot
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
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g = params.U_i, params.U_o, params.U_g
    x, h, c, f, i, o, a_g = saved.x, saved.h, saved.c, saved.f, saved.i, saved.o, saved.a_g
    g, c_next, tanh_c_next = saved.g, saved.c_next, saved.tanh_c_next
    dh_next, dc_next_given = dnext
    (
        W_f_dot,
        W_i_dot,
        W_o_dot,
        W_g_dot,
        U_f_dot,
        U_i_dot,
        U_o_dot,
        U_g_dot,
        b_f_dot,
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
    # tanh(c_t)
    dc_next = dc_next_given + dtanh_c_next * slope_tanh_c_next
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    dg = dc_next * i
    # g_t = tanh(a_g)
    da_g = dg * slope_g
    # h_t = o_t ∘ tanh(c_t)
    do = dh_next * tanh_c_next
    # o_t = clip(a_o/5 + 1/2, 0, 1)
    da_o = 0.2 * np.where((o > 0) & (o < 1), do, 0)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    di = dc_next * g
    # i_t = clip(a_i/5 + 1/2, 0, 1)
    da_i = 0.2 * np.where((i > 0) & (i < 1), di, 0)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    df = dc_next * c
    # f_t = clip(a_f/5 + 1/2, 0, 1)
    da_f = 0.2 * np.where((f > 0) & (f < 1), df, 0)
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    a_f_dot = x_dot @ W_f.T + h_dot @ U_f.T + x @ W_f_dot.T + h @ U_f_dot.T + b_f_dot
    # f_t = clip(a_f/5 + 1/2, 0, 1)
    f_dot = np.where((f > 0) & (f < 1), 0.2 * a_f_dot, 0)
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    a_i_dot = x_dot @ W_i.T + h_dot @ U_i.T + x @ W_i_dot.T + h @ U_i_dot.T + b_i_dot
    # i_t = clip(a_i/5 + 1/2, 0, 1)
    i_dot = np.where((i > 0) & (i < 1), 0.2 * a_i_dot, 0)
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    a_o_dot = x_dot @ W_o.T + h_dot @ U_o.T + x @ W_o_dot.T + h @ U_o_dot.T + b_o_dot
    # o_t = clip(a_o/5 + 1/2, 0, 1)
    o_dot = np.where((o > 0) & (o < 1), 0.2 * a_o_dot, 0)
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    a_g_dot = x_dot @ W_g.T + h_dot @ U_g.T + x @ W_g_dot.T + h @ U_g_dot.T + b_g_dot
    # g_t = tanh(a_g)
    g_dot = slope_g * a_g_dot
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    c_next_dot = f * c_dot + c * f_dot + g * i_dot + i * g_dot
    # tanh(c_t)
    tanh_c_next_dot = slope_tanh_c_next * c_next_dot
    # h_t = o_t ∘ tanh(c_t)
    dtanh_c_next_dot = dh_next * o_dot
    # tanh(c_t)
    dc_next_dot = (
        dtanh_c_next_dot * slope_tanh_c_next - 2 * dtanh_c_next * tanh_c_next * tanh_c_next_dot
    )
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    dc_dot = dc_next * f_dot + dc_next_dot * f
    dg_dot = dc_next * i_dot + dc_next_dot * i
    # g_t = tanh(a_g)
    da_g_dot = dg_dot * slope_g - 2 * dg * g * g_dot
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    dW_g_dot = da_g.T @ x_dot + da_g_dot.T @ x
    dU_g_dot = da_g.T @ h_dot + da_g_dot.T @ h
    db_g_dot = da_g_dot.sum(axis=0)
    # h_t = o_t ∘ tanh(c_t)
    do_dot = dh_next * tanh_c_next_dot
    # o_t = clip(a_o/5 + 1/2, 0, 1)
    da_o_dot = 0.2 * np.where((o > 0) & (o < 1), do_dot, 0)
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    dW_o_dot = da_o.T @ x_dot + da_o_dot.T @ x
    dU_o_dot = da_o.T @ h_dot + da_o_dot.T @ h
    db_o_dot = da_o_dot.sum(axis=0)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    di_dot = dc_next * g_dot + dc_next_dot * g
    # i_t = clip(a_i/5 + 1/2, 0, 1)
    da_i_dot = 0.2 * np.where((i > 0) & (i < 1), di_dot, 0)
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    dW_i_dot = da_i.T @ x_dot + da_i_dot.T @ x
    dU_i_dot = da_i.T @ h_dot + da_i_dot.T @ h
    db_i_dot = da_i_dot.sum(axis=0)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    df_dot = dc_next * c_dot + dc_next_dot * c
    # f_t = clip(a_f/5 + 1/2, 0, 1)
    da_f_dot = 0.2 * np.where((f > 0) & (f < 1), df_dot, 0)
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    dW_f_dot = da_f.T @ x_dot + da_f_dot.T @ x
    dU_f_dot = da_f.T @ h_dot + da_f_dot.T @ h
    db_f_dot = da_f_dot.sum(axis=0)
    # x_t is in a_f, a_i, a_o, a_g
    dx_dot = (
        da_f_dot @ W_f
        + da_i_dot @ W_i
        + da_o_dot @ W_o
        + da_g_dot @ W_g
        + da_f @ W_f_dot
        + da_i @ W_i_dot
        + da_o @ W_o_dot
        + da_g @ W_g_dot
    )
    # h_{t-1} is in a_f, a_i, a_o, a_g
    dh_dot = (
        da_f_dot @ U_f
        + da_i_dot @ U_i
        + da_o_dot @ U_o
        + da_g_dot @ U_g
        + da_f @ U_f_dot
        + da_i @ U_i_dot
        + da_o @ U_o_dot
        + da_g @ U_g_dot
    )
    dparams = Params(
        W_f=dW_f_dot,
        W_i=dW_i_dot,
        W_o=dW_o_dot,
        W_g=dW_g_dot,
        U_f=dU_f_dot,
        U_i=dU_i_dot,
        U_o=dU_o_dot,
        U_g=dU_g_dot,
        b_f=db_f_dot,
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
    U_f, U_i, U_o, U_g = params.U_f, params.U_i, params.U_o, params.U_g
    c, f, i, o, a_g, g = saved.c, saved.f, saved.i, saved.o, saved.a_g, saved.g
    c_next, tanh_c_next = saved.c_next, saved.tanh_c_next
    # 1 - g_t²
    exp_g = np.exp(-2 * np.abs(a_g))
    slope_g = 4 * exp_g / (1 + exp_g) ** 2
    # 1 - tanh²(c_t)
    exp_tanh_c_next = np.exp(-2 * np.abs(c_next))
    slope_tanh_c_next = 4 * exp_tanh_c_next / (1 + exp_tanh_c_next) ** 2
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    da_f_dh = U_f
    # f_t = clip(a_f/5 + 1/2, 0, 1)
    df_dh = np.where((f[:, :, None] > 0) & (f[:, :, None] < 1), 0.2 * da_f_dh, 0)
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    da_i_dh = U_i
    # i_t = clip(a_i/5 + 1/2, 0, 1)
    di_dh = np.where((i[:, :, None] > 0) & (i[:, :, None] < 1), 0.2 * da_i_dh, 0)
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    da_o_dh = U_o
    # o_t = clip(a_o/5 + 1/2, 0, 1)
    do_dh = np.where((o[:, :, None] > 0) & (o[:, :, None] < 1), 0.2 * da_o_dh, 0)
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    da_g_dh = U_g
    # g_t = tanh(a_g)
    dg_dh = slope_g[:, :, None] * da_g_dh
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    dc_next_dh = c[:, :, None] * df_dh + g[:, :, None] * di_dh + i[:, :, None] * dg_dh
    # tanh(c_t)
    dtanh_c_next_dh = slope_tanh_c_next[:, :, None] * dc_next_dh
    # h_t = o_t ∘ tanh(c_t)
    dh_next_dh = tanh_c_next[:, :, None] * do_dh + o[:, :, None] * dtanh_c_next_dh
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    dc_next_dc = f[:, :, None] * np.eye(n_h, dtype=dtype)
    # tanh(c_t)
    dtanh_c_next_dc = slope_tanh_c_next[:, :, None] * dc_next_dc
    # h_t = o_t ∘ tanh(c_t)
    dh_next_dc = o[:, :, None] * dtanh_c_next_dc
    return Jacobian(h=State(h=dh_next_dh, c=dh_next_dc), c=State(h=dc_next_dh, c=dc_next_dc))


@overload
def unroll(params: Params, xs: Array, state0: State) -> tuple[State, Tape]: ...
@overload
def unroll(
    params: Params, xs: Array, state0: State, *, checkpoint_every: int
) -> tuple[State, Checkpoints]: ...
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
        6 * n_h numbers per step and sample.
    """
    if checkpoint_every is not None:
        return _unroll_in_segments(params, xs, state0, checkpoint_every)
    sizes, dtype, *_ = _check("unroll", params, (xs,), state0)
    T, B, n_h = sizes["T"], sizes["B"], sizes["n_h"]
    add, maximum, minimum, multiply, tanh = np.add, np.maximum, np.minimum, np.multiply, np.tanh
    product = np.dot if B == 1 else np.matmul  # of one row, dot is faster
    one = np.array(1, dtype=dtype)
    half = np.array(0.5, dtype=dtype)
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g, b_f, b_i = params.U_i, params.U_o, params.U_g, params.b_f, params.b_i
    b_o, b_g = params.b_o, params.b_g
    b_f_i_o_g = np.concatenate((b_f, b_i, b_o, b_g)).reshape(4, 1, n_h)
    U_f_i_o_g_columns = _columns(np.concatenate((U_f, U_i, U_o, U_g)), 4, B)
    x_all = xs
    h_steps = np.empty((T + 1, B, n_h), dtype=dtype)
    h_steps[0] = state0.h
    h_all, h_next_all = h_steps[:-1], h_steps[1:]
    c_steps = np.empty((T + 1, B, n_h), dtype=dtype)
    c_steps[0] = state0.c
    c_all, c_next_all = c_steps[:-1], c_steps[1:]
    room_n_h = _gates(T, 6, B, n_h, dtype=dtype)
    a_f_i_o_g_all, g_all, tanh_c_next_all = room_n_h[:, :4], room_n_h[:, 4], room_n_h[:, 5]
    # W_f x_t + b_f
    # W_i x_t + b_i
    # W_o x_t + b_o
    # W_g x_t + b_g
    a_f_i_o_g_ahead_all = a_f_i_o_g_all
    _product(x_all, (W_f, W_i, W_o, W_g), a_f_i_o_g_ahead_all)
    add(a_f_i_o_g_ahead_all, b_f_i_o_g, out=a_f_i_o_g_ahead_all)
    h = h_steps[0]
    c = c_steps[0]
    spare_4_n_h = np.empty((4, B, n_h), dtype=dtype)
    spare_4_n_h_blocks = _blocks(spare_4_n_h, U_f_i_o_g_columns)
    spare_n_h = np.empty((B, n_h), dtype=dtype)
    for a_f_i_o_g_ahead, a_f_i_o, g, a_g, c_next, f, i, tanh_c_next, h_next, o in zip(
        a_f_i_o_g_all,
        a_f_i_o_g_all[:, :3],
        g_all,
        a_f_i_o_g_all[:, 3],
        c_next_all,
        a_f_i_o_g_all[:, 0],
        a_f_i_o_g_all[:, 1],
        tanh_c_next_all,
        h_next_all,
        a_f_i_o_g_all[:, 2],
        strict=False,
    ):
        # a_f = W_f x_t + U_f h_{t-1} + b_f
        # a_i = W_i x_t + U_i h_{t-1} + b_i
        # a_o = W_o x_t + U_o h_{t-1} + b_o
        # a_g = W_g x_t + U_g h_{t-1} + b_g
        a_f_i_o_g = a_f_i_o_g_ahead
        product(h, U_f_i_o_g_columns, out=spare_4_n_h_blocks)
        add(spare_4_n_h, a_f_i_o_g_ahead, out=a_f_i_o_g)
        # f_t = clip(a_f/5 + 1/2, 0, 1)
        # i_t = clip(a_i/5 + 1/2, 0, 1)
        # o_t = clip(a_o/5 + 1/2, 0, 1)
        f_i_o = a_f_i_o
        multiply(a_f_i_o, 0.2, out=f_i_o)
        add(f_i_o, half, out=f_i_o)
        maximum(f_i_o, 0, out=f_i_o)
        minimum(f_i_o, one, out=f_i_o)
        # g_t = tanh(a_g)
        tanh(a_g, out=g)
        # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
        multiply(f, c, out=c_next)
        multiply(i, g, out=spare_n_h)
        add(c_next, spare_n_h, out=c_next)
        # tanh(c_t)
        tanh(c_next, out=tanh_c_next)
        # h_t = o_t ∘ tanh(c_t)
        multiply(o, tanh_c_next, out=h_next)
        h = h_next
        c = c_next
    tape = Tape(
        x=xs,
        h=h_all,
        c=c_all,
        f=a_f_i_o_g_all[:, 0],
        i=a_f_i_o_g_all[:, 1],
        o=a_f_i_o_g_all[:, 2],
        a_g=a_f_i_o_g_all[:, 3],
        g=g_all,
        c_next=c_next_all,
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
    absolute, add, divide, exp, multiply = np.absolute, np.add, np.divide, np.exp, np.multiply
    square = np.square
    product = np.dot if B == 1 else np.matmul  # of one row, dot is faster
    one = np.array(1, dtype=dtype)
    four = np.array(4, dtype=dtype)
    minus_two = np.array(-2, dtype=dtype)
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g = params.U_i, params.U_o, params.U_g
    U_o_f_g_i_columns = _columns(np.concatenate((U_o, U_f, U_g, U_i)).T, 1, B)
    steps = _chunk(T, B * (2 * n_h))
    exp_g_chunk = np.empty((steps, B, n_h), dtype=dtype)
    exp_tanh_c_next_chunk = np.empty((steps, B, n_h), dtype=dtype)
    da_o_f_g_i_flat = np.empty((T, B, 4, n_h), dtype=dtype)
    da_o_f_g_i_all = da_o_f_g_i_flat.swapaxes(1, 2)
    dh_next_later = np.zeros((B, n_h), dtype=dtype)
    dc_next_later = np.zeros((B, n_h), dtype=dtype)
    dh = dh_next_later
    dc = dc_next_later
    dh_blocks = _blocks(dh[None], U_o_f_g_i_columns)
    for stop in range(T, 0, -steps):
        start = max(stop - steps, 0)
        back = slice(stop - 1, start - 1 if start else None, -1)
        exp_g_all = exp_g_chunk[: stop - start]
        exp_tanh_c_next_all = exp_tanh_c_next_chunk[: stop - start]
        c_all = tape.c[start:stop]
        f_all = tape.f[start:stop]
        i_all = tape.i[start:stop]
        o_all = tape.o[start:stop]
        a_g_all = tape.a_g[start:stop]
        g_all = tape.g[start:stop]
        c_next_all = tape.c_next[start:stop]
        tanh_c_next_all = tape.tanh_c_next[start:stop]
        dh_next_given_all = dnexts.h[start:stop]
        dc_next_given_all = dnexts.c[start:stop]
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
        # o_t ∘ (1 - tanh²(c_t))
        dc_next_by_dh_next_all = exp_tanh_c_next_all
        multiply(o_all, slope_tanh_c_next_all, out=dc_next_by_dh_next_all)
        # i_t ∘ (1 - g_t²)
        da_g_by_dc_next_all = exp_g_all
        multiply(i_all, slope_g_all, out=da_g_by_dc_next_all)
        for (
            dh_next,
            dh_next_given,
            dc_next,
            dc_next_by_dh_next,
            dc_next_given,
            f,
            da_g,
            da_g_by_dc_next,
            tanh_c_next,
            o,
            di,
            g,
            i,
            c,
            da_o_f_g_i_row,
        ) in zip(
            da_o_f_g_i_all[back, 0],
            dh_next_given_all[::-1],
            da_o_f_g_i_all[back, 1],
            exp_tanh_c_next_all[::-1],
            dc_next_given_all[::-1],
            f_all[::-1],
            da_o_f_g_i_all[back, 2],
            exp_g_all[::-1],
            tanh_c_next_all[::-1],
            o_all[::-1],
            da_o_f_g_i_all[back, 3],
            g_all[::-1],
            i_all[::-1],
            c_all[::-1],
            da_o_f_g_i_flat.reshape(T, B, 4 * n_h)[back],
            strict=False,
        ):
            add(dh_next_later, dh_next_given, out=dh_next)
            # tanh(c_t)
            multiply(dh_next, dc_next_by_dh_next, out=dc_next)
            add(dc_next_later, dc_next, out=dc_next)
            if c_is_given:
                add(dc_next, dc_next_given, out=dc_next)
            # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
            multiply(dc_next, f, out=dc)
            # g_t = tanh(a_g)
            multiply(dc_next, da_g_by_dc_next, out=da_g)
            # h_t = o_t ∘ tanh(c_t)
            do = dh_next
            multiply(dh_next, tanh_c_next, out=do)
            # o_t = clip(a_o/5 + 1/2, 0, 1)
            da_o = dh_next
            da_o[...] = 0.2 * np.where((o > 0) & (o < 1), do, 0)
            # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
            multiply(dc_next, g, out=di)
            # i_t = clip(a_i/5 + 1/2, 0, 1)
            da_i = di
            da_i[...] = 0.2 * np.where((i > 0) & (i < 1), di, 0)
            # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
            df = dc_next
            multiply(dc_next, c, out=df)
            # f_t = clip(a_f/5 + 1/2, 0, 1)
            da_f = dc_next
            da_f[...] = 0.2 * np.where((f > 0) & (f < 1), df, 0)
            # h_{t-1} is in a_f, a_i, a_o, a_g
            product(da_o_f_g_i_row, U_o_f_g_i_columns, out=dh_blocks)
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    da_o_f_g_i_rows = da_o_f_g_i_flat.reshape(T * B, 4 * n_h)
    x_rows = tape.x.reshape(T * B, n_x)
    dW_o_f_g_i = da_o_f_g_i_rows.T @ x_rows
    dW_o = dW_o_f_g_i[:n_h]
    dW_f = dW_o_f_g_i[n_h : 2 * n_h]
    dW_g = dW_o_f_g_i[2 * n_h : 3 * n_h]
    dW_i = dW_o_f_g_i[3 * n_h :]
    h_rows = tape.h.reshape(T * B, n_h)
    dU_o_f_g_i = da_o_f_g_i_rows.T @ h_rows
    dU_o = dU_o_f_g_i[:n_h]
    dU_f = dU_o_f_g_i[n_h : 2 * n_h]
    dU_g = dU_o_f_g_i[2 * n_h : 3 * n_h]
    dU_i = dU_o_f_g_i[3 * n_h :]
    db_o_f_g_i = np.ones(T * B, dtype=dtype) @ da_o_f_g_i_rows
    db_o = db_o_f_g_i[:n_h]
    db_f = db_o_f_g_i[n_h : 2 * n_h]
    db_g = db_o_f_g_i[2 * n_h : 3 * n_h]
    db_i = db_o_f_g_i[3 * n_h :]
    # x_t is in a_f, a_i, a_o, a_g
    W_o_f_g_i = np.concatenate((W_o, W_f, W_g, W_i))
    dx_rows = da_o_f_g_i_rows @ W_o_f_g_i
    dparams = Params(
        W_f=dW_f,
        W_i=dW_i,
        W_o=dW_o,
        W_g=dW_g,
        U_f=dU_f,
        U_i=dU_i,
        U_o=dU_o,
        U_g=dU_g,
        b_f=db_f,
        b_i=db_i,
        b_o=db_o,
        b_g=db_g,
    )
    return dparams, dx_rows.reshape(T, B, n_x), State(h=dh_next_later, c=dc_next_later)


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
    square = np.square
    product = np.dot if B == 1 else np.matmul  # of one row, dot is faster
    one = np.array(1, dtype=dtype)
    four = np.array(4, dtype=dtype)
    minus_two = np.array(-2, dtype=dtype)
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g = params.U_i, params.U_o, params.U_g
    (
        W_f_dot,
        W_i_dot,
        W_o_dot,
        W_g_dot,
        U_f_dot,
        U_i_dot,
        U_o_dot,
        U_g_dot,
        b_f_dot,
        b_i_dot,
        b_o_dot,
        b_g_dot,
    ) = dparams
    b_f_i_o_g_dot = np.concatenate((b_f_dot, b_i_dot, b_o_dot, b_g_dot)).reshape(4, 1, n_h)
    U_f_i_o_g_columns = _columns(np.concatenate((U_f, U_i, U_o, U_g)), 4, B)
    x_all = tape.x
    h_all = tape.h
    c_all = tape.c
    f_all = tape.f
    i_all = tape.i
    o_all = tape.o
    a_g_all = tape.a_g
    g_all = tape.g
    c_next_all = tape.c_next
    tanh_c_next_all = tape.tanh_c_next
    x_dot_all = dxs
    work_n_h = _gates(T, 6, B, n_h, dtype=dtype)
    exp_g_all, exp_tanh_c_next_all = work_n_h[:, 0], work_n_h[:, 1]
    a_f_i_o_g_dot_all = work_n_h[:, 2:]
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
    # W_f ẋ_t + ḃ_f + Ẇ_f x_t + U̇_f h_{t-1}
    # W_i ẋ_t + ḃ_i + Ẇ_i x_t + U̇_i h_{t-1}
    # W_o ẋ_t + ḃ_o + Ẇ_o x_t + U̇_o h_{t-1}
    # W_g ẋ_t + ḃ_g + Ẇ_g x_t + U̇_g h_{t-1}
    a_f_i_o_g_dot_ahead_all = a_f_i_o_g_dot_all
    spare = np.empty_like(a_f_i_o_g_dot_ahead_all)
    spare_j = np.empty_like(a_f_i_o_g_dot_ahead_all)
    _product(x_dot_all, (W_f, W_i, W_o, W_g), a_f_i_o_g_dot_ahead_all)
    _product(x_all, (W_f_dot, W_i_dot, W_o_dot, W_g_dot), spare)
    _product(h_all, (U_f_dot, U_i_dot, U_o_dot, U_g_dot), spare_j)
    add(a_f_i_o_g_dot_ahead_all, spare, out=a_f_i_o_g_dot_ahead_all)
    add(a_f_i_o_g_dot_ahead_all, spare_j, out=a_f_i_o_g_dot_ahead_all)
    add(a_f_i_o_g_dot_ahead_all, b_f_i_o_g_dot, out=a_f_i_o_g_dot_ahead_all)
    # i_t ∘ (1 - g_t²)
    c_next_dot_by_a_g_dot_all = exp_g_all
    multiply(i_all, slope_g_all, out=c_next_dot_by_a_g_dot_all)
    # o_t ∘ (1 - tanh²(c_t))
    h_next_dot_by_c_next_dot_all = exp_tanh_c_next_all
    multiply(o_all, slope_tanh_c_next_all, out=h_next_dot_by_c_next_dot_all)
    h_dot = dstate0.h
    c_dot = dstate0.c
    spare_4_n_h = np.empty((4, B, n_h), dtype=dtype)
    spare_4_n_h_blocks = _blocks(spare_4_n_h, U_f_i_o_g_columns)
    spare_n_h = np.empty((B, n_h), dtype=dtype)
    spare_j_n_h = np.empty((B, n_h), dtype=dtype)
    spare_k_n_h = np.empty((B, n_h), dtype=dtype)
    for (
        a_f_i_o_g_dot_ahead,
        a_f_dot,
        f,
        a_i_dot,
        i,
        a_o_dot,
        o,
        c_next_dot,
        c,
        g,
        c_next_dot_by_a_g_dot,
        a_g_dot,
        h_next_dot,
        tanh_c_next,
        h_next_dot_by_c_next_dot,
    ) in zip(
        a_f_i_o_g_dot_all,
        a_f_i_o_g_dot_all[:, 0],
        f_all,
        a_f_i_o_g_dot_all[:, 1],
        i_all,
        a_f_i_o_g_dot_all[:, 2],
        o_all,
        c_next_dot_all,
        c_all,
        g_all,
        exp_g_all,
        a_f_i_o_g_dot_all[:, 3],
        h_next_dot_all,
        tanh_c_next_all,
        exp_tanh_c_next_all,
        strict=False,
    ):
        # a_f = W_f x_t + U_f h_{t-1} + b_f
        # a_i = W_i x_t + U_i h_{t-1} + b_i
        # a_o = W_o x_t + U_o h_{t-1} + b_o
        # a_g = W_g x_t + U_g h_{t-1} + b_g
        a_f_i_o_g_dot = a_f_i_o_g_dot_ahead
        product(h_dot, U_f_i_o_g_columns, out=spare_4_n_h_blocks)
        add(spare_4_n_h, a_f_i_o_g_dot_ahead, out=a_f_i_o_g_dot)
        # f_t = clip(a_f/5 + 1/2, 0, 1)
        f_dot = a_f_dot
        f_dot[...] = np.where((f > 0) & (f < 1), 0.2 * a_f_dot, 0)
        # i_t = clip(a_i/5 + 1/2, 0, 1)
        i_dot = a_i_dot
        i_dot[...] = np.where((i > 0) & (i < 1), 0.2 * a_i_dot, 0)
        # o_t = clip(a_o/5 + 1/2, 0, 1)
        o_dot = a_o_dot
        o_dot[...] = np.where((o > 0) & (o < 1), 0.2 * a_o_dot, 0)
        # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
        multiply(f, c_dot, out=c_next_dot)
        multiply(c, f_dot, out=spare_n_h)
        multiply(g, i_dot, out=spare_j_n_h)
        multiply(c_next_dot_by_a_g_dot, a_g_dot, out=spare_k_n_h)
        add(c_next_dot, spare_n_h, out=c_next_dot)
        add(c_next_dot, spare_j_n_h, out=c_next_dot)
        add(c_next_dot, spare_k_n_h, out=c_next_dot)
        # h_t = o_t ∘ tanh(c_t)
        multiply(tanh_c_next, o_dot, out=h_next_dot)
        multiply(h_next_dot_by_c_next_dot, c_next_dot, out=spare_n_h)
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
