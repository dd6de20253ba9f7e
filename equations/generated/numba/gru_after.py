"""Gated recurrent unit: Γ_u = 1 takes the candidate, Γ_r comes after the product.

    Γ_u  = σ(W_u x_t + U_u h_{t-1} + b_u)
    Γ_r  = σ(W_r x_t + U_r h_{t-1} + b_r)
    h'_t = tanh(W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r)
    h_t  = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t

The functions over a sequence are compiled by numba; all others are the NumPy module's.
Generated from equations/cells/gru_after.py by `gateproof generate --target numba gru_after`: change
that file, not this one. B is the batch, T the number of time steps. MIT licence; see LICENSE.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast, overload

import numpy as np
from numba import extending, njit, types
from numba.core.compiler import CompilerBase, DefaultPassBuilder

from equations.generated.gru_after import (
    _CELL,
    _COUNTS_STEPS,
    Array,
    Checkpoints,
    Jacobian,
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
    n_h: int,
    W_u_r_h_x_all: Array,
    b_u: Array,
    b_r: Array,
    b_h: Array,
    U_u_r_h_h_step: Array,
    u_all: Array,
    one_minus_u_all: Array,
    r_all: Array,
    one_minus_r_all: Array,
    U_h_h_all: Array,
    c_h: Array,
    a_h_cand_all: Array,
    h_cand_all: Array,
    h_all: Array,
    h_next_all: Array,
) -> None:
    """One step: u, one_minus_u, r, one_minus_r, a_h_cand, h_cand, h_next."""
    real = W_u_r_h_x_all.dtype.type
    for sample in range(B):
        row = first + sample
        for j in range(n_h):
            # W_u x_t + b_u
            a_u_ahead = W_u_r_h_x_all[row, j] + b_u[j]
            # W_r x_t + b_r
            a_r_ahead = W_u_r_h_x_all[row, n_h + j] + b_r[j]
            # W_h x_t + b_h
            a_h_cand_ahead = W_u_r_h_x_all[row, 2 * n_h + j] + b_h[j]
            # a_u = W_u x_t + U_u h_{t-1} + b_u
            a_u = a_u_ahead + U_u_r_h_h_step[sample, j]
            # Γ_u = σ(a_u)
            exp_u = _exp(-a_u)
            u = real(1) / (real(1) + exp_u)
            u_all[row, j] = u
            # 1 - Γ_u
            one_minus_u = real(1) / (real(1) + real(1) / exp_u)
            one_minus_u_all[row, j] = one_minus_u
            # a_r = W_r x_t + U_r h_{t-1} + b_r
            a_r = a_r_ahead + U_u_r_h_h_step[sample, n_h + j]
            # Γ_r = σ(a_r)
            exp_r = _exp(-a_r)
            r = real(1) / (real(1) + exp_r)
            r_all[row, j] = r
            # 1 - Γ_r
            one_minus_r = real(1) / (real(1) + real(1) / exp_r)
            one_minus_r_all[row, j] = one_minus_r
            # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
            a_h_cand = a_h_cand_ahead + (U_h_h_all[row, j] + c_h[j]) * r
            a_h_cand_all[row, j] = a_h_cand
            # h'_t = tanh(a_{h'})
            h_cand = _tanh(a_h_cand)
            h_cand_all[row, j] = h_cand
            # h_t = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t
            h_next = one_minus_u * h_all[row, j] + u * h_cand
            h_next_all[row, j] = h_next


def _unroll_steps(
    T: int,
    B: int,
    n_h: int,
    h_all: Array,
    U_u_r_h_T: Array,
    U_u_r_h_h_step: Array,
    U_h_h_all: Array,
    arrays_1: tuple[Array, ...],
) -> None:
    """All steps of `unroll`."""
    for t in range(T):
        first, last = t * B, (t + 1) * B
        # U_u h_{t-1}
        # U_r h_{t-1}
        # U_h h_{t-1}
        np.dot(h_all[first:last], U_u_r_h_T, U_u_r_h_h_step)
        U_h_h_all[first:last] = U_u_r_h_h_step[:, 2 * n_h : 3 * n_h]
        _unroll_1(first, B, n_h, *arrays_1)


_unroll_steps_compiled = _compiled(_unroll_steps)


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
    T, B, n_x, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_h"]
    W_u, W_r, W_h, U_u, U_r = params.W_u, params.W_r, params.W_h, params.U_u, params.U_r
    U_h = params.U_h
    b_u = _plain(params.b_u)
    b_r = _plain(params.b_r)
    b_h = _plain(params.b_h)
    c_h = _plain(params.c_h)
    x_all = xs.reshape(T * B, n_x)
    u_all = np.empty((T * B, n_h), dtype=dtype)
    one_minus_u_all = np.empty((T * B, n_h), dtype=dtype)
    r_all = np.empty((T * B, n_h), dtype=dtype)
    one_minus_r_all = np.empty((T * B, n_h), dtype=dtype)
    U_h_h_all = np.empty((T * B, n_h), dtype=dtype)
    a_h_cand_all = np.empty((T * B, n_h), dtype=dtype)
    h_cand_all = np.empty((T * B, n_h), dtype=dtype)
    U_u_r_h_h_step = np.empty((B, 3 * n_h), dtype=dtype)
    W_u_r_h = np.concatenate((W_u, W_r, W_h), axis=0)
    U_u_r_h = np.concatenate((U_u, U_r, U_h), axis=0)
    # W_u x_t
    # W_r x_t
    # W_h x_t
    W_u_r_h_x_all = x_all @ W_u_r_h.T
    U_u_r_h_T = _plain(U_u_r_h.T)
    h_steps = np.empty(((T + 1) * B, n_h), dtype=dtype)
    h_steps[:B] = state0.h
    h_all, h_next_all = h_steps[: T * B], h_steps[B:]
    arrays_1 = (
        W_u_r_h_x_all,
        b_u,
        b_r,
        b_h,
        U_u_r_h_h_step,
        u_all,
        one_minus_u_all,
        r_all,
        one_minus_r_all,
        U_h_h_all,
        c_h,
        a_h_cand_all,
        h_cand_all,
        h_all,
        h_next_all,
    )
    work = B * U_u_r_h_T.size
    steps = _unroll_steps if work > _LARGE else _unroll_steps_compiled
    steps(T, B, n_h, h_all, U_u_r_h_T, U_u_r_h_h_step, U_h_h_all, arrays_1)
    tape = Tape(
        x=xs,
        h=h_all.reshape(T, B, n_h),
        u=u_all.reshape(T, B, n_h),
        one_minus_u=one_minus_u_all.reshape(T, B, n_h),
        r=r_all.reshape(T, B, n_h),
        one_minus_r=one_minus_r_all.reshape(T, B, n_h),
        U_h_h=U_h_h_all.reshape(T, B, n_h),
        a_h_cand=a_h_cand_all.reshape(T, B, n_h),
        h_cand=h_cand_all.reshape(T, B, n_h),
        h_next=h_next_all.reshape(T, B, n_h),
    )
    return State(h=tape.h_next), tape


@_segment
def _unroll_vjp_1(
    first: int,
    B: int,
    n_h: int,
    dh_next_later: Array,
    a_h_cand_all: Array,
    u_all: Array,
    U_h_h_all: Array,
    c_h: Array,
    one_minus_r_all: Array,
    r_all: Array,
    one_minus_u_all: Array,
    h_cand_all: Array,
    h_all: Array,
    dh_next_given_all: Array,
    dh_next_step: Array,
    da_u_r_h_cand_all: Array,
    dU_h_h_all: Array,
    dh_sum_of: Array,
) -> None:
    """One step: dh_next, da_h_cand, dU_h_h, da_r, da_u."""
    real = dh_next_later.dtype.type
    for sample in range(B):
        row = first + sample
        for j in range(n_h):
            # 1 - h'_t²
            exp_h_cand = _exp(-real(2) * abs(a_h_cand_all[row, j]))
            slope_h_cand = real(4) * exp_h_cand / (real(1) + exp_h_cand) ** 2
            # Γ_u ∘ (1 - h'_t²)
            da_h_cand_by_dh_next = u_all[row, j] * slope_h_cand
            # (U_h h_{t-1} + c_h) ∘ Γ_r ∘ (1 - Γ_r)
            da_r_by_da_h_cand = (
                (U_h_h_all[row, j] + c_h[j]) * one_minus_r_all[row, j] * r_all[row, j]
            )
            # Γ_u ∘ (1 - Γ_u) ∘ (h'_t - h_{t-1})
            da_u_by_dh_next = (
                one_minus_u_all[row, j] * u_all[row, j] * (h_cand_all[row, j] - h_all[row, j])
            )
            dh_next = dh_next_given_all[row, j] + dh_next_later[sample, j]
            dh_next_step[sample, j] = dh_next
            # h'_t = tanh(a_{h'})
            da_h_cand = dh_next * da_h_cand_by_dh_next
            da_u_r_h_cand_all[row, 2 * n_h + j] = da_h_cand
            # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
            dU_h_h = da_h_cand * r_all[row, j]
            dU_h_h_all[row, j] = dU_h_h
            dh_sum_of[sample, 2 * n_h + j] = dU_h_h
            # Γ_r = σ(a_r)
            da_r = da_h_cand * da_r_by_da_h_cand
            da_u_r_h_cand_all[row, n_h + j] = da_r
            dh_sum_of[sample, n_h + j] = da_r
            # Γ_u = σ(a_u)
            da_u = dh_next * da_u_by_dh_next
            da_u_r_h_cand_all[row, j] = da_u
            dh_sum_of[sample, j] = da_u


@_segment
def _unroll_vjp_2(
    first: int,
    B: int,
    n_h: int,
    dh_step: Array,
    dh_next_step: Array,
    one_minus_u_all: Array,
    dh_sum_step: Array,
) -> None:
    """One step: dh."""
    for sample in range(B):
        row = first + sample
        for j in range(n_h):
            # h_{t-1} is in a_u, a_r, U_h h_{t-1}, h_t
            dh = dh_next_step[sample, j] * one_minus_u_all[row, j] + dh_sum_step[sample, j]
            dh_step[sample, j] = dh


def _unroll_vjp_steps(
    T: int,
    B: int,
    n_h: int,
    dh_next_later: Array,
    dh_sum_of: Array,
    U_u_r_h: Array,
    dh_sum_step: Array,
    dh_step: Array,
    arrays_1: tuple[Array, ...],
    arrays_2: tuple[Array, ...],
) -> tuple[Array, ...]:
    """All steps of `unroll_vjp`."""
    for t in range(T - 1, -1, -1):
        first = t * B
        _unroll_vjp_1(first, B, n_h, dh_next_later, *arrays_1)
        # U_uᵀ δa_u + U_rᵀ δa_r + U_hᵀ δ(U_h h_{t-1})
        np.dot(dh_sum_of, U_u_r_h, dh_sum_step)
        _unroll_vjp_2(first, B, n_h, dh_step, *arrays_2)
        dh_next_later, dh_step = dh_step, dh_next_later
    return (dh_next_later,)


_unroll_vjp_steps_compiled = _compiled(_unroll_vjp_steps)


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
    W_u, W_r, W_h, U_u, U_r = params.W_u, params.W_r, params.W_h, params.U_u, params.U_r
    U_h = params.U_h
    c_h = _plain(params.c_h)
    x_all = tape.x.reshape(T * B, n_x)
    h_all = _plain(tape.h).reshape(T * B, n_h)
    u_all = _plain(tape.u).reshape(T * B, n_h)
    one_minus_u_all = _plain(tape.one_minus_u).reshape(T * B, n_h)
    r_all = _plain(tape.r).reshape(T * B, n_h)
    one_minus_r_all = _plain(tape.one_minus_r).reshape(T * B, n_h)
    U_h_h_all = _plain(tape.U_h_h).reshape(T * B, n_h)
    a_h_cand_all = _plain(tape.a_h_cand).reshape(T * B, n_h)
    h_cand_all = _plain(tape.h_cand).reshape(T * B, n_h)
    dh_next_given_all = _plain(dnexts.h).reshape(T * B, n_h)
    dU_h_h_all = np.empty((T * B, n_h), dtype=dtype)
    da_u_r_h_cand_all = np.empty((T * B, 3 * n_h), dtype=dtype)
    dh_next_step = np.empty((B, n_h), dtype=dtype)
    dh_sum_step = np.empty((B, n_h), dtype=dtype)
    dh_sum_of = np.empty((B, 3 * n_h), dtype=dtype)
    U_u_r_h = np.concatenate((U_u, U_r, U_h), axis=0)
    W_u_r_h = np.concatenate((W_u, W_r, W_h), axis=0)
    dh_next_later = np.zeros((B, n_h), dtype=dtype)
    dh_step = np.empty((B, n_h), dtype=dtype)
    arrays_1 = (
        a_h_cand_all,
        u_all,
        U_h_h_all,
        c_h,
        one_minus_r_all,
        r_all,
        one_minus_u_all,
        h_cand_all,
        h_all,
        dh_next_given_all,
        dh_next_step,
        da_u_r_h_cand_all,
        dU_h_h_all,
        dh_sum_of,
    )
    arrays_2 = (dh_next_step, one_minus_u_all, dh_sum_step)
    work = B * U_u_r_h.size
    steps = _unroll_vjp_steps if work > _LARGE else _unroll_vjp_steps_compiled
    (dh_next_later,) = steps(
        T,
        B,
        n_h,
        dh_next_later,
        dh_sum_of,
        U_u_r_h,
        dh_sum_step,
        dh_step,
        arrays_1,
        arrays_2,
    )
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    dW_u_r_h = da_u_r_h_cand_all.T @ x_all
    dW_u = dW_u_r_h[:n_h]
    dW_r = dW_u_r_h[n_h : 2 * n_h]
    dW_h = dW_u_r_h[2 * n_h : 3 * n_h]
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    db_u_r_h = da_u_r_h_cand_all.sum(axis=0)
    db_u = db_u_r_h[:n_h]
    db_r = db_u_r_h[n_h : 2 * n_h]
    db_h = db_u_r_h[2 * n_h : 3 * n_h]
    # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
    dc_h = (da_u_r_h_cand_all[:, 2 * n_h : 3 * n_h] * r_all).sum(axis=0)
    # U_h h_{t-1}
    dU_h = dU_h_h_all.T @ h_all
    # a_u = W_u x_t + U_u h_{t-1} + b_u
    # a_r = W_r x_t + U_r h_{t-1} + b_r
    dU_u_r = da_u_r_h_cand_all[:, : 2 * n_h].T @ h_all
    dU_u = dU_u_r[:n_h]
    dU_r = dU_u_r[n_h : 2 * n_h]
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


@_segment
def _unroll_jvp_1(
    first: int,
    B: int,
    n_h: int,
    a_h_cand_all: Array,
    U_u_dot_h_to_U_h_h_dot_ahead_all: Array,
    W_u_r_h_x_dot_all: Array,
    W_u_r_h_dot_x_all: Array,
    b_u_dot: Array,
    b_r_dot: Array,
    U_h_h_all: Array,
    c_h: Array,
    one_minus_r_all: Array,
    r_all: Array,
    b_h_dot: Array,
    c_h_dot: Array,
    u_all: Array,
    one_minus_u_all: Array,
    h_cand_all: Array,
    h_all: Array,
    U_u_h_dot_r_h_dot_h_h_dot__step: Array,
    h_dot_all: Array,
    h_next_dot_all: Array,
) -> None:
    """One step: h_next_dot."""
    real = a_h_cand_all.dtype.type
    for sample in range(B):
        row = first + sample
        for j in range(n_h):
            # 1 - h'_t²
            exp_h_cand = _exp(-real(2) * abs(a_h_cand_all[row, j]))
            slope_h_cand = real(4) * exp_h_cand / (real(1) + exp_h_cand) ** 2
            # W_u ẋ_t + ḃ_u + Ẇ_u x_t + U̇_u h_{t-1}
            a_u_dot_ahead = (
                U_u_dot_h_to_U_h_h_dot_ahead_all[row, j]
                + W_u_r_h_x_dot_all[row, j]
                + W_u_r_h_dot_x_all[row, j]
                + b_u_dot[j]
            )
            # W_r ẋ_t + ḃ_r + Ẇ_r x_t + U̇_r h_{t-1}
            a_r_dot_ahead = (
                U_u_dot_h_to_U_h_h_dot_ahead_all[row, n_h + j]
                + W_u_r_h_x_dot_all[row, n_h + j]
                + W_u_r_h_dot_x_all[row, n_h + j]
                + b_r_dot[j]
            )
            # (U_h h_{t-1} + c_h) ∘ Γ_r ∘ (1 - Γ_r)
            a_h_cand_dot_by_a_r_dot = (
                (U_h_h_all[row, j] + c_h[j]) * one_minus_r_all[row, j] * r_all[row, j]
            )
            # W_h ẋ_t + ḃ_h + Ẇ_h x_t + Γ_r ∘ ċ_h
            a_h_cand_dot_ahead = (
                W_u_r_h_x_dot_all[row, 2 * n_h + j]
                + W_u_r_h_dot_x_all[row, 2 * n_h + j]
                + b_h_dot[j]
                + r_all[row, j] * c_h_dot[j]
            )
            # Γ_u ∘ (1 - h'_t²)
            h_next_dot_by_a_h_cand_dot = u_all[row, j] * slope_h_cand
            # Γ_u ∘ (1 - Γ_u) ∘ (h'_t - h_{t-1})
            h_next_dot_by_a_u_dot = (
                one_minus_u_all[row, j] * u_all[row, j] * (h_cand_all[row, j] - h_all[row, j])
            )
            # a_u = W_u x_t + U_u h_{t-1} + b_u
            a_u_dot = a_u_dot_ahead + U_u_h_dot_r_h_dot_h_h_dot__step[sample, j]
            # a_r = W_r x_t + U_r h_{t-1} + b_r
            a_r_dot = a_r_dot_ahead + U_u_h_dot_r_h_dot_h_h_dot__step[sample, n_h + j]
            # U_h h_{t-1}
            U_h_h_dot = U_u_dot_h_to_U_h_h_dot_ahead_all[row, 2 * n_h + j]
            U_h_h_dot = U_h_h_dot + U_u_h_dot_r_h_dot_h_h_dot__step[sample, 2 * n_h + j]
            # a_{h'} = W_h x_t + b_h + (U_h h_{t-1} + c_h) ∘ Γ_r
            a_h_cand_dot = (
                a_h_cand_dot_ahead + a_h_cand_dot_by_a_r_dot * a_r_dot + r_all[row, j] * U_h_h_dot
            )
            # h_t = (1 - Γ_u) ∘ h_{t-1} + Γ_u ∘ h'_t
            h_next_dot = (
                one_minus_u_all[row, j] * h_dot_all[row, j]
                + h_next_dot_by_a_u_dot * a_u_dot
                + h_next_dot_by_a_h_cand_dot * a_h_cand_dot
            )
            h_next_dot_all[row, j] = h_next_dot


def _unroll_jvp_steps(
    T: int,
    B: int,
    n_h: int,
    h_dot_all: Array,
    U_u_r_h_T: Array,
    U_u_h_dot_r_h_dot_h_h_dot__step: Array,
    arrays_1: tuple[Array, ...],
) -> None:
    """All steps of `unroll_jvp`."""
    for t in range(T):
        first, last = t * B, (t + 1) * B
        # U_u ḣ_{t-1}
        # U_r ḣ_{t-1}
        # U_h ḣ_{t-1}
        np.dot(h_dot_all[first:last], U_u_r_h_T, U_u_h_dot_r_h_dot_h_h_dot__step)
        _unroll_jvp_1(first, B, n_h, *arrays_1)


_unroll_jvp_steps_compiled = _compiled(_unroll_jvp_steps)


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
    T, B, n_x, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_h"]
    W_u, W_r, W_h, U_u, U_r = params.W_u, params.W_r, params.W_h, params.U_u, params.U_r
    U_h, W_u_dot, W_r_dot, W_h_dot = params.U_h, dparams.W_u, dparams.W_r, dparams.W_h
    U_u_dot, U_r_dot, U_h_dot = dparams.U_u, dparams.U_r, dparams.U_h
    c_h = _plain(params.c_h)
    b_u_dot = _plain(dparams.b_u)
    b_r_dot = _plain(dparams.b_r)
    b_h_dot = _plain(dparams.b_h)
    c_h_dot = _plain(dparams.c_h)
    x_all = tape.x.reshape(T * B, n_x)
    h_all = _plain(tape.h).reshape(T * B, n_h)
    u_all = _plain(tape.u).reshape(T * B, n_h)
    one_minus_u_all = _plain(tape.one_minus_u).reshape(T * B, n_h)
    r_all = _plain(tape.r).reshape(T * B, n_h)
    one_minus_r_all = _plain(tape.one_minus_r).reshape(T * B, n_h)
    U_h_h_all = _plain(tape.U_h_h).reshape(T * B, n_h)
    a_h_cand_all = _plain(tape.a_h_cand).reshape(T * B, n_h)
    h_cand_all = _plain(tape.h_cand).reshape(T * B, n_h)
    x_dot_all = dxs.reshape(T * B, n_x)
    U_u_h_dot_r_h_dot_h_h_dot__step = np.empty((B, 3 * n_h), dtype=dtype)
    W_u_r_h = np.concatenate((W_u, W_r, W_h), axis=0)
    W_u_r_h_dot = np.concatenate((W_u_dot, W_r_dot, W_h_dot), axis=0)
    U_u_r_h_dot = np.concatenate((U_u_dot, U_r_dot, U_h_dot), axis=0)
    U_u_r_h = np.concatenate((U_u, U_r, U_h), axis=0)
    # W_u ẋ_t
    # W_r ẋ_t
    # W_h ẋ_t
    W_u_r_h_x_dot_all = x_dot_all @ W_u_r_h.T
    # Ẇ_u x_t
    # Ẇ_r x_t
    # Ẇ_h x_t
    W_u_r_h_dot_x_all = x_all @ W_u_r_h_dot.T
    # U̇_u h_{t-1}
    # U̇_r h_{t-1}
    # U̇_h h_{t-1}
    U_u_dot_h_to_U_h_h_dot_ahead_all = h_all @ U_u_r_h_dot.T
    U_u_r_h_T = _plain(U_u_r_h.T)
    h_dot_steps = np.empty(((T + 1) * B, n_h), dtype=dtype)
    h_dot_steps[:B] = dstate0.h
    h_dot_all, h_next_dot_all = h_dot_steps[: T * B], h_dot_steps[B:]
    arrays_1 = (
        a_h_cand_all,
        U_u_dot_h_to_U_h_h_dot_ahead_all,
        W_u_r_h_x_dot_all,
        W_u_r_h_dot_x_all,
        b_u_dot,
        b_r_dot,
        U_h_h_all,
        c_h,
        one_minus_r_all,
        r_all,
        b_h_dot,
        c_h_dot,
        u_all,
        one_minus_u_all,
        h_cand_all,
        h_all,
        U_u_h_dot_r_h_dot_h_h_dot__step,
        h_dot_all,
        h_next_dot_all,
    )
    work = B * U_u_r_h_T.size
    steps = _unroll_jvp_steps if work > _LARGE else _unroll_jvp_steps_compiled
    steps(T, B, n_h, h_dot_all, U_u_r_h_T, U_u_h_dot_r_h_dot_h_h_dot__step, arrays_1)
    return State(h=h_next_dot_all.reshape(T, B, n_h))


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
