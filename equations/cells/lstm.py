"""The long short-term memory with a forget gate."""

from equations.cell import Definition, Input, Parameter, State
from equations.language import sigmoid, tanh


class lstm(Definition):
    """Long short-term memory: forget gate f, input gate i, output gate o, candidate g.

    Same as: torch.nn.LSTM with its two biases added, Keras LSTM.
    Differs from: the LSTM of 1997, which has no forget gate; see also lstm_peephole.
    """

    source = "F. A. Gers, J. Schmidhuber, F. Cummins, Learning to Forget, Neural Computation 12, 2000"

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
