"""The long short-term memory with a forget gate."""

import sympy as sp

from equations.boundary import Boundary, gradient, hvp, jacobian
from equations.definition import Definition, Input, Parameter, State
from equations.families import forget_gate, logistic_gate, memory_cell, moves, slopes
from equations.language import Contract, Identity, absolute, maximum, sigmoid, tanh
from equations.theorem import Theorem, constant, norm, tangent


class lstm(Definition):
    """Long short-term memory: forget gate f, input gate i, output gate o, candidate g.

    Same as: torch.nn.LSTM with its two biases added, Keras LSTM.
    Differs from: the LSTM of 1997, which has no forget gate; see also lstm_peephole.
    """

    source = (
        "F. A. Gers, J. Schmidhuber, F. Cummins, Learning to Forget, Neural Computation 12, 2000"
    )

    x = Input("n_x")
    h = State("n_h")
    c = State("n_h")
    W_f = W_i = W_o = W_g = Parameter("n_h", "n_x")
    U_f = U_i = U_o = U_g = Parameter("n_h", "n_h")
    b_f = b_i = b_o = b_g = Parameter("n_h")

    f = sigmoid(W_f @ x + U_f @ h + b_f)
    i = sigmoid(W_i @ x + U_i @ h + b_i)
    o = sigmoid(W_o @ x + U_o @ h + b_o)
    g = tanh(W_g @ x + U_g @ h + b_g)
    c_next = f * c + i * g
    h_next = o * tanh(c_next)

    gates = {
        "f": ("forgets the cell state", "carries the cell state unchanged"),
        "i": ("writes nothing", "writes the whole candidate"),
        "o": ("hides the cell state", "shows the whole cell state"),
    }

    boundaries = (
        *memory_cell(
            f=f, i=i, o=o, g=g, c=c, c_next=c_next, h_next=h_next, weights=(W_g, U_g, b_g)
        ),
        *logistic_gate(f, "f", W_f),
        *logistic_gate(i, "i", W_i),
        *logistic_gate(o, "o", W_o),
        Boundary(
            "f = 0 leaves the path through the old h",
            jacobian(c_next, h),
            "=",
            Contract("i,ij->ij", i * (1 - g**2), U_g) + Contract("i,ij->ij", g * i * (1 - i), U_i),
            at={f: 0},
        ),
        Boundary("f = 0 sends no gradient to the old c", gradient(c), "=", 0, at={f: 0}),
        Boundary(
            "o = 0 leaves the path through c",
            jacobian(c_next, c),
            "=",
            Contract("i,ij->ij", f, Identity("n_h")),
            at={o: 0},
        ),
        Boundary("c grows by less than 1 a step", absolute(c_next), "<", absolute(c) + 1),
        Boundary("h stays within (-1, 1)", absolute(h_next), "<", 1),
        Boundary("f = 1 alone carries c unchanged", c_next, "=", c, at={f: 1}, holds=False),
        Boundary("o = 0 cuts the gradient into c", gradient(c), "=", 0, at={o: 0}, holds=False),
        Boundary(
            "c stays within its own bound and 1",
            absolute(c_next),
            "<=",
            maximum(absolute(c), sp.S.One),
            holds=False,
        ),
        Boundary(
            "f = 1, i = 0 leave no curvature in c", hvp(c), "=", 0, at={f: 1, i: 0}, holds=False
        ),
    )

    theorems = (
        *forget_gate(f, c, c_next),
        Theorem("h never leaves [-1, 1]", (absolute(h), "<=", 1), invariant=True),
        Theorem("h has the sign of c", (0, "<=", h_next * c_next)),
        *slopes({"f": f, "i": i, "o": o}, sp.Rational(1, 4)),
        *slopes({"g": g}, sp.S.One),
        moves(f, "f", norm(U_f) / 4, "‖U_f‖/4", (h, c)),
        moves(i, "i", norm(U_i) / 4, "‖U_i‖/4", (h, c)),
        moves(g, "g", norm(U_g), "‖U_g‖", (h, c)),
        moves(o, "o", norm(U_o) / 4, "‖U_o‖/4", (h, c)),
        Theorem(
            "a step stretches a change to at most 1 + C ‖U_f‖/4 + ‖U_i‖/4 + ‖U_g‖ in c",
            (
                absolute(tangent(c_next)),
                "<=",
                1 + constant("C", "n_h") * norm(U_f) / 4 + norm(U_i) / 4 + norm(U_g),
            ),
            given=(
                (absolute(c), "<=", constant("C", "n_h")),
                (absolute(tangent(h)), "<=", 1),
                (absolute(tangent(c)), "<=", 1),
            ),
            by=(
                "a change of the states moves f by at most ‖U_f‖/4",
                "a change of the states moves i by at most ‖U_i‖/4",
                "a change of the states moves g by at most ‖U_g‖",
            ),
        ),
        Theorem(
            "in h it stretches it to at most ‖U_o‖/4 more",
            (
                absolute(tangent(h_next)),
                "<=",
                1
                + constant("C", "n_h") * norm(U_f) / 4
                + norm(U_i) / 4
                + norm(U_g)
                + norm(U_o) / 4,
            ),
            given=(
                (absolute(c), "<=", constant("C", "n_h")),
                (absolute(tangent(h)), "<=", 1),
                (absolute(tangent(c)), "<=", 1),
            ),
            by=(
                "a step stretches a change to at most 1 + C ‖U_f‖/4 + ‖U_i‖/4 + ‖U_g‖ in c",
                "a change of the states moves o by at most ‖U_o‖/4",
            ),
        ),
        Theorem("h has the sign of the old c", (0, "<=", h_next * c), holds=False),
    )
