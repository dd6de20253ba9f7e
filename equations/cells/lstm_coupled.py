"""The LSTM whose forget gate is one minus its input gate."""

import sympy as sp

from equations.boundary import Boundary, direct, gradient, hvp, jacobian
from equations.cells.lstm_peephole import lstm_peephole
from equations.definition import Definition, Input, Parameter, State
from equations.families import logistic_gate, tanh_candidate
from equations.language import Identity, absolute, maximum, minimum, sigmoid, tanh
from equations.theorem import Theorem, inlined


class lstm_coupled(Definition):
    """LSTM with coupled input and forget gate, f = 1 - i, and diagonal peepholes.

    Same as: ONNX LSTM(input_forget=1); TensorFlow 1 CoupledInputForgetGateLSTMCell, which has
    i = 1 - f, with W_f, U_f, p_f and b_f negated. Differs from: lstm_peephole in having no
    parameters for f.
    """

    source = "K. Greff et al., LSTM: A Search Space Odyssey, 2015, arXiv:1503.04069, variant CIFG"

    x = Input("n_x")
    h = State("n_h")
    c = State("n_h")
    W_i = W_o = W_g = Parameter("n_h", "n_x")
    U_i = U_o = U_g = Parameter("n_h", "n_h")
    p_i = p_o = Parameter("n_h")
    b_i = b_o = b_g = Parameter("n_h")

    i = sigmoid(W_i @ x + U_i @ h + p_i * c + b_i)
    g = tanh(W_g @ x + U_g @ h + b_g)
    c_next = (1 - i) * c + i * g
    o = sigmoid(W_o @ x + U_o @ h + p_o * c_next + b_o)
    h_next = o * tanh(c_next)

    gates = {
        "i": ("carries the cell state unchanged", "replaces it by the candidate"),
        "o": ("hides the cell state", "shows the whole cell state"),
    }

    boundaries = (
        Boundary("i = 0 carries c unchanged", c_next, "=", c, at={i: 0}, steps=1000),
        Boundary(
            "i = 0 carries the gradient of c unchanged",
            jacobian(c_next, c),
            "=",
            Identity("n_h"),
            at={i: 0},
            steps=1000,
        ),
        Boundary(
            "i = 0 hands the gradient of c on, but for o's peephole",
            gradient(c),
            "=",
            gradient(c_next),
            at={i: 0},
        ),
        Boundary("i = 0 sends no gradient into W_g", gradient(W_g), "=", 0, at={i: 0}),
        Boundary("i = 1 replaces c by the candidate", c_next, "=", g, at={i: 1}),
        Boundary("i = 1 cuts the direct path", direct(c_next, c), "=", 0, at={i: 1}),
        Boundary("i = 1 sends no gradient to the old c", gradient(c), "=", 0, at={i: 1}),
        Boundary("o = 0 hides the cell", h_next, "=", 0, at={o: 0}),
        Boundary(
            "c stays within its own bound and 1",
            absolute(c_next),
            "<=",
            maximum(absolute(c), sp.S.One),
        ),
        Boundary("h stays within (-1, 1)", absolute(h_next), "<", 1),
        Boundary("i = 0 and o = 0 leave no curvature in c", hvp(c), "=", 0, at={i: 0, o: 0}),
        *tanh_candidate(g, "g", taken={i: 1, o: 0}, when="i = 1, o = 0", new=c_next, bias=b_g),
        *logistic_gate(i, "i", W_i),
        *logistic_gate(o, "o", W_o),
        Boundary("i = 1 carries c unchanged", c_next, "=", c, at={i: 1}, holds=False),
        Boundary("o = 0 cuts the gradient into c", gradient(c), "=", 0, at={o: 0}, holds=False),
        Boundary("i = 0 leaves no curvature in c", hvp(c), "=", 0, at={i: 0}, holds=False),
    )

    theorems = (
        Theorem(
            "the new cell state is between the old one and g",
            (minimum(c, g), "<=", c_next, "<=", maximum(c, g)),
        ),
        Theorem("the cell state never leaves [-1, 1]", (absolute(c), "<=", 1), invariant=True),
        Theorem(
            "lstm_peephole whose f has the parameters of i, negated, is this cell",
            (
                h_next,
                "=",
                inlined(
                    lstm_peephole.cell.program,
                    "h_next",
                    {
                        lstm_peephole.cell["W_f"]: -W_i,
                        lstm_peephole.cell["U_f"]: -U_i,
                        lstm_peephole.cell["p_f"]: -p_i,
                        lstm_peephole.cell["b_f"]: -b_i,
                    },
                ),
            ),
        ),
        Theorem(
            "the cell state never grows over 1/2",
            (absolute(c_next), "<=", maximum(absolute(c), sp.S.Half)),
            holds=False,
        ),
    )
