"""LSTM with peepholes and a recurrent projection: h has n_p components, c has n_h.

    f_t = σ(W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f)
    i_t = σ(W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i)
    g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)
    c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    o_t = σ(W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o)
    h_t = W_r (o_t ∘ tanh(c_t))

Generated from equations/cells/lstm_projection.py by `gateproof generate lstm_projection`: change
that file, not this one. B is the batch, T the number of time steps. MIT licence; see LICENSE.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

_CELL = "lstm_projection"
_DTYPES = (np.float32, np.float64)
_PARAMS = {
    "W_f": "n_h n_x",
    "W_i": "n_h n_x",
    "W_o": "n_h n_x",
    "W_g": "n_h n_x",
    "U_f": "n_h n_p",
    "U_i": "n_h n_p",
    "U_o": "n_h n_p",
    "U_g": "n_h n_p",
    "p_f": "n_h",
    "p_i": "n_h",
    "p_o": "n_h",
    "b_f": "n_h",
    "b_i": "n_h",
    "b_o": "n_h",
    "b_g": "n_h",
    "W_r": "n_p n_h",
}
_INPUTS = {"x": "n_x"}
_STATE = {"h": "n_p", "c": "n_h"}
_NEXT = {"h": "n_p", "c": "n_h"}
_SAVED = {
    "x": "n_x",
    "h": "n_p",
    "c": "n_h",
    "f": "n_h",
    "i": "n_h",
    "g": "n_h",
    "c_next": "n_h",
    "o": "n_h",
    "tanh_c_next": "n_h",
    "o_tanh_c_next": "n_h",
    "h_next": "n_p",
}


class Params(NamedTuple):
    """The parameters."""

    W_f: Array  # (n_h, n_x)
    W_i: Array  # (n_h, n_x)
    W_o: Array  # (n_h, n_x)
    W_g: Array  # (n_h, n_x)
    U_f: Array  # (n_h, n_p)
    U_i: Array  # (n_h, n_p)
    U_o: Array  # (n_h, n_p)
    U_g: Array  # (n_h, n_p)
    p_f: Array  # (n_h,)
    p_i: Array  # (n_h,)
    p_o: Array  # (n_h,)
    b_f: Array  # (n_h,)
    b_i: Array  # (n_h,)
    b_o: Array  # (n_h,)
    b_g: Array  # (n_h,)
    W_r: Array  # (n_p, n_h)


class State(NamedTuple):
    """The state."""

    h: Array  # (B, n_p)
    c: Array  # (B, n_h)


class Saved(NamedTuple):
    """The values of the equations in one step."""

    x: Array  # (B, n_x)
    h: Array  # (B, n_p)
    c: Array  # (B, n_h)
    f: Array  # (B, n_h)
    i: Array  # (B, n_h)
    g: Array  # (B, n_h)
    c_next: Array  # (B, n_h)
    o: Array  # (B, n_h)
    tanh_c_next: Array  # (B, n_h)
    o_tanh_c_next: Array  # (B, n_h)
    h_next: Array  # (B, n_p)


class Tape(NamedTuple):
    """The values of the equations in all steps."""

    x: Array  # (T, B, n_x)
    h: Array  # (T, B, n_p)
    c: Array  # (T, B, n_h)
    f: Array  # (T, B, n_h)
    i: Array  # (T, B, n_h)
    g: Array  # (T, B, n_h)
    c_next: Array  # (T, B, n_h)
    o: Array  # (T, B, n_h)
    tanh_c_next: Array  # (T, B, n_h)
    o_tanh_c_next: Array  # (T, B, n_h)
    h_next: Array  # (T, B, n_p)


class Jacobian(NamedTuple):
    """The derivatives of every new state by every old one."""

    h: State
    c: State


def init(
    rng: np.random.Generator, *, n_h: int, n_x: int, n_p: int, dtype: DTypeLike = np.float64
) -> Params:
    """Random parameters: weights uniform within 1/sqrt(fan in), everything else zero.

    Args:
        rng: the random generator that is drawn from.
        n_h: the length of this axis.
        n_x: the length of this axis.
        n_p: the length of this axis.
        dtype: float32 or float64.
    """
    if np.dtype(dtype) not in _DTYPES:
        raise TypeError(f"{_CELL}.init: dtype: expected float32 or float64, got {dtype}")
    return Params(
        W_f=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_i=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_o=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_g=(rng.uniform(-1, 1, (n_h, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        U_f=(rng.uniform(-1, 1, (n_h, n_p)) / np.sqrt(max(n_p, 1))).astype(dtype),
        U_i=(rng.uniform(-1, 1, (n_h, n_p)) / np.sqrt(max(n_p, 1))).astype(dtype),
        U_o=(rng.uniform(-1, 1, (n_h, n_p)) / np.sqrt(max(n_p, 1))).astype(dtype),
        U_g=(rng.uniform(-1, 1, (n_h, n_p)) / np.sqrt(max(n_p, 1))).astype(dtype),
        p_f=np.zeros((n_h,), dtype=dtype),
        p_i=np.zeros((n_h,), dtype=dtype),
        p_o=np.zeros((n_h,), dtype=dtype),
        b_f=np.zeros((n_h,), dtype=dtype),
        b_i=np.zeros((n_h,), dtype=dtype),
        b_o=np.zeros((n_h,), dtype=dtype),
        b_g=np.zeros((n_h,), dtype=dtype),
        W_r=(rng.uniform(-1, 1, (n_p, n_h)) / np.sqrt(max(n_h, 1))).astype(dtype),
    )


def step(params: Params, x: Array, state: State) -> tuple[State, Saved]:
    """One time step: the new state, and the values of the equations for its derivatives.

    Args:
        params: the parameters.
        x: the input, x (B, n_x).
        state: the old state, h (B, n_p), c (B, n_h).

    Returns:
        h (B, n_p), c (B, n_h).
        The values of the equations, which may refer to arguments and results: do not change them.
    """
    _check("step", (params, _PARAMS, ""), ((x,), _INPUTS, "B"), (state, _STATE, "B"))
    W_f, W_i, W_o, W_g, U_f, U_i, U_o, U_g, p_f, p_i, p_o, b_f, b_i, b_o, b_g, W_r = params
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
    # o_t ∘ tanh(c_t)
    o_tanh_c_next = o * tanh_c_next
    # h_t = W_r (o_t ∘ tanh(c_t))
    h_next = o_tanh_c_next @ W_r.T
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
        o_tanh_c_next=o_tanh_c_next,
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
    p_o, W_r = params.p_o, params.W_r
    x, h, c, f, i, g, c_next = saved.x, saved.h, saved.c, saved.f, saved.i, saved.g, saved.c_next
    o, tanh_c_next, o_tanh_c_next = saved.o, saved.tanh_c_next, saved.o_tanh_c_next
    dh_next, dc_next_given = dnext
    # h_t = W_r (o_t ∘ tanh(c_t))
    dW_r = dh_next.T @ o_tanh_c_next
    do_tanh_c_next = dh_next @ W_r
    # o_t ∘ tanh(c_t)
    dtanh_c_next = do_tanh_c_next * o
    do = do_tanh_c_next * tanh_c_next
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
        W_r=dW_r,
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
        h (B, n_p), c (B, n_h).
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
    p_o, W_r = params.p_o, params.W_r
    x, h, c, f, i, g, c_next = saved.x, saved.h, saved.c, saved.f, saved.i, saved.g, saved.c_next
    o, tanh_c_next, o_tanh_c_next = saved.o, saved.tanh_c_next, saved.o_tanh_c_next
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
        W_r_dot,
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
    # o_t ∘ tanh(c_t)
    o_tanh_c_next_dot = tanh_c_next * o_dot + o * tanh_c_next_dot
    # h_t = W_r (o_t ∘ tanh(c_t))
    h_next_dot = o_tanh_c_next_dot @ W_r.T + o_tanh_c_next @ W_r_dot.T
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
    p_o, W_r = params.p_o, params.W_r
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
        W_r_dot,
    ) = dparams
    x_dot = dx
    h_dot, c_dot = dstate
    # h_t = W_r (o_t ∘ tanh(c_t))
    do_tanh_c_next = dh_next @ W_r
    # o_t ∘ tanh(c_t)
    dtanh_c_next = do_tanh_c_next * o
    do = do_tanh_c_next * tanh_c_next
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
    # o_t ∘ tanh(c_t)
    o_tanh_c_next_dot = tanh_c_next * o_dot + o * tanh_c_next_dot
    # h_t = W_r (o_t ∘ tanh(c_t))
    dW_r_dot = dh_next.T @ o_tanh_c_next_dot
    do_tanh_c_next_dot = dh_next @ W_r_dot
    # o_t ∘ tanh(c_t)
    dtanh_c_next_dot = do_tanh_c_next * o_dot + do_tanh_c_next_dot * o
    do_dot = do_tanh_c_next * tanh_c_next_dot + do_tanh_c_next_dot * tanh_c_next
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
        W_r=dW_r_dot,
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
    p_i, p_o, W_r = params.p_i, params.p_o, params.W_r
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
    # o_t ∘ tanh(c_t)
    do_tanh_c_next_dh = tanh_c_next[:, :, None] * do_dh + o[:, :, None] * dtanh_c_next_dh
    # h_t = W_r (o_t ∘ tanh(c_t))
    dh_next_dh = W_r @ do_tanh_c_next_dh
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
    # o_t ∘ tanh(c_t)
    do_tanh_c_next_dc = tanh_c_next[:, :, None] * do_dc + o[:, :, None] * dtanh_c_next_dc
    # h_t = W_r (o_t ∘ tanh(c_t))
    dh_next_dc = W_r @ do_tanh_c_next_dc
    return Jacobian(h=State(h=dh_next_dh, c=dh_next_dc), c=State(h=dc_next_dh, c=dc_next_dc))


def unroll(params: Params, xs: Array, state0: State) -> tuple[State, Tape]:
    """A sequence: what `step` returns after every step, and the values of the equations.

    Args:
        params: the parameters.
        xs: the inputs, x (T, B, n_x).
        state0: the first state, h (B, n_p), c (B, n_h).

    Returns:
        h (T, B, n_p), c (T, B, n_h).
        The tape, which may refer to arguments and results: do not change it.
    """
    sizes, dtype = _check(
        "unroll",
        (params, _PARAMS, ""),
        ((xs,), _INPUTS, "T B"),
        (state0, _STATE, "B"),
    )
    T, B, n_x, n_p, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_p"], sizes["n_h"]
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g, p_f, p_i = params.U_i, params.U_o, params.U_g, params.p_f, params.p_i
    p_o, b_f, b_i, b_o, b_g = params.p_o, params.b_f, params.b_i, params.b_o, params.b_g
    W_r = params.W_r
    x_all = xs.reshape(T * B, n_x)
    W_f_i_g_o = np.concatenate((W_f, W_i, W_g, W_o), axis=0)
    b_f_i_g_o = np.concatenate((b_f, b_i, b_g, b_o), axis=0)
    # W_f x_t + b_f
    # W_i x_t + b_i
    # W_g x_t + b_g
    # W_o x_t + b_o
    a_f_i_g_o_ahead_all = x_all @ W_f_i_g_o.T + b_f_i_g_o
    f_all = np.empty((T * B, n_h), dtype=dtype)
    i_all = np.empty((T * B, n_h), dtype=dtype)
    g_all = np.empty((T * B, n_h), dtype=dtype)
    c_steps = np.empty(((T + 1) * B, n_h), dtype=dtype)
    c_steps[:B] = state0.c
    c_all, c_next_all = c_steps[: T * B], c_steps[B:]
    o_all = np.empty((T * B, n_h), dtype=dtype)
    tanh_c_next_all = np.empty((T * B, n_h), dtype=dtype)
    o_tanh_c_next_all = np.empty((T * B, n_h), dtype=dtype)
    h_steps = np.empty(((T + 1) * B, n_p), dtype=dtype)
    h_steps[:B] = state0.h
    h_all, h_next_all = h_steps[: T * B], h_steps[B:]
    h = state0.h
    c = state0.c
    for t in range(T):
        rows = slice(t * B, (t + 1) * B)
        a_f_i_g_o_ahead = a_f_i_g_o_ahead_all[rows]
        # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
        a_f = a_f_i_g_o_ahead[:, :n_h] + h @ U_f.T + p_f * c
        # f_t = σ(a_f)
        f = _sigmoid(a_f)
        # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
        a_i = a_f_i_g_o_ahead[:, n_h : 2 * n_h] + h @ U_i.T + p_i * c
        # i_t = σ(a_i)
        i = _sigmoid(a_i)
        # a_g = W_g x_t + U_g h_{t-1} + b_g
        a_g = a_f_i_g_o_ahead[:, 2 * n_h : 3 * n_h] + h @ U_g.T
        # g_t = tanh(a_g)
        g = np.tanh(a_g)
        # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
        c_next = f * c + i * g
        # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
        a_o = a_f_i_g_o_ahead[:, 3 * n_h :] + h @ U_o.T + p_o * c_next
        # o_t = σ(a_o)
        o = _sigmoid(a_o)
        # tanh(c_t)
        tanh_c_next = np.tanh(c_next)
        # o_t ∘ tanh(c_t)
        o_tanh_c_next = o * tanh_c_next
        # h_t = W_r (o_t ∘ tanh(c_t))
        h_next = o_tanh_c_next @ W_r.T
        f_all[rows] = f
        i_all[rows] = i
        g_all[rows] = g
        c_next_all[rows] = c_next
        o_all[rows] = o
        tanh_c_next_all[rows] = tanh_c_next
        o_tanh_c_next_all[rows] = o_tanh_c_next
        h_next_all[rows] = h_next
        h = h_next
        c = c_next
    tape = Tape(
        x=xs,
        h=h_all.reshape(T, B, n_p),
        c=c_all.reshape(T, B, n_h),
        f=f_all.reshape(T, B, n_h),
        i=i_all.reshape(T, B, n_h),
        g=g_all.reshape(T, B, n_h),
        c_next=c_next_all.reshape(T, B, n_h),
        o=o_all.reshape(T, B, n_h),
        tanh_c_next=tanh_c_next_all.reshape(T, B, n_h),
        o_tanh_c_next=o_tanh_c_next_all.reshape(T, B, n_h),
        h_next=h_next_all.reshape(T, B, n_p),
    )
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
    T, B, n_x, n_p, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_p"], sizes["n_h"]
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g, p_f, p_i = params.U_i, params.U_o, params.U_g, params.p_f, params.p_i
    p_o, W_r = params.p_o, params.W_r
    x_all = tape.x.reshape(T * B, n_x)
    h_all = tape.h.reshape(T * B, n_p)
    c_all = tape.c.reshape(T * B, n_h)
    f_all = tape.f.reshape(T * B, n_h)
    i_all = tape.i.reshape(T * B, n_h)
    g_all = tape.g.reshape(T * B, n_h)
    c_next_all = tape.c_next.reshape(T * B, n_h)
    o_all = tape.o.reshape(T * B, n_h)
    tanh_c_next_all = tape.tanh_c_next.reshape(T * B, n_h)
    o_tanh_c_next_all = tape.o_tanh_c_next.reshape(T * B, n_h)
    dh_next_given_all = dnexts.h.reshape(T * B, n_p)
    dc_next_given_all = dnexts.c.reshape(T * B, n_h)
    U_f_i_o_g = np.concatenate((U_f, U_i, U_o, U_g), axis=0)
    W_f_i_o_g = np.concatenate((W_f, W_i, W_o, W_g), axis=0)
    # o_t ∘ tanh(c_t) ∘ (1 - o_t)
    da_o_by_do_tanh_c_next_all = o_all * tanh_c_next_all * (1 - o_all)
    # o_t ∘ (1 - tanh²(c_t))
    dc_next_by_do_tanh_c_next_all = o_all * (1 - tanh_c_next_all**2)
    # i_t ∘ (1 - g_t²)
    da_g_by_dc_next_all = i_all * (1 - g_all**2)
    # i_t ∘ g_t ∘ (1 - i_t)
    da_i_by_dc_next_all = i_all * g_all * (1 - i_all)
    # f_t ∘ (1 - f_t) ∘ c_{t-1}
    da_f_by_dc_next_all = f_all * (1 - f_all) * c_all
    dh_next_all = np.empty((T * B, n_p), dtype=dtype)
    da_f_i_o_g_all = np.empty((T * B, 4 * n_h), dtype=dtype)
    dh_next_later = np.zeros((B, n_p), dtype=dtype)
    dc_next_later = np.zeros((B, n_h), dtype=dtype)
    for t in reversed(range(T)):
        rows = slice(t * B, (t + 1) * B)
        f, dh_next_given = f_all[rows], dh_next_given_all[rows]
        dc_next_given = dc_next_given_all[rows]
        da_o_by_do_tanh_c_next = da_o_by_do_tanh_c_next_all[rows]
        dc_next_by_do_tanh_c_next = dc_next_by_do_tanh_c_next_all[rows]
        da_g_by_dc_next, da_i_by_dc_next = da_g_by_dc_next_all[rows], da_i_by_dc_next_all[rows]
        da_f_by_dc_next = da_f_by_dc_next_all[rows]
        dh_next = dh_next_given + dh_next_later
        # h_t = W_r (o_t ∘ tanh(c_t))
        do_tanh_c_next = dh_next @ W_r
        # o_t = σ(a_o)
        da_o = do_tanh_c_next * da_o_by_do_tanh_c_next
        # c_t is in a_o, tanh(c_t)
        dc_next = (
            dc_next_given + dc_next_later + do_tanh_c_next * dc_next_by_do_tanh_c_next + da_o * p_o
        )
        # g_t = tanh(a_g)
        da_g = dc_next * da_g_by_dc_next
        # i_t = σ(a_i)
        da_i = dc_next * da_i_by_dc_next
        # f_t = σ(a_f)
        da_f = dc_next * da_f_by_dc_next
        da_f_i_o_g = np.concatenate((da_f, da_i, da_o, da_g), axis=1)
        # h_{t-1} is in a_f, a_i, a_g, a_o
        dh = da_f_i_o_g @ U_f_i_o_g
        # c_{t-1} is in a_f, a_i, c_t
        dc = dc_next * f + da_f * p_f + da_i * p_i
        dh_next_all[rows] = dh_next
        da_f_i_o_g_all[rows] = da_f_i_o_g
        dh_next_later = dh
        dc_next_later = dc
    # h_t = W_r (o_t ∘ tanh(c_t))
    dW_r = dh_next_all.T @ o_tanh_c_next_all
    # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    dW_f_i_o_g = da_f_i_o_g_all.T @ x_all
    dW_f = dW_f_i_o_g[:n_h]
    dW_i = dW_f_i_o_g[n_h : 2 * n_h]
    dW_o = dW_f_i_o_g[2 * n_h : 3 * n_h]
    dW_g = dW_f_i_o_g[3 * n_h :]
    # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    dU_f_i_o_g = da_f_i_o_g_all.T @ h_all
    dU_f = dU_f_i_o_g[:n_h]
    dU_i = dU_f_i_o_g[n_h : 2 * n_h]
    dU_o = dU_f_i_o_g[2 * n_h : 3 * n_h]
    dU_g = dU_f_i_o_g[3 * n_h :]
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    dp_o = (da_f_i_o_g_all[:, 2 * n_h : 3 * n_h] * c_next_all).sum(axis=0)
    # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    db_f_i_o_g = da_f_i_o_g_all.sum(axis=0)
    db_f = db_f_i_o_g[:n_h]
    db_i = db_f_i_o_g[n_h : 2 * n_h]
    db_o = db_f_i_o_g[2 * n_h : 3 * n_h]
    db_g = db_f_i_o_g[3 * n_h :]
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    dp_i = (da_f_i_o_g_all[:, n_h : 2 * n_h] * c_all).sum(axis=0)
    # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
    dp_f = (da_f_i_o_g_all[:, :n_h] * c_all).sum(axis=0)
    # x_t is in a_f, a_i, a_g, a_o
    dx_all = da_f_i_o_g_all @ W_f_i_o_g
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
        W_r=dW_r,
    )
    return dparams, dx_all.reshape(T, B, n_x), State(h=dh_next_later, c=dc_next_later)


def unroll_jvp(params: Params, tape: Tape, dparams: Params, dxs: Array, dstate0: State) -> State:
    """Forward mode of `unroll`: the tangents of what it returned, for every step.

    Args:
        params: the parameters.
        tape: what `unroll` kept.
        dparams: the tangents of the parameters; a field may be None for zero.
        dxs: the tangents of the inputs; None for zero.
        dstate0: the tangent of the first state; a field may be None for zero.

    Returns:
        h (T, B, n_p), c (T, B, n_h).
    """
    dparams = Params(*_filled(dparams, [p.shape for p in params], tape[0].dtype))
    (dxs,) = _filled((dxs,), [tape.x.shape], tape[0].dtype)
    dstate0 = State(*_filled(dstate0, [tape.h.shape[1:], tape.c.shape[1:]], tape[0].dtype))
    sizes, dtype = _check(
        "unroll_jvp",
        (params, _PARAMS, ""),
        (tape, _SAVED, "T B"),
        (dparams, _PARAMS, ""),
        ((dxs,), _INPUTS, "T B"),
        (dstate0, _STATE, "B"),
    )
    T, B, n_x, n_p, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_p"], sizes["n_h"]
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g, p_f, p_i = params.U_i, params.U_o, params.U_g, params.p_f, params.p_i
    p_o, W_r = params.p_o, params.W_r
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
        W_r_dot,
    ) = dparams
    x_all = tape.x.reshape(T * B, n_x)
    h_all = tape.h.reshape(T * B, n_p)
    c_all = tape.c.reshape(T * B, n_h)
    f_all = tape.f.reshape(T * B, n_h)
    i_all = tape.i.reshape(T * B, n_h)
    g_all = tape.g.reshape(T * B, n_h)
    c_next_all = tape.c_next.reshape(T * B, n_h)
    o_all = tape.o.reshape(T * B, n_h)
    tanh_c_next_all = tape.tanh_c_next.reshape(T * B, n_h)
    o_tanh_c_next_all = tape.o_tanh_c_next.reshape(T * B, n_h)
    x_dot_all = dxs.reshape(T * B, n_x)
    # W_f ẋ_t + ḃ_f + Ẇ_f x_t + U̇_f h_{t-1} + c_{t-1} ∘ ṗ_f
    a_f_dot_ahead_all = (
        x_dot_all @ W_f.T + x_all @ W_f_dot.T + h_all @ U_f_dot.T + c_all * p_f_dot + b_f_dot
    )
    # W_i ẋ_t + ḃ_i + Ẇ_i x_t + U̇_i h_{t-1} + c_{t-1} ∘ ṗ_i
    a_i_dot_ahead_all = (
        x_dot_all @ W_i.T + x_all @ W_i_dot.T + h_all @ U_i_dot.T + c_all * p_i_dot + b_i_dot
    )
    # W_g ẋ_t + ḃ_g + Ẇ_g x_t + U̇_g h_{t-1}
    a_g_dot_ahead_all = x_dot_all @ W_g.T + x_all @ W_g_dot.T + h_all @ U_g_dot.T + b_g_dot
    # i_t ∘ (1 - g_t²)
    c_next_dot_by_a_g_dot_all = i_all * (1 - g_all**2)
    # f_t ∘ (1 - f_t) ∘ c_{t-1}
    c_next_dot_by_a_f_dot_all = f_all * (1 - f_all) * c_all
    # i_t ∘ g_t ∘ (1 - i_t)
    c_next_dot_by_a_i_dot_all = i_all * g_all * (1 - i_all)
    # W_o ẋ_t + ḃ_o + Ẇ_o x_t + U̇_o h_{t-1} + c_t ∘ ṗ_o
    a_o_dot_ahead_all = (
        x_dot_all @ W_o.T + x_all @ W_o_dot.T + h_all @ U_o_dot.T + c_next_all * p_o_dot + b_o_dot
    )
    # o_t ∘ (1 - tanh²(c_t))
    o_tanh_c_next_dot_by_c_next_dot_all = o_all * (1 - tanh_c_next_all**2)
    # o_t ∘ tanh(c_t) ∘ (1 - o_t)
    o_tanh_c_next_dot_by_a_o_dot_all = o_all * tanh_c_next_all * (1 - o_all)
    # Ẇ_r (o_t ∘ tanh(c_t))
    h_next_dot_ahead_all = o_tanh_c_next_all @ W_r_dot.T
    c_next_dot_all = np.empty((T * B, n_h), dtype=dtype)
    h_next_dot_all = np.empty((T * B, n_p), dtype=dtype)
    h_dot = dstate0.h
    c_dot = dstate0.c
    for t in range(T):
        rows = slice(t * B, (t + 1) * B)
        f, a_f_dot_ahead = f_all[rows], a_f_dot_ahead_all[rows]
        a_i_dot_ahead, a_g_dot_ahead = a_i_dot_ahead_all[rows], a_g_dot_ahead_all[rows]
        c_next_dot_by_a_g_dot = c_next_dot_by_a_g_dot_all[rows]
        c_next_dot_by_a_f_dot = c_next_dot_by_a_f_dot_all[rows]
        c_next_dot_by_a_i_dot = c_next_dot_by_a_i_dot_all[rows]
        a_o_dot_ahead = a_o_dot_ahead_all[rows]
        o_tanh_c_next_dot_by_c_next_dot = o_tanh_c_next_dot_by_c_next_dot_all[rows]
        o_tanh_c_next_dot_by_a_o_dot = o_tanh_c_next_dot_by_a_o_dot_all[rows]
        h_next_dot_ahead = h_next_dot_ahead_all[rows]
        # a_f = W_f x_t + U_f h_{t-1} + p_f ∘ c_{t-1} + b_f
        a_f_dot = a_f_dot_ahead + h_dot @ U_f.T + p_f * c_dot
        # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
        a_i_dot = a_i_dot_ahead + h_dot @ U_i.T + p_i * c_dot
        # a_g = W_g x_t + U_g h_{t-1} + b_g
        a_g_dot = a_g_dot_ahead + h_dot @ U_g.T
        # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
        c_next_dot = (
            f * c_dot
            + c_next_dot_by_a_f_dot * a_f_dot
            + c_next_dot_by_a_i_dot * a_i_dot
            + c_next_dot_by_a_g_dot * a_g_dot
        )
        # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
        a_o_dot = a_o_dot_ahead + h_dot @ U_o.T + p_o * c_next_dot
        # o_t ∘ tanh(c_t)
        o_tanh_c_next_dot = (
            o_tanh_c_next_dot_by_c_next_dot * c_next_dot + o_tanh_c_next_dot_by_a_o_dot * a_o_dot
        )
        # h_t = W_r (o_t ∘ tanh(c_t))
        h_next_dot = h_next_dot_ahead + o_tanh_c_next_dot @ W_r.T
        c_next_dot_all[rows] = c_next_dot
        h_next_dot_all[rows] = h_next_dot
        h_dot = h_next_dot
        c_dot = c_next_dot
    return State(h=h_next_dot_all.reshape(T, B, n_p), c=c_next_dot_all.reshape(T, B, n_h))


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
