"""rnn, gru and lstm written by hand from the papers' equations, one sample and one step at a time.

Nothing here knows the definitions or what is generated from them. Vectors are columns, `p` holds
the parameters under their printed names, and numbers may be floats or carry an error bound.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
Params = Any  # fields W_u, U_u, b_u and so on


def sigmoid(a: Array) -> Array:
    """The logistic function of every component."""
    if a.dtype == object:
        return np.array([number.sigmoid() for number in a], dtype=object)
    return 1 / (1 + np.exp(-a))


def rnn(p: Params, xs: Array, h: Array) -> Array:
    """h_t = tanh(W_h x_t + U_h h_{t-1} + b_h), for every t: (T, n_h)."""
    hs = []
    for x in xs:
        h = np.tanh(p.W_h @ x + p.U_h @ h + p.b_h)
        hs.append(h)
    return np.array(hs)


def gru(p: Params, xs: Array, h: Array) -> list[dict[str, Array]]:
    """All values of every step; the update gate at 0 keeps the state, at 1 takes the candidate."""
    steps = []
    for x in xs:
        update = sigmoid(p.W_u @ x + p.U_u @ h + p.b_u)
        relevance = sigmoid(p.W_r @ x + p.U_r @ h + p.b_r)
        candidate = np.tanh(p.W_h @ x + p.U_h @ (relevance * h) + p.b_h)
        new = (1 - update) * h + update * candidate
        steps.append({"x": x, "old": h, "u": update, "r": relevance, "cand": candidate, "h": new})
        h = new
    return steps


def lstm(p: Params, xs: Array, h: Array, c: Array) -> list[dict[str, Array]]:
    """All values of every step."""
    steps = []
    for x in xs:
        forget = sigmoid(p.W_f @ x + p.U_f @ h + p.b_f)
        write = sigmoid(p.W_i @ x + p.U_i @ h + p.b_i)
        show = sigmoid(p.W_o @ x + p.U_o @ h + p.b_o)
        candidate = np.tanh(p.W_g @ x + p.U_g @ h + p.b_g)
        cell = forget * c + write * candidate
        step = {"x": x, "old_h": h, "old_c": c, "f": forget, "i": write, "o": show, "g": candidate}
        h, c = show * np.tanh(cell), cell
        steps.append(step | {"h": h, "c": c})
    return steps


def gru_backward(p: Params, steps: list[dict[str, Array]], dhs: Array) -> dict[str, Array]:
    """Backpropagation through time, as textbooks print it.

    Args:
        p: the parameters.
        steps: what `gru` returned.
        dhs: the derivative of the loss by every h_t, (T, n_h).

    Returns:
        The gradients by the name of what they belong to; of the first state as `h`.
    """
    grads = {name: 0 * value for name, value in p._asdict().items()}
    later = 0 * dhs[0]
    dxs = []
    for s, given in zip(reversed(steps), dhs[::-1], strict=True):
        x, old, u, r = s["x"], s["old"], s["u"], s["r"]
        dh = given + later
        da = {"u": dh * (s["cand"] - old) * u * (1 - u), "h": dh * u * (1 - s["cand"] * s["cand"])}
        gated = p.U_h.T @ da["h"]
        da["r"] = gated * old * r * (1 - r)
        seen = {"u": old, "r": old, "h": r * old}
        for gate, d in da.items():
            grads[f"W_{gate}"] = grads[f"W_{gate}"] + np.outer(d, x)
            grads[f"U_{gate}"] = grads[f"U_{gate}"] + np.outer(d, seen[gate])
            grads[f"b_{gate}"] = grads[f"b_{gate}"] + d
        dxs.append(p.W_u.T @ da["u"] + p.W_r.T @ da["r"] + p.W_h.T @ da["h"])
        later = dh * (1 - u) + gated * r + p.U_u.T @ da["u"] + p.U_r.T @ da["r"]
    return grads | {"xs": np.array(dxs[::-1]), "h": later}


def lstm_backward(
    p: Params, steps: list[dict[str, Array]], dhs: Array, dcs: Array
) -> dict[str, Array]:
    """Backpropagation through time, as textbooks print it.

    Args:
        p: the parameters.
        steps: what `lstm` returned.
        dhs: the derivative of the loss by every h_t, (T, n_h).
        dcs: the same by every c_t.

    Returns:
        The gradients by the name of what they belong to; of the first states as `h` and `c`.
    """
    grads = {name: 0 * value for name, value in p._asdict().items()}
    later_h, later_c = 0 * dhs[0], 0 * dcs[0]
    dxs = []
    for s, given_h, given_c in zip(reversed(steps), dhs[::-1], dcs[::-1], strict=True):
        f, i, o, g, squashed = s["f"], s["i"], s["o"], s["g"], np.tanh(s["c"])
        dh = given_h + later_h
        dc = given_c + later_c + dh * o * (1 - squashed * squashed)
        da = {
            "f": dc * s["old_c"] * f * (1 - f),
            "i": dc * g * i * (1 - i),
            "o": dh * squashed * o * (1 - o),
            "g": dc * i * (1 - g * g),
        }
        for gate, d in da.items():
            grads[f"W_{gate}"] = grads[f"W_{gate}"] + np.outer(d, s["x"])
            grads[f"U_{gate}"] = grads[f"U_{gate}"] + np.outer(d, s["old_h"])
            grads[f"b_{gate}"] = grads[f"b_{gate}"] + d
        dxs.append(sum(getattr(p, f"W_{gate}").T @ d for gate, d in da.items()))
        later_h = sum(getattr(p, f"U_{gate}").T @ d for gate, d in da.items())
        later_c = dc * f
    return grads | {"xs": np.array(dxs[::-1]), "h": later_h, "c": later_c}
