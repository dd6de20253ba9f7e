"""Linear attention with the delta rule: a matrix state."""

import sympy as sp

from equations.boundary import Boundary, Saturation, gradient, hvp, jacobian, jvp
from equations.definition import Definition, Input, Output, Parameter, State
from equations.language import Contract, Identity, dot, maximum, minimum, outer, scale, sigmoid
from equations.theorem import Theorem, slope


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

    boundaries = (
        Boundary("β = 0 keeps the memory", S_next, "=", S, at={beta: 0}, steps=1000),
        Boundary(
            "β = 0 passes the gradient through unchanged",
            jacobian(S_next, S),
            "=",
            Contract("ik,jl->ijkl", Identity("n_v"), Identity("n_k")),
            at={beta: 0},
            steps=1000,
        ),
        Boundary("β = 0 hands the gradient on", gradient(S), "=", gradient(S_next), at={beta: 0}),
        Boundary("β = 0 sends no gradient into W_v", gradient(W_v), "=", 0, at={beta: 0}),
        Boundary(
            "β = 1 stores v under a key of length 1",
            S_next @ k,
            "=",
            v,
            at={beta: 1},
            given=((dot(k, k), 1),),
        ),
        Boundary(
            "β = 1 cuts what was stored under a key of length 1",
            Contract("ijkl,j->ikl", jacobian(S_next, S), k),
            "=",
            0,
            at={beta: 1},
            given=((dot(k, k), 1),),
        ),
        Boundary("β = 0 leaves no curvature in W_v", hvp(W_v), "=", 0, at={beta: 0}),
        Boundary(
            "β = 0 leaves the curvature of a product in S",
            hvp(S),
            "=",
            outer(gradient(o), jvp(q)),
            at={beta: 0},
        ),
        Boundary("β = 1 leaves no curvature in its own weights", hvp(w_beta), "=", 0, at={beta: 1}),
        Saturation("a saturated β lets no gradient into its own weights", beta),
        Boundary("β = 1 stores v under any key", S_next @ k, "=", v, at={beta: 1}, holds=False),
        Boundary(
            "β = 1 forgets everything", jacobian(S_next, S), "=", 0, at={beta: 1}, holds=False
        ),
        Boundary("β = 1 leaves no curvature in W_v", hvp(W_v), "=", 0, at={beta: 1}, holds=False),
    )

    theorems = (
        Theorem("β has a slope of at most 1/4", (0, "<", slope(beta), "<=", sp.Rational(1, 4))),
        Theorem(
            "under a key of length 1 the memory moves from what it holds to v by β",
            (S_next @ k, "=", scale(1 - beta, S @ k) + scale(beta, v)),
            given=((dot(k, k), "=", 1),),
        ),
        Theorem(
            "under a key of length 1 the memory holds something between what it held and v",
            (minimum(S @ k, v), "<=", S_next @ k, "<=", maximum(S @ k, v)),
            given=((dot(k, k), "=", 1),),
        ),
        Theorem(
            "under any key the memory moves from what it holds to v by β",
            (S_next @ k, "=", scale(1 - beta, S @ k) + scale(beta, v)),
            holds=False,
        ),
    )
