"""The simple recurrent network with a tanh."""

from equations.cell import Definition, Input, Parameter, State
from equations.language import tanh


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
