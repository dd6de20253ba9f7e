"""The gated recurrent unit of Keras 1 and 2: hard gates, reset before the product."""

import sympy as sp

from equations.boundary import Boundary, direct, gradient, hvp
from equations.definition import Definition, Input, Parameter, State
from equations.families import between, hard_gate, relevance_gate, tanh_candidate, update_gate
from equations.language import Contract, Identity, absolute, hard_sigmoid, tanh
from equations.theorem import Theorem, slope

SLOPE = sp.Rational(1, 5)


class gru_keep_hard(Definition):
    """Gated recurrent unit with hard gates, clip(a/5 + 1/2, 0, 1): Γ_u = 1 keeps the state.

    Same as: tf.compat.v1.keras GRU by default, ONNX GRU(activations=["HardSigmoid", "Tanh"]).
    Differs from: gru_keep, whose gates reach 0 and 1 only in the limit.
    """

    source = "Keras 2, GRU with recurrent_activation hard_sigmoid; K. Cho et al., arXiv:1406.1078v3"
    display = {"u": r"\Gamma_u", "r": r"\Gamma_r", "h_cand": "h'_t"}

    x = Input("n_x")
    h = State("n_h")
    W_u = W_r = W_h = Parameter("n_h", "n_x")
    U_u = U_r = U_h = Parameter("n_h", "n_h")
    b_u = b_r = b_h = Parameter("n_h")

    u = hard_sigmoid(W_u @ x + U_u @ h + b_u, SLOPE)
    r = hard_sigmoid(W_r @ x + U_r @ h + b_r, SLOPE)
    h_cand = tanh(W_h @ x + U_h @ (r * h) + b_h)
    h_next = u * h + (1 - u) * h_cand

    gates = {
        "u": ("replaces the state by the candidate", "keeps the previous state"),
        "r": ("makes the candidate memoryless", "lets the candidate see the whole state"),
    }

    boundaries = (
        *update_gate(
            u, "Γ_u", keeps=1, state=h, new=h_next, candidate=h_cand, weights=(W_h, U_h, b_h)
        ),
        *relevance_gate(
            r,
            "Γ_r",
            taken={u: 0},
            when="Γ_u = 0",
            state=h,
            new=h_next,
            candidate=h_cand,
            weights=(U_h,),
        ),
        *tanh_candidate(h_cand, "candidate", taken={u: 0}, when="Γ_u = 0", new=h_next, bias=b_h),
        *hard_gate(u, "Γ_u", W_u, b_u),
        *hard_gate(r, "Γ_r", W_r, b_r),
        Boundary(
            "the direct path is Γ_u",
            direct(h_next, h),
            "=",
            Contract("i,ij->ij", u, Identity("n_h")),
        ),
        Boundary("Γ_u = 0 copies the state", h_next, "=", h, at={u: 0}, holds=False),
        Boundary(
            "Γ_r = 1 sends no gradient into W_r", gradient(h_cand), "=", 0, at={r: 1}, holds=False
        ),
        Boundary("Γ_u = 0 leaves no curvature in b_h", hvp(b_h), "=", 0, at={u: 0}, holds=False),
    )

    theorems = (
        Theorem("Γ_u is within [0, 1], ends included", (0, "<=", u, "<=", 1)),
        Theorem("Γ_u has a slope of at most 1/5", (0, "<=", slope(u), "<=", SLOPE)),
        between(h, h_cand, h_next),
        Theorem("the state never leaves [-1, 1]", (absolute(h), "<=", 1), invariant=True),
        Theorem("Γ_u has a slope of at most 1/6", (slope(u), "<=", sp.Rational(1, 6)), holds=False),
    )
