"""The minimal GRU without a recurrent matrix."""

import sympy as sp

from equations.boundary import Boundary, Saturation, gradient, hvp, jacobian, jvp
from equations.definition import Definition, Input, Parameter, State
from equations.language import Identity, absolute, maximum, minimum, outer, sigmoid
from equations.theorem import Theorem, constant, slope, tangent


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
        Boundary("z = 0 copies the state", h_next, "=", h, at={z: 0}, steps=1000),
        Boundary(
            "z = 0 passes the gradient through unchanged",
            jacobian(h_next, h),
            "=",
            Identity("n_h"),
            at={z: 0},
            steps=1000,
        ),
        Boundary("z = 0 hands the gradient on", gradient(h), "=", gradient(h_next), at={z: 0}),
        Boundary("z = 0 sends no gradient into W_h", gradient(W_h), "=", 0, at={z: 0}),
        Boundary("z = 0 sends no gradient into b_h", gradient(b_h), "=", 0, at={z: 0}),
        Boundary("z = 1 replaces the state by the candidate", h_next, "=", h_cand, at={z: 1}),
        Boundary("z = 1 forgets everything", jacobian(h_next, h), "=", 0, at={z: 1}),
        Boundary("z = 1 sends no gradient back", gradient(h), "=", 0, at={z: 1}),
        Boundary(
            "the state stays between itself and the candidate",
            absolute(h_next),
            "<=",
            maximum(absolute(h), absolute(h_cand)),
        ),
        Boundary("z = 0 leaves no curvature in h", hvp(h), "=", 0, at={z: 0}),
        Boundary("z = 1 leaves no curvature in b_h", hvp(b_h), "=", 0, at={z: 1}),
        Boundary(
            "z = 1 leaves the curvature of a product in W_h",
            hvp(W_h),
            "=",
            outer(gradient(h_next), jvp(x)),
            at={z: 1},
        ),
        Boundary("z = 1 leaves no curvature in its own weights", hvp(W_z), "=", 0, at={z: 1}),
        Saturation("a saturated z lets no gradient into its own weights", z),
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
        Theorem(
            "the new state is between the old one and the candidate",
            (minimum(h, h_cand), "<=", h_next, "<=", maximum(h, h_cand)),
        ),
        Theorem("z has a slope of at most 1/4", (0, "<", slope(z), "<=", sp.Rational(1, 4))),
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
