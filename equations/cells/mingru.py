"""The minimal GRU without a recurrent matrix."""

import sympy as sp

from equations.boundary import Boundary, gradient, hvp, jacobian, jvp
from equations.definition import Definition, Input, Parameter, State
from equations.families import between, logistic_gate, slopes, update_gate
from equations.language import absolute, maximum, outer, sigmoid
from equations.theorem import Theorem, constant, tangent


class mingru(Definition):
    """Minimal gated recurrent unit: gate and candidate see the input alone.

    Same as: minGRU of the paper in its plain (not log-space) form.
    Differs from: gru in having no recurrent matrix, no relevance gate and a linear candidate.
    """

    source = "L. Feng et al., Were RNNs All We Needed?, 2024, arXiv:2410.01201"
    display = {"h_cand": "h'_t"}

    x = Input("n_x")
    h = State("n_h")
    W_z = W_h = Parameter("n_h", "n_x")
    b_z = b_h = Parameter("n_h")

    z = sigmoid(W_z @ x + b_z)
    h_cand = W_h @ x + b_h
    h_next = (1 - z) * h + z * h_cand

    gates = {"z": ("keeps the previous state", "replaces it by the candidate")}

    boundaries = (
        *update_gate(z, "z", keeps=0, state=h, new=h_next, candidate=h_cand, weights=(W_h, b_h)),
        Boundary("z = 1 forgets everything", jacobian(h_next, h), "=", 0, at={z: 1}),
        Boundary("z = 1 sends no gradient back", gradient(h), "=", 0, at={z: 1}),
        Boundary(
            "the state stays between itself and the candidate",
            absolute(h_next),
            "<=",
            maximum(absolute(h), absolute(h_cand)),
        ),
        Boundary("z = 1 leaves no curvature in b_h", hvp(b_h), "=", 0, at={z: 1}),
        Boundary(
            "z = 1 leaves the curvature of a product in W_h",
            hvp(W_h),
            "=",
            outer(gradient(h_next), jvp(x)),
            at={z: 1},
        ),
        *logistic_gate(z, "z", W_z),
        Boundary("z = 1 copies the state", h_next, "=", h, at={z: 1}, holds=False),
        Boundary(
            "the state stays within its own bound and 1",
            absolute(h_next),
            "<=",
            maximum(absolute(h), sp.S.One),
            holds=False,
        ),
        Boundary("z = 1 leaves no curvature in W_h", hvp(W_h), "=", 0, at={z: 1}, holds=False),
    )

    theorems = (
        between(h, h_cand, h_next),
        *slopes({"z": z}, sp.Rational(1, 4)),
        Theorem(
            "a step never stretches a change of the state",
            (absolute(tangent(h_next)), "<=", absolute(tangent(h))),
        ),
        Theorem(
            "the state never leaves what bounds the candidate and the start",
            (absolute(h), "<=", constant("C", "n_h")),
            given=((absolute(h_cand), "<=", constant("C", "n_h")),),
            invariant=True,
        ),
        Theorem(
            "the state never leaves [-1, 1]", (absolute(h), "<=", 1), invariant=True, holds=False
        ),
        Theorem(
            "a step at least halves a change of the state",
            (absolute(tangent(h_next)), "<=", absolute(tangent(h)) / 2),
            holds=False,
        ),
    )
