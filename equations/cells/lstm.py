"""The long short-term memory with a forget gate."""

import sympy as sp

from equations.boundary import Boundary, Saturation, direct, gradient, hvp, jacobian, jvp
from equations.definition import Definition, Input, Parameter, State
from equations.language import Contract, Identity, absolute, maximum, sigmoid, tanh
from equations.theorem import Theorem, constant, norm, slope, tangent


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
        Theorem("h never leaves [-1, 1]", (absolute(h), "<=", 1), invariant=True),
        Theorem("h has the sign of c", (0, "<=", h_next * c_next)),
        Theorem("f has a slope of at most 1/4", (0, "<", slope(f), "<=", sp.Rational(1, 4))),
        Theorem("i has a slope of at most 1/4", (0, "<", slope(i), "<=", sp.Rational(1, 4))),
        Theorem("o has a slope of at most 1/4", (0, "<", slope(o), "<=", sp.Rational(1, 4))),
        Theorem("g has a slope of at most 1", (0, "<", slope(g), "<=", 1)),
        Theorem(
            "a change of the states moves f by at most ‖U_f‖/4",
            (absolute(tangent(f)), "<=", norm(U_f) / 4),
            given=((absolute(tangent(h)), "<=", 1), (absolute(tangent(c)), "<=", 1)),
        ),
        Theorem(
            "a change of the states moves i by at most ‖U_i‖/4",
            (absolute(tangent(i)), "<=", norm(U_i) / 4),
            given=((absolute(tangent(h)), "<=", 1), (absolute(tangent(c)), "<=", 1)),
        ),
        Theorem(
            "a change of the states moves g by at most ‖U_g‖",
            (absolute(tangent(g)), "<=", norm(U_g)),
            given=((absolute(tangent(h)), "<=", 1), (absolute(tangent(c)), "<=", 1)),
        ),
        Theorem(
            "a change of the states moves o by at most ‖U_o‖/4",
            (absolute(tangent(o)), "<=", norm(U_o) / 4),
            given=((absolute(tangent(h)), "<=", 1), (absolute(tangent(c)), "<=", 1)),
        ),
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
        Theorem(
            "c never leaves max(|c_0|, 1) while f is at most F < 1",
            (absolute(c), "<=", maximum(absolute(constant("c_0", "n_h")), sp.S.One)),
            given=((f, "<=", constant("F", "n_h"), "<", 1),),
            invariant=True,
            holds=False,
        ),
        Theorem("h has the sign of the old c", (0, "<=", h_next * c), holds=False),
    )
