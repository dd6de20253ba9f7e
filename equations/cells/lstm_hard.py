"""The LSTM whose gates are hard sigmoids."""

import sympy as sp

from equations.boundary import Boundary, Saturation, gradient, jacobian
from equations.definition import Definition, Input, Parameter, State
from equations.language import Contract, Identity, hard_sigmoid, tanh

SLOPE = sp.Rational(1, 5)


class lstm_hard(Definition):
    """LSTM with gates that are straight lines between 0 and 1: clip(a/5 + 1/2, 0, 1).

    Same as: Keras 2 LSTM(recurrent_activation="hard_sigmoid"), the default of its first version;
    that of Keras 3, of slope 1/6, with the weights of the gates times 5/6.
    Differs from: lstm, whose gates reach 0 and 1 only in the limit.
    """

    source = "F. A. Gers, J. Schmidhuber, F. Cummins, 2000, with the gates of Theano and Keras"

    x = Input("n_x")
    h = State("n_h")
    c = State("n_h")
    W_f = W_i = W_o = W_g = Parameter("n_h", "n_x")
    U_f = U_i = U_o = U_g = Parameter("n_h", "n_h")
    b_f = b_i = b_o = b_g = Parameter("n_h")

    z_f = W_f @ x + U_f @ h + b_f
    z_i = W_i @ x + U_i @ h + b_i
    z_o = W_o @ x + U_o @ h + b_o
    f = hard_sigmoid(z_f, SLOPE)
    i = hard_sigmoid(z_i, SLOPE)
    o = hard_sigmoid(z_o, SLOPE)
    g = tanh(W_g @ x + U_g @ h + b_g)
    c_next = f * c + i * g
    h_next = o * tanh(c_next)

    gates = {
        "f": ("forgets the cell state", "carries the cell state unchanged"),
        "i": ("writes nothing", "writes the whole candidate"),
        "o": ("hides the cell state", "shows the whole cell state"),
    }

    boundaries = (
        Boundary(
            "f alone carries c",
            jacobian(c_next, c),
            "=",
            Contract("i,ij->ij", f, Identity("n_h")),
        ),
        Boundary("f alone carries the gradient of c", gradient(c), "=", f * gradient(c_next)),
        Saturation("a saturated g lets no gradient through, twice as fast as σ", g, rate=2),
        Boundary(
            "c is always carried unchanged",
            jacobian(c_next, c),
            "=",
            Identity("n_h"),
            holds=False,
        ),
    )
