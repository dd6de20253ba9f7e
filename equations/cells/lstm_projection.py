"""The LSTM whose hidden state is a projection of its cell's output."""

import sympy as sp

from equations.boundary import Boundary, gradient, hvp, jacobian
from equations.definition import Definition, Input, Parameter, State
from equations.families import forget_gate, logistic_gate, memory_cell, moves, slopes
from equations.language import Contract, Identity, absolute, sigmoid, tanh
from equations.theorem import Theorem, norm


class lstm_projection(Definition):
    """LSTM with peepholes and a recurrent projection: h has n_p components, c has n_h.

    Same as: TensorFlow 1 LSTMCell with num_proj and without clips and its run-time forget bias;
    torch.nn.LSTM(proj_size=n_p) where p_f, p_i and p_o are 0.
    Differs from: lstm_peephole in W_r.
    """

    source = "H. Sak, A. Senior, F. Beaufays, Long Short-Term Memory, 2014, arXiv:1402.1128"

    x = Input("n_x")
    h = State("n_p")
    c = State("n_h")
    W_f = W_i = W_o = W_g = Parameter("n_h", "n_x")
    U_f = U_i = U_o = U_g = Parameter("n_h", "n_p")
    p_f = p_i = p_o = Parameter("n_h")
    b_f = b_i = b_o = b_g = Parameter("n_h")
    W_r = Parameter("n_p", "n_h")

    f = sigmoid(W_f @ x + U_f @ h + p_f * c + b_f)
    i = sigmoid(W_i @ x + U_i @ h + p_i * c + b_i)
    g = tanh(W_g @ x + U_g @ h + b_g)
    c_next = f * c + i * g
    o = sigmoid(W_o @ x + U_o @ h + p_o * c_next + b_o)
    h_next = W_r @ (o * tanh(c_next))

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
            "f = 0, i = 0 send no gradient to the old c", gradient(c), "=", 0, at={f: 0, i: 0}
        ),
        Boundary("o = 0 sends no gradient into W_r", gradient(W_r), "=", 0, at={o: 0}),
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
        Boundary("f = 1 alone carries c unchanged", c_next, "=", c, at={f: 1}, holds=False),
        Boundary("h stays within [-1, 1]", absolute(h_next), "<=", 1, holds=False),
        Boundary(
            "f = 1, i = 0 leave no curvature in c", hvp(c), "=", 0, at={f: 1, i: 0}, holds=False
        ),
    )

    theorems = (
        *forget_gate(f, c, c_next),
        Theorem("what W_r projects is within [-1, 1]", (absolute(o * tanh(c_next)), "<=", 1)),
        Theorem(
            "h never leaves [-‖W_r‖, ‖W_r‖]",
            (absolute(h_next), "<=", norm(W_r)),
            by=("what W_r projects is within [-1, 1]",),
        ),
        *slopes({"f": f, "i": i, "o": o}, sp.Rational(1, 4)),
        *slopes({"g": g}, sp.S.One),
        moves(f, "f", (norm(U_f) + absolute(p_f)) / 4, "(‖U_f‖ + |p_f|)/4", (h, c)),
        moves(i, "i", (norm(U_i) + absolute(p_i)) / 4, "(‖U_i‖ + |p_i|)/4", (h, c)),
        moves(g, "g", norm(U_g), "‖U_g‖", (h, c)),
        Theorem("h never leaves [-1, 1]", (absolute(h), "<=", 1), invariant=True, holds=False),
    )
