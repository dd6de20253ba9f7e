"""The gated recurrent unit, reset after the product."""

import sympy as sp

from equations.boundary import Boundary, hvp
from equations.cells.gru import gru
from equations.definition import Definition, Input, Parameter, State
from equations.families import (
    between,
    logistic_gate,
    moves,
    relevance_gate,
    slopes,
    tanh_candidate,
    update_gate,
)
from equations.language import Contract, Identity, absolute, maximum, sigmoid, tanh
from equations.theorem import Theorem, constant, inlined, norm, tangent

DIAGONAL = Contract("i,ij->ij", constant("d", "n_h"), Identity("n_h"))


class gru_after(Definition):
    """Gated recurrent unit: Γ_u = 1 takes the candidate, Γ_r comes after the product.

    Same as: Lasagne GRULayer with c_h = 0; torch.nn.GRU with W_u, U_u and b_u negated.
    Differs from: gru, where Γ_r is applied before the product: another function of the same
    parameters unless, for instance, U_h is diagonal and c_h is 0. Nor can c_h be added to b_h,
    since Γ_r multiplies it.
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
    h_next = (1 - u) * h + u * h_cand

    gates = {
        "u": ("keeps the previous state", "replaces it by the candidate"),
        "r": ("makes the candidate memoryless", "lets the candidate see the whole state"),
    }

    boundaries = (
        *update_gate(
            u, "Γ_u", keeps=0, state=h, new=h_next, candidate=h_cand, weights=(W_h, U_h, b_h)
        ),
        *relevance_gate(
            r,
            "Γ_r",
            taken={u: 1},
            when="Γ_u = 1",
            state=h,
            new=h_next,
            candidate=h_cand,
            weights=(U_h, c_h),
        ),
        *tanh_candidate(h_cand, "candidate", taken={u: 1}, when="Γ_u = 1", new=h_next, bias=b_h),
        *logistic_gate(u, "Γ_u", W_u),
        *logistic_gate(r, "Γ_r", W_r),
        Boundary(
            "the state stays within its own bound and 1",
            absolute(h_next),
            "<=",
            maximum(absolute(h), sp.S.One),
        ),
        Boundary("Γ_u = 1 copies the state", h_next, "=", h, at={u: 1}, holds=False),
        Boundary("the state stays within [-1, 1]", absolute(h_next), "<=", 1, holds=False),
        Boundary("Γ_u = 1 leaves no curvature in b_h", hvp(b_h), "=", 0, at={u: 1}, holds=False),
    )

    theorems = (
        between(h, h_cand, h_next),
        Theorem("the state never leaves [-1, 1]", (absolute(h), "<=", 1), invariant=True),
        *slopes({"Γ_u": u, "Γ_r": r}, sp.Rational(1, 4)),
        *slopes({"h'": h_cand}, sp.S.One),
        moves(u, "Γ_u", norm(U_u) / 4, "‖U_u‖/4", (h,)),
        moves(r, "Γ_r", norm(U_r) / 4, "‖U_r‖/4", (h,)),
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
            "gru with the same parameters is this cell where c_h is 0",
            (h_next, "=", inlined(gru.cell.program, "h_next")),
            given=((c_h, "=", 0),),
            holds=False,
        ),
        Theorem(
            "gru with the same parameters is this cell where U_h is diag(d) and c_h is 0",
            (
                (1 - u) * h + u * tanh(W_h @ x + b_h + r * (DIAGONAL @ h)),
                "=",
                inlined(gru.cell.program, "h_next", {U_h: DIAGONAL}),
            ),
        ),
        Theorem(
            "the norm of the Jacobian is at most 1",
            (absolute(tangent(h_next)), "<=", 1),
            given=((absolute(h), "<=", 1), (absolute(tangent(h)), "<=", 1)),
            holds=False,
        ),
    )
