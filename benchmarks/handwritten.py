"""The fastest sequence code in NumPy that is known here, written by hand, for two cells.

The generated code is measured against it. The contract is the same: parameters come separately and
are put together in the call, every call allocates its own arrays, and the backward pass leaves the
tape as it is. The accuracy is not: σ(a) is computed as ½ (1 + tanh(a/2)), which keeps its digits
near 1 but not near 0.

What makes it fast, in the order in which it matters:

- all gates are one product, on rows that hold [x 1 h], so that input and bias are in it too;
- the gates of a batch lie one after the other, [G, T, B, H], so that each is contiguous; those of a
  single sequence side by side, [T, B, G, H], so that one call serves several of them. Both are
  viewed as [T, G, B, H], and all statements are written on that view;
- the weights are cut into blocks of columns small enough for OpenBLAS's path without packing;
- the factors of the derivative are computed for a few steps at once, and so stay in the cache;
- every view is made by iterating over an array, once; every statement writes into an array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from equations.generated import gru as gru_module
from equations.generated import lstm as lstm_module

Array = NDArray[Any]

SMALL_PRODUCT = 1_000_000
"""OpenBLAS multiplies without packing as long as M·N·K is at most this."""

CACHED = 2**18
"""How many values of local factors are computed at once: about what the second cache holds."""


class LstmTape(NamedTuple):
    """What the forward pass of the LSTM keeps."""

    xh: Array  # (T + 1, B, n_x + 1 + n_h): x_t, 1, h_{t-1}
    oifgc: Array  # (T + 1, 5, B, n_h): the gates, the candidate and c_{t-1}
    tanh_c: Array  # (T, B, n_h)


class GruTape(NamedTuple):
    """What the forward pass of the GRU keeps."""

    xh: Array  # (T + 1, B, n_x + 1 + n_h): x_t, 1, h_{t-1}
    xrh: Array  # (T, B, n_x + 1 + n_h): x_t, 1, Γ_r ∘ h_{t-1}
    urk: Array  # (T, 3, B, n_h): the gates and the candidate


def lstm(
    params: lstm_module.Params, xs: Array, state0: lstm_module.State
) -> tuple[lstm_module.State, LstmTape]:
    """The LSTM over a sequence.

    Args:
        params: as the generated module takes them.
        xs: (T, B, n_x).
        state0: h and c, (B, n_h).

    Returns:
        h and c after every step, (T, B, n_h), and the tape.
    """
    (T, B, n_x), n_h, dtype = xs.shape, state0.h.shape[1], xs.dtype
    p, half = params, np.array(0.5, xs.dtype)
    xh = _rows(xs, n_h)
    xh[0, :, n_x + 1 :] = state0.h
    weights = _joint(
        (p.W_o, p.W_i, p.W_f, p.W_g),
        (p.b_o, p.b_i, p.b_f, p.b_g),
        (p.U_o, p.U_i, p.U_f, p.U_g),
        halved=3,
    )
    oifgc = _slots(T + 1, 5, B, n_h, dtype)
    oifgc[0, 4] = state0.c
    tanh_c = np.empty((T, B, n_h), dtype)
    pair = _slots(1, 2, B, n_h, dtype)[0]
    kept, fresh = pair
    weights, products = _columns(weights, oifgc[:T, :4])
    times, multiply, add, tanh = product_for(B), np.multiply, np.add, np.tanh
    for row, product, a, o_i_f, i_f, g_c, o, c_next, tanh_c_next, h_next in zip(
        xh[:T],
        products,
        oifgc[:T, :4],
        oifgc[:T, :3],
        oifgc[:T, 1:3],
        oifgc[:T, 3:5],
        oifgc[:T, 0],
        oifgc[1:, 4],
        tanh_c,
        xh[1:, :, n_x + 1 :],
        strict=False,
    ):
        times(row, weights, out=product)
        tanh(a, out=a)
        multiply(o_i_f, half, out=o_i_f)
        add(o_i_f, half, out=o_i_f)
        multiply(i_f, g_c, out=pair)
        add(kept, fresh, out=c_next)
        tanh(c_next, out=tanh_c_next)
        multiply(o, tanh_c_next, out=h_next)
    return lstm_module.State(xh[1:, :, n_x + 1 :], oifgc[1:, 4]), LstmTape(xh, oifgc, tanh_c)


def lstm_vjp(
    params: lstm_module.Params, tape: LstmTape, dhs: Array
) -> tuple[lstm_module.Params, Array, lstm_module.State]:
    """Backpropagation through time, from cotangents of h after every step, (T, B, n_h)."""
    (T, B, n_h), dtype, p = dhs.shape, dhs.dtype, params
    recurrent, later, product = _backward(np.concatenate((p.U_o, p.U_i, p.U_f, p.U_g)), B)
    steps = min(T, max(8, CACHED // (6 * B * n_h)))
    factors = np.empty((6, steps, B, n_h), dtype).swapaxes(0, 1)
    # The cotangent of c through h; those of the four pre-activations; that of c_{t-1}.
    found = np.empty((T, B, 6, n_h), dtype)
    found_by_slot = found.swapaxes(1, 2)
    dh, dc, dc_later = np.empty_like(later), np.empty_like(later), np.zeros_like(later)
    times, multiply, add = product_for(B), np.multiply, np.add
    for stop in range(T, 0, -steps):
        start = max(0, stop - steps)
        now = factors[: stop - start]
        _lstm_factors(tape.oifgc[start:stop], tape.tanh_c[start:stop], now)
        part = found_by_slot[start:stop]
        for given, by_dh, by_dc, to_dh, to_dc, dc_first, da, dc_last in zip(
            dhs[start:stop][::-1],
            now[::-1, :2],
            now[::-1, 2:],
            part[::-1, :2],
            part[::-1, 2:],
            part[::-1, 0],
            found.reshape(T, B, 6 * n_h)[start:stop, :, n_h : 5 * n_h][::-1],
            part[::-1, 5],
            strict=False,
        ):
            add(given, later, out=dh)
            multiply(by_dh, dh, out=to_dh)
            add(dc_first, dc_later, out=dc)
            multiply(by_dc, dc, out=to_dc)
            times(da, recurrent, out=product)
            dc_later = dc_last
    da_all = found.reshape(T * B, 6 * n_h)[:, n_h : 5 * n_h]
    joint = da_all.T @ tape.xh[:T].reshape(T * B, -1)
    dx = da_all @ np.concatenate((p.W_o, p.W_i, p.W_f, p.W_g))
    n_x = dx.shape[1]
    o, i, f, g = (joint[k * n_h : (k + 1) * n_h] for k in range(4))
    gates = (f, i, o, g)
    dparams = lstm_module.Params(
        *(d[:, :n_x] for d in gates), *(d[:, n_x + 1 :] for d in gates), *(d[:, n_x] for d in gates)
    )
    return dparams, dx.reshape(T, B, n_x), lstm_module.State(later, dc_later)


def _lstm_factors(oifgc: Array, tanh_c: Array, out: Array) -> None:
    """What cotangents of h and c are multiplied by, for a few steps."""
    one = np.array(1, out.dtype)
    sigmas, i, f, g, g_c = (
        oifgc[:, :3],
        oifgc[:, 1],
        oifgc[:, 2],
        oifgc[:, 3],
        oifgc[:, 3:5],
    )
    # o ∘ (1 - tanh²(c_t))
    through = out[:, 0]
    np.multiply(tanh_c, tanh_c, out=through)
    np.subtract(one, through, out=through)
    np.multiply(through, oifgc[:, 0], out=through)
    # σ' = σ ∘ (1 - σ), times what the gate multiplies
    slopes = out[:, 1:4]
    np.subtract(one, sigmas, out=slopes)
    np.multiply(slopes, sigmas, out=slopes)
    np.multiply(out[:, 1], tanh_c, out=out[:, 1])
    np.multiply(out[:, 2:4], g_c, out=out[:, 2:4])
    # i ∘ (1 - g²)
    candidate = out[:, 4]
    np.multiply(g, g, out=candidate)
    np.subtract(one, candidate, out=candidate)
    np.multiply(candidate, i, out=candidate)
    out[:, 5] = f


def gru(
    params: gru_module.Params, xs: Array, state0: gru_module.State
) -> tuple[gru_module.State, GruTape]:
    """The GRU over a sequence: reset before the product, Γ_u = 1 takes the candidate.

    Args:
        params: as the generated module takes them.
        xs: (T, B, n_x).
        state0: h, (B, n_h).

    Returns:
        h after every step, (T, B, n_h), and the tape.
    """
    (T, B, n_x), n_h, dtype = xs.shape, state0.h.shape[1], xs.dtype
    p, half = params, np.array(0.5, xs.dtype)
    xh, xrh = _rows(xs, n_h), _rows(xs, n_h)[:T]
    xh[0, :, n_x + 1 :] = state0.h
    gate_weights = _joint((p.W_u, p.W_r), (p.b_u, p.b_r), (p.U_u, p.U_r), halved=2)
    candidate_weights = _joint((p.W_h,), (p.b_h,), (p.U_h,), halved=0)
    urk = _slots(T, 3, B, n_h, dtype)
    gate_weights, gate_products = _columns(gate_weights, urk[:, :2])
    candidate_weights, candidate_products = _columns(candidate_weights, urk[:, 2:])
    times, multiply, add, subtract, tanh = product_for(B), np.multiply, np.add, np.subtract, np.tanh
    for row, reset_row, gates_of, candidate_of, gates, u, r, candidate, h, r_h, h_next in zip(
        xh[:T],
        xrh,
        gate_products,
        candidate_products,
        urk[:, :2],
        urk[:, 0],
        urk[:, 1],
        urk[:, 2],
        xh[:T, :, n_x + 1 :],
        xrh[:, :, n_x + 1 :],
        xh[1:, :, n_x + 1 :],
        strict=False,
    ):
        times(row, gate_weights, out=gates_of)
        tanh(gates, out=gates)
        multiply(gates, half, out=gates)
        add(gates, half, out=gates)
        multiply(r, h, out=r_h)
        times(reset_row, candidate_weights, out=candidate_of)
        tanh(candidate, out=candidate)
        subtract(candidate, h, out=h_next)
        multiply(h_next, u, out=h_next)
        add(h_next, h, out=h_next)
    return gru_module.State(xh[1:, :, n_x + 1 :]), GruTape(xh, xrh, urk)


def gru_vjp(
    params: gru_module.Params, tape: GruTape, dhs: Array
) -> tuple[gru_module.Params, Array, gru_module.State]:
    """Backpropagation through time, from cotangents of h after every step, (T, B, n_h)."""
    (T, B, n_h), dtype, p = dhs.shape, dhs.dtype, params
    recurrent, later, product = _backward(np.concatenate((p.U_u, p.U_r)), B)
    candidate_recurrent, dr_h, candidate_product = _backward(p.U_h, B)
    steps = min(T, max(8, CACHED // (5 * B * n_h)))
    factors = np.empty((5, steps, B, n_h), dtype).swapaxes(0, 1)
    # Through 1 - Γ_u; the cotangents of the pre-activations of h', Γ_u, Γ_r; through Γ_r ∘ h.
    found = np.empty((T, B, 5, n_h), dtype)
    found_by_slot, flat = found.swapaxes(1, 2), found.reshape(T, B, 5 * n_h)
    dh = np.empty_like(later)
    times, multiply, add = product_for(B), np.multiply, np.add
    for stop in range(T, 0, -steps):
        start = max(0, stop - steps)
        now = factors[: stop - start]
        _gru_factors(tape.urk[start:stop], tape.xh[start:stop, :, -n_h:], now)
        part = found_by_slot[start:stop]
        for given, by_dh, by_dr_h, to_dh, to_dr_h, da_k, da_u_r, past_u, past_r in zip(
            dhs[start:stop][::-1],
            now[::-1, :3],
            now[::-1, 3:],
            part[::-1, :3],
            part[::-1, 3:],
            part[::-1, 1],
            flat[start:stop, :, 2 * n_h : 4 * n_h][::-1],
            part[::-1, 0],
            part[::-1, 4],
            strict=False,
        ):
            add(given, later, out=dh)
            multiply(by_dh, dh, out=to_dh)
            times(da_k, candidate_recurrent, out=candidate_product)
            multiply(by_dr_h, dr_h, out=to_dr_h)
            times(da_u_r, recurrent, out=product)
            add(later, past_u, out=later)
            add(later, past_r, out=later)
    da_all = found.reshape(T * B, 5 * n_h)[:, n_h : 4 * n_h]
    dk = da_all[:, :n_h].T @ tape.xrh.reshape(T * B, -1)
    gates = da_all[:, n_h:].T @ tape.xh[:T].reshape(T * B, -1)
    dx = da_all @ np.concatenate((p.W_h, p.W_u, p.W_r))
    n_x = dx.shape[1]
    rows = (gates[:n_h], gates[n_h:], dk)
    dparams = gru_module.Params(
        *(d[:, :n_x] for d in rows), *(d[:, n_x + 1 :] for d in rows), *(d[:, n_x] for d in rows)
    )
    return dparams, dx.reshape(T, B, n_x), gru_module.State(later)


def _gru_factors(urk: Array, h: Array, out: Array) -> None:
    """What the cotangents of h and of Γ_r ∘ h are multiplied by, for a few steps."""
    one = np.array(1, out.dtype)
    u, r, candidate = urk[:, 0], urk[:, 1], urk[:, 2]
    rest, by_candidate, by_u, by_r = out[:, 0], out[:, 1], out[:, 2], out[:, 3]
    # 1 - Γ_u
    np.subtract(one, u, out=rest)
    # Γ_u ∘ (1 - h'²)
    np.multiply(candidate, candidate, out=by_candidate)
    np.subtract(one, by_candidate, out=by_candidate)
    np.multiply(by_candidate, u, out=by_candidate)
    # Γ_u ∘ (1 - Γ_u) ∘ (h' - h)
    np.subtract(candidate, h, out=by_u)
    np.multiply(by_u, u, out=by_u)
    np.multiply(by_u, rest, out=by_u)
    # Γ_r ∘ (1 - Γ_r) ∘ h
    np.subtract(one, r, out=by_r)
    np.multiply(by_r, r, out=by_r)
    np.multiply(by_r, h, out=by_r)
    out[:, 4] = r


def _slots(T: int, count: int, B: int, n_h: int, dtype: np.dtype[Any]) -> Array:
    """An empty (T, count, B, n_h), laid out as suits the batch; see above."""
    if B == 1:
        return np.empty((T, B, count, n_h), dtype).swapaxes(1, 2)
    return np.empty((count, T, B, n_h), dtype).swapaxes(0, 1)


def _rows(xs: Array, n_h: int) -> Array:
    """The rows [x 1 h] of all steps and of one more; h is still to be filled in."""
    T, B, n_x = xs.shape
    rows = np.empty((T + 1, B, n_x + 1 + n_h), xs.dtype)
    rows[:T, :, :n_x] = xs
    rows[:, :, n_x] = 1
    return rows


def _joint(W: Sequence[Array], b: Sequence[Array], U: Sequence[Array], *, halved: int) -> Array:
    """Parameters as one (n_x + 1 + n_h, G, n_h); the first so many of the G gates times ½."""
    (n_h, n_x), G = W[0].shape, len(W)
    joint = np.empty((n_x + 1 + n_h, G, n_h), W[0].dtype)
    for gate, (W_gate, b_gate, U_gate) in enumerate(zip(W, b, U, strict=True)):
        joint[:n_x, gate] = W_gate.T
        joint[n_x, gate] = b_gate
        joint[n_x + 1 :, gate] = U_gate.T
    joint[:, :halved] *= 0.5
    return joint


def _columns(weights: Array, results: Array) -> tuple[Array, Array]:
    """Weights (K, G, n_h) and results (T, G, B, n_h) so that one product fills those of a step."""
    (K, G, n_h), (T, _, B, _) = weights.shape, results.shape
    if B == 1:
        return weights.reshape(K, G * n_h), results.swapaxes(1, 2).reshape(T, B, G * n_h)
    width = _width(B, K, n_h)
    blocks = weights.reshape(K, G, n_h // width, width).transpose(1, 2, 0, 3)
    parts = results.reshape(T, G, B, n_h // width, width).swapaxes(2, 3)
    return np.ascontiguousarray(blocks), parts


def _backward(weights: Array, B: int) -> tuple[Array, Array, Array]:
    """Weights (K, n_h) in blocks, the zeros (B, n_h) that a product fills, and its view of them."""
    K, n_h = weights.shape
    later = np.zeros((B, n_h), weights.dtype)
    width = n_h if B == 1 else _width(B, K, n_h)
    if width == n_h:
        return weights, later, later
    blocks = weights.reshape(K, n_h // width, width).swapaxes(0, 1)
    return np.ascontiguousarray(blocks), later, later.reshape(B, -1, width).swapaxes(0, 1)


def product_for(B: int) -> Any:  # noqa: ANN401 - one of two functions
    """The product with the columns of weights: of one row, dot costs less than matmul."""
    return np.dot if B == 1 else np.matmul


def _width(B: int, K: int, n_h: int) -> int:
    """The widest block of columns that the small path takes; 256 where that is too narrow."""
    widths = [width for width in (256, 128, 64, 32, 16) if n_h % width == 0]
    small = [width for width in widths if B * K * width <= SMALL_PRODUCT]
    return (small or widths[:1] or [n_h])[0]
