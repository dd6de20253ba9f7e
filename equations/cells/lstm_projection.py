"""The LSTM whose hidden state is a projection of its cell's output."""

import sympy as sp

from equations.boundary import Boundary, Saturation, direct, gradient, hvp, jacobian, jvp
from equations.definition import Definition, Input, Parameter, State
from equations.language import Contract, Identity, absolute, maximum, sigmoid, tanh
from equations.theorem import Theorem, constant, norm, slope, tangent


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
        Boundary("f = 1, i = 0 carry c unchanged", c_next, "=", c, at={f: 1, i: 0}, steps=1000),
        Boundary(
            "f = 1, i = 0 hand the gradient of c on",
            gradient(c),
            "=",
            gradient(c_next),
            at={f: 1, i: 0},
        ),
        Boundary("f = 0 cuts the direct path", direct(c_next, c), "=", 0, at={f: 0}),
        Boundary(
            "f = 0, i = 0 send no gradient to the old c", gradient(c), "=", 0, at={f: 0, i: 0}
        ),
        Boundary("i = 0 sends no gradient into W_g", gradient(W_g), "=", 0, at={i: 0}),
        Boundary("o = 0 hides the cell", h_next, "=", 0, at={o: 0}),
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
        Saturation("a saturated f lets no gradient into its own weights", f),
        Saturation("a saturated i lets no gradient into its own weights", i),
        Saturation("a saturated o lets no gradient into its own weights", o),
        Saturation("a saturated g lets no gradient through, twice as fast as σ", g, rate=2),
        Boundary("f = 1 alone carries c unchanged", c_next, "=", c, at={f: 1}, holds=False),
        Boundary("h stays within [-1, 1]", absolute(h_next), "<=", 1, holds=False),
        Boundary(
            "f = 1, i = 0 leave no curvature in c", hvp(c), "=", 0, at={f: 1, i: 0}, holds=False
        ),
    )

    theorems = (
        Theorem("c grows by less than 1 a step", (absolute(c_next), "<", absolute(c) + 1)),
        Theorem(
            "c never leaves max(|c_0|, 1/(1 - F)) while f is at most F < 1",
            (
                absolute(c),
                "<=",
                maximum(absolute(constant("c_0", "n_h")), 1 / (1 - constant("F", "n_h"))),
            ),
            given=((f, "<=", constant("F", "n_h"), "<", 1),),
            invariant=True,
        ),
        Theorem("what W_r projects is within [-1, 1]", (absolute(o * tanh(c_next)), "<=", 1)),
        Theorem(
            "h never leaves [-‖W_r‖, ‖W_r‖]",
            (absolute(h_next), "<=", norm(W_r)),
            by=("what W_r projects is within [-1, 1]",),
        ),
        Theorem("f has a slope of at most 1/4", (0, "<", slope(f), "<=", sp.Rational(1, 4))),
        Theorem("i has a slope of at most 1/4", (0, "<", slope(i), "<=", sp.Rational(1, 4))),
        Theorem("o has a slope of at most 1/4", (0, "<", slope(o), "<=", sp.Rational(1, 4))),
        Theorem("g has a slope of at most 1", (0, "<", slope(g), "<=", 1)),
        Theorem(
            "a change of the states moves f by at most (‖U_f‖ + |p_f|)/4",
            (absolute(tangent(f)), "<=", (norm(U_f) + absolute(p_f)) / 4),
            given=((absolute(tangent(h)), "<=", 1), (absolute(tangent(c)), "<=", 1)),
        ),
        Theorem(
            "a change of the states moves i by at most (‖U_i‖ + |p_i|)/4",
            (absolute(tangent(i)), "<=", (norm(U_i) + absolute(p_i)) / 4),
            given=((absolute(tangent(h)), "<=", 1), (absolute(tangent(c)), "<=", 1)),
        ),
        Theorem(
            "a change of the states moves g by at most ‖U_g‖",
            (absolute(tangent(g)), "<=", norm(U_g)),
            given=((absolute(tangent(h)), "<=", 1), (absolute(tangent(c)), "<=", 1)),
        ),
        Theorem("h never leaves [-1, 1]", (absolute(h), "<=", 1), invariant=True, holds=False),
        Theorem(
            "c never leaves max(|c_0|, 1) while f is at most F < 1",
            (absolute(c), "<=", maximum(absolute(constant("c_0", "n_h")), sp.S.One)),
            given=((f, "<=", constant("F", "n_h"), "<", 1),),
            invariant=True,
            holds=False,
        ),
    )
