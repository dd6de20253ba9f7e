"""The LSTM of Keras 1 and 2, whose gates are hard sigmoids."""

import sympy as sp

from equations.boundary import Boundary, Saturation, gradient, hvp, jacobian, jvp
from equations.definition import Definition, Input, Parameter, State
from equations.language import Identity, absolute, hard_sigmoid, tanh
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
        Boundary("f = 1 sends no gradient into its own bias", gradient(b_f), "=", 0, at={f: 1}),
        Boundary("f = 0 sends no gradient into its own bias", gradient(b_f), "=", 0, at={f: 0}),
        Boundary("i = 1 sends no gradient into its own bias", gradient(b_i), "=", 0, at={i: 1}),
        Boundary("i = 0 sends no gradient into its own bias", gradient(b_i), "=", 0, at={i: 0}),
        Boundary("o = 1 sends no gradient into its own bias", gradient(b_o), "=", 0, at={o: 1}),
        Boundary("o = 0 sends no gradient into its own bias", gradient(b_o), "=", 0, at={o: 0}),
        Boundary("f = 0 sends no gradient to the old c", gradient(c), "=", 0, at={f: 0}),
        Boundary("i = 0 sends no gradient into W_g", gradient(W_g), "=", 0, at={i: 0}),
        Boundary("o = 0 hides the cell", h_next, "=", 0, at={o: 0}),
        Boundary(
            "f = 1, i = 0 and o = 0 leave no curvature in c", hvp(c), "=", 0, at={f: 1, i: 0, o: 0}
        ),
        Boundary(
            "i = 1 and o = 0 leave the curvature of the candidate's tanh",
            hvp(b_g),
            "=",
            -2 * gradient(c_next) * g * jvp(g),
            at={i: 1, o: 0},
        ),
        Boundary("f = 1 leaves no curvature in its own weights", hvp(W_f), "=", 0, at={f: 1}),
        Boundary("i = 1 leaves no curvature in its own weights", hvp(W_i), "=", 0, at={i: 1}),
        Boundary("o = 1 leaves no curvature in its own weights", hvp(W_o), "=", 0, at={o: 1}),
        Saturation("a saturated g lets no gradient through, twice as fast as σ", g, rate=2),
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
