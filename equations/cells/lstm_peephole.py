"""The LSTM whose gates see the cell state."""

from equations.cell import Definition, Input, Parameter, State
from equations.language import sigmoid, tanh


class lstm_peephole(Definition):
    """LSTM with diagonal peepholes: f and i see the old cell state, o sees the new one.

    Same as: ONNX LSTM with P, TensorFlow 1 LSTMCell(use_peepholes=True) without its run-time
    forget bias. Differs from: lstm in the three peephole terms.
    """

    source = "F. A. Gers, N. N. Schraudolph, J. Schmidhuber, JMLR 3, 2002; A. Graves, arXiv:1308.0850"

    x = Input("n_x")
    h = State("n_h")
    c = State("n_h")
    W_f = W_i = W_o = W_g = Parameter("n_h", "n_x")
    U_f = U_i = U_o = U_g = Parameter("n_h", "n_h")
    p_f = p_i = p_o = Parameter("n_h")
    b_f = b_i = b_o = b_g = Parameter("n_h")

    f = sigmoid(W_f @ x + U_f @ h + p_f * c + b_f)
    i = sigmoid(W_i @ x + U_i @ h + p_i * c + b_i)
    g = tanh(W_g @ x + U_g @ h + b_g)
    c_next = f * c + i * g
    o = sigmoid(W_o @ x + U_o @ h + p_o * c_next + b_o)
    h_next = o * tanh(c_next)

    gates = {
        "f": ("forgets the cell state", "carries the cell state unchanged"),
        "i": ("writes nothing", "writes the whole candidate"),
        "o": ("hides the cell state", "shows the whole cell state"),
    }
