"""The LSTM whose gates see the cell state."""

import sympy as sp

from equations.boundary import Boundary, gradient, hvp, jacobian
from equations.definition import Definition, Input, Parameter, State
from equations.families import forget_gate, logistic_gate, memory_cell, moves, slopes
from equations.language import Contract, Identity, absolute, maximum, sigmoid, tanh
from equations.theorem import Theorem, norm


class lstm_peephole(Definition):
    """LSTM with diagonal peepholes: f and i see the old cell state, o sees the new one.

    Same as: ONNX LSTM with P, TensorFlow 1 LSTMCell(use_peepholes=True) without its run-time
    forget bias. Differs from: lstm in the three peephole terms.
    """

    source = (
        "F. A. Gers, N. N. Schraudolph, J. Schmidhuber, JMLR 3, 2002; A. Graves, arXiv:1308.0850"
    )

    x = Input("n_x")
    h = State("n_h")
    c = State("n_h")
    W_f = W_i = W_o = W_g = Parameter("n_h", "n_x")
    U_f = U_i = U_o = U_g = Parameter("n_h", "n_h")
    p_f = p_i = p_o = Parameter("n_h")
    b_f = b_i = b_o = b_g = Parameter("n_h")

    f = sigmoid(W_f @ x + U_f @ h + p_f * c + b_f)
    i = sigmoid(W_i @ x + U_i @ h + p_i * c + b_i)
    g = tanh(W_g @ x + U_g @ h + b_g)
    c_next = f * c + i * g
    o = sigmoid(W_o @ x + U_o @ h + p_o * c_next + b_o)
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
        Boundary(
            "f = 0 leaves the path through the peephole of i",
            jacobian(c_next, c),
            "=",
            Contract("i,ij->ij", g * i * (1 - i) * p_i, Identity("n_h")),
            at={f: 0},
        ),
        Boundary(
            "f = 0, i = 0 send no gradient to the old c", gradient(c), "=", 0, at={f: 0, i: 0}
        ),
        Boundary(
            "o = 0 leaves the path through c",
            jacobian(c_next, c),
            "=",
            Contract(
                "i,ij->ij", f + c * f * (1 - f) * p_f + g * i * (1 - i) * p_i, Identity("n_h")
            ),
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
            "f = 0 cuts every path from c to c", jacobian(c_next, c), "=", 0, at={f: 0}, holds=False
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
        moves(f, "f", (norm(U_f) + absolute(p_f)) / 4, "(‖U_f‖ + |p_f|)/4", (h, c)),
        moves(i, "i", (norm(U_i) + absolute(p_i)) / 4, "(‖U_i‖ + |p_i|)/4", (h, c)),
        moves(g, "g", norm(U_g), "‖U_g‖", (h, c)),
        Theorem("h has the sign of the old c", (0, "<=", h_next * c), holds=False),
    )
