"""Linear attention with the delta rule: a matrix state."""

from equations.cell import Definition, Input, Output, Parameter, State
from equations.language import dot, outer, scale, sigmoid


class deltanet(Definition):
    """Delta rule: what the matrix memory holds under key k is moved to v by a step β.

    Same as: DeltaNet of flash-linear-attention without the normalisation of k and the scaling
    of q. Differs from: linear attention, which adds v kᵀ without removing what k held.
    """

    source = "I. Schlag et al., ICML 2021; S. Yang et al., NeurIPS 2024, arXiv:2406.06484"
    display = {"beta": r"\beta_t", "w_beta": r"w_\beta", "b_beta": r"b_\beta"}

    x = Input("n_x")
    S = State("n_v", "n_k")
    W_q = W_k = Parameter("n_k", "n_x")
    W_v = Parameter("n_v", "n_x")
    w_beta = Parameter("n_x")
    b_beta = Parameter()

    q = W_q @ x
    k = W_k @ x
    v = W_v @ x
    beta = sigmoid(dot(w_beta, x) + b_beta)
    e = v - S @ k
    S_next = S + scale(beta, outer(e, k))
    o = Output(S_next @ q)

    gates = {"beta": ("keeps the memory", "replaces what the memory holds under k")}
