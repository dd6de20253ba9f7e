"""Long short-term memory: forget gate f, input gate i, output gate o, candidate g.

    f_t = σ(W_f x_t + U_f h_{t-1} + b_f)
    i_t = σ(W_i x_t + U_i h_{t-1} + b_i)
    o_t = σ(W_o x_t + U_o h_{t-1} + b_o)
    g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)
    c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    h_t = o_t ∘ tanh(c_t)

Generated from equations/cells/lstm.py by `gateproof generate lstm`: change that file, not this one.
B is the batch, T the number of time steps. MIT licence; see LICENSE.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

_CELL = "lstm"
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
    "exp_f": "n_h",
    "f": "n_h",
    "exp_i": "n_h",
    "i": "n_h",
    "exp_o": "n_h",
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
    exp_f: Array  # (B, n_h)
    f: Array  # (B, n_h)
    exp_i: Array  # (B, n_h)
    i: Array  # (B, n_h)
    exp_o: Array  # (B, n_h)
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
    exp_f: Array  # (T, B, n_h)
    f: Array  # (T, B, n_h)
    exp_i: Array  # (T, B, n_h)
    i: Array  # (T, B, n_h)
    exp_o: Array  # (T, B, n_h)
    o: Array  # (T, B, n_h)
    a_g: Array  # (T, B, n_h)
    g: Array  # (T, B, n_h)
    c_next: Array  # (T, B, n_h)
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
        b_f=np.zeros((n_h,), dtype=dtype),
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
    _check("step", (params, _PARAMS, ""), ((x,), _INPUTS, "B"), (state, _STATE, "B"))
    W_f, W_i, W_o, W_g, U_f, U_i, U_o, U_g, b_f, b_i, b_o, b_g = params
    h, c = state
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    a_f = x @ W_f.T + h @ U_f.T + b_f
    # f_t = σ(a_f)
    exp_f = np.exp(-a_f)
    f = 1 / (1 + exp_f)
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    a_i = x @ W_i.T + h @ U_i.T + b_i
    # i_t = σ(a_i)
    exp_i = np.exp(-a_i)
    i = 1 / (1 + exp_i)
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    a_o = x @ W_o.T + h @ U_o.T + b_o
    # o_t = σ(a_o)
    exp_o = np.exp(-a_o)
    o = 1 / (1 + exp_o)
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
        exp_f=exp_f,
        f=f,
        exp_i=exp_i,
        i=i,
        exp_o=exp_o,
        o=o,
        a_g=a_g,
        g=g,
        c_next=c_next,
        tanh_c_next=tanh_c_next,
        h_next=h_next,
    )
    return State(h=h_next, c=c_next), saved


@np.errstate(over="ignore", divide="ignore")
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
    U_i, U_o, U_g = params.U_i, params.U_o, params.U_g
    x, h, c, exp_f, f, exp_i = saved.x, saved.h, saved.c, saved.exp_f, saved.f, saved.exp_i
    i, exp_o, o, a_g, g, c_next = saved.i, saved.exp_o, saved.o, saved.a_g, saved.g, saved.c_next
    tanh_c_next = saved.tanh_c_next
    dh_next, dc_next_given = dnext
    # 1 - f_t
    one_minus_f = 1 / (1 + 1 / exp_f)
    # 1 - i_t
    one_minus_i = 1 / (1 + 1 / exp_i)
    # 1 - o_t
    one_minus_o = 1 / (1 + 1 / exp_o)
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
    # o_t = σ(a_o)
    da_o = do * o * one_minus_o
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    dW_o = da_o.T @ x
    dU_o = da_o.T @ h
    db_o = da_o.sum(axis=0)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    di = dc_next * g
    # i_t = σ(a_i)
    da_i = di * i * one_minus_i
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    dW_i = da_i.T @ x
    dU_i = da_i.T @ h
    db_i = da_i.sum(axis=0)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    df = dc_next * c
    # f_t = σ(a_f)
    da_f = df * f * one_minus_f
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
    U_i, U_o, U_g = params.U_i, params.U_o, params.U_g
    x, h, c, exp_f, f, exp_i = saved.x, saved.h, saved.c, saved.exp_f, saved.f, saved.exp_i
    i, exp_o, o, a_g, g, c_next = saved.i, saved.exp_o, saved.o, saved.a_g, saved.g, saved.c_next
    tanh_c_next = saved.tanh_c_next
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
    # 1 - f_t
    one_minus_f = 1 / (1 + 1 / exp_f)
    # 1 - i_t
    one_minus_i = 1 / (1 + 1 / exp_i)
    # 1 - o_t
    one_minus_o = 1 / (1 + 1 / exp_o)
    # 1 - g_t²
    exp_g = np.exp(-2 * np.abs(a_g))
    slope_g = 4 * exp_g / (1 + exp_g) ** 2
    # 1 - tanh²(c_t)
    exp_tanh_c_next = np.exp(-2 * np.abs(c_next))
    slope_tanh_c_next = 4 * exp_tanh_c_next / (1 + exp_tanh_c_next) ** 2
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    a_f_dot = x_dot @ W_f.T + h_dot @ U_f.T + x @ W_f_dot.T + h @ U_f_dot.T + b_f_dot
    # f_t = σ(a_f)
    f_dot = f * one_minus_f * a_f_dot
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    a_i_dot = x_dot @ W_i.T + h_dot @ U_i.T + x @ W_i_dot.T + h @ U_i_dot.T + b_i_dot
    # i_t = σ(a_i)
    i_dot = i * one_minus_i * a_i_dot
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    a_o_dot = x_dot @ W_o.T + h_dot @ U_o.T + x @ W_o_dot.T + h @ U_o_dot.T + b_o_dot
    # o_t = σ(a_o)
    o_dot = o * one_minus_o * a_o_dot
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
    U_i, U_o, U_g = params.U_i, params.U_o, params.U_g
    x, h, c, exp_f, f, exp_i = saved.x, saved.h, saved.c, saved.exp_f, saved.f, saved.exp_i
    i, exp_o, o, a_g, g, c_next = saved.i, saved.exp_o, saved.o, saved.a_g, saved.g, saved.c_next
    tanh_c_next = saved.tanh_c_next
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
    # 1 - f_t
    one_minus_f = 1 / (1 + 1 / exp_f)
    # 1 - i_t
    one_minus_i = 1 / (1 + 1 / exp_i)
    # 1 - o_t
    one_minus_o = 1 / (1 + 1 / exp_o)
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
    # o_t = σ(a_o)
    da_o = do * o * one_minus_o
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    di = dc_next * g
    # i_t = σ(a_i)
    da_i = di * i * one_minus_i
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    df = dc_next * c
    # f_t = σ(a_f)
    da_f = df * f * one_minus_f
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    a_f_dot = x_dot @ W_f.T + h_dot @ U_f.T + x @ W_f_dot.T + h @ U_f_dot.T + b_f_dot
    # f_t = σ(a_f)
    f_dot = f * one_minus_f * a_f_dot
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    a_i_dot = x_dot @ W_i.T + h_dot @ U_i.T + x @ W_i_dot.T + h @ U_i_dot.T + b_i_dot
    # i_t = σ(a_i)
    i_dot = i * one_minus_i * a_i_dot
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    a_o_dot = x_dot @ W_o.T + h_dot @ U_o.T + x @ W_o_dot.T + h @ U_o_dot.T + b_o_dot
    # o_t = σ(a_o)
    o_dot = o * one_minus_o * a_o_dot
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
    # o_t = σ(a_o)
    da_o_dot = do * (1 - 2 * o) * o_dot + do_dot * o * one_minus_o
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    dW_o_dot = da_o.T @ x_dot + da_o_dot.T @ x
    dU_o_dot = da_o.T @ h_dot + da_o_dot.T @ h
    db_o_dot = da_o_dot.sum(axis=0)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    di_dot = dc_next * g_dot + dc_next_dot * g
    # i_t = σ(a_i)
    da_i_dot = di * (1 - 2 * i) * i_dot + di_dot * i * one_minus_i
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    dW_i_dot = da_i.T @ x_dot + da_i_dot.T @ x
    dU_i_dot = da_i.T @ h_dot + da_i_dot.T @ h
    db_i_dot = da_i_dot.sum(axis=0)
    # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
    df_dot = dc_next * c_dot + dc_next_dot * c
    # f_t = σ(a_f)
    da_f_dot = df * (1 - 2 * f) * f_dot + df_dot * f * one_minus_f
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
    sizes, dtype = _check("step_jacobian", (params, _PARAMS, ""), (saved, _SAVED, "B"))
    n_h = sizes["n_h"]
    U_f, U_i, U_o, U_g = params.U_f, params.U_i, params.U_o, params.U_g
    c, exp_f, f, exp_i, i, exp_o = saved.c, saved.exp_f, saved.f, saved.exp_i, saved.i, saved.exp_o
    o, a_g, g, c_next, tanh_c_next = saved.o, saved.a_g, saved.g, saved.c_next, saved.tanh_c_next
    # 1 - f_t
    one_minus_f = 1 / (1 + 1 / exp_f)
    # 1 - i_t
    one_minus_i = 1 / (1 + 1 / exp_i)
    # 1 - o_t
    one_minus_o = 1 / (1 + 1 / exp_o)
    # 1 - g_t²
    exp_g = np.exp(-2 * np.abs(a_g))
    slope_g = 4 * exp_g / (1 + exp_g) ** 2
    # 1 - tanh²(c_t)
    exp_tanh_c_next = np.exp(-2 * np.abs(c_next))
    slope_tanh_c_next = 4 * exp_tanh_c_next / (1 + exp_tanh_c_next) ** 2
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    da_f_dh = U_f
    # f_t = σ(a_f)
    df_dh = (f * one_minus_f)[:, :, None] * da_f_dh
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    da_i_dh = U_i
    # i_t = σ(a_i)
    di_dh = (i * one_minus_i)[:, :, None] * da_i_dh
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    da_o_dh = U_o
    # o_t = σ(a_o)
    do_dh = (o * one_minus_o)[:, :, None] * da_o_dh
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


@np.errstate(over="ignore", divide="ignore")
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
    T, B, n_x, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_h"]
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g, b_f, b_i = params.U_i, params.U_o, params.U_g, params.b_f, params.b_i
    b_o, b_g = params.b_o, params.b_g
    x_all = xs.reshape(T * B, n_x)
    W_f_i_o_g = np.concatenate((W_f, W_i, W_o, W_g), axis=0)
    U_f_i_o_g = np.concatenate((U_f, U_i, U_o, U_g), axis=0)
    b_f_i_o_g = np.concatenate((b_f, b_i, b_o, b_g), axis=0)
    # W_f x_t + b_f
    # W_i x_t + b_i
    # W_o x_t + b_o
    # W_g x_t + b_g
    a_f_i_o_g_ahead_all = x_all @ W_f_i_o_g.T + b_f_i_o_g
    a_f_i_o_g_all = np.empty((T * B, 4 * n_h), dtype=dtype)
    exp_f_all = np.empty((T * B, n_h), dtype=dtype)
    f_all = np.empty((T * B, n_h), dtype=dtype)
    exp_i_all = np.empty((T * B, n_h), dtype=dtype)
    i_all = np.empty((T * B, n_h), dtype=dtype)
    exp_o_all = np.empty((T * B, n_h), dtype=dtype)
    o_all = np.empty((T * B, n_h), dtype=dtype)
    g_all = np.empty((T * B, n_h), dtype=dtype)
    c_steps = np.empty(((T + 1) * B, n_h), dtype=dtype)
    c_steps[:B] = state0.c
    c_all, c_next_all = c_steps[: T * B], c_steps[B:]
    tanh_c_next_all = np.empty((T * B, n_h), dtype=dtype)
    h_steps = np.empty(((T + 1) * B, n_h), dtype=dtype)
    h_steps[:B] = state0.h
    h_all, h_next_all = h_steps[: T * B], h_steps[B:]
    h = state0.h
    c = state0.c
    for t in range(T):
        rows = slice(t * B, (t + 1) * B)
        a_f_i_o_g_ahead = a_f_i_o_g_ahead_all[rows]
        # a_f = W_f x_t + U_f h_{t-1} + b_f
        # a_i = W_i x_t + U_i h_{t-1} + b_i
        # a_o = W_o x_t + U_o h_{t-1} + b_o
        # a_g = W_g x_t + U_g h_{t-1} + b_g
        a_f_i_o_g = a_f_i_o_g_ahead + h @ U_f_i_o_g.T
        # f_t = σ(a_f)
        exp_f = np.exp(-a_f_i_o_g[:, :n_h])
        f = 1 / (1 + exp_f)
        # i_t = σ(a_i)
        exp_i = np.exp(-a_f_i_o_g[:, n_h : 2 * n_h])
        i = 1 / (1 + exp_i)
        # o_t = σ(a_o)
        exp_o = np.exp(-a_f_i_o_g[:, 2 * n_h : 3 * n_h])
        o = 1 / (1 + exp_o)
        # g_t = tanh(a_g)
        g = np.tanh(a_f_i_o_g[:, 3 * n_h :])
        # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
        c_next = f * c + i * g
        # tanh(c_t)
        tanh_c_next = np.tanh(c_next)
        # h_t = o_t ∘ tanh(c_t)
        h_next = o * tanh_c_next
        a_f_i_o_g_all[rows] = a_f_i_o_g
        exp_f_all[rows] = exp_f
        f_all[rows] = f
        exp_i_all[rows] = exp_i
        i_all[rows] = i
        exp_o_all[rows] = exp_o
        o_all[rows] = o
        g_all[rows] = g
        c_next_all[rows] = c_next
        tanh_c_next_all[rows] = tanh_c_next
        h_next_all[rows] = h_next
        h = h_next
        c = c_next
    a_g_all = a_f_i_o_g_all[:, 3 * n_h :]
    tape = Tape(
        x=xs,
        h=h_all.reshape(T, B, n_h),
        c=c_all.reshape(T, B, n_h),
        exp_f=exp_f_all.reshape(T, B, n_h),
        f=f_all.reshape(T, B, n_h),
        exp_i=exp_i_all.reshape(T, B, n_h),
        i=i_all.reshape(T, B, n_h),
        exp_o=exp_o_all.reshape(T, B, n_h),
        o=o_all.reshape(T, B, n_h),
        a_g=a_g_all.reshape(T, B, n_h),
        g=g_all.reshape(T, B, n_h),
        c_next=c_next_all.reshape(T, B, n_h),
        tanh_c_next=tanh_c_next_all.reshape(T, B, n_h),
        h_next=h_next_all.reshape(T, B, n_h),
    )
    return State(h=tape.h_next, c=tape.c_next), tape


@np.errstate(over="ignore", divide="ignore")
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
    T, B, n_x, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_h"]
    W_f, W_i, W_o, W_g, U_f = params.W_f, params.W_i, params.W_o, params.W_g, params.U_f
    U_i, U_o, U_g = params.U_i, params.U_o, params.U_g
    x_all = tape.x.reshape(T * B, n_x)
    h_all = tape.h.reshape(T * B, n_h)
    c_all = tape.c.reshape(T * B, n_h)
    exp_f_all = tape.exp_f.reshape(T * B, n_h)
    f_all = tape.f.reshape(T * B, n_h)
    exp_i_all = tape.exp_i.reshape(T * B, n_h)
    i_all = tape.i.reshape(T * B, n_h)
    exp_o_all = tape.exp_o.reshape(T * B, n_h)
    o_all = tape.o.reshape(T * B, n_h)
    a_g_all = tape.a_g.reshape(T * B, n_h)
    g_all = tape.g.reshape(T * B, n_h)
    c_next_all = tape.c_next.reshape(T * B, n_h)
    tanh_c_next_all = tape.tanh_c_next.reshape(T * B, n_h)
    dh_next_given_all = dnexts.h.reshape(T * B, n_h)
    dc_next_given_all = dnexts.c.reshape(T * B, n_h)
    U_f_i_o_g = np.concatenate((U_f, U_i, U_o, U_g), axis=0)
    W_f_i_o_g = np.concatenate((W_f, W_i, W_o, W_g), axis=0)
    # 1 - f_t
    one_minus_f_all = 1 / (1 + 1 / exp_f_all)
    # 1 - i_t
    one_minus_i_all = 1 / (1 + 1 / exp_i_all)
    # 1 - o_t
    one_minus_o_all = 1 / (1 + 1 / exp_o_all)
    # 1 - g_t²
    exp_g_all = np.exp(-2 * np.abs(a_g_all))
    slope_g_all = 4 * exp_g_all / (1 + exp_g_all) ** 2
    # 1 - tanh²(c_t)
    exp_tanh_c_next_all = np.exp(-2 * np.abs(c_next_all))
    slope_tanh_c_next_all = 4 * exp_tanh_c_next_all / (1 + exp_tanh_c_next_all) ** 2
    # o_t ∘ (1 - tanh²(c_t))
    dc_next_by_dh_next_all = o_all * slope_tanh_c_next_all
    # i_t ∘ (1 - g_t²)
    da_g_by_dc_next_all = i_all * slope_g_all
    # o_t ∘ tanh(c_t) ∘ (1 - o_t)
    da_o_by_dh_next_all = o_all * one_minus_o_all * tanh_c_next_all
    # i_t ∘ g_t ∘ (1 - i_t)
    da_i_by_dc_next_all = i_all * one_minus_i_all * g_all
    # f_t ∘ (1 - f_t) ∘ c_{t-1}
    da_f_by_dc_next_all = f_all * one_minus_f_all * c_all
    da_f_i_o_g_all = np.empty((T * B, 4 * n_h), dtype=dtype)
    dh_next_later = np.zeros((B, n_h), dtype=dtype)
    dc_next_later = np.zeros((B, n_h), dtype=dtype)
    for t in reversed(range(T)):
        rows = slice(t * B, (t + 1) * B)
        f, dh_next_given = f_all[rows], dh_next_given_all[rows]
        dc_next_given, dc_next_by_dh_next = dc_next_given_all[rows], dc_next_by_dh_next_all[rows]
        da_g_by_dc_next, da_o_by_dh_next = da_g_by_dc_next_all[rows], da_o_by_dh_next_all[rows]
        da_i_by_dc_next, da_f_by_dc_next = da_i_by_dc_next_all[rows], da_f_by_dc_next_all[rows]
        dh_next = dh_next_given + dh_next_later
        # tanh(c_t)
        dc_next = dc_next_given + dc_next_later + dh_next * dc_next_by_dh_next
        # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
        dc = dc_next * f
        # g_t = tanh(a_g)
        da_g = dc_next * da_g_by_dc_next
        # o_t = σ(a_o)
        da_o = dh_next * da_o_by_dh_next
        # i_t = σ(a_i)
        da_i = dc_next * da_i_by_dc_next
        # f_t = σ(a_f)
        da_f = dc_next * da_f_by_dc_next
        da_f_i_o_g = np.concatenate((da_f, da_i, da_o, da_g), axis=1)
        # h_{t-1} is in a_f, a_i, a_o, a_g
        dh = da_f_i_o_g @ U_f_i_o_g
        da_f_i_o_g_all[rows] = da_f_i_o_g
        dh_next_later = dh
        dc_next_later = dc
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    dW_f_i_o_g = da_f_i_o_g_all.T @ x_all
    dW_f = dW_f_i_o_g[:n_h]
    dW_i = dW_f_i_o_g[n_h : 2 * n_h]
    dW_o = dW_f_i_o_g[2 * n_h : 3 * n_h]
    dW_g = dW_f_i_o_g[3 * n_h :]
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    dU_f_i_o_g = da_f_i_o_g_all.T @ h_all
    dU_f = dU_f_i_o_g[:n_h]
    dU_i = dU_f_i_o_g[n_h : 2 * n_h]
    dU_o = dU_f_i_o_g[2 * n_h : 3 * n_h]
    dU_g = dU_f_i_o_g[3 * n_h :]
    # a_f = W_f x_t + U_f h_{t-1} + b_f
    # a_i = W_i x_t + U_i h_{t-1} + b_i
    # a_o = W_o x_t + U_o h_{t-1} + b_o
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    db_f_i_o_g = da_f_i_o_g_all.sum(axis=0)
    db_f = db_f_i_o_g[:n_h]
    db_i = db_f_i_o_g[n_h : 2 * n_h]
    db_o = db_f_i_o_g[2 * n_h : 3 * n_h]
    db_g = db_f_i_o_g[3 * n_h :]
    # x_t is in a_f, a_i, a_o, a_g
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
        b_f=db_f,
        b_i=db_i,
        b_o=db_o,
        b_g=db_g,
    )
    return dparams, dx_all.reshape(T, B, n_x), State(h=dh_next_later, c=dc_next_later)


@np.errstate(over="ignore", divide="ignore")
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
    sizes, dtype = _check(
        "unroll_jvp",
        (params, _PARAMS, ""),
        (tape, _SAVED, "T B"),
        (dparams, _PARAMS, ""),
        ((dxs,), _INPUTS, "T B"),
        (dstate0, _STATE, "B"),
    )
    T, B, n_x, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_h"]
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
    x_all = tape.x.reshape(T * B, n_x)
    h_all = tape.h.reshape(T * B, n_h)
    c_all = tape.c.reshape(T * B, n_h)
    exp_f_all = tape.exp_f.reshape(T * B, n_h)
    f_all = tape.f.reshape(T * B, n_h)
    exp_i_all = tape.exp_i.reshape(T * B, n_h)
    i_all = tape.i.reshape(T * B, n_h)
    exp_o_all = tape.exp_o.reshape(T * B, n_h)
    o_all = tape.o.reshape(T * B, n_h)
    a_g_all = tape.a_g.reshape(T * B, n_h)
    g_all = tape.g.reshape(T * B, n_h)
    c_next_all = tape.c_next.reshape(T * B, n_h)
    tanh_c_next_all = tape.tanh_c_next.reshape(T * B, n_h)
    x_dot_all = dxs.reshape(T * B, n_x)
    U_f_i_o_g = np.concatenate((U_f, U_i, U_o, U_g), axis=0)
    W_f_i_o_g = np.concatenate((W_f, W_i, W_o, W_g), axis=0)
    W_f_i_o_g_dot = np.concatenate((W_f_dot, W_i_dot, W_o_dot, W_g_dot), axis=0)
    U_f_i_o_g_dot = np.concatenate((U_f_dot, U_i_dot, U_o_dot, U_g_dot), axis=0)
    b_f_i_o_g_dot = np.concatenate((b_f_dot, b_i_dot, b_o_dot, b_g_dot), axis=0)
    # 1 - f_t
    one_minus_f_all = 1 / (1 + 1 / exp_f_all)
    # 1 - i_t
    one_minus_i_all = 1 / (1 + 1 / exp_i_all)
    # 1 - o_t
    one_minus_o_all = 1 / (1 + 1 / exp_o_all)
    # 1 - g_t²
    exp_g_all = np.exp(-2 * np.abs(a_g_all))
    slope_g_all = 4 * exp_g_all / (1 + exp_g_all) ** 2
    # 1 - tanh²(c_t)
    exp_tanh_c_next_all = np.exp(-2 * np.abs(c_next_all))
    slope_tanh_c_next_all = 4 * exp_tanh_c_next_all / (1 + exp_tanh_c_next_all) ** 2
    # W_f ẋ_t + ḃ_f + Ẇ_f x_t + U̇_f h_{t-1}
    # W_i ẋ_t + ḃ_i + Ẇ_i x_t + U̇_i h_{t-1}
    # W_o ẋ_t + ḃ_o + Ẇ_o x_t + U̇_o h_{t-1}
    # W_g ẋ_t + ḃ_g + Ẇ_g x_t + U̇_g h_{t-1}
    a_f_i_o_g_dot_ahead_all = (
        x_dot_all @ W_f_i_o_g.T + x_all @ W_f_i_o_g_dot.T + h_all @ U_f_i_o_g_dot.T + b_f_i_o_g_dot
    )
    # i_t ∘ (1 - g_t²)
    c_next_dot_by_a_g_dot_all = i_all * slope_g_all
    # f_t ∘ (1 - f_t) ∘ c_{t-1}
    c_next_dot_by_a_f_dot_all = f_all * one_minus_f_all * c_all
    # i_t ∘ g_t ∘ (1 - i_t)
    c_next_dot_by_a_i_dot_all = i_all * one_minus_i_all * g_all
    # o_t ∘ (1 - tanh²(c_t))
    h_next_dot_by_c_next_dot_all = o_all * slope_tanh_c_next_all
    # o_t ∘ tanh(c_t) ∘ (1 - o_t)
    h_next_dot_by_a_o_dot_all = o_all * one_minus_o_all * tanh_c_next_all
    c_next_dot_all = np.empty((T * B, n_h), dtype=dtype)
    h_next_dot_all = np.empty((T * B, n_h), dtype=dtype)
    h_dot = dstate0.h
    c_dot = dstate0.c
    for t in range(T):
        rows = slice(t * B, (t + 1) * B)
        f, c_next_dot_by_a_g_dot = f_all[rows], c_next_dot_by_a_g_dot_all[rows]
        c_next_dot_by_a_f_dot = c_next_dot_by_a_f_dot_all[rows]
        c_next_dot_by_a_i_dot = c_next_dot_by_a_i_dot_all[rows]
        h_next_dot_by_c_next_dot = h_next_dot_by_c_next_dot_all[rows]
        h_next_dot_by_a_o_dot = h_next_dot_by_a_o_dot_all[rows]
        a_f_i_o_g_dot_ahead = a_f_i_o_g_dot_ahead_all[rows]
        # a_f = W_f x_t + U_f h_{t-1} + b_f
        # a_i = W_i x_t + U_i h_{t-1} + b_i
        # a_o = W_o x_t + U_o h_{t-1} + b_o
        # a_g = W_g x_t + U_g h_{t-1} + b_g
        a_f_i_o_g_dot = a_f_i_o_g_dot_ahead + h_dot @ U_f_i_o_g.T
        # c_t = f_t ∘ c_{t-1} + i_t ∘ g_t
        c_next_dot = (
            f * c_dot
            + c_next_dot_by_a_g_dot * a_f_i_o_g_dot[:, 3 * n_h :]
            + c_next_dot_by_a_f_dot * a_f_i_o_g_dot[:, :n_h]
            + c_next_dot_by_a_i_dot * a_f_i_o_g_dot[:, n_h : 2 * n_h]
        )
        # h_t = o_t ∘ tanh(c_t)
        h_next_dot = (
            h_next_dot_by_a_o_dot * a_f_i_o_g_dot[:, 2 * n_h : 3 * n_h]
            + h_next_dot_by_c_next_dot * c_next_dot
        )
        c_next_dot_all[rows] = c_next_dot
        h_next_dot_all[rows] = h_next_dot
        h_dot = h_next_dot
        c_dot = c_next_dot
    return State(h=h_next_dot_all.reshape(T, B, n_h), c=c_next_dot_all.reshape(T, B, n_h))


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
