"""The minimal GRU without a recurrent matrix."""

from equations.cell import Definition, Input, Parameter, State
from equations.language import sigmoid


class mingru(Definition):
    """Minimal gated recurrent unit: gate and candidate see the input alone.

    Same as: minGRU of the paper in its plain (not log-space) form.
    Differs from: gru in having no recurrent matrix, no relevance gate and a linear candidate.
    """

    source = "L. Feng et al., Were RNNs All We Needed?, 2024, arXiv:2410.01201"
    display = {"h_cand": "h'_t"}

    x = Input("n_x")
    h = State("n_h")
    W_z = W_h = Parameter("n_h", "n_x")
    b_z = b_h = Parameter("n_h")

    z = sigmoid(W_z @ x + b_z)
    h_cand = W_h @ x + b_h
    h_next = (1 - z) * h + z * h_cand

    gates = {"z": ("keeps the previous state", "replaces it by the candidate")}
