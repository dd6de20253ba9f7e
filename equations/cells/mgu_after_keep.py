"""The minimal gated unit as Flax has it."""

import sympy as sp

from equations.boundary import Boundary, gradient, hvp, jacobian
from equations.cells.gru_after_keep import gru_after_keep
from equations.definition import Definition, Input, Parameter, State
from equations.families import between, logistic_gate, moves, slopes, tanh_candidate, update_gate
from equations.language import absolute, maximum, sigmoid, tanh
from equations.theorem import Theorem, inlined, norm, tangent


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
        *update_gate(
            f, "f", keeps=1, state=h, new=h_next, candidate=h_cand, weights=(W_h, U_h, b_h, c_h)
        ),
        Boundary("f = 0 forgets everything", jacobian(h_next, h), "=", 0, at={f: 0}),
        Boundary("f = 0 sends no gradient into U_h", gradient(U_h), "=", 0, at={f: 0}),
        Boundary("f = 0 sends no gradient into c_h", gradient(c_h), "=", 0, at={f: 0}),
        *tanh_candidate(h_cand, "candidate", taken={f: 0}, when="f = 0", new=h_next, bias=b_h),
        *logistic_gate(f, "f", W_f),
        Boundary(
            "the state stays within its own bound and 1",
            absolute(h_next),
            "<=",
            maximum(absolute(h), sp.S.One),
        ),
        Boundary("f = 0 copies the state", h_next, "=", h, at={f: 0}, holds=False),
        Boundary("the state stays within [-1, 1]", absolute(h_next), "<=", 1, holds=False),
        Boundary("f = 0 leaves no curvature in b_h", hvp(b_h), "=", 0, at={f: 0}, holds=False),
    )

    theorems = (
        between(h, h_cand, h_next),
        Theorem("the state never leaves [-1, 1]", (absolute(h), "<=", 1), invariant=True),
        *slopes({"f": f}, sp.Rational(1, 4)),
        *slopes({"h'": h_cand}, sp.S.One),
        moves(f, "f", norm(U_f) / 4, "‖U_f‖/4", (h,)),
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
