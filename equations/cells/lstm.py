"""The long short-term memory with a forget gate."""

import sympy as sp

from equations.boundary import Boundary, Saturation, direct, gradient, jacobian
from equations.definition import Definition, Input, Parameter, State
from equations.language import Contract, Identity, absolute, maximum, sigmoid, tanh


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
        Boundary("f = 1, i = 0 carry c unchanged", c_next, "=", c, at={f: 1, i: 0}, steps=1000),
        Boundary(
            "f = 1, i = 0 carry the gradient of c unchanged",
            jacobian(c_next, c),
            "=",
            Identity("n_h"),
            at={f: 1, i: 0},
            steps=1000,
        ),
        Boundary(
            "f = 1, i = 0 hand the gradient of c on",
            gradient(c),
            "=",
            gradient(c_next),
            at={f: 1, i: 0},
        ),
        Boundary("f = 1 opens the direct path", direct(c_next, c), "=", Identity("n_h"), at={f: 1}),
        Boundary("f = 0 cuts the direct path", direct(c_next, c), "=", 0, at={f: 0}),
        Boundary(
            "f = 0 leaves the path through the old h",
            jacobian(c_next, h),
            "=",
            Contract("i,ij->ij", i * (1 - g**2), U_g) + Contract("i,ij->ij", g * i * (1 - i), U_i),
            at={f: 0},
        ),
        Boundary("f = 0 sends no gradient to the old c", gradient(c), "=", 0, at={f: 0}),
        Boundary("i = 0 sends no gradient into W_g", gradient(W_g), "=", 0, at={i: 0}),
        Boundary("i = 0 sends no gradient into U_g", gradient(U_g), "=", 0, at={i: 0}),
        Boundary("o = 0 hides the cell", h_next, "=", 0, at={o: 0}),
        Boundary(
            "o = 0 leaves the path through c",
            jacobian(c_next, c),
            "=",
            Contract("i,ij->ij", f, Identity("n_h")),
            at={o: 0},
        ),
        Boundary("c grows by less than 1 a step", absolute(c_next), "<", absolute(c) + 1),
        Boundary("h stays within (-1, 1)", absolute(h_next), "<", 1),
        Saturation("a saturated f lets no gradient into its own weights", f),
        Saturation("a saturated i lets no gradient into its own weights", i),
        Saturation("a saturated o lets no gradient into its own weights", o),
        Saturation("a saturated g lets no gradient through, twice as fast as σ", g, rate=2),
        Boundary("f = 1 alone carries c unchanged", c_next, "=", c, at={f: 1}, holds=False),
        Boundary("o = 0 cuts the gradient into c", gradient(c), "=", 0, at={o: 0}, holds=False),
        Boundary(
            "c stays within its own bound and 1",
            absolute(c_next),
            "<=",
            maximum(absolute(c), sp.S.One),
            holds=False,
        ),
    )
