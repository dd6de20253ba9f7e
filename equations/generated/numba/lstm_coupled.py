"""LSTM with coupled input and forget gate, f = 1 - i, and diagonal peepholes.

    i_t = σ(W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i)
    g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)
    c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
    o_t = σ(W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o)
    h_t = o_t ∘ tanh(c_t)

The functions over a sequence are compiled by numba; all others are the NumPy module's.
Generated from equations/cells/lstm_coupled.py by `gateproof generate --target numba lstm_coupled`:
change that file, not this one. B is the batch, T the number of time steps. MIT licence; see
LICENSE.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast, overload

import numpy as np
from numba import extending, njit, types
from numba.core.compiler import CompilerBase, DefaultPassBuilder

from equations.generated.lstm_coupled import (
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
    W_i_o_g_x_all: Array,
    b_i: Array,
    b_g: Array,
    b_o: Array,
    U_i_o_g_h_step: Array,
    p_i: Array,
    c_all: Array,
    i_all: Array,
    one_minus_i_all: Array,
    a_g_all: Array,
    g_all: Array,
    c_next_all: Array,
    p_o: Array,
    o_all: Array,
    one_minus_o_all: Array,
    tanh_c_next_all: Array,
    h_next_all: Array,
) -> None:
    """One step: i, one_minus_i, a_g, g, c_next, o, one_minus_o, tanh_c_next, h_next."""
    real = W_i_o_g_x_all.dtype.type
    for sample in range(B):
        row = first + sample
        for j in range(n_h):
            # W_i x_t + b_i
            a_i_ahead = W_i_o_g_x_all[row, j] + b_i[j]
            # W_g x_t + b_g
            a_g_ahead = W_i_o_g_x_all[row, 2 * n_h + j] + b_g[j]
            # W_o x_t + b_o
            a_o_ahead = W_i_o_g_x_all[row, n_h + j] + b_o[j]
            # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
            a_i = a_i_ahead + U_i_o_g_h_step[sample, j] + p_i[j] * c_all[row, j]
            # i_t = σ(a_i)
            exp_i = _exp(-a_i)
            i = real(1) / (real(1) + exp_i)
            i_all[row, j] = i
            # 1 - i_t
            one_minus_i = real(1) / (real(1) + real(1) / exp_i)
            one_minus_i_all[row, j] = one_minus_i
            # a_g = W_g x_t + U_g h_{t-1} + b_g
            a_g = a_g_ahead + U_i_o_g_h_step[sample, 2 * n_h + j]
            a_g_all[row, j] = a_g
            # g_t = tanh(a_g)
            g = _tanh(a_g)
            g_all[row, j] = g
            # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
            c_next = one_minus_i * c_all[row, j] + i * g
            c_next_all[row, j] = c_next
            # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
            a_o = a_o_ahead + U_i_o_g_h_step[sample, n_h + j] + p_o[j] * c_next
            # o_t = σ(a_o)
            exp_o = _exp(-a_o)
            o = real(1) / (real(1) + exp_o)
            o_all[row, j] = o
            # 1 - o_t
            one_minus_o = real(1) / (real(1) + real(1) / exp_o)
            one_minus_o_all[row, j] = one_minus_o
            # tanh(c_t)
            tanh_c_next = _tanh(c_next)
            tanh_c_next_all[row, j] = tanh_c_next
            # h_t = o_t ∘ tanh(c_t)
            h_next = o * tanh_c_next
            h_next_all[row, j] = h_next


def _unroll_steps(
    T: int,
    B: int,
    n_h: int,
    h_all: Array,
    U_i_o_g_T: Array,
    U_i_o_g_h_step: Array,
    arrays_1: tuple[Array, ...],
) -> None:
    """All steps of `unroll`."""
    for t in range(T):
        first, last = t * B, (t + 1) * B
        # U_i h_{t-1}
        # U_o h_{t-1}
        # U_g h_{t-1}
        np.dot(h_all[first:last], U_i_o_g_T, U_i_o_g_h_step)
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
    T, B, n_x, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_h"]
    W_i, W_o, W_g, U_i, U_o = params.W_i, params.W_o, params.W_g, params.U_i, params.U_o
    U_g = params.U_g
    p_i = _plain(params.p_i)
    p_o = _plain(params.p_o)
    b_i = _plain(params.b_i)
    b_o = _plain(params.b_o)
    b_g = _plain(params.b_g)
    x_all = xs.reshape(T * B, n_x)
    i_all = np.empty((T * B, n_h), dtype=dtype)
    one_minus_i_all = np.empty((T * B, n_h), dtype=dtype)
    a_g_all = np.empty((T * B, n_h), dtype=dtype)
    g_all = np.empty((T * B, n_h), dtype=dtype)
    o_all = np.empty((T * B, n_h), dtype=dtype)
    one_minus_o_all = np.empty((T * B, n_h), dtype=dtype)
    tanh_c_next_all = np.empty((T * B, n_h), dtype=dtype)
    U_i_o_g_h_step = np.empty((B, 3 * n_h), dtype=dtype)
    W_i_o_g = np.concatenate((W_i, W_o, W_g), axis=0)
    U_i_o_g = np.concatenate((U_i, U_o, U_g), axis=0)
    # W_i x_t
    # W_o x_t
    # W_g x_t
    W_i_o_g_x_all = x_all @ W_i_o_g.T
    U_i_o_g_T = _plain(U_i_o_g.T)
    h_steps = np.empty(((T + 1) * B, n_h), dtype=dtype)
    h_steps[:B] = state0.h
    h_all, h_next_all = h_steps[: T * B], h_steps[B:]
    c_steps = np.empty(((T + 1) * B, n_h), dtype=dtype)
    c_steps[:B] = state0.c
    c_all, c_next_all = c_steps[: T * B], c_steps[B:]
    arrays_1 = (
        W_i_o_g_x_all,
        b_i,
        b_g,
        b_o,
        U_i_o_g_h_step,
        p_i,
        c_all,
        i_all,
        one_minus_i_all,
        a_g_all,
        g_all,
        c_next_all,
        p_o,
        o_all,
        one_minus_o_all,
        tanh_c_next_all,
        h_next_all,
    )
    work = B * U_i_o_g_T.size
    steps = _unroll_steps if work > _LARGE else _unroll_steps_compiled
    steps(T, B, n_h, h_all, U_i_o_g_T, U_i_o_g_h_step, arrays_1)
    tape = Tape(
        x=xs,
        h=h_all.reshape(T, B, n_h),
        c=c_all.reshape(T, B, n_h),
        i=i_all.reshape(T, B, n_h),
        one_minus_i=one_minus_i_all.reshape(T, B, n_h),
        a_g=a_g_all.reshape(T, B, n_h),
        g=g_all.reshape(T, B, n_h),
        c_next=c_next_all.reshape(T, B, n_h),
        o=o_all.reshape(T, B, n_h),
        one_minus_o=one_minus_o_all.reshape(T, B, n_h),
        tanh_c_next=tanh_c_next_all.reshape(T, B, n_h),
        h_next=h_next_all.reshape(T, B, n_h),
    )
    return State(h=tape.h_next, c=tape.c_next), tape


@_segment
def _unroll_vjp_1(
    first: int,
    B: int,
    n_h: int,
    dh_next_later: Array,
    dc_next_later: Array,
    dc_step: Array,
    a_g_all: Array,
    c_next_all: Array,
    o_all: Array,
    one_minus_o_all: Array,
    tanh_c_next_all: Array,
    i_all: Array,
    one_minus_i_all: Array,
    g_all: Array,
    c_all: Array,
    dh_next_given_all: Array,
    da_i_o_g_all: Array,
    dc_next_given_all: Array,
    p_o: Array,
    p_i: Array,
) -> None:
    """One step: da_o, da_g, da_i, dc."""
    real = dh_next_later.dtype.type
    for sample in range(B):
        row = first + sample
        for j in range(n_h):
            # 1 - g_t²
            exp_g = _exp(-real(2) * abs(a_g_all[row, j]))
            slope_g = real(4) * exp_g / (real(1) + exp_g) ** 2
            # 1 - tanh²(c_t)
            exp_tanh_c_next = _exp(-real(2) * abs(c_next_all[row, j]))
            slope_tanh_c_next = real(4) * exp_tanh_c_next / (real(1) + exp_tanh_c_next) ** 2
            # o_t ∘ tanh(c_t) ∘ (1 - o_t)
            da_o_by_dh_next = o_all[row, j] * one_minus_o_all[row, j] * tanh_c_next_all[row, j]
            # o_t ∘ (1 - tanh²(c_t))
            dc_next_by_dh_next = o_all[row, j] * slope_tanh_c_next
            # i_t ∘ (1 - g_t²)
            da_g_by_dc_next = i_all[row, j] * slope_g
            # i_t ∘ (1 - i_t) ∘ (g_t - c_{t-1})
            da_i_by_dc_next = (
                i_all[row, j] * one_minus_i_all[row, j] * (g_all[row, j] - c_all[row, j])
            )
            dh_next = dh_next_given_all[row, j] + dh_next_later[sample, j]
            # o_t = σ(a_o)
            da_o = dh_next * da_o_by_dh_next
            da_i_o_g_all[row, n_h + j] = da_o
            # c_t is in a_o, tanh(c_t)
            dc_next = (
                dc_next_given_all[row, j]
                + dc_next_later[sample, j]
                + dh_next * dc_next_by_dh_next
                + da_o * p_o[j]
            )
            # g_t = tanh(a_g)
            da_g = dc_next * da_g_by_dc_next
            da_i_o_g_all[row, 2 * n_h + j] = da_g
            # i_t = σ(a_i)
            da_i = dc_next * da_i_by_dc_next
            da_i_o_g_all[row, j] = da_i
            # c_{t-1} is in a_i, c_t
            dc = dc_next * one_minus_i_all[row, j] + da_i * p_i[j]
            dc_step[sample, j] = dc


def _unroll_vjp_steps(
    T: int,
    B: int,
    n_h: int,
    dh_next_later: Array,
    dc_next_later: Array,
    dc_step: Array,
    da_i_o_g_all: Array,
    U_i_o_g: Array,
    dh_step: Array,
    arrays_1: tuple[Array, ...],
) -> tuple[Array, ...]:
    """All steps of `unroll_vjp`."""
    for t in range(T - 1, -1, -1):
        first, last = t * B, (t + 1) * B
        _unroll_vjp_1(first, B, n_h, dh_next_later, dc_next_later, dc_step, *arrays_1)
        # h_{t-1} is in a_i, a_g, a_o
        np.dot(da_i_o_g_all[first:last], U_i_o_g, dh_step)
        dh_next_later, dh_step = dh_step, dh_next_later
        dc_next_later, dc_step = dc_step, dc_next_later
    return dh_next_later, dc_next_later


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
    W_i, W_o, W_g, U_i, U_o = params.W_i, params.W_o, params.W_g, params.U_i, params.U_o
    U_g = params.U_g
    p_i = _plain(params.p_i)
    p_o = _plain(params.p_o)
    x_all = tape.x.reshape(T * B, n_x)
    h_all = tape.h.reshape(T * B, n_h)
    c_all = _plain(tape.c).reshape(T * B, n_h)
    i_all = _plain(tape.i).reshape(T * B, n_h)
    one_minus_i_all = _plain(tape.one_minus_i).reshape(T * B, n_h)
    a_g_all = _plain(tape.a_g).reshape(T * B, n_h)
    g_all = _plain(tape.g).reshape(T * B, n_h)
    c_next_all = _plain(tape.c_next).reshape(T * B, n_h)
    o_all = _plain(tape.o).reshape(T * B, n_h)
    one_minus_o_all = _plain(tape.one_minus_o).reshape(T * B, n_h)
    tanh_c_next_all = _plain(tape.tanh_c_next).reshape(T * B, n_h)
    dh_next_given_all = _plain(dnexts.h).reshape(T * B, n_h)
    dc_next_given_all = _plain(dnexts.c).reshape(T * B, n_h)
    da_i_o_g_all = np.empty((T * B, 3 * n_h), dtype=dtype)
    U_i_o_g = np.concatenate((U_i, U_o, U_g), axis=0)
    W_i_o_g = np.concatenate((W_i, W_o, W_g), axis=0)
    dh_next_later = np.zeros((B, n_h), dtype=dtype)
    dh_step = np.empty((B, n_h), dtype=dtype)
    dc_next_later = np.zeros((B, n_h), dtype=dtype)
    dc_step = np.empty((B, n_h), dtype=dtype)
    arrays_1 = (
        a_g_all,
        c_next_all,
        o_all,
        one_minus_o_all,
        tanh_c_next_all,
        i_all,
        one_minus_i_all,
        g_all,
        c_all,
        dh_next_given_all,
        da_i_o_g_all,
        dc_next_given_all,
        p_o,
        p_i,
    )
    work = B * U_i_o_g.size
    steps = _unroll_vjp_steps if work > _LARGE else _unroll_vjp_steps_compiled
    dh_next_later, dc_next_later = steps(
        T,
        B,
        n_h,
        dh_next_later,
        dc_next_later,
        dc_step,
        da_i_o_g_all,
        U_i_o_g,
        dh_step,
        arrays_1,
    )
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    dW_i_o_g = da_i_o_g_all.T @ x_all
    dW_i = dW_i_o_g[:n_h]
    dW_o = dW_i_o_g[n_h : 2 * n_h]
    dW_g = dW_i_o_g[2 * n_h : 3 * n_h]
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    dU_i_o_g = da_i_o_g_all.T @ h_all
    dU_i = dU_i_o_g[:n_h]
    dU_o = dU_i_o_g[n_h : 2 * n_h]
    dU_g = dU_i_o_g[2 * n_h : 3 * n_h]
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    dp_o = (da_i_o_g_all[:, n_h : 2 * n_h] * c_next_all).sum(axis=0)
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
    # a_g = W_g x_t + U_g h_{t-1} + b_g
    db_i_o_g = da_i_o_g_all.sum(axis=0)
    db_i = db_i_o_g[:n_h]
    db_o = db_i_o_g[n_h : 2 * n_h]
    db_g = db_i_o_g[2 * n_h : 3 * n_h]
    # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
    dp_i = (da_i_o_g_all[:, :n_h] * c_all).sum(axis=0)
    # x_t is in a_i, a_g, a_o
    dx_all = da_i_o_g_all @ W_i_o_g
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
    return dparams, dx_all.reshape(T, B, n_x), State(h=dh_next_later, c=dc_next_later)


@_segment
def _unroll_jvp_1(
    first: int,
    B: int,
    n_h: int,
    a_g_all: Array,
    c_next_all: Array,
    U_i_o_g_dot_h_all: Array,
    W_i_o_g_x_dot_all: Array,
    W_i_o_g_dot_x_all: Array,
    c_all: Array,
    p_i_dot: Array,
    b_i_dot: Array,
    b_g_dot: Array,
    i_all: Array,
    one_minus_i_all: Array,
    g_all: Array,
    p_o_dot: Array,
    b_o_dot: Array,
    o_all: Array,
    one_minus_o_all: Array,
    tanh_c_next_all: Array,
    U_i_o_g_h_dot_step: Array,
    p_i: Array,
    c_dot_all: Array,
    c_next_dot_all: Array,
    p_o: Array,
    h_next_dot_all: Array,
) -> None:
    """One step: c_next_dot, h_next_dot."""
    real = a_g_all.dtype.type
    for sample in range(B):
        row = first + sample
        for j in range(n_h):
            # 1 - g_t²
            exp_g = _exp(-real(2) * abs(a_g_all[row, j]))
            slope_g = real(4) * exp_g / (real(1) + exp_g) ** 2
            # 1 - tanh²(c_t)
            exp_tanh_c_next = _exp(-real(2) * abs(c_next_all[row, j]))
            slope_tanh_c_next = real(4) * exp_tanh_c_next / (real(1) + exp_tanh_c_next) ** 2
            # W_i ẋ_t + ḃ_i + Ẇ_i x_t + U̇_i h_{t-1} + c_{t-1} ∘ ṗ_i
            a_i_dot_ahead = (
                U_i_o_g_dot_h_all[row, j]
                + W_i_o_g_x_dot_all[row, j]
                + W_i_o_g_dot_x_all[row, j]
                + c_all[row, j] * p_i_dot[j]
                + b_i_dot[j]
            )
            # W_g ẋ_t + ḃ_g + Ẇ_g x_t + U̇_g h_{t-1}
            a_g_dot_ahead = (
                U_i_o_g_dot_h_all[row, 2 * n_h + j]
                + W_i_o_g_x_dot_all[row, 2 * n_h + j]
                + W_i_o_g_dot_x_all[row, 2 * n_h + j]
                + b_g_dot[j]
            )
            # i_t ∘ (1 - g_t²)
            c_next_dot_by_a_g_dot = i_all[row, j] * slope_g
            # i_t ∘ (1 - i_t) ∘ (g_t - c_{t-1})
            c_next_dot_by_a_i_dot = (
                i_all[row, j] * one_minus_i_all[row, j] * (g_all[row, j] - c_all[row, j])
            )
            # W_o ẋ_t + ḃ_o + Ẇ_o x_t + U̇_o h_{t-1} + c_t ∘ ṗ_o
            a_o_dot_ahead = (
                U_i_o_g_dot_h_all[row, n_h + j]
                + W_i_o_g_x_dot_all[row, n_h + j]
                + W_i_o_g_dot_x_all[row, n_h + j]
                + c_next_all[row, j] * p_o_dot[j]
                + b_o_dot[j]
            )
            # o_t ∘ (1 - tanh²(c_t))
            h_next_dot_by_c_next_dot = o_all[row, j] * slope_tanh_c_next
            # o_t ∘ tanh(c_t) ∘ (1 - o_t)
            h_next_dot_by_a_o_dot = (
                o_all[row, j] * one_minus_o_all[row, j] * tanh_c_next_all[row, j]
            )
            # a_i = W_i x_t + U_i h_{t-1} + p_i ∘ c_{t-1} + b_i
            a_i_dot = a_i_dot_ahead + U_i_o_g_h_dot_step[sample, j] + p_i[j] * c_dot_all[row, j]
            # a_g = W_g x_t + U_g h_{t-1} + b_g
            a_g_dot = a_g_dot_ahead + U_i_o_g_h_dot_step[sample, 2 * n_h + j]
            # c_t = (1 - i_t) ∘ c_{t-1} + i_t ∘ g_t
            c_next_dot = (
                one_minus_i_all[row, j] * c_dot_all[row, j]
                + c_next_dot_by_a_i_dot * a_i_dot
                + c_next_dot_by_a_g_dot * a_g_dot
            )
            c_next_dot_all[row, j] = c_next_dot
            # a_o = W_o x_t + U_o h_{t-1} + p_o ∘ c_t + b_o
            a_o_dot = a_o_dot_ahead + U_i_o_g_h_dot_step[sample, n_h + j] + p_o[j] * c_next_dot
            # h_t = o_t ∘ tanh(c_t)
            h_next_dot = h_next_dot_by_c_next_dot * c_next_dot + h_next_dot_by_a_o_dot * a_o_dot
            h_next_dot_all[row, j] = h_next_dot


def _unroll_jvp_steps(
    T: int,
    B: int,
    n_h: int,
    h_dot_all: Array,
    U_i_o_g_T: Array,
    U_i_o_g_h_dot_step: Array,
    arrays_1: tuple[Array, ...],
) -> None:
    """All steps of `unroll_jvp`."""
    for t in range(T):
        first, last = t * B, (t + 1) * B
        # U_i ḣ_{t-1}
        # U_o ḣ_{t-1}
        # U_g ḣ_{t-1}
        np.dot(h_dot_all[first:last], U_i_o_g_T, U_i_o_g_h_dot_step)
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
        h (T, B, n_h), c (T, B, n_h).
    """
    if isinstance(tape, Checkpoints):
        return _unroll_jvp_in_segments(params, tape, dparams, dxs, dstate0)
    sizes, dtype, *_, dparams, (dxs,), dstate0 = _check(
        "unroll_jvp", params, tape, dparams, (dxs,), dstate0
    )
    T, B, n_x, n_h = sizes["T"], sizes["B"], sizes["n_x"], sizes["n_h"]
    W_i, W_o, W_g, U_i, U_o = params.W_i, params.W_o, params.W_g, params.U_i, params.U_o
    U_g, W_i_dot, W_o_dot, W_g_dot = params.U_g, dparams.W_i, dparams.W_o, dparams.W_g
    U_i_dot, U_o_dot, U_g_dot = dparams.U_i, dparams.U_o, dparams.U_g
    p_i = _plain(params.p_i)
    p_o = _plain(params.p_o)
    p_i_dot = _plain(dparams.p_i)
    p_o_dot = _plain(dparams.p_o)
    b_i_dot = _plain(dparams.b_i)
    b_o_dot = _plain(dparams.b_o)
    b_g_dot = _plain(dparams.b_g)
    x_all = tape.x.reshape(T * B, n_x)
    h_all = tape.h.reshape(T * B, n_h)
    c_all = _plain(tape.c).reshape(T * B, n_h)
    i_all = _plain(tape.i).reshape(T * B, n_h)
    one_minus_i_all = _plain(tape.one_minus_i).reshape(T * B, n_h)
    a_g_all = _plain(tape.a_g).reshape(T * B, n_h)
    g_all = _plain(tape.g).reshape(T * B, n_h)
    c_next_all = _plain(tape.c_next).reshape(T * B, n_h)
    o_all = _plain(tape.o).reshape(T * B, n_h)
    one_minus_o_all = _plain(tape.one_minus_o).reshape(T * B, n_h)
    tanh_c_next_all = _plain(tape.tanh_c_next).reshape(T * B, n_h)
    x_dot_all = dxs.reshape(T * B, n_x)
    U_i_o_g_h_dot_step = np.empty((B, 3 * n_h), dtype=dtype)
    W_i_o_g = np.concatenate((W_i, W_o, W_g), axis=0)
    W_i_o_g_dot = np.concatenate((W_i_dot, W_o_dot, W_g_dot), axis=0)
    U_i_o_g_dot = np.concatenate((U_i_dot, U_o_dot, U_g_dot), axis=0)
    U_i_o_g = np.concatenate((U_i, U_o, U_g), axis=0)
    # W_i ẋ_t
    # W_o ẋ_t
    # W_g ẋ_t
    W_i_o_g_x_dot_all = x_dot_all @ W_i_o_g.T
    # Ẇ_i x_t
    # Ẇ_o x_t
    # Ẇ_g x_t
    W_i_o_g_dot_x_all = x_all @ W_i_o_g_dot.T
    # U̇_i h_{t-1}
    # U̇_o h_{t-1}
    # U̇_g h_{t-1}
    U_i_o_g_dot_h_all = h_all @ U_i_o_g_dot.T
    U_i_o_g_T = _plain(U_i_o_g.T)
    h_dot_steps = np.empty(((T + 1) * B, n_h), dtype=dtype)
    h_dot_steps[:B] = dstate0.h
    h_dot_all, h_next_dot_all = h_dot_steps[: T * B], h_dot_steps[B:]
    c_dot_steps = np.empty(((T + 1) * B, n_h), dtype=dtype)
    c_dot_steps[:B] = dstate0.c
    c_dot_all, c_next_dot_all = c_dot_steps[: T * B], c_dot_steps[B:]
    arrays_1 = (
        a_g_all,
        c_next_all,
        U_i_o_g_dot_h_all,
        W_i_o_g_x_dot_all,
        W_i_o_g_dot_x_all,
        c_all,
        p_i_dot,
        b_i_dot,
        b_g_dot,
        i_all,
        one_minus_i_all,
        g_all,
        p_o_dot,
        b_o_dot,
        o_all,
        one_minus_o_all,
        tanh_c_next_all,
        U_i_o_g_h_dot_step,
        p_i,
        c_dot_all,
        c_next_dot_all,
        p_o,
        h_next_dot_all,
    )
    work = B * U_i_o_g_T.size
    steps = _unroll_jvp_steps if work > _LARGE else _unroll_jvp_steps_compiled
    steps(T, B, n_h, h_dot_all, U_i_o_g_T, U_i_o_g_h_dot_step, arrays_1)
    return State(h=h_next_dot_all.reshape(T, B, n_h), c=c_next_dot_all.reshape(T, B, n_h))


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
