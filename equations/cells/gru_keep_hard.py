"""The gated recurrent unit of Keras 1 and 2: hard gates, reset before the product."""

import sympy as sp

from equations.boundary import Boundary, Saturation, direct, gradient
from equations.definition import Definition, Input, Parameter, State
from equations.language import Contract, Identity, hard_sigmoid, tanh

SLOPE = sp.Rational(1, 5)


class gru_keep_hard(Definition):
    """Gated recurrent unit with hard gates, clip(a/5 + 1/2, 0, 1): Γ_u keeps the state at 1.

    Same as: Keras 2 GRU(reset_after=False, recurrent_activation="hard_sigmoid"), the default of
    its first version. Differs from: gru_keep, whose gates reach 0 and 1 only in the limit.
    """

    source = "K. Cho et al., 2014, arXiv:1406.1078v3, with the gates of Theano and Keras"
    display = {"u": r"\Gamma_u", "r": r"\Gamma_r", "h_cand": "h'_t"}

    x = Input("n_x")
    h = State("n_h")
    W_u = W_r = W_h = Parameter("n_h", "n_x")
    U_u = U_r = U_h = Parameter("n_h", "n_h")
    b_u = b_r = b_h = Parameter("n_h")

    z_u = W_u @ x + U_u @ h + b_u
    z_r = W_r @ x + U_r @ h + b_r
    u = hard_sigmoid(z_u, SLOPE)
    r = hard_sigmoid(z_r, SLOPE)
    h_cand = tanh(W_h @ x + U_h @ (r * h) + b_h)
    h_next = u * h + (1 - u) * h_cand

    gates = {
        "u": ("replaces the state by the candidate", "keeps the previous state"),
        "r": ("makes the candidate memoryless", "lets the candidate see the whole state"),
    }

    boundaries = (
        Boundary(
            "the direct path is Γ_u",
            direct(h_next, h),
            "=",
            Contract("i,ij->ij", u, Identity("n_h")),
        ),
        Boundary(
            "1 - Γ_u lets the candidate in", gradient(h_cand), "=", (1 - u) * gradient(h_next)
        ),
        Saturation("a saturated candidate dies twice as fast as σ", h_cand, rate=2),
        Boundary(
            "the direct path is always open", direct(h_next, h), "=", Identity("n_h"), holds=False
        ),
    )
