"""LSTM with diagonal peepholes: f and i see the old cell state, o sees the new one.

    f_t = σ(W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f)
    i_t = σ(W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i)
    g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)
    c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    o_t = σ(W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o)
    h_t = o_t ∘ tanh(c_t)

Generated from equations/cells/lstm_peephole.py by `gateproof generate lstm_peephole`: change that
file, not this one. B is the batch, T the number of time steps. MIT licence; see LICENSE.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

_CELL = "lstm_peephole"
_DTYPES = (np.float32, np.float64)
_PARAMS = {
    "W_f": "n_h n_x",
    "W_i": "n_h n_x",
    "W_o": "n_h n_x",
    "W_g": "n_h n_x",
    "U_f": "n_h n_h",
    "U_i": "n_h n_h",
    "U_o": "n_h n_h",
    "U_g": "n_h n_h",
    "p_f": "n_h",
    "p_i": "n_h",
    "p_o": "n_h",
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
    "g": "n_h",
    "c_next": "n_h",
    "o": "n_h",
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
    p_f: Array  # (n_h,)
    p_i: Array  # (n_h,)
    p_o: Array  # (n_h,)
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
    g: Array  # (B, n_h)
    c_next: Array  # (B, n_h)
    o: Array  # (B, n_h)
    tanh_c_next: Array  # (B, n_h)
    h_next: Array  # (B, n_h)


class Tape(NamedTuple):
    """The values of the equations in all steps."""

    x: Array  # (T, B, n_x)
    h: Array  # (T, B, n_h)
    c: Array  # (T, B, n_h)
    f: Array  # (T, B, n_h)
    i: Array  # (T, B, n_h)
    g: Array  # (T, B, n_h)
    c_next: Array  # (T, B, n_h)
    o: Array  # (T, B, n_h)
    tanh_c_next: Array  # (T, B, n_h)
    h_next: Array  # (T, B, n_h)


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
    if np.dtype(dtype) not in _DTYPES:
        raise TypeError(f"{_CELL}.init: dtype: expected float32 or float64, got {dtype}")
    return Params(
        W_f=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_i=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_o=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_g=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        U_f=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        U_i=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        U_o=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        U_g=(rng.uniform(-1, 1, (n_h, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
        p_f=np.zeros((n_h,), dtype=dtype),
        p_i=np.zeros((n_h,), dtype=dtype),
        p_o=np.zeros((n_h,), dtype=dtype),
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
    _check("step", (params, _PARAMS, ""), ((x,), _INPUTS, "B"), (state, _STATE, "B"))
    W_f, W_i, W_o, W_g, U_f, U_i, U_o, U_g, p_f, p_i, p_o, b_f, b_i, b_o, b_g = params
    h, c = state
    # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
    a_f = x @ W_f.T + h @ U_f.T + p_f * c + b_f
    # f_t = σ(a_f)
    f = _sigmoid(a_f)
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    a_i = x @ W_i.T + h @ U_i.T + p_i * c + b_i
    # i_t = σ(a_i)
    i = _sigmoid(a_i)
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    a_g = x @ W_g.T + h @ U_g.T + b_g
    # g_t = tanh(a_g)
    g = np.tanh(a_g)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    c_next = f * c + i * g
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    a_o = x @ W_o.T + h @ U_o.T + p_o * c_next + b_o
    # o_t = σ(a_o)
    o = _sigmoid(a_o)
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
        g=g,
        c_next=c_next,
        o=o,
        tanh_c_next=tanh_c_next,
        h_next=h_next,
    )
    return State(h=h_next, c=c_next), saved


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
    dnext = State(*_filled(dnext, [saved.h_next.shape, saved.c_next.shape], saved[0].dtype))
    _check("step_vjp", (params, _PARAMS, ""), (saved, _SAVED, "B"), (dnext, _NEXT, "B"))
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g, p_f, p_i = params.U_i, params.U_o, params.U_g, params.p_f, params.p_i
    p_o = params.p_o
    x, h, c, f, i, g, c_next = saved.x, saved.h, saved.c, saved.f, saved.i, saved.g, saved.c_next
    o, tanh_c_next = saved.o, saved.tanh_c_next
    dh_next, dc_next_given = dnext
    # h_t = o_t ∘ tanh(c_t)
    dtanh_c_next = dh_next * o
    do = dh_next * tanh_c_next
    # o_t = σ(a_o)
    da_o = do * o * (1 - o)
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    dW_o = da_o.T @ x
    dU_o = da_o.T @ h
    dp_o = (da_o * c_next).sum(axis=0)
    db_o = da_o.sum(axis=0)
    # c_t is in a_o, tanh(c_t)
    dc_next = dc_next_given + dtanh_c_next * (1 - tanh_c_next**2) + da_o * p_o
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    dg = dc_next * i
    # g_t = tanh(a_g)
    da_g = dg * (1 - g**2)
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    dW_g = da_g.T @ x
    dU_g = da_g.T @ h
    db_g = da_g.sum(axis=0)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    di = dc_next * g
    # i_t = σ(a_i)
    da_i = di * i * (1 - i)
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    dW_i = da_i.T @ x
    dU_i = da_i.T @ h
    dp_i = (da_i * c).sum(axis=0)
    db_i = da_i.sum(axis=0)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    df = dc_next * c
    # f_t = σ(a_f)
    da_f = df * f * (1 - f)
    # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
    dW_f = da_f.T @ x
    dU_f = da_f.T @ h
    dp_f = (da_f * c).sum(axis=0)
    db_f = da_f.sum(axis=0)
    # x_t is in a_f, a_i, a_g, a_o
    dx = da_f @ W_f + da_i @ W_i + da_o @ W_o + da_g @ W_g
    # h_{t-1} is in a_f, a_i, a_g, a_o
    dh = da_f @ U_f + da_i @ U_i + da_o @ U_o + da_g @ U_g
    # c_{t-1} is in a_f, a_i, c_t
    dc = dc_next * f + da_f * p_f + da_i * p_i
    dparams = Params(
        W_f=dW_f,
        W_i=dW_i,
        W_o=dW_o,
        W_g=dW_g,
        U_f=dU_f,
        U_i=dU_i,
        U_o=dU_o,
        U_g=dU_g,
        p_f=dp_f,
        p_i=dp_i,
        p_o=dp_o,
        b_f=db_f,
        b_i=db_i,
        b_o=db_o,
        b_g=db_g,
    )
    return dparams, dx, State(h=dh, c=dc)


def step_jvp(params: Params, saved: Saved, dparams: Params, dx: Array, dstate: State) -> State:
    """Forward mode of `step`: the tangents of what it returned.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dparams: the tangents of the parameters; a field may be None for zero.
        dx: the tangent of the input; None for zero.
        dstate: the tangent of the old state; a field may be None for zero.

    Returns:
        h (B, n_h), c (B, n_h).
    """
    dparams = Params(*_filled(dparams, [p.shape for p in params], saved[0].dtype))
    (dx,) = _filled((dx,), [saved.x.shape], saved[0].dtype)
    dstate = State(*_filled(dstate, [saved.h.shape, saved.c.shape], saved[0].dtype))
    _check(
        "step_jvp",
        (params, _PARAMS, ""),
        (saved, _SAVED, "B"),
        (dparams, _PARAMS, ""),
        ((dx,), _INPUTS, "B"),
        (dstate, _STATE, "B"),
    )
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g, p_f, p_i = params.U_i, params.U_o, params.U_g, params.p_f, params.p_i
    p_o = params.p_o
    x, h, c, f, i, g, c_next = saved.x, saved.h, saved.c, saved.f, saved.i, saved.g, saved.c_next
    o, tanh_c_next = saved.o, saved.tanh_c_next
    (
        W_f_dot,
        W_i_dot,
        W_o_dot,
        W_g_dot,
        U_f_dot,
        U_i_dot,
        U_o_dot,
        U_g_dot,
        p_f_dot,
        p_i_dot,
        p_o_dot,
        b_f_dot,
        b_i_dot,
        b_o_dot,
        b_g_dot,
    ) = dparams
    x_dot = dx
    h_dot, c_dot = dstate
    # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
    a_f_dot = (
        x_dot @ W_f.T
        + h_dot @ U_f.T
        + p_f * c_dot
        + x @ W_f_dot.T
        + h @ U_f_dot.T
        + c * p_f_dot
        + b_f_dot
    )
    # f_t = σ(a_f)
    f_dot = f * (1 - f) * a_f_dot
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
    i_dot = i * (1 - i) * a_i_dot
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    a_g_dot = x_dot @ W_g.T + h_dot @ U_g.T + x @ W_g_dot.T + h @ U_g_dot.T + b_g_dot
    # g_t = tanh(a_g)
    g_dot = (1 - g**2) * a_g_dot
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    c_next_dot = f * c_dot + c * f_dot + g * i_dot + i * g_dot
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
    o_dot = o * (1 - o) * a_o_dot
    # tanh(c_t)
    tanh_c_next_dot = (1 - tanh_c_next**2) * c_next_dot
    # h_t = o_t ∘ tanh(c_t)
    h_next_dot = tanh_c_next * o_dot + o * tanh_c_next_dot
    return State(h=h_next_dot, c=c_next_dot)


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
    dnext = State(*_filled(dnext, [saved.h_next.shape, saved.c_next.shape], saved[0].dtype))
    dparams = Params(*_filled(dparams, [p.shape for p in params], saved[0].dtype))
    (dx,) = _filled((dx,), [saved.x.shape], saved[0].dtype)
    dstate = State(*_filled(dstate, [saved.h.shape, saved.c.shape], saved[0].dtype))
    _check(
        "step_hvp",
        (params, _PARAMS, ""),
        (saved, _SAVED, "B"),
        (dnext, _NEXT, "B"),
        (dparams, _PARAMS, ""),
        ((dx,), _INPUTS, "B"),
        (dstate, _STATE, "B"),
    )
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g, p_f, p_i = params.U_i, params.U_o, params.U_g, params.p_f, params.p_i
    p_o = params.p_o
    x, h, c, f, i, g, c_next = saved.x, saved.h, saved.c, saved.f, saved.i, saved.g, saved.c_next
    o, tanh_c_next = saved.o, saved.tanh_c_next
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
        p_f_dot,
        p_i_dot,
        p_o_dot,
        b_f_dot,
        b_i_dot,
        b_o_dot,
        b_g_dot,
    ) = dparams
    x_dot = dx
    h_dot, c_dot = dstate
    # h_t = o_t ∘ tanh(c_t)
    dtanh_c_next = dh_next * o
    do = dh_next * tanh_c_next
    # o_t = σ(a_o)
    da_o = do * o * (1 - o)
    # c_t is in a_o, tanh(c_t)
    dc_next = dc_next_given + dtanh_c_next * (1 - tanh_c_next**2) + da_o * p_o
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    dg = dc_next * i
    # g_t = tanh(a_g)
    da_g = dg * (1 - g**2)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    di = dc_next * g
    # i_t = σ(a_i)
    da_i = di * i * (1 - i)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    df = dc_next * c
    # f_t = σ(a_f)
    da_f = df * f * (1 - f)
    # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
    a_f_dot = (
        x_dot @ W_f.T
        + h_dot @ U_f.T
        + p_f * c_dot
        + x @ W_f_dot.T
        + h @ U_f_dot.T
        + c * p_f_dot
        + b_f_dot
    )
    # f_t = σ(a_f)
    f_dot = f * (1 - f) * a_f_dot
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
    i_dot = i * (1 - i) * a_i_dot
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    a_g_dot = x_dot @ W_g.T + h_dot @ U_g.T + x @ W_g_dot.T + h @ U_g_dot.T + b_g_dot
    # g_t = tanh(a_g)
    g_dot = (1 - g**2) * a_g_dot
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    c_next_dot = f * c_dot + c * f_dot + g * i_dot + i * g_dot
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
    o_dot = o * (1 - o) * a_o_dot
    # tanh(c_t)
    tanh_c_next_dot = (1 - tanh_c_next**2) * c_next_dot
    # h_t = o_t ∘ tanh(c_t)
    dtanh_c_next_dot = dh_next * o_dot
    do_dot = dh_next * tanh_c_next_dot
    # o_t = σ(a_o)
    da_o_dot = do * (1 - 2 * o) * o_dot + do_dot * o * (1 - o)
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    dW_o_dot = da_o.T @ x_dot + da_o_dot.T @ x
    dU_o_dot = da_o.T @ h_dot + da_o_dot.T @ h
    dp_o_dot = (da_o * c_next_dot).sum(axis=0) + (da_o_dot * c_next).sum(axis=0)
    db_o_dot = da_o_dot.sum(axis=0)
    # c_t is in a_o, tanh(c_t)
    dc_next_dot = (
        dtanh_c_next_dot * (1 - tanh_c_next**2)
        + da_o_dot * p_o
        + da_o * p_o_dot
        - 2 * dtanh_c_next * tanh_c_next * tanh_c_next_dot
    )
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    dg_dot = dc_next * i_dot + dc_next_dot * i
    # g_t = tanh(a_g)
    da_g_dot = dg_dot * (1 - g**2) - 2 * dg * g * g_dot
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    dW_g_dot = da_g.T @ x_dot + da_g_dot.T @ x
    dU_g_dot = da_g.T @ h_dot + da_g_dot.T @ h
    db_g_dot = da_g_dot.sum(axis=0)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    di_dot = dc_next * g_dot + dc_next_dot * g
    # i_t = σ(a_i)
    da_i_dot = di * (1 - 2 * i) * i_dot + di_dot * i * (1 - i)
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    dW_i_dot = da_i.T @ x_dot + da_i_dot.T @ x
    dU_i_dot = da_i.T @ h_dot + da_i_dot.T @ h
    dp_i_dot = (da_i * c_dot).sum(axis=0) + (da_i_dot * c).sum(axis=0)
    db_i_dot = da_i_dot.sum(axis=0)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    df_dot = dc_next * c_dot + dc_next_dot * c
    # f_t = σ(a_f)
    da_f_dot = df * (1 - 2 * f) * f_dot + df_dot * f * (1 - f)
    # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
    dW_f_dot = da_f.T @ x_dot + da_f_dot.T @ x
    dU_f_dot = da_f.T @ h_dot + da_f_dot.T @ h
    dp_f_dot = (da_f * c_dot).sum(axis=0) + (da_f_dot * c).sum(axis=0)
    db_f_dot = da_f_dot.sum(axis=0)
    # x_t is in a_f, a_i, a_g, a_o
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
    # h_{t-1} is in a_f, a_i, a_g, a_o
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
    # c_{t-1} is in a_f, a_i, c_t
    dc_dot = (
        dc_next * f_dot
        + dc_next_dot * f
        + da_f_dot * p_f
        + da_i_dot * p_i
        + da_f * p_f_dot
        + da_i * p_i_dot
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
        p_f=dp_f_dot,
        p_i=dp_i_dot,
        p_o=dp_o_dot,
        b_f=db_f_dot,
        b_i=db_i_dot,
        b_o=db_o_dot,
        b_g=db_g_dot,
    )
    return dparams, dx_dot, State(h=dh_dot, c=dc_dot)


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
    U_f, U_i, U_o, U_g, p_f = params.U_f, params.U_i, params.U_o, params.U_g, params.p_f
    p_i, p_o = params.p_i, params.p_o
    c, f, i, g, o, tanh_c_next = saved.c, saved.f, saved.i, saved.g, saved.o, saved.tanh_c_next
    # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
    da_f_dh = U_f
    # f_t = σ(a_f)
    df_dh = (f * (1 - f))[:, :, None] * da_f_dh
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    da_i_dh = U_i
    # i_t = σ(a_i)
    di_dh = (i * (1 - i))[:, :, None] * da_i_dh
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    da_g_dh = U_g
    # g_t = tanh(a_g)
    dg_dh = (1 - g**2)[:, :, None] * da_g_dh
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    dc_next_dh = c[:, :, None] * df_dh + g[:, :, None] * di_dh + i[:, :, None] * dg_dh
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    da_o_dh = U_o + p_o[:, None] * dc_next_dh
    # o_t = σ(a_o)
    do_dh = (o * (1 - o))[:, :, None] * da_o_dh
    # tanh(c_t)
    dtanh_c_next_dh = (1 - tanh_c_next**2)[:, :, None] * dc_next_dh
    # h_t = o_t ∘ tanh(c_t)
    dh_next_dh = tanh_c_next[:, :, None] * do_dh + o[:, :, None] * dtanh_c_next_dh
    # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
    da_f_dc = p_f[:, None] * np.eye(n_h, dtype=dtype)
    # f_t = σ(a_f)
    df_dc = (f * (1 - f))[:, :, None] * da_f_dc
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    da_i_dc = p_i[:, None] * np.eye(n_h, dtype=dtype)
    # i_t = σ(a_i)
    di_dc = (i * (1 - i))[:, :, None] * da_i_dc
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    dc_next_dc = (
        f[:, :, None] * np.eye(n_h, dtype=dtype) + c[:, :, None] * df_dc + g[:, :, None] * di_dc
    )
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    da_o_dc = p_o[:, None] * dc_next_dc
    # o_t = σ(a_o)
    do_dc = (o * (1 - o))[:, :, None] * da_o_dc
    # tanh(c_t)
    dtanh_c_next_dc = (1 - tanh_c_next**2)[:, :, None] * dc_next_dc
    # h_t = o_t ∘ tanh(c_t)
    dh_next_dc = tanh_c_next[:, :, None] * do_dc + o[:, :, None] * dtanh_c_next_dc
    return Jacobian(h=State(h=dh_next_dh, c=dh_next_dc), c=State(h=dc_next_dh, c=dc_next_dc))


def unroll(params: Params, xs: Array, state0: State) -> tuple[State, Tape]:
    """A sequence: what `step` returns after every step, and the values of the equations.

    Args:
        params: the parameters.
        xs: the inputs, x (T, B, n_x).
        state0: the first state, h (B, n_h), c (B, n_h).

    Returns:
        h (T, B, n_h), c (T, B, n_h).
        The tape, which may refer to arguments and results: do not change it.
    """
    sizes, dtype = _check(
        "unroll",
        (params, _PARAMS, ""),
        ((xs,), _INPUTS, "T B"),
        (state0, _STATE, "B"),
    )
    T, B, n_h = sizes["T"], sizes["B"], sizes["n_h"]
    W_f, W_i, W_o, W_g, U_f, U_i, U_o, U_g, p_f, p_i, p_o, b_f, b_i, b_o, b_g = params
    h, c = state0
    tape = Tape(
        x=xs,
        h=np.empty((T, B, n_h), dtype=dtype),
        c=np.empty((T, B, n_h), dtype=dtype),
        f=np.empty((T, B, n_h), dtype=dtype),
        i=np.empty((T, B, n_h), dtype=dtype),
        g=np.empty((T, B, n_h), dtype=dtype),
        c_next=np.empty((T, B, n_h), dtype=dtype),
        o=np.empty((T, B, n_h), dtype=dtype),
        tanh_c_next=np.empty((T, B, n_h), dtype=dtype),
        h_next=np.empty((T, B, n_h), dtype=dtype),
    )
    for t in range(T):
        x = xs[t]
        # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
        a_f = x @ W_f.T + h @ U_f.T + p_f * c + b_f
        # f_t = σ(a_f)
        f = _sigmoid(a_f)
        # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
        a_i = x @ W_i.T + h @ U_i.T + p_i * c + b_i
        # i_t = σ(a_i)
        i = _sigmoid(a_i)
        # a_g = W_g x_t + U_g h_{t-1} + b_g
        a_g = x @ W_g.T + h @ U_g.T + b_g
        # g_t = tanh(a_g)
        g = np.tanh(a_g)
        # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
        c_next = f * c + i * g
        # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
        a_o = x @ W_o.T + h @ U_o.T + p_o * c_next + b_o
        # o_t = σ(a_o)
        o = _sigmoid(a_o)
        # tanh(c_t)
        tanh_c_next = np.tanh(c_next)
        # h_t = o_t ∘ tanh(c_t)
        h_next = o * tanh_c_next
        tape.h[t] = h
        tape.c[t] = c
        tape.f[t] = f
        tape.i[t] = i
        tape.g[t] = g
        tape.c_next[t] = c_next
        tape.o[t] = o
        tape.tanh_c_next[t] = tanh_c_next
        tape.h_next[t] = h_next
        h = h_next
        c = c_next
    return State(h=tape.h_next, c=tape.c_next), tape


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
    dnexts = State(*_filled(dnexts, [tape.h_next.shape, tape.c_next.shape], tape[0].dtype))
    sizes, dtype = _check(
        "unroll_vjp",
        (params, _PARAMS, ""),
        (tape, _SAVED, "T B"),
        (dnexts, _NEXT, "T B"),
    )
    T, B, n_h = sizes["T"], sizes["B"], sizes["n_h"]
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g, p_f, p_i = params.U_i, params.U_o, params.U_g, params.p_f, params.p_i
    p_o = params.p_o
    dW_f = np.zeros_like(params.W_f)
    dW_i = np.zeros_like(params.W_i)
    dW_o = np.zeros_like(params.W_o)
    dW_g = np.zeros_like(params.W_g)
    dU_f = np.zeros_like(params.U_f)
    dU_i = np.zeros_like(params.U_i)
    dU_o = np.zeros_like(params.U_o)
    dU_g = np.zeros_like(params.U_g)
    dp_f = np.zeros_like(params.p_f)
    dp_i = np.zeros_like(params.p_i)
    dp_o = np.zeros_like(params.p_o)
    db_f = np.zeros_like(params.b_f)
    db_i = np.zeros_like(params.b_i)
    db_o = np.zeros_like(params.b_o)
    db_g = np.zeros_like(params.b_g)
    dxs = np.empty_like(tape.x)
    dh_next_later = np.zeros((B, n_h), dtype=dtype)
    dc_next_later = np.zeros((B, n_h), dtype=dtype)
    for t in reversed(range(T)):
        x, h, c, f, i, g = tape.x[t], tape.h[t], tape.c[t], tape.f[t], tape.i[t], tape.g[t]
        c_next, o, tanh_c_next = tape.c_next[t], tape.o[t], tape.tanh_c_next[t]
        dh_next_given, dc_next_given = dnexts.h[t], dnexts.c[t]
        dh_next = dh_next_given + dh_next_later
        # h_t = o_t ∘ tanh(c_t)
        dtanh_c_next = dh_next * o
        do = dh_next * tanh_c_next
        # o_t = σ(a_o)
        da_o = do * o * (1 - o)
        # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
        dW_o += da_o.T @ x
        dU_o += da_o.T @ h
        dp_o += (da_o * c_next).sum(axis=0)
        db_o += da_o.sum(axis=0)
        # c_t is in a_o, tanh(c_t)
        dc_next = dc_next_given + dc_next_later + dtanh_c_next * (1 - tanh_c_next**2) + da_o * p_o
        # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
        dg = dc_next * i
        # g_t = tanh(a_g)
        da_g = dg * (1 - g**2)
        # a_g = W_g x_t + U_g h_{t-1} + b_g
        dW_g += da_g.T @ x
        dU_g += da_g.T @ h
        db_g += da_g.sum(axis=0)
        # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
        di = dc_next * g
        # i_t = σ(a_i)
        da_i = di * i * (1 - i)
        # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
        dW_i += da_i.T @ x
        dU_i += da_i.T @ h
        dp_i += (da_i * c).sum(axis=0)
        db_i += da_i.sum(axis=0)
        # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
        df = dc_next * c
        # f_t = σ(a_f)
        da_f = df * f * (1 - f)
        # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
        dW_f += da_f.T @ x
        dU_f += da_f.T @ h
        dp_f += (da_f * c).sum(axis=0)
        db_f += da_f.sum(axis=0)
        # x_t is in a_f, a_i, a_g, a_o
        dx = da_f @ W_f + da_i @ W_i + da_o @ W_o + da_g @ W_g
        # h_{t-1} is in a_f, a_i, a_g, a_o
        dh = da_f @ U_f + da_i @ U_i + da_o @ U_o + da_g @ U_g
        # c_{t-1} is in a_f, a_i, c_t
        dc = dc_next * f + da_f * p_f + da_i * p_i
        dxs[t] = dx
        dh_next_later = dh
        dc_next_later = dc
    dparams = Params(
        W_f=dW_f,
        W_i=dW_i,
        W_o=dW_o,
        W_g=dW_g,
        U_f=dU_f,
        U_i=dU_i,
        U_o=dU_o,
        U_g=dU_g,
        p_f=dp_f,
        p_i=dp_i,
        p_o=dp_o,
        b_f=db_f,
        b_i=db_i,
        b_o=db_o,
        b_g=db_g,
    )
    return dparams, dxs, State(h=dh_next_later, c=dc_next_later)


def unroll_jvp(params: Params, tape: Tape, dparams: Params, dxs: Array, dstate0: State) -> State:
    """Forward mode of `unroll`: the tangents of what it returned, for every step.

    Args:
        params: the parameters.
        tape: what `unroll` kept.
        dparams: the tangents of the parameters; a field may be None for zero.
        dxs: the tangents of the inputs; None for zero.
        dstate0: the tangent of the first state; a field may be None for zero.

    Returns:
        h (T, B, n_h), c (T, B, n_h).
    """
    dparams = Params(*_filled(dparams, [p.shape for p in params], tape[0].dtype))
    (dxs,) = _filled((dxs,), [tape.x.shape], tape[0].dtype)
    dstate0 = State(*_filled(dstate0, [tape.h.shape[1:], tape.c.shape[1:]], tape[0].dtype))
    sizes, _ = _check(
        "unroll_jvp",
        (params, _PARAMS, ""),
        (tape, _SAVED, "T B"),
        (dparams, _PARAMS, ""),
        ((dxs,), _INPUTS, "T B"),
        (dstate0, _STATE, "B"),
    )
    T = sizes["T"]
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g, p_f, p_i = params.U_i, params.U_o, params.U_g, params.p_f, params.p_i
    p_o = params.p_o
    (
        W_f_dot,
        W_i_dot,
        W_o_dot,
        W_g_dot,
        U_f_dot,
        U_i_dot,
        U_o_dot,
        U_g_dot,
        p_f_dot,
        p_i_dot,
        p_o_dot,
        b_f_dot,
        b_i_dot,
        b_o_dot,
        b_g_dot,
    ) = dparams
    h_dot, c_dot = dstate0
    nexts = State(h=np.empty_like(tape.h_next), c=np.empty_like(tape.c_next))
    for t in range(T):
        x, h, c, f, i, g = tape.x[t], tape.h[t], tape.c[t], tape.f[t], tape.i[t], tape.g[t]
        c_next, o, tanh_c_next = tape.c_next[t], tape.o[t], tape.tanh_c_next[t]
        x_dot = dxs[t]
        # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
        a_f_dot = (
            x_dot @ W_f.T
            + h_dot @ U_f.T
            + p_f * c_dot
            + x @ W_f_dot.T
            + h @ U_f_dot.T
            + c * p_f_dot
            + b_f_dot
        )
        # f_t = σ(a_f)
        f_dot = f * (1 - f) * a_f_dot
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
        i_dot = i * (1 - i) * a_i_dot
        # a_g = W_g x_t + U_g h_{t-1} + b_g
        a_g_dot = x_dot @ W_g.T + h_dot @ U_g.T + x @ W_g_dot.T + h @ U_g_dot.T + b_g_dot
        # g_t = tanh(a_g)
        g_dot = (1 - g**2) * a_g_dot
        # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
        c_next_dot = f * c_dot + c * f_dot + g * i_dot + i * g_dot
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
        o_dot = o * (1 - o) * a_o_dot
        # tanh(c_t)
        tanh_c_next_dot = (1 - tanh_c_next**2) * c_next_dot
        # h_t = o_t ∘ tanh(c_t)
        h_next_dot = tanh_c_next * o_dot + o * tanh_c_next_dot
        nexts.h[t] = h_next_dot
        nexts.c[t] = c_next_dot
        h_dot = h_next_dot
        c_dot = c_next_dot
    return nexts


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
