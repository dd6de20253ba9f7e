"""Delta rule: what the matrix memory holds under key k is moved to v by a step β.

    q_t = W_q x_t
    k_t = W_k x_t
    v_t = W_v x_t
    β_t = σ(w_βᵀ x_t + b_β)
    e_t = v_t - S_{t-1} k_t
    S_t = S_{t-1} + β_t e_t k_tᵀ
    o_t = S_t q_t

The functions over a sequence are compiled by numba; all others are the NumPy module's.
Generated from equations/cells/deltanet.py by `gateproof generate --target numba deltanet`: change
that file, not this one. B is the batch, T the number of time steps. MIT licence; see LICENSE.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast, overload

import numpy as np
from numba import extending, njit, types
from numba.core.compiler import CompilerBase, DefaultPassBuilder

from equations.generated.deltanet import (
    _CELL,
    _COUNTS_STEPS,
    Array,
    Checkpoints,
    Jacobian,
    Next,
    Params,
    Saved,
    State,
    Tape,
    _check,
    _fields,
    _Given,
    init,
    step,
    step_hvp,
    step_jacobian,
    step_jvp,
    step_vjp,
)

__all__ = [
    "Array",
    "Checkpoints",
    "Jacobian",
    "Next",
    "Params",
    "Saved",
    "State",
    "Tape",
    "init",
    "step",
    "step_hvp",
    "step_jacobian",
    "step_jvp",
    "step_vjp",
    "unroll",
    "unroll_jvp",
    "unroll_vjp",
]

_Number = Any  # a number of compiled code, or its type
_Function = TypeVar("_Function", bound=Callable[..., Any])
# A contraction rounds once where a product and a sum round twice; nothing else is rearranged.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract"}, "nogil": True}
# Where the products of a step are larger than this, Python runs the loop: its own part is small
# then, and NumPy's products can be faster than those of SciPy, which compiled code calls.
_LARGE = 2**18


def _inlined(function: _Function, **options: object) -> _Function:
    """For use in compiled code."""
    compiled: _Function = njit(function, **_OPTIONS, **options)
    return compiled


def _compiled(function: _Function, **options: object) -> _Function:
    """Compiled for the floats it is called with, and kept on disk where files can be written."""
    try:
        return _inlined(function, cache=True, **options)
    except RuntimeError:
        return _inlined(function, **options)


def _passes(compiler: CompilerBase) -> list[DefaultPassBuilder]:
    """The usual passes, but what a function writes does not overlap what else it is given."""
    compiler.state.flags.noalias = True
    return [DefaultPassBuilder.define_nopython_pipeline(compiler.state)]


_Apart = type("_Apart", (CompilerBase,), {"define_pipelines": _passes})


def _segment(function: _Function) -> _Function:
    """Compiled, for arrays of which none that is written overlaps another in the rows of a step."""
    return _compiled(function, pipeline_class=_Apart)


def _plain(array: Array) -> Array:
    """The array as compiled code takes it: contiguous, aligned and not read-only; else a copy."""
    return array if array.flags.carray else np.array(array, order="C")


def _exponentials(
    real: _Number,
    whole: _Number,
    terms: int,
    ln2: tuple[float, float],
    reach: tuple[float, float],
) -> tuple[Callable[[_Number], _Number], ...]:
    """The exponential and tanh for one kind of floats, in steps that vector units can do.

    Both use e^x = 2^n (1 + p), where n = round(x / ln 2) and p is a Taylor series. They keep their
    digits where they saturate, and do not overflow.

    Args:
        real: the type of floats.
        whole: integers of the same width.
        terms: the last term of the series.
        ln2: ln 2 as a number of few digits and the rest.
        reach: arguments beyond which e^x is 0 and infinite.
    """
    one, two, log2_e = real(1), real(2), real(1 / math.log(2))
    least, most = map(real, reach)
    full = real(-44)  # where 1 - e^x is 1
    high, low = map(real, ln2)
    factors = tuple(real(1 / math.factorial(k)) for k in range(terms, 1, -1))
    digits, bias = np.finfo(real).nmant, np.finfo(real).maxexp - 1
    # Added to a number of moderate size this rounds it to an integer, in the last digits.
    shift = real(1.5 * 2**digits)
    shifted_zero = int(np.array(shift).view(whole))

    @_inlined
    def power(n: _Number) -> _Number:
        return whole((n + bias) << digits).view(real)

    @_inlined
    def split(x: _Number) -> _Number:
        shifted = real(x * log2_e + shift)
        n = shifted - shift
        r = x - n * high - n * low
        series = factors[0]
        for factor in factors[1:]:
            series = series * r + factor
        return whole(shifted.view(whole) - shifted_zero), series * (r * r) + r

    def exp(x: _Number) -> _Number:
        inside = least if x < least else x
        n, p = split(most if inside > most else inside)
        half = n >> 1  # 2^n alone may be too small or too large
        return (one + p) * power(half) * power(n - half)

    def tanh(x: _Number) -> _Number:
        inside = -two * abs(x)
        n, p = split(full if inside < full else inside)
        m = power(n) * p + (power(n) - one)  # e^-2|x| - 1
        return math.copysign(m / (two + m), x)

    return exp, tanh


_FLOAT32 = _exponentials(np.float32, np.int32, 7, (0.693359375, -2.12194440e-4), (-104, 89))
_FLOAT64 = _exponentials(
    np.float64, np.int64, 13, (6.93147180369123816490e-01, 1.90821492927058770002e-10), (-746, 710)
)


def _exp(x: _Number) -> _Number:
    """e^x, in compiled code."""
    raise NotImplementedError


def _tanh(x: _Number) -> _Number:
    """The hyperbolic tangent, in compiled code."""
    raise NotImplementedError


def _for_floats(place: int) -> Callable[[_Number], Callable[[_Number], _Number]]:
    """Chooses an elementary function by the type of its argument."""

    def chosen(x: _Number) -> Callable[[_Number], _Number]:
        return _FLOAT32[place] if x == types.float32 else _FLOAT64[place]

    return chosen


for _place, _function in enumerate((_exp, _tanh)):
    extending.overload(_function, jit_options=_OPTIONS)(_for_floats(_place))


@_segment
def _unroll_1(
    first: int,
    B: int,
    n_x: int,
    n_v: int,
    n_k: int,
    w_beta: Array,
    x_all: Array,
    b_beta: Array,
    exp_beta_all: Array,
    beta_all: Array,
    S_all: Array,
    q_k_all: Array,
    v_all: Array,
    e_all: Array,
    S_next_all: Array,
    o_all: Array,
) -> None:
    """One step: exp_beta, beta, e, S_next, o."""
    real = w_beta.dtype.type
    for sample in range(B):
        row = first + sample
        # a_β = w_βᵀ x_t + b_β
        sum_1 = real(0)
        for j in range(n_x):
            sum_1 += w_beta[j] * x_all[row, j]
        a_beta = sum_1 + b_beta[()]
        # β_t = σ(a_β)
        exp_beta = _exp(-a_beta)
        exp_beta_all[row] = exp_beta
        beta = real(1) / (real(1) + exp_beta)
        beta_all[row] = beta
        for j in range(n_v):
            # e_t = v_t - S_{t-1} k_t
            sum_1 = real(0)
            for k_ in range(n_k):
                sum_1 += S_all[row, j, k_] * q_k_all[row, n_k + k_]
            e = v_all[row, j] - sum_1
            e_all[row, j] = e
        for j in range(n_v):
            for k_ in range(n_k):
                # S_t = S_{t-1} + β_t e_t k_tᵀ
                S_next = S_all[row, j, k_] + beta * e_all[row, j] * q_k_all[row, n_k + k_]
                S_next_all[row, j, k_] = S_next
        for j in range(n_v):
            # o_t = S_t q_t
            sum_1 = real(0)
            for k_ in range(n_k):
                sum_1 += S_next_all[row, j, k_] * q_k_all[row, k_]
            o = sum_1
            o_all[row, j] = o


def _unroll_steps(
    T: int, B: int, n_x: int, n_v: int, n_k: int, arrays_1: tuple[Array, ...]
) -> None:
    """All steps of `unroll`."""
    for t in range(T):
        first = t * B
        _unroll_1(first, B, n_x, n_v, n_k, *arrays_1)


_unroll_steps_compiled = _compiled(_unroll_steps)


@overload
def unroll(params: Params, xs: Array, state0: State) -> tuple[Next, Tape]: ...
@overload
def unroll(
    params: Params, xs: Array, state0: State, *, checkpoint_every: int
) -> tuple[Next, Checkpoints]: ...
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
    W_q, W_k, W_v = params.W_q, params.W_k, params.W_v
    w_beta = _plain(params.w_beta)
    b_beta = _plain(params.b_beta)
    x_all = _plain(xs).reshape(T * B, n_x)
    exp_beta_all = np.empty((T * B,), dtype=dtype)
    beta_all = np.empty((T * B,), dtype=dtype)
    e_all = np.empty((T * B, n_v), dtype=dtype)
    o_all = np.empty((T * B, n_v), dtype=dtype)
    W_q_k = np.concatenate((W_q, W_k), axis=0)
    # q_t = W_q x_t
    # k_t = W_k x_t
    q_k_all = x_all @ W_q_k.T
    # v_t = W_v x_t
    v_all = x_all @ W_v.T
    S_steps = np.empty(((T + 1) * B, n_v, n_k), dtype=dtype)
    S_steps[:B] = state0.S
    S_all, S_next_all = S_steps[: T * B], S_steps[B:]
    arrays_1 = (
        w_beta,
        x_all,
        b_beta,
        exp_beta_all,
        beta_all,
        S_all,
        q_k_all,
        v_all,
        e_all,
        S_next_all,
        o_all,
    )
    _unroll_steps_compiled(T, B, n_x, n_v, n_k, arrays_1)
    tape = Tape(
        x=xs,
        S=S_all.reshape(T, B, n_v, n_k),
        q=q_k_all[:, :n_k].reshape(T, B, n_k),
        k=q_k_all[:, n_k : 2 * n_k].reshape(T, B, n_k),
        v=v_all.reshape(T, B, n_v),
        exp_beta=exp_beta_all.reshape(T, B),
        beta=beta_all.reshape(T, B),
        e=e_all.reshape(T, B, n_v),
        S_next=S_next_all.reshape(T, B, n_v, n_k),
        o=o_all.reshape(T, B, n_v),
    )
    return Next(S=tape.S_next, o=tape.o), tape


@_segment
def _unroll_vjp_1(
    first: int,
    B: int,
    n_v: int,
    n_k: int,
    dS_next_later: Array,
    dS_step: Array,
    exp_beta_all: Array,
    dS_next_given_all: Array,
    do_all: Array,
    q_all: Array,
    dS_next_step: Array,
    S_next_all: Array,
    dq_dk_all: Array,
    beta_all: Array,
    k_all: Array,
    de_step: Array,
    dv_all: Array,
    e_all: Array,
    da_beta_all: Array,
    S_all: Array,
) -> None:
    """One step: dq, dS_next, de, dS, da_beta, dv, dk."""
    real = dS_next_later.dtype.type
    for sample in range(B):
        row = first + sample
        # 1 - β_t
        one_minus_beta = real(1) / (real(1) + real(1) / exp_beta_all[row])
        for j in range(n_v):
            for k_ in range(n_k):
                # ΔS_t + δo_t q_tᵀ
                dS_next_ahead = dS_next_given_all[row, j, k_] + do_all[row, j] * q_all[row, k_]
                # o_t = S_t q_t
                dS_next = dS_next_later[sample, j, k_] + dS_next_ahead
                dS_next_step[sample, j, k_] = dS_next
        for j in range(n_k):
            # o_t = S_t q_t
            sum_1 = real(0)
            for k_ in range(n_v):
                sum_1 += do_all[row, k_] * S_next_all[row, k_, j]
            dq = sum_1
            dq_dk_all[row, j] = dq
        for j in range(n_v):
            # S_t = S_{t-1} + β_t e_t k_tᵀ
            sum_1 = real(0)
            for k_ in range(n_k):
                sum_1 += dS_next_step[sample, j, k_] * beta_all[row] * k_all[row, k_]
            de = sum_1
            de_step[sample, j] = de
            # e_t = v_t - S_{t-1} k_t
            dv = de
            dv_all[row, j] = dv
        # S_t = S_{t-1} + β_t e_t k_tᵀ
        sum_1 = real(0)
        for j in range(n_v):
            for k_ in range(n_k):
                sum_1 += dS_next_step[sample, j, k_] * e_all[row, j] * k_all[row, k_]
        dbeta = sum_1
        # β_t = σ(a_β)
        da_beta = dbeta * beta_all[row] * one_minus_beta
        da_beta_all[row] = da_beta
        for j in range(n_v):
            for k_ in range(n_k):
                # S_{t-1} is in e_t, S_t
                dS = dS_next_step[sample, j, k_] - de_step[sample, j] * k_all[row, k_]
                dS_step[sample, j, k_] = dS
        for j in range(n_k):
            # k_t is in e_t, S_t
            sum_1 = real(0)
            for k_ in range(n_v):
                sum_1 += dS_next_step[sample, k_, j] * beta_all[row] * e_all[row, k_]
            sum_2 = real(0)
            for k_ in range(n_v):
                sum_2 += de_step[sample, k_] * S_all[row, k_, j]
            dk = sum_1 - sum_2
            dq_dk_all[row, n_k + j] = dk


def _unroll_vjp_steps(
    T: int,
    B: int,
    n_v: int,
    n_k: int,
    dS_next_later: Array,
    dS_step: Array,
    arrays_1: tuple[Array, ...],
) -> tuple[Array, ...]:
    """All steps of `unroll_vjp`."""
    for t in range(T - 1, -1, -1):
        first = t * B
        _unroll_vjp_1(first, B, n_v, n_k, dS_next_later, dS_step, *arrays_1)
        dS_next_later, dS_step = dS_step, dS_next_later
    return (dS_next_later,)


_unroll_vjp_steps_compiled = _compiled(_unroll_vjp_steps)


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
    W_q, W_k, W_v, w_beta = params.W_q, params.W_k, params.W_v, params.w_beta
    x_all = tape.x.reshape(T * B, n_x)
    S_all = _plain(tape.S).reshape(T * B, n_v, n_k)
    q_all = _plain(tape.q).reshape(T * B, n_k)
    k_all = _plain(tape.k).reshape(T * B, n_k)
    exp_beta_all = _plain(tape.exp_beta).reshape(T * B)
    beta_all = _plain(tape.beta).reshape(T * B)
    e_all = _plain(tape.e).reshape(T * B, n_v)
    S_next_all = _plain(tape.S_next).reshape(T * B, n_v, n_k)
    dS_next_given_all = _plain(dnexts.S).reshape(T * B, n_v, n_k)
    do_all = _plain(dnexts.o).reshape(T * B, n_v)
    da_beta_all = np.empty((T * B,), dtype=dtype)
    dv_all = np.empty((T * B, n_v), dtype=dtype)
    dq_dk_all = np.empty((T * B, 2 * n_k), dtype=dtype)
    dS_next_step = np.empty((B, n_v, n_k), dtype=dtype)
    de_step = np.empty((B, n_v), dtype=dtype)
    W_q_k = np.concatenate((W_q, W_k), axis=0)
    dS_next_later = np.zeros((B, n_v, n_k), dtype=dtype)
    dS_step = np.empty((B, n_v, n_k), dtype=dtype)
    arrays_1 = (
        exp_beta_all,
        dS_next_given_all,
        do_all,
        q_all,
        dS_next_step,
        S_next_all,
        dq_dk_all,
        beta_all,
        k_all,
        de_step,
        dv_all,
        e_all,
        da_beta_all,
        S_all,
    )
    (dS_next_later,) = _unroll_vjp_steps_compiled(T, B, n_v, n_k, dS_next_later, dS_step, arrays_1)
    # q_t = W_q x_t
    # k_t = W_k x_t
    dW_q_k = dq_dk_all.T @ x_all
    dW_q = dW_q_k[:n_k]
    dW_k = dW_q_k[n_k : 2 * n_k]
    # a_β = w_βᵀ x_t + b_β
    dw_beta = da_beta_all @ x_all
    # a_β = w_βᵀ x_t + b_β
    db_beta = da_beta_all.sum(axis=0)
    # v_t = W_v x_t
    dW_v = dv_all.T @ x_all
    # W_qᵀ δq_t + W_kᵀ δk_t
    dx_sum_all = dq_dk_all @ W_q_k
    # W_vᵀ δv_t
    W_v_dv_all = dv_all @ W_v
    # x_t is in q_t, k_t, v_t, a_β
    dx_all = dx_sum_all + W_v_dv_all + da_beta_all[:, None] * w_beta
    dparams = Params(W_q=dW_q, W_k=dW_k, W_v=dW_v, w_beta=dw_beta, b_beta=db_beta)
    return dparams, dx_all.reshape(T, B, n_x), State(S=dS_next_later)


@_segment
def _unroll_jvp_1(
    first: int,
    B: int,
    n_x: int,
    n_v: int,
    n_k: int,
    exp_beta_all: Array,
    w_beta: Array,
    x_dot_all: Array,
    w_beta_dot: Array,
    x_all: Array,
    b_beta_dot: Array,
    beta_all: Array,
    W_q_k_x_dot_all: Array,
    W_q_k_dot_x_all: Array,
    q_dot_step: Array,
    k_dot_step: Array,
    W_v_x_dot_all: Array,
    W_v_dot_x_all: Array,
    v_dot_step: Array,
    S_all: Array,
    S_dot_all: Array,
    k_all: Array,
    e_dot_step: Array,
    e_all: Array,
    S_next_dot_ahead_step: Array,
    S_next_dot_all: Array,
    S_next_all: Array,
    q_all: Array,
    o_dot_all: Array,
) -> None:
    """One step: q_dot, k_dot, v_dot, S_next_dot_ahead, e_dot, S_next_dot, o_dot."""
    real = exp_beta_all.dtype.type
    for sample in range(B):
        row = first + sample
        # 1 - β_t
        one_minus_beta = real(1) / (real(1) + real(1) / exp_beta_all[row])
        # a_β = w_βᵀ x_t + b_β
        sum_1 = real(0)
        for j in range(n_x):
            sum_1 += w_beta[j] * x_dot_all[row, j]
        sum_2 = real(0)
        for j in range(n_x):
            sum_2 += w_beta_dot[j] * x_all[row, j]
        a_beta_dot = sum_1 + sum_2 + b_beta_dot[()]
        # β_t = σ(a_β)
        beta_dot = beta_all[row] * one_minus_beta * a_beta_dot
        for j in range(n_k):
            # q_t = W_q x_t
            q_dot = W_q_k_x_dot_all[row, j] + W_q_k_dot_x_all[row, j]
            q_dot_step[sample, j] = q_dot
            # k_t = W_k x_t
            k_dot = W_q_k_x_dot_all[row, n_k + j] + W_q_k_dot_x_all[row, n_k + j]
            k_dot_step[sample, j] = k_dot
        for j in range(n_v):
            # v_t = W_v x_t
            v_dot = W_v_x_dot_all[row, j] + W_v_dot_x_all[row, j]
            v_dot_step[sample, j] = v_dot
        for j in range(n_v):
            # v̇_t - S_{t-1} k̇_t
            sum_1 = real(0)
            for k_ in range(n_k):
                sum_1 += S_all[row, j, k_] * k_dot_step[sample, k_]
            e_dot_ahead = v_dot_step[sample, j] - sum_1
            # e_t = v_t - S_{t-1} k_t
            sum_2 = real(0)
            for k_ in range(n_k):
                sum_2 += S_dot_all[row, j, k_] * k_all[row, k_]
            e_dot = e_dot_ahead - sum_2
            e_dot_step[sample, j] = e_dot
        for j in range(n_v):
            for k_ in range(n_k):
                # β̇_t e_t k_tᵀ + β_t e_t k̇_tᵀ
                S_next_dot_ahead = beta_all[row] * e_all[row, j] * k_dot_step[sample, k_]
                S_next_dot_ahead = S_next_dot_ahead + beta_dot * e_all[row, j] * k_all[row, k_]
                S_next_dot_ahead_step[sample, j, k_] = S_next_dot_ahead
        for j in range(n_v):
            for k_ in range(n_k):
                # S_t = S_{t-1} + β_t e_t k_tᵀ
                S_next_dot = (
                    S_dot_all[row, j, k_]
                    + S_next_dot_ahead_step[sample, j, k_]
                    + beta_all[row] * e_dot_step[sample, j] * k_all[row, k_]
                )
                S_next_dot_all[row, j, k_] = S_next_dot
        for j in range(n_v):
            # o_t = S_t q_t
            sum_1 = real(0)
            for k_ in range(n_k):
                sum_1 += S_next_all[row, j, k_] * q_dot_step[sample, k_]
            sum_2 = real(0)
            for k_ in range(n_k):
                sum_2 += S_next_dot_all[row, j, k_] * q_all[row, k_]
            o_dot = sum_1 + sum_2
            o_dot_all[row, j] = o_dot


def _unroll_jvp_steps(
    T: int, B: int, n_x: int, n_v: int, n_k: int, arrays_1: tuple[Array, ...]
) -> None:
    """All steps of `unroll_jvp`."""
    for t in range(T):
        first = t * B
        _unroll_jvp_1(first, B, n_x, n_v, n_k, *arrays_1)


_unroll_jvp_steps_compiled = _compiled(_unroll_jvp_steps)


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
    W_q, W_k, W_v, W_q_dot, W_k_dot = params.W_q, params.W_k, params.W_v, dparams.W_q, dparams.W_k
    W_v_dot = dparams.W_v
    w_beta = _plain(params.w_beta)
    w_beta_dot = _plain(dparams.w_beta)
    b_beta_dot = _plain(dparams.b_beta)
    x_all = _plain(tape.x).reshape(T * B, n_x)
    S_all = _plain(tape.S).reshape(T * B, n_v, n_k)
    q_all = _plain(tape.q).reshape(T * B, n_k)
    k_all = _plain(tape.k).reshape(T * B, n_k)
    exp_beta_all = _plain(tape.exp_beta).reshape(T * B)
    beta_all = _plain(tape.beta).reshape(T * B)
    e_all = _plain(tape.e).reshape(T * B, n_v)
    S_next_all = _plain(tape.S_next).reshape(T * B, n_v, n_k)
    x_dot_all = _plain(dxs).reshape(T * B, n_x)
    o_dot_all = np.empty((T * B, n_v), dtype=dtype)
    q_dot_step = np.empty((B, n_k), dtype=dtype)
    k_dot_step = np.empty((B, n_k), dtype=dtype)
    v_dot_step = np.empty((B, n_v), dtype=dtype)
    S_next_dot_ahead_step = np.empty((B, n_v, n_k), dtype=dtype)
    e_dot_step = np.empty((B, n_v), dtype=dtype)
    W_q_k = np.concatenate((W_q, W_k), axis=0)
    W_q_k_dot = np.concatenate((W_q_dot, W_k_dot), axis=0)
    # W_q ẋ_t
    # W_k ẋ_t
    W_q_k_x_dot_all = x_dot_all @ W_q_k.T
    # Ẇ_q x_t
    # Ẇ_k x_t
    W_q_k_dot_x_all = x_all @ W_q_k_dot.T
    # W_v ẋ_t
    W_v_x_dot_all = x_dot_all @ W_v.T
    # Ẇ_v x_t
    W_v_dot_x_all = x_all @ W_v_dot.T
    S_dot_steps = np.empty(((T + 1) * B, n_v, n_k), dtype=dtype)
    S_dot_steps[:B] = dstate0.S
    S_dot_all, S_next_dot_all = S_dot_steps[: T * B], S_dot_steps[B:]
    arrays_1 = (
        exp_beta_all,
        w_beta,
        x_dot_all,
        w_beta_dot,
        x_all,
        b_beta_dot,
        beta_all,
        W_q_k_x_dot_all,
        W_q_k_dot_x_all,
        q_dot_step,
        k_dot_step,
        W_v_x_dot_all,
        W_v_dot_x_all,
        v_dot_step,
        S_all,
        S_dot_all,
        k_all,
        e_dot_step,
        e_all,
        S_next_dot_ahead_step,
        S_next_dot_all,
        S_next_all,
        q_all,
        o_dot_all,
    )
    _unroll_jvp_steps_compiled(T, B, n_x, n_v, n_k, arrays_1)
    return Next(S=S_next_dot_all.reshape(T, B, n_v, n_k), o=o_dot_all.reshape(T, B, n_v))


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
