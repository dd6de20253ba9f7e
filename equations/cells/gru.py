"""The gated recurrent unit, reset before the product."""

from equations.cell import Definition, Input, Parameter, State
from equations.language import sigmoid, tanh


class gru(Definition):
    """Gated recurrent unit: update gate Γ_u, relevance gate Γ_r applied before the product.

    Same as: Keras GRU(reset_after=False) and ONNX GRU(linear_before_reset=0) with Γ_u negated,
    Haiku GRU. Differs from: torch.nn.GRU, Keras's default and cuDNN, which apply Γ_r after it.
    """

    source = "K. Cho et al., Learning Phrase Representations, 2014, arXiv:1406.1078v3"
    display = {"u": r"\Gamma_u", "r": r"\Gamma_r", "h_cand": "h'_t"}

    x = Input("n_x")
    h = State("n_h")
    W_u = W_r = W_h = Parameter("n_h", "n_x")
    U_u = U_r = U_h = Parameter("n_h", "n_h")
    b_u = b_r = b_h = Parameter("n_h")

    u = sigmoid(W_u @ x + U_u @ h + b_u)
    r = sigmoid(W_r @ x + U_r @ h + b_r)
    h_cand = tanh(W_h @ x + U_h @ (r * h) + b_h)
    h_next = (1 - u) * h + u * h_cand

    gates = {
        "u": ("keeps the previous state", "replaces it by the candidate"),
        "r": ("makes the candidate memoryless", "lets the candidate see the whole state"),
    }
