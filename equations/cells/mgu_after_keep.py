"""The minimal gated unit as Flax has it."""

import sympy as sp

from equations.boundary import Boundary, Saturation, direct, gradient, hvp, jacobian, jvp
from equations.cells.gru_after_keep import gru_after_keep
from equations.definition import Definition, Input, Parameter, State
from equations.language import Identity, absolute, maximum, minimum, sigmoid, tanh
from equations.theorem import Theorem, inlined, norm, slope, tangent


class mgu_after_keep(Definition):
    """Minimal gated unit: one gate f keeps the state at 1 and resets it after the product.

    Same as: flax.linen MGUCell with its default reset_gate=True.
    Differs from: the paper, where f = 1 takes the candidate and f is applied before the product;
    gru_after_keep, which has two gates.
    """

    source = "G.-B. Zhou et al., Minimal Gated Unit, 2016, arXiv:1603.09420, as in Flax"
    display = {"h_cand": "h'_t"}

    x = Input("n_x")
    h = State("n_h")
    W_f = W_h = Parameter("n_h", "n_x")
    U_f = U_h = Parameter("n_h", "n_h")
    b_f = b_h = c_h = Parameter("n_h")

    f = sigmoid(W_f @ x + U_f @ h + b_f)
    h_cand = tanh(W_h @ x + b_h + f * (U_h @ h + c_h))
    h_next = f * h + (1 - f) * h_cand

    gates = {"f": ("forgets everything", "keeps the previous state")}

    boundaries = (
        Boundary("f = 1 copies the state", h_next, "=", h, at={f: 1}, steps=1000),
        Boundary(
            "f = 1 passes the gradient through unchanged",
            jacobian(h_next, h),
            "=",
            Identity("n_h"),
            at={f: 1},
            steps=1000,
        ),
        Boundary("f = 1 hands the gradient on", gradient(h), "=", gradient(h_next), at={f: 1}),
        Boundary("f = 1 sends no gradient into W_h", gradient(W_h), "=", 0, at={f: 1}),
        Boundary("f = 0 replaces the state by the candidate", h_next, "=", h_cand, at={f: 0}),
        Boundary("f = 0 leaves no direct path", direct(h_next, h), "=", 0, at={f: 0}),
        Boundary("f = 0 forgets everything", jacobian(h_next, h), "=", 0, at={f: 0}),
        Boundary("f = 0 sends no gradient into U_h", gradient(U_h), "=", 0, at={f: 0}),
        Boundary("f = 0 sends no gradient into c_h", gradient(c_h), "=", 0, at={f: 0}),
        Boundary(
            "the state stays within its own bound and 1",
            absolute(h_next),
            "<=",
            maximum(absolute(h), sp.S.One),
        ),
        Boundary("f = 1 leaves no curvature in h", hvp(h), "=", 0, at={f: 1}),
        Boundary(
            "f = 0 leaves the curvature of the candidate's tanh",
            hvp(b_h),
            "=",
            -2 * gradient(h_next) * h_cand * jvp(h_cand),
            at={f: 0},
        ),
        Boundary("f = 1 leaves no curvature in its own weights", hvp(W_f), "=", 0, at={f: 1}),
        Saturation("a saturated f lets no gradient into its own weights", f),
        Saturation(
            "a saturated candidate lets no gradient through, twice as fast as σ", h_cand, rate=2
        ),
        Boundary("f = 0 copies the state", h_next, "=", h, at={f: 0}, holds=False),
        Boundary("the state stays within [-1, 1]", absolute(h_next), "<=", 1, holds=False),
        Boundary("f = 0 leaves no curvature in b_h", hvp(b_h), "=", 0, at={f: 0}, holds=False),
    )

    theorems = (
        Theorem(
            "the new state is between the old one and the candidate",
            (minimum(h, h_cand), "<=", h_next, "<=", maximum(h, h_cand)),
        ),
        Theorem("the state never leaves [-1, 1]", (absolute(h), "<=", 1), invariant=True),
        Theorem("f has a slope of at most 1/4", (0, "<", slope(f), "<=", sp.Rational(1, 4))),
        Theorem("h' has a slope of at most 1", (0, "<", slope(h_cand), "<=", 1)),
        Theorem(
            "a change of the state moves f by at most ‖U_f‖/4",
            (absolute(tangent(f)), "<=", norm(U_f) / 4),
            given=((absolute(tangent(h)), "<=", 1),),
        ),
        Theorem(
            "what f resets is at most ‖U_h‖ + |c_h|",
            (absolute(U_h @ h + c_h), "<=", norm(U_h) + absolute(c_h)),
            given=((absolute(h), "<=", 1),),
        ),
        Theorem(
            "a change of the state moves h' by at most ‖U_h‖ + (‖U_h‖ + |c_h|) ‖U_f‖/4",
            (
                absolute(tangent(h_cand)),
                "<=",
                norm(U_h) + (norm(U_h) + absolute(c_h)) * norm(U_f) / 4,
            ),
            given=((absolute(h), "<=", 1), (absolute(tangent(h)), "<=", 1)),
            by=(
                "a change of the state moves f by at most ‖U_f‖/4",
                "what f resets is at most ‖U_h‖ + |c_h|",
            ),
        ),
        Theorem(
            "the norm of the Jacobian is at most max(1, K) + ‖U_f‖/2, with K that bound of h'",
            (
                absolute(tangent(h_next)),
                "<=",
                maximum(sp.S.One, norm(U_h) + (norm(U_h) + absolute(c_h)) * norm(U_f) / 4)
                + norm(U_f) / 2,
            ),
            given=((absolute(h), "<=", 1), (absolute(tangent(h)), "<=", 1)),
            by=(
                "a change of the state moves f by at most ‖U_f‖/4",
                "a change of the state moves h' by at most ‖U_h‖ + (‖U_h‖ + |c_h|) ‖U_f‖/4",
            ),
        ),
        Theorem(
            "gru_after_keep with f as both its gates is this cell",
            (
                h_next,
                "=",
                inlined(
                    gru_after_keep.cell.program,
                    "h_next",
                    {
                        gru_after_keep.cell[f"{matrix}_{gate}"]: symbol
                        for matrix, symbol in (("W", W_f), ("U", U_f), ("b", b_f))
                        for gate in ("u", "r")
                    },
                ),
            ),
        ),
        Theorem(
            "the norm of the Jacobian is at most 1",
            (absolute(tangent(h_next)), "<=", 1),
            given=((absolute(h), "<=", 1), (absolute(tangent(h)), "<=", 1)),
            holds=False,
        ),
        Theorem("the new state has the sign of the old one", (0, "<=", h_next * h), holds=False),
    )
