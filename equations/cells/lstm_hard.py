"""The LSTM of Keras 1 and 2, whose gates are hard sigmoids."""

import sympy as sp

from equations.boundary import Boundary, gradient, hvp
from equations.definition import Definition, Input, Parameter, State
from equations.families import hard_gate, memory_cell
from equations.language import absolute, hard_sigmoid, tanh
from equations.theorem import Theorem, slope

SLOPE = sp.Rational(1, 5)


class lstm_hard(Definition):
    """Long short-term memory with hard gates, clip(a/5 + 1/2, 0, 1), which reach 0 and 1.

    Same as: tf.compat.v1.keras LSTM by default, ONNX LSTM(activations=["HardSigmoid", ...]).
    Differs from: lstm, whose gates reach 0 and 1 only in the limit.
    """

    source = (
        "Keras 2, LSTM with recurrent_activation hard_sigmoid; F. A. Gers, J. Schmidhuber, "
        "F. Cummins, Learning to Forget, Neural Computation 12, 2000"
    )

    x = Input("n_x")
    h = State("n_h")
    c = State("n_h")
    W_f = W_i = W_o = W_g = Parameter("n_h", "n_x")
    U_f = U_i = U_o = U_g = Parameter("n_h", "n_h")
    b_f = b_i = b_o = b_g = Parameter("n_h")

    f = hard_sigmoid(W_f @ x + U_f @ h + b_f, SLOPE)
    i = hard_sigmoid(W_i @ x + U_i @ h + b_i, SLOPE)
    o = hard_sigmoid(W_o @ x + U_o @ h + b_o, SLOPE)
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
        *hard_gate(f, "f", W_f, b_f),
        *hard_gate(i, "i", W_i, b_i),
        *hard_gate(o, "o", W_o, b_o),
        Boundary("f = 0 sends no gradient to the old c", gradient(c), "=", 0, at={f: 0}),
        Boundary("f = 1 alone carries c unchanged", c_next, "=", c, at={f: 1}, holds=False),
        Boundary("o = 0 cuts the gradient into c", gradient(c), "=", 0, at={o: 0}, holds=False),
        Boundary(
            "f = 1, i = 0 leave no curvature in c", hvp(c), "=", 0, at={f: 1, i: 0}, holds=False
        ),
    )

    theorems = (
        Theorem("f is within [0, 1], ends included", (0, "<=", f, "<=", 1)),
        Theorem("f has a slope of at most 1/5", (0, "<=", slope(f), "<=", SLOPE)),
        Theorem("c grows by at most 1 a step", (absolute(c_next), "<=", absolute(c) + 1)),
        Theorem("h never leaves [-1, 1]", (absolute(h), "<=", 1), invariant=True),
        Theorem("h has the sign of c", (0, "<=", h_next * c_next)),
        Theorem("f has a slope of at most 1/6", (slope(f), "<=", sp.Rational(1, 6)), holds=False),
    )
