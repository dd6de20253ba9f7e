"""The gated recurrent unit, reset after the product; an open update gate keeps the state."""

import sympy as sp

from equations.boundary import Boundary, Saturation, direct, gradient, hvp, jacobian, jvp
from equations.cells.gru_after import gru_after
from equations.definition import Definition, Input, Parameter, State
from equations.language import Contract, Identity, absolute, maximum, minimum, sigmoid, tanh
from equations.theorem import Theorem, inlined, norm, slope, tangent


class gru_after_keep(Definition):
    """Gated recurrent unit: Γ_u = 1 keeps the state, Γ_r comes after the product.

    Same as: torch.nn.GRU, Keras GRU with its default reset_after=True, cuDNN,
    ONNX GRU(linear_before_reset=1). Differs from: gru on both counts; gru_keep in Γ_r alone.
    """

    source = "K. Cho et al., Learning Phrase Representations, 2014, arXiv:1406.1078v3"
    display = {"u": r"\Gamma_u", "r": r"\Gamma_r", "h_cand": "h'_t"}

    x = Input("n_x")
    h = State("n_h")
    W_u = W_r = W_h = Parameter("n_h", "n_x")
    U_u = U_r = U_h = Parameter("n_h", "n_h")
    b_u = b_r = b_h = c_h = Parameter("n_h")

    u = sigmoid(W_u @ x + U_u @ h + b_u)
    r = sigmoid(W_r @ x + U_r @ h + b_r)
    h_cand = tanh(W_h @ x + b_h + r * (U_h @ h + c_h))
    h_next = u * h + (1 - u) * h_cand

    gates = {
        "u": ("replaces the state by the candidate", "keeps the previous state"),
        "r": ("makes the candidate memoryless", "lets the candidate see the whole state"),
    }

    boundaries = (
        Boundary("Γ_u = 1 copies the state", h_next, "=", h, at={u: 1}, steps=1000),
        Boundary(
            "Γ_u = 1 passes the gradient through unchanged",
            jacobian(h_next, h),
            "=",
            Identity("n_h"),
            at={u: 1},
            steps=1000,
        ),
        Boundary("Γ_u = 1 hands the gradient on", gradient(h), "=", gradient(h_next), at={u: 1}),
        Boundary("Γ_u = 1 sends no gradient into W_h", gradient(W_h), "=", 0, at={u: 1}),
        Boundary("Γ_u = 1 sends no gradient into U_h", gradient(U_h), "=", 0, at={u: 1}),
        Boundary("Γ_u = 1 sends no gradient into b_h", gradient(b_h), "=", 0, at={u: 1}),
        Boundary("Γ_u = 0 replaces the state by the candidate", h_next, "=", h_cand, at={u: 0}),
        Boundary("Γ_u = 0 leaves no direct path", direct(h_next, h), "=", 0, at={u: 0}),
        Boundary("Γ_r = 0 makes the candidate memoryless", jacobian(h_cand, h), "=", 0, at={r: 0}),
        Boundary("Γ_r = 0 sends no gradient into U_h", gradient(U_h), "=", 0, at={r: 0}),
        Boundary("Γ_r = 0 sends no gradient into c_h", gradient(c_h), "=", 0, at={r: 0}),
        Boundary(
            "Γ_r = 0 and Γ_u = 0 forget everything",
            jacobian(h_next, h),
            "=",
            0,
            at={r: 0, u: 0},
        ),
        Boundary(
            "Γ_r = 0 and Γ_u = 0 send no gradient back",
            gradient(h),
            "=",
            0,
            at={r: 0, u: 0},
        ),
        Boundary(
            "Γ_r = 1 and Γ_u = 0 leave a simple recurrent network",
            jacobian(h_next, h),
            "=",
            Contract("i,ij->ij", 1 - h_cand**2, U_h),
            at={r: 1, u: 0},
        ),
        Boundary(
            "the state stays within its own bound and 1",
            absolute(h_next),
            "<=",
            maximum(absolute(h), sp.S.One),
        ),
        Boundary("Γ_u = 1 leaves no curvature in h", hvp(h), "=", 0, at={u: 1}),
        Boundary(
            "Γ_u = 0 leaves the curvature of the candidate's tanh",
            hvp(b_h),
            "=",
            -2 * gradient(h_next) * h_cand * jvp(h_cand),
            at={u: 0},
        ),
        Boundary("Γ_u = 1 leaves no curvature in its own weights", hvp(W_u), "=", 0, at={u: 1}),
        Boundary("Γ_r = 1 leaves no curvature in its own weights", hvp(W_r), "=", 0, at={r: 1}),
        Saturation("a saturated Γ_u lets no gradient into its own weights", u),
        Saturation("a saturated Γ_r lets no gradient into its own weights", r),
        Saturation(
            "a saturated candidate lets no gradient through, twice as fast as σ", h_cand, rate=2
        ),
        Boundary("Γ_u = 0 copies the state", h_next, "=", h, at={u: 0}, holds=False),
        Boundary("the state stays within [-1, 1]", absolute(h_next), "<=", 1, holds=False),
        Boundary("Γ_u = 0 leaves no curvature in b_h", hvp(b_h), "=", 0, at={u: 0}, holds=False),
    )

    theorems = (
        Theorem(
            "the new state is between the old one and the candidate",
            (minimum(h, h_cand), "<=", h_next, "<=", maximum(h, h_cand)),
        ),
        Theorem("the state never leaves [-1, 1]", (absolute(h), "<=", 1), invariant=True),
        Theorem("Γ_u has a slope of at most 1/4", (0, "<", slope(u), "<=", sp.Rational(1, 4))),
        Theorem("Γ_r has a slope of at most 1/4", (0, "<", slope(r), "<=", sp.Rational(1, 4))),
        Theorem("h' has a slope of at most 1", (0, "<", slope(h_cand), "<=", 1)),
        Theorem(
            "a change of the state moves Γ_u by at most ‖U_u‖/4",
            (absolute(tangent(u)), "<=", norm(U_u) / 4),
            given=((absolute(tangent(h)), "<=", 1),),
        ),
        Theorem(
            "a change of the state moves Γ_r by at most ‖U_r‖/4",
            (absolute(tangent(r)), "<=", norm(U_r) / 4),
            given=((absolute(tangent(h)), "<=", 1),),
        ),
        Theorem(
            "what Γ_r multiplies is at most ‖U_h‖ + |c_h|",
            (absolute(U_h @ h + c_h), "<=", norm(U_h) + absolute(c_h)),
            given=((absolute(h), "<=", 1),),
        ),
        Theorem(
            "a change of the state moves h' by at most ‖U_h‖ + (‖U_h‖ + |c_h|) ‖U_r‖/4",
            (
                absolute(tangent(h_cand)),
                "<=",
                norm(U_h) + (norm(U_h) + absolute(c_h)) * norm(U_r) / 4,
            ),
            given=((absolute(h), "<=", 1), (absolute(tangent(h)), "<=", 1)),
            by=(
                "a change of the state moves Γ_r by at most ‖U_r‖/4",
                "what Γ_r multiplies is at most ‖U_h‖ + |c_h|",
            ),
        ),
        Theorem(
            "the norm of the Jacobian is at most max(1, ‖U_h‖ + (‖U_h‖ + |c_h|) ‖U_r‖/4) + ‖U_u‖/2",
            (
                absolute(tangent(h_next)),
                "<=",
                maximum(sp.S.One, norm(U_h) + (norm(U_h) + absolute(c_h)) * norm(U_r) / 4)
                + norm(U_u) / 2,
            ),
            given=((absolute(h), "<=", 1), (absolute(tangent(h)), "<=", 1)),
            by=(
                "a change of the state moves Γ_u by at most ‖U_u‖/4",
                "a change of the state moves h' by at most ‖U_h‖ + (‖U_h‖ + |c_h|) ‖U_r‖/4",
            ),
        ),
        Theorem(
            "gru_after with W_u, U_u and b_u negated is this cell",
            (
                h_next,
                "=",
                inlined(gru_after.cell.program, "h_next", {W_u: -W_u, U_u: -U_u, b_u: -b_u}),
            ),
        ),
        Theorem(
            "gru_after with the same parameters is this cell",
            (h_next, "=", inlined(gru_after.cell.program, "h_next")),
            holds=False,
        ),
        Theorem(
            "the norm of the Jacobian is at most 1",
            (absolute(tangent(h_next)), "<=", 1),
            given=((absolute(h), "<=", 1), (absolute(tangent(h)), "<=", 1)),
            holds=False,
        ),
    )
