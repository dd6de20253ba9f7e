"""Delta rule: what the matrix memory holds under key k is moved to v by a step β.

    q_t = W_q x_t
    k_t = W_k x_t
    v_t = W_v x_t
    β_t = σ(w_βᵀ x_t + b_β)
    e_t = v_t - S_{t-1} k_t
    S_t = S_{t-1} + β_t e_t k_tᵀ
    o_t = S_t q_t

Generated from equations/cells/deltanet.py by `gateproof generate deltanet`: change that file, not
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

_CELL = "deltanet"
_DTYPES = (np.float32, np.float64)
_ARRAYS = frozenset({np.ndarray, *_DTYPES, type(None)})
_COUNTS_STEPS = False
_PARAMS = {"W_q": "n_k n_x", "W_k": "n_k n_x", "W_v": "n_v n_x", "w_beta": "n_x", "b_beta": ""}
_INPUTS = {"x": "n_x"}
_STATE = {"S": "n_v n_k"}
_NEXT = {"S": "n_v n_k", "o": "n_v"}
_SAVED = {
    "x": "n_x",
    "S": "n_v n_k",
    "q": "n_k",
    "k": "n_k",
    "v": "n_v",
    "exp_beta": "",
    "beta": "",
    "e": "n_v",
    "S_next": "n_v n_k",
    "o": "n_v",
}


class Params(NamedTuple):
    """The parameters."""

    W_q: Array  # (n_k, n_x)
    W_k: Array  # (n_k, n_x)
    W_v: Array  # (n_v, n_x)
    w_beta: Array  # (n_x,)
    b_beta: Array  # ()


class State(NamedTuple):
    """The state."""

    S: Array  # (B, n_v, n_k)


class Next(NamedTuple):
    """What a step returns: new states, then outputs."""

    S: Array  # (B, n_v, n_k)
    o: Array  # (B, n_v)


class Saved(NamedTuple):
    """The values of the equations in one step."""

    x: Array  # (B, n_x)
    S: Array  # (B, n_v, n_k)
    q: Array  # (B, n_k)
    k: Array  # (B, n_k)
    v: Array  # (B, n_v)
    exp_beta: Array  # (B,)
    beta: Array  # (B,)
    e: Array  # (B, n_v)
    S_next: Array  # (B, n_v, n_k)
    o: Array  # (B, n_v)


class Tape(NamedTuple):
    """The values of the equations in all steps."""

    x: Array  # (T, B, n_x)
    S: Array  # (T, B, n_v, n_k)
    q: Array  # (T, B, n_k)
    k: Array  # (T, B, n_k)
    v: Array  # (T, B, n_v)
    exp_beta: Array  # (T, B)
    beta: Array  # (T, B)
    e: Array  # (T, B, n_v)
    S_next: Array  # (T, B, n_v, n_k)
    o: Array  # (T, B, n_v)


class Checkpoints(NamedTuple):
    """What is kept of a sequence when the rest is to be computed again."""

    x: Array  # all steps
    states: tuple[State, ...]  # before the first of every so many steps
    every: int


class Jacobian(NamedTuple):
    """The derivatives of every new state by every old one."""

    S: State


def init(
    rng: np.random.Generator, *, n_k: int, n_x: int, n_v: int, dtype: DTypeLike = np.float64
) -> Params:
    """Random parameters: weights uniform within 1/sqrt(fan in), everything else zero.

    Args:
        rng: the random generator that is drawn from.
        n_k: the length of this axis.
        n_x: the length of this axis.
        n_v: the length of this axis.
        dtype: float32 or float64.
    """
    _check_init(rng, dtype, n_k=n_k, n_x=n_x, n_v=n_v)
    return Params(
        W_q=(rng.uniform(-1, 1, (n_k, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_k=(rng.uniform(-1, 1, (n_k, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        W_v=(rng.uniform(-1, 1, (n_v, n_x)) / np.sqrt(max(n_x, 1))).astype(dtype),
        w_beta=(rng.uniform(-1, 1, (n_x,)) / np.sqrt(max(n_x, 1))).astype(dtype),
        b_beta=np.zeros((), dtype=dtype),
    )


@np.errstate(over="ignore", divide="ignore")
def step(params: Params, x: Array, state: State) -> tuple[Next, Saved]:
    """One time step: the new state, and the values of the equations for its derivatives.

    Args:
        params: the parameters.
        x: the input, x (B, n_x).
        state: the old state, S (B, n_v, n_k).

    Returns:
        S (B, n_v, n_k), o (B, n_v).
        The values of the equations, which may refer to arguments and results: do not change them.
    """
    _check("step", params, (x,), state)
    W_q, W_k, W_v, w_beta, b_beta = params
    (S,) = state
    # q_t = W_q x_t
    q = x @ W_q.T
    # k_t = W_k x_t
    k = x @ W_k.T
    # v_t = W_v x_t
    v = x @ W_v.T
    # a_β = w_βᵀ x_t + b_β
    a_beta = w_beta @ x.T + b_beta
    # β_t = σ(a_β)
    exp_beta = np.exp(-a_beta)
    beta = 1 / (1 + exp_beta)
    # e_t = v_t - S_{t-1} k_t
    e = v - (S @ k[:, :, None])[:, :, 0]
    # S_t = S_{t-1} + β_t e_t k_tᵀ
    S_next = S + (beta[:, None] * e)[:, :, None] * k[:, None, :]
    # o_t = S_t q_t
    o = (S_next @ q[:, :, None])[:, :, 0]
    saved = Saved(x=x, S=S, q=q, k=k, v=v, exp_beta=exp_beta, beta=beta, e=e, S_next=S_next, o=o)
    return Next(S=S_next, o=o), saved


@np.errstate(over="ignore", divide="ignore")
def step_vjp(params: Params, saved: Saved, dnext: Next | None) -> tuple[Params, Array, State]:
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
    W_q, W_k, W_v, w_beta = params.W_q, params.W_k, params.W_v, params.w_beta
    x, S, q, k, exp_beta, beta = saved.x, saved.S, saved.q, saved.k, saved.exp_beta, saved.beta
    e, S_next = saved.e, saved.S_next
    dS_next_given, do = dnext
    # 1 - β_t
    one_minus_beta = 1 / (1 + 1 / exp_beta)
    # o_t = S_t q_t
    dS_next = dS_next_given + do[:, :, None] * q[:, None, :]
    # S_t = S_{t-1} + β_t e_t k_tᵀ
    de = (dS_next @ k[:, :, None])[:, :, 0] * beta[:, None]
    # S_{t-1} is in e_t, S_t
    dS = dS_next - de[:, :, None] * k[:, None, :]
    # S_t = S_{t-1} + β_t e_t k_tᵀ
    dbeta = ((dS_next.mT @ e[:, :, None])[:, :, 0] * k).sum(axis=-1)
    # β_t = σ(a_β)
    da_beta = dbeta * beta * one_minus_beta
    # a_β = w_βᵀ x_t + b_β
    dw_beta = da_beta @ x
    db_beta = da_beta.sum(axis=0)
    # e_t = v_t - S_{t-1} k_t
    dv = de
    # v_t = W_v x_t
    dW_v = dv.T @ x
    # k_t is in e_t, S_t
    dk = (dS_next.mT @ e[:, :, None])[:, :, 0] * beta[:, None] - (de[:, None, :] @ S)[:, 0, :]
    # k_t = W_k x_t
    dW_k = dk.T @ x
    # o_t = S_t q_t
    dq = (do[:, None, :] @ S_next)[:, 0, :]
    # q_t = W_q x_t
    dW_q = dq.T @ x
    # x_t is in q_t, k_t, v_t, a_β
    dx = dq @ W_q + dk @ W_k + dv @ W_v + da_beta[:, None] * w_beta
    dparams = Params(W_q=dW_q, W_k=dW_k, W_v=dW_v, w_beta=dw_beta, b_beta=db_beta)
    return dparams, dx, State(S=dS)


@np.errstate(over="ignore", divide="ignore")
def step_jvp(
    params: Params, saved: Saved, dparams: Params | None, dx: Array | None, dstate: State | None
) -> Next:
    """Forward mode of `step`: the tangents of what it returned.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dparams: the tangents of the parameters; it or a field may be None for zero.
        dx: the tangent of the input; None for zero.
        dstate: the tangent of the old state; it or a field may be None for zero.

    Returns:
        S (B, n_v, n_k), o (B, n_v).
    """
    *_, dparams, (dx,), dstate = _check("step_jvp", params, saved, dparams, (dx,), dstate)
    W_q, W_k, W_v, w_beta = params.W_q, params.W_k, params.W_v, params.w_beta
    x, S, q, k, exp_beta, beta = saved.x, saved.S, saved.q, saved.k, saved.exp_beta, saved.beta
    e, S_next = saved.e, saved.S_next
    W_q_dot, W_k_dot, W_v_dot, w_beta_dot, b_beta_dot = dparams
    x_dot = dx
    (S_dot,) = dstate
    # 1 - β_t
    one_minus_beta = 1 / (1 + 1 / exp_beta)
    # q_t = W_q x_t
    q_dot = x_dot @ W_q.T + x @ W_q_dot.T
    # k_t = W_k x_t
    k_dot = x_dot @ W_k.T + x @ W_k_dot.T
    # v_t = W_v x_t
    v_dot = x_dot @ W_v.T + x @ W_v_dot.T
    # a_β = w_βᵀ x_t + b_β
    a_beta_dot = w_beta @ x_dot.T + w_beta_dot @ x.T + b_beta_dot
    # β_t = σ(a_β)
    beta_dot = beta * one_minus_beta * a_beta_dot
    # e_t = v_t - S_{t-1} k_t
    e_dot = v_dot - (S_dot @ k[:, :, None])[:, :, 0] - (S @ k_dot[:, :, None])[:, :, 0]
    # S_t = S_{t-1} + β_t e_t k_tᵀ
    S_next_dot = (
        S_dot
        + (beta[:, None] * e)[:, :, None] * k_dot[:, None, :]
        + (beta_dot[:, None] * e)[:, :, None] * k[:, None, :]
        + (beta[:, None] * e_dot)[:, :, None] * k[:, None, :]
    )
    # o_t = S_t q_t
    o_dot = (S_next @ q_dot[:, :, None])[:, :, 0] + (S_next_dot @ q[:, :, None])[:, :, 0]
    return Next(S=S_next_dot, o=o_dot)


@np.errstate(over="ignore", divide="ignore")
def step_hvp(
    params: Params,
    saved: Saved,
    dnext: Next | None,
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
    W_q, W_k, W_v, w_beta = params.W_q, params.W_k, params.W_v, params.w_beta
    x, S, q, k, exp_beta, beta = saved.x, saved.S, saved.q, saved.k, saved.exp_beta, saved.beta
    e, S_next = saved.e, saved.S_next
    dS_next_given, do = dnext
    W_q_dot, W_k_dot, W_v_dot, w_beta_dot, b_beta_dot = dparams
    x_dot = dx
    (S_dot,) = dstate
    # 1 - β_t
    one_minus_beta = 1 / (1 + 1 / exp_beta)
    # o_t = S_t q_t
    dS_next = dS_next_given + do[:, :, None] * q[:, None, :]
    # S_t = S_{t-1} + β_t e_t k_tᵀ
    de = (dS_next @ k[:, :, None])[:, :, 0] * beta[:, None]
    dbeta = ((dS_next.mT @ e[:, :, None])[:, :, 0] * k).sum(axis=-1)
    # β_t = σ(a_β)
    da_beta = dbeta * beta * one_minus_beta
    # e_t = v_t - S_{t-1} k_t
    dv = de
    # k_t is in e_t, S_t
    dk = (dS_next.mT @ e[:, :, None])[:, :, 0] * beta[:, None] - (de[:, None, :] @ S)[:, 0, :]
    # o_t = S_t q_t
    dq = (do[:, None, :] @ S_next)[:, 0, :]
    # q_t = W_q x_t
    q_dot = x_dot @ W_q.T + x @ W_q_dot.T
    # k_t = W_k x_t
    k_dot = x_dot @ W_k.T + x @ W_k_dot.T
    # v_t = W_v x_t
    v_dot = x_dot @ W_v.T + x @ W_v_dot.T
    # a_β = w_βᵀ x_t + b_β
    a_beta_dot = w_beta @ x_dot.T + w_beta_dot @ x.T + b_beta_dot
    # β_t = σ(a_β)
    beta_dot = beta * one_minus_beta * a_beta_dot
    # e_t = v_t - S_{t-1} k_t
    e_dot = v_dot - (S_dot @ k[:, :, None])[:, :, 0] - (S @ k_dot[:, :, None])[:, :, 0]
    # S_t = S_{t-1} + β_t e_t k_tᵀ
    S_next_dot = (
        S_dot
        + (beta[:, None] * e)[:, :, None] * k_dot[:, None, :]
        + (beta_dot[:, None] * e)[:, :, None] * k[:, None, :]
        + (beta[:, None] * e_dot)[:, :, None] * k[:, None, :]
    )
    # o_t = S_t q_t
    dS_next_dot = do[:, :, None] * q_dot[:, None, :]
    # S_t = S_{t-1} + β_t e_t k_tᵀ
    de_dot = (
        (dS_next @ k_dot[:, :, None])[:, :, 0] * beta[:, None]
        + (dS_next @ k[:, :, None])[:, :, 0] * beta_dot[:, None]
        + (dS_next_dot @ k[:, :, None])[:, :, 0] * beta[:, None]
    )
    # S_{t-1} is in e_t, S_t
    dS_dot = dS_next_dot - de[:, :, None] * k_dot[:, None, :] - de_dot[:, :, None] * k[:, None, :]
    # S_t = S_{t-1} + β_t e_t k_tᵀ
    dbeta_dot = (
        ((dS_next.mT @ e[:, :, None])[:, :, 0] * k_dot).sum(axis=-1)
        + ((dS_next.mT @ e_dot[:, :, None])[:, :, 0] * k).sum(axis=-1)
        + ((dS_next_dot.mT @ e[:, :, None])[:, :, 0] * k).sum(axis=-1)
    )
    # β_t = σ(a_β)
    da_beta_dot = dbeta * (1 - 2 * beta) * beta_dot + dbeta_dot * beta * one_minus_beta
    # a_β = w_βᵀ x_t + b_β
    dw_beta_dot = da_beta @ x_dot + da_beta_dot @ x
    db_beta_dot = da_beta_dot.sum(axis=0)
    # e_t = v_t - S_{t-1} k_t
    dv_dot = de_dot
    # v_t = W_v x_t
    dW_v_dot = dv.T @ x_dot + dv_dot.T @ x
    # k_t is in e_t, S_t
    dk_dot = (
        (dS_next.mT @ e[:, :, None])[:, :, 0] * beta_dot[:, None]
        + (dS_next.mT @ e_dot[:, :, None])[:, :, 0] * beta[:, None]
        + (dS_next_dot.mT @ e[:, :, None])[:, :, 0] * beta[:, None]
        - (de[:, None, :] @ S_dot)[:, 0, :]
        - (de_dot[:, None, :] @ S)[:, 0, :]
    )
    # k_t = W_k x_t
    dW_k_dot = dk.T @ x_dot + dk_dot.T @ x
    # o_t = S_t q_t
    dq_dot = (do[:, None, :] @ S_next_dot)[:, 0, :]
    # q_t = W_q x_t
    dW_q_dot = dq.T @ x_dot + dq_dot.T @ x
    # x_t is in q_t, k_t, v_t, a_β
    dx_dot = (
        dq_dot @ W_q
        + dk_dot @ W_k
        + dv_dot @ W_v
        + da_beta_dot[:, None] * w_beta
        + dq @ W_q_dot
        + dk @ W_k_dot
        + dv @ W_v_dot
        + da_beta[:, None] * w_beta_dot
    )
    dparams = Params(
        W_q=dW_q_dot,
        W_k=dW_k_dot,
        W_v=dW_v_dot,
        w_beta=dw_beta_dot,
        b_beta=db_beta_dot,
    )
    return dparams, dx_dot, State(S=dS_dot)


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
    n_v, n_k = sizes["n_v"], sizes["n_k"]
    k, beta = saved.k, saved.beta
    # e_t = v_t - S_{t-1} k_t
    de_dS = -np.eye(n_v, dtype=dtype)[:, :, None] * k[:, None, None, :]
    # S_t = S_{t-1} + β_t e_t k_tᵀ
    dS_next_dS = np.eye(n_v, dtype=dtype)[:, None, :, None] * np.eye(n_k, dtype=dtype)[:, None, :]
    dS_next_dS = dS_next_dS + (beta[:, None] * k)[:, None, :, None, None] * de_dS[:, :, None, :, :]
    return Jacobian(S=State(S=dS_next_dS))


@overload
def unroll(params: Params, xs: Array, state0: State) -> tuple[Next, Tape]: ...
@overload
def unroll(
    params: Params, xs: Array, state0: State, *, checkpoint_every: int
) -> tuple[Next, Checkpoints]: ...
@np.errstate(over="ignore", divide="ignore")
def unroll(
    params: Params, xs: Array, state0: State, *, checkpoint_every: int | None = None
) -> tuple[Next, Tape | Checkpoints]:
    """A sequence: what `step` returns after every step, and the values of the equations.

    Args:
        params: the parameters.
        xs: the inputs, x (T, B, n_x).
        state0: the first state, S (B, n_v, n_k).
        checkpoint_every: keep the states of every so many steps alone, and compute the rest again
            on the way back: less memory for more time. The gradients are the same but for rounding.

    Returns:
        S (T, B, n_v, n_k), o (T, B, n_v).
        The tape, which may refer to arguments and results: do not change it. Besides those it holds
        2 * n_k + 2 * n_v + 2 numbers per step and sample.
    """
    if checkpoint_every is not None:
        return _unroll_in_segments(params, xs, state0, checkpoint_every)
    sizes, dtype, *_ = _check("unroll", params, (xs,), state0)
    T, B, n_x, n_v, n_k = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_v"], sizes["n_k"]
    add, exp, reciprocal = np.add, np.exp, np.reciprocal
    one = np.array(1, dtype=dtype)
    W_q, W_k, W_v = params.W_q, params.W_k, params.W_v
    minus_w_beta, minus_b_beta = -params.w_beta, -params.b_beta
    x_all = xs
    S_steps = np.empty((T + 1, B, n_v, n_k), dtype=dtype)
    S_steps[0] = state0.S
    S_all, S_next_all = S_steps[:-1], S_steps[1:]
    q_k_all = _gates(T, 2, B, n_k, dtype=dtype)
    room_n_v = _gates(T, 2, B, n_v, dtype=dtype)
    v_all, e_all = room_n_v[:, 0], room_n_v[:, 1]
    room = _gates(T, 2, B, dtype=dtype)
    exp_beta_all, beta_all = room[:, 0], room[:, 1]
    # q_t = W_q x_t
    # k_t = W_k x_t
    _product(x_all, (W_q, W_k), q_k_all)
    # v_t = W_v x_t
    _product(x_all, (W_v,), v_all[:, None])
    # -a_β = -(w_βᵀ x_t + b_β)
    x_rows = xs.reshape(T * B, n_x)
    minus_a_beta_rows = minus_w_beta @ x_rows.T + minus_b_beta
    minus_a_beta_all = exp_beta_all
    minus_a_beta_all[...] = minus_a_beta_rows.reshape(T, B)
    # β_t = σ(a_β)
    exp(minus_a_beta_all, out=exp_beta_all)
    add(exp_beta_all, one, out=beta_all)
    reciprocal(beta_all, out=beta_all)
    S = S_steps[0]
    for k, v, e, beta, S_next in zip(
        q_k_all[:, 1],
        v_all,
        e_all,
        beta_all,
        S_next_all,
        strict=False,
    ):
        # e_t = v_t - S_{t-1} k_t
        e[...] = v - (S @ k[:, :, None])[:, :, 0]
        # S_t = S_{t-1} + β_t e_t k_tᵀ
        S_next[...] = S + (beta[:, None] * e)[:, :, None] * k[:, None, :]
        S = S_next
    # o_t = S_t q_t
    S_next_rows = S_next_all.reshape(T * B, n_v, n_k)
    q_all = q_k_all[:, 0]
    q_rows = q_all.reshape(T * B, n_k)
    o_rows = (S_next_rows @ q_rows[:, :, None])[:, :, 0]
    tape = Tape(
        x=xs,
        S=S_all,
        q=q_k_all[:, 0],
        k=q_k_all[:, 1],
        v=v_all,
        exp_beta=exp_beta_all,
        beta=beta_all,
        e=e_all,
        S_next=S_next_all,
        o=o_rows.reshape(T, B, n_v),
    )
    return Next(S=S_next_all, o=o_rows.reshape(T, B, n_v)), tape


@np.errstate(over="ignore", divide="ignore")
def unroll_vjp(
    params: Params, tape: Tape | Checkpoints, dnexts: Next | None
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
    T, B, n_x, n_v, n_k = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_v"], sizes["n_k"]
    add, reciprocal = np.add, np.reciprocal
    one = np.array(1, dtype=dtype)
    W_q, W_k, W_v, w_beta = params.W_q, params.W_k, params.W_v, params.w_beta
    k_all = tape.k
    exp_beta_all = tape.exp_beta
    beta_all = tape.beta
    one_minus_beta_all = np.empty((T, B), dtype=dtype)
    dS_next_all = np.empty((T, B, n_v, n_k), dtype=dtype)
    de_all = np.empty((T, B, n_v), dtype=dtype)
    # 1 - β_t
    reciprocal(exp_beta_all, out=one_minus_beta_all)
    add(one_minus_beta_all, one, out=one_minus_beta_all)
    reciprocal(one_minus_beta_all, out=one_minus_beta_all)
    # ΔS_t + δo_t q_tᵀ
    dS_next_given_rows = dnexts.S.reshape(T * B, n_v, n_k)
    do_rows = dnexts.o.reshape(T * B, n_v)
    q_rows = tape.q.reshape(T * B, n_k)
    dS_next_ahead_rows = dS_next_given_rows + do_rows[:, :, None] * q_rows[:, None, :]
    dS_next_ahead_all = dS_next_all
    dS_next_ahead_all[...] = dS_next_ahead_rows.reshape(T, B, n_v, n_k)
    # o_t = S_t q_t
    S_next_rows = tape.S_next.reshape(T * B, n_v, n_k)
    dq_rows = (do_rows[:, None, :] @ S_next_rows)[:, 0, :]
    # q_t = W_q x_t
    x_rows = tape.x.reshape(T * B, n_x)
    dW_q = dq_rows.T @ x_rows
    dS_next_later = np.zeros((B, n_v, n_k), dtype=dtype)
    dS = dS_next_later
    for dS_next_ahead, beta, k, de in zip(
        dS_next_all[::-1],
        beta_all[::-1],
        k_all[::-1],
        de_all[::-1],
        strict=False,
    ):
        # o_t = S_t q_t
        dS_next = dS_next_ahead
        add(dS_next_ahead, dS_next_later, out=dS_next)
        # S_t = S_{t-1} + β_t e_t k_tᵀ
        de[...] = (dS_next @ k[:, :, None])[:, :, 0] * beta[:, None]
        # S_{t-1} is in e_t, S_t
        dS[...] = dS_next - de[:, :, None] * k[:, None, :]
    # S_t = S_{t-1} + β_t e_t k_tᵀ
    dS_next_rows = dS_next_all.reshape(T * B, n_v, n_k)
    e_rows = tape.e.reshape(T * B, n_v)
    k_rows = tape.k.reshape(T * B, n_k)
    dbeta_rows = ((dS_next_rows.mT @ e_rows[:, :, None])[:, :, 0] * k_rows).sum(axis=-1)
    # β_t = σ(a_β)
    beta_rows = tape.beta.reshape(T * B)
    one_minus_beta_rows = one_minus_beta_all.reshape(T * B)
    da_beta_rows = dbeta_rows * beta_rows * one_minus_beta_rows
    # a_β = w_βᵀ x_t + b_β
    dw_beta = da_beta_rows @ x_rows
    db_beta = da_beta_rows.sum(axis=0)
    # e_t = v_t - S_{t-1} k_t
    de_rows = de_all.reshape(T * B, n_v)
    dv_rows = de_rows.copy()
    # v_t = W_v x_t
    dW_v = dv_rows.T @ x_rows
    # k_t is in e_t, S_t
    S_rows = tape.S.reshape(T * B, n_v, n_k)
    dk_rows = (dS_next_rows.mT @ e_rows[:, :, None])[:, :, 0] * beta_rows[:, None]
    dk_rows = dk_rows - (de_rows[:, None, :] @ S_rows)[:, 0, :]
    # k_t = W_k x_t
    dW_k = dk_rows.T @ x_rows
    # x_t is in q_t, k_t, v_t, a_β
    dx_rows = dq_rows @ W_q + dk_rows @ W_k + dv_rows @ W_v + da_beta_rows[:, None] * w_beta
    dparams = Params(W_q=dW_q, W_k=dW_k, W_v=dW_v, w_beta=dw_beta, b_beta=db_beta)
    return dparams, dx_rows.reshape(T, B, n_x), State(S=dS_next_later)


@np.errstate(over="ignore", divide="ignore")
def unroll_jvp(
    params: Params,
    tape: Tape | Checkpoints,
    dparams: Params | None,
    dxs: Array | None,
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
        S (T, B, n_v, n_k), o (T, B, n_v).
    """
    if isinstance(tape, Checkpoints):
        return _unroll_jvp_in_segments(params, tape, dparams, dxs, dstate0)
    sizes, dtype, *_, dparams, (dxs,), dstate0 = _check(
        "unroll_jvp", params, tape, dparams, (dxs,), dstate0
    )
    T, B, n_x, n_v, n_k = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_v"], sizes["n_k"]
    add, multiply, reciprocal = np.add, np.multiply, np.reciprocal
    one = np.array(1, dtype=dtype)
    W_q, W_k, W_v, w_beta = params.W_q, params.W_k, params.W_v, params.w_beta
    W_q_dot, W_k_dot, W_v_dot, w_beta_dot, b_beta_dot = dparams
    x_all = tape.x
    k_all = tape.k
    exp_beta_all = tape.exp_beta
    beta_all = tape.beta
    x_dot_all = dxs
    work = _gates(T, 2, B, dtype=dtype)
    one_minus_beta_all, beta_dot_all = work[:, 0], work[:, 1]
    q_k_dot_all = _gates(T, 2, B, n_k, dtype=dtype)
    v_dot_all = np.empty((T, B, n_v), dtype=dtype)
    S_next_dot_all = np.empty((T, B, n_v, n_k), dtype=dtype)
    # 1 - β_t
    reciprocal(exp_beta_all, out=one_minus_beta_all)
    add(one_minus_beta_all, one, out=one_minus_beta_all)
    reciprocal(one_minus_beta_all, out=one_minus_beta_all)
    # q_t = W_q x_t
    # k_t = W_k x_t
    spare = np.empty_like(q_k_dot_all)
    _product(x_dot_all, (W_q, W_k), q_k_dot_all)
    _product(x_all, (W_q_dot, W_k_dot), spare)
    add(q_k_dot_all, spare, out=q_k_dot_all)
    # v_t = W_v x_t
    spare = np.empty_like(v_dot_all)
    _product(x_dot_all, (W_v,), v_dot_all[:, None])
    _product(x_all, (W_v_dot,), spare[:, None])
    add(v_dot_all, spare, out=v_dot_all)
    # a_β = w_βᵀ x_t + b_β
    x_rows = tape.x.reshape(T * B, n_x)
    x_dot_rows = dxs.reshape(T * B, n_x)
    a_beta_dot_rows = w_beta @ x_dot_rows.T + w_beta_dot @ x_rows.T + b_beta_dot
    a_beta_dot_all = beta_dot_all
    a_beta_dot_all[...] = a_beta_dot_rows.reshape(T, B)
    # β_t = σ(a_β)
    multiply(beta_all, a_beta_dot_all, out=beta_dot_all)
    multiply(beta_dot_all, one_minus_beta_all, out=beta_dot_all)
    # v̇_t - S_{t-1} k̇_t
    S_rows = tape.S.reshape(T * B, n_v, n_k)
    k_dot_all = q_k_dot_all[:, 1]
    k_dot_rows = k_dot_all.reshape(T * B, n_k)
    v_dot_rows = v_dot_all.reshape(T * B, n_v)
    e_dot_ahead_rows = v_dot_rows - (S_rows @ k_dot_rows[:, :, None])[:, :, 0]
    e_dot_ahead_all = v_dot_all
    e_dot_ahead_all[...] = e_dot_ahead_rows.reshape(T, B, n_v)
    # β̇_t e_t k_tᵀ + β_t e_t k̇_tᵀ
    beta_rows = tape.beta.reshape(T * B)
    beta_dot_rows = beta_dot_all.reshape(T * B)
    e_rows = tape.e.reshape(T * B, n_v)
    k_rows = tape.k.reshape(T * B, n_k)
    S_next_dot_ahead_rows = (beta_rows[:, None] * e_rows)[:, :, None] * k_dot_rows[:, None, :]
    S_next_dot_ahead_rows = (
        S_next_dot_ahead_rows + (beta_dot_rows[:, None] * e_rows)[:, :, None] * k_rows[:, None, :]
    )
    S_dot = dstate0.S
    S_next_dot_ahead_all = S_next_dot_ahead_rows.reshape(T, B, n_v, n_k)
    for e_dot_ahead, k, S_next_dot_ahead, beta, S_next_dot in zip(
        v_dot_all,
        k_all,
        S_next_dot_ahead_all,
        beta_all,
        S_next_dot_all,
        strict=False,
    ):
        # e_t = v_t - S_{t-1} k_t
        e_dot = e_dot_ahead
        e_dot[...] = e_dot_ahead - (S_dot @ k[:, :, None])[:, :, 0]
        # S_t = S_{t-1} + β_t e_t k_tᵀ
        S_next_dot[...] = (
            S_next_dot_ahead + S_dot + (beta[:, None] * e_dot)[:, :, None] * k[:, None, :]
        )
        S_dot = S_next_dot
    # o_t = S_t q_t
    S_next_rows = tape.S_next.reshape(T * B, n_v, n_k)
    S_next_dot_rows = S_next_dot_all.reshape(T * B, n_v, n_k)
    q_rows = tape.q.reshape(T * B, n_k)
    q_dot_all = q_k_dot_all[:, 0]
    q_dot_rows = q_dot_all.reshape(T * B, n_k)
    o_dot_rows = (S_next_rows @ q_dot_rows[:, :, None])[:, :, 0]
    o_dot_rows = o_dot_rows + (S_next_dot_rows @ q_rows[:, :, None])[:, :, 0]
    return Next(S=S_next_dot_all, o=o_dot_rows.reshape(T, B, n_v))


def _unroll_in_segments(
    params: Params, xs: Array, state0: State, every: int
) -> tuple[Next, Checkpoints]:
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
    nexts = Next(*map(np.concatenate, zip(*parts, strict=True)))
    return nexts, Checkpoints(xs, tuple(states), every)


def _unroll_vjp_in_segments(
    params: Params, tape: Checkpoints, dnexts: Next | None
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
        dparams, dx, later = unroll_vjp(params, again, Next(*given))
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
) -> Next:
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
    return Next(*map(np.concatenate, zip(*parts, strict=True)))


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
