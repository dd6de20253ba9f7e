"""The simple recurrent network with logistic units."""

import sympy as sp

from equations.boundary import Boundary, Saturation, gradient, hvp, jacobian, jvp
from equations.definition import Definition, Input, Parameter, State
from equations.language import Contract, absolute, sigmoid
from equations.theorem import Theorem, norm, slope, tangent


class rnn_logistic(Definition):
    """Simple recurrent network: one logistic function of input and previous state.

    Same as: CNTK RNNUnit with its default activation; the units of Elman's own network.
    Differs from: rnn in the function.
    """

    source = "J. L. Elman, Finding Structure in Time, Cognitive Science 14, 1990"

    x = Input("n_x")
    h = State("n_h")
    W_h = Parameter("n_h", "n_x")
    U_h = Parameter("n_h", "n_h")
    b_h = Parameter("n_h")

    h_next = sigmoid(W_h @ x + U_h @ h + b_h)

    boundaries = (
        Boundary("the state is positive", -h_next, "<", 0),
        Boundary("the state stays below 1", absolute(h_next), "<", 1),
        Boundary(
            "the gradient shrinks by h (1 - h) on its way through U_h",
            jacobian(h_next, h),
            "=",
            Contract("i,ij->ij", h_next * (1 - h_next), U_h),
        ),
        Boundary(
            "the curvature in the bias is that of the logistic function",
            hvp(b_h),
            "=",
            gradient(h_next) * (1 - 2 * h_next) * jvp(h_next),
        ),
        Saturation("a saturated unit lets no gradient through", h_next),
        Boundary(
            "the gradient shrinks by 1 - h² on its way through U_h",
            jacobian(h_next, h),
            "=",
            Contract("i,ij->ij", 1 - h_next**2, U_h),
            holds=False,
        ),
        Boundary(
            "the curvature in the bias is that of tanh",
            hvp(b_h),
            "=",
            -2 * gradient(h_next) * h_next * jvp(h_next),
            holds=False,
        ),
    )

    theorems = (
        Theorem("the state never leaves [0, 1]", (0, "<=", h, "<=", 1), invariant=True),
        Theorem("h has a slope of at most 1/4", (0, "<", slope(h_next), "<=", sp.Rational(1, 4))),
        Theorem(
            "the norm of the Jacobian is at most ‖U_h‖/4",
            (absolute(tangent(h_next)), "<=", norm(U_h) / 4),
            given=((absolute(tangent(h)), "<=", 1),),
        ),
        Theorem(
            "with all parameters negated, the new state is 1 minus what it was",
            (sigmoid(-W_h @ x - U_h @ h - b_h), "=", 1 - h_next),
        ),
        Theorem(
            "the norm of the Jacobian is at most ‖U_h‖/8",
            (absolute(tangent(h_next)), "<=", norm(U_h) / 8),
            given=((absolute(tangent(h)), "<=", 1),),
            holds=False,
        ),
        Theorem(
            "with all parameters negated, the new state is the same but for its sign",
            (sigmoid(-W_h @ x - U_h @ h - b_h), "=", -h_next),
            holds=False,
        ),
    )
