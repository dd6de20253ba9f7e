"""The simple recurrent network with a rectifier."""

from equations.boundary import Boundary, hvp, jacobian
from equations.definition import Definition, Input, Parameter, State
from equations.language import Contract, absolute, relu
from equations.theorem import Theorem, norm, tangent


class rnn_relu(Definition):
    """Simple recurrent network: one rectifier of input and previous state.

    Same as: torch.nn.RNN(nonlinearity="relu") with its two biases added, Haiku VanillaRNN.
    Differs from: rnn, whose tanh bounds the state; this one is not bounded.
    """

    source = "Q. V. Le, N. Jaitly, G. E. Hinton, 2015, arXiv:1504.00941"

    x = Input("n_x")
    h = State("n_h")
    W_h = Parameter("n_h", "n_x")
    U_h = Parameter("n_h", "n_h")
    b_h = Parameter("n_h")

    h_next = relu(W_h @ x + U_h @ h + b_h)

    boundaries = (
        Boundary(
            "the gradient passes through U_h in proportion to how much of a unit comes through",
            Contract("i,ij->ij", W_h @ x + U_h @ h + b_h, jacobian(h_next, h)),
            "=",
            Contract("i,ij->ij", h_next, U_h),
        ),
        Boundary("a rectifier has no curvature in its bias", hvp(b_h), "=", 0),
        Boundary(
            "the gradient shrinks by 1 - h² on its way through U_h",
            jacobian(h_next, h),
            "=",
            Contract("i,ij->ij", 1 - h_next**2, U_h),
            holds=False,
        ),
        Boundary("a rectifier has no curvature in its weights", hvp(W_h), "=", 0, holds=False),
    )

    theorems = (
        Theorem("the state never leaves [0, ∞)", (0, "<=", h), invariant=True),
        Theorem(
            "the state never leaves [0, 1] while ‖U_h‖ + |W_h x + b_h| is at most 1",
            (0, "<=", h, "<=", 1),
            given=((norm(U_h) + absolute(W_h @ x + b_h), "<=", 1),),
            invariant=True,
        ),
        Theorem(
            "the norm of the Jacobian is at most ‖U_h‖",
            (absolute(tangent(h_next)), "<=", norm(U_h)),
            given=((absolute(tangent(h)), "<=", 1),),
        ),
        Theorem(
            "a unit that is off lets no change of the state through",
            (tangent(h_next), "=", 0),
            given=((W_h @ x + U_h @ h + b_h, "<", 0), (absolute(tangent(h)), "<=", 1)),
        ),
        Theorem(
            "twice the state, the input and the bias are twice the new state",
            (relu(2 * (W_h @ x) + 2 * (U_h @ h) + 2 * b_h), "=", 2 * h_next),
        ),
        Theorem(
            "the state never leaves [0, 1]", (0, "<=", h, "<=", 1), invariant=True, holds=False
        ),
        Theorem(
            "with all parameters negated, the new state is the same but for its sign",
            (relu(-W_h @ x - U_h @ h - b_h), "=", -h_next),
            holds=False,
        ),
    )
