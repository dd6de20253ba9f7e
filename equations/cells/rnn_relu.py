"""The simple recurrent network with a rectifier."""

from equations.boundary import Boundary, jacobian
from equations.definition import Definition, Input, Parameter, State
from equations.language import Contract, relu


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
        Boundary(
            "the gradient shrinks by 1 - h² on its way through U_h",
            jacobian(h_next, h),
            "=",
            Contract("i,ij->ij", 1 - h_next**2, U_h),
            holds=False,
        ),
    )
