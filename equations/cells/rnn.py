"""The simple recurrent network with a tanh."""

from equations.boundary import Boundary, Saturation, gradient, hvp, jacobian, jvp
from equations.definition import Definition, Input, Parameter, State
from equations.language import Contract, absolute, tanh
from equations.theorem import Theorem, norm, slope, tangent


class rnn(Definition):
    """Simple recurrent network: one tanh of input and previous state.

    Same as: torch.nn.RNN with its two biases added, Keras SimpleRNN.
    Differs from: Elman's own network, whose units are logistic.
    """

    source = "J. L. Elman, Finding Structure in Time, Cognitive Science 14, 1990"

    x = Input("n_x")
    h = State("n_h")
    W_h = Parameter("n_h", "n_x")
    U_h = Parameter("n_h", "n_h")
    b_h = Parameter("n_h")

    h_next = tanh(W_h @ x + U_h @ h + b_h)

    boundaries = (
        Boundary("the state stays within (-1, 1)", absolute(h_next), "<", 1),
        Boundary(
            "the gradient shrinks by 1 - h² on its way through U_h",
            jacobian(h_next, h),
            "=",
            Contract("i,ij->ij", 1 - h_next**2, U_h),
        ),
        Boundary(
            "the curvature in the bias is that of tanh",
            hvp(b_h),
            "=",
            -2 * gradient(h_next) * h_next * jvp(h_next),
        ),
        Saturation("a saturated unit lets no gradient through, twice as fast as σ", h_next, rate=2),
        Boundary(
            "the gradient passes through U_h unchanged",
            jacobian(h_next, h),
            "=",
            U_h,
            holds=False,
        ),
        Saturation("a saturated tanh dies no faster than σ", h_next, rate=1, holds=False),
        Boundary(
            "the curvature in the bias is that of the logistic function",
            hvp(b_h),
            "=",
            gradient(h_next) * (1 - 2 * h_next) * jvp(h_next),
            holds=False,
        ),
    )

    theorems = (
        Theorem("the state never leaves [-1, 1]", (absolute(h), "<=", 1), invariant=True),
        Theorem("h has a slope of at most 1", (0, "<", slope(h_next), "<=", 1)),
        Theorem(
            "the norm of the Jacobian is at most ‖U_h‖",
            (absolute(tangent(h_next)), "<=", norm(U_h)),
            given=((absolute(tangent(h)), "<=", 1),),
        ),
        Theorem(
            "with all parameters negated, the new state is the same but for its sign",
            (tanh(-W_h @ x - U_h @ h - b_h), "=", -h_next),
        ),
        Theorem(
            "the norm of the Jacobian is at most ‖U_h‖/2",
            (absolute(tangent(h_next)), "<=", norm(U_h) / 2),
            given=((absolute(tangent(h)), "<=", 1),),
            holds=False,
        ),
        Theorem("the new state has the sign of the old one", (0, "<=", h_next * h), holds=False),
    )
