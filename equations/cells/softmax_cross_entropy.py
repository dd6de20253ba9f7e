"""The output and the cost on top of any cell: softmax and cross entropy."""

import sympy as sp

from equations.definition import Definition, Input, Output, Parameter, Shift
from equations.language import Size, broadcast, dot, exp, largest, log, scale, total
from equations.theorem import Theorem


class softmax_cross_entropy(Definition):
    """Softmax of an affine map of the state, and the cross entropy averaged over T steps.

    The cost of a sequence is the sum of its steps' costs: the average over time is inside, the
    average over the batch is the caller's. The target y is one-hot, or any distribution.
    Same as: torch.nn.functional.cross_entropy of the logits, divided by T.
    """

    source = "I. Goodfellow, Y. Bengio, A. Courville, Deep Learning, 2016, sections 6.2.2 and 10.2"
    display = {
        "y_hat": r"\hat y_t",
        "cost": r"J_t",
        "log_y_hat": r"\log \hat y_t",
    }
    loss = "cost"

    h = Input("n_h")
    y = Input("n_y")
    W_y = Parameter("n_y", "n_h")
    b_y = Parameter("n_y")

    a = W_y @ h + b_y
    m = Shift(largest(a))
    z = a - broadcast(m, "n_y")
    e = exp(z)
    s = total(e)
    y_hat = Output(scale(1 / s, e))
    log_y_hat = z - broadcast(log(s), "n_y")
    cost = Output(-dot(y, log_y_hat) / Size("T"))

    facts = ((total(y), 1),)

    theorems = (
        Theorem("every probability is positive and at most 1", (0, "<", y_hat, "<=", 1)),
        Theorem("the probabilities add up to 1", (total(y_hat), "=", 1)),
        Theorem("no probability is over 1/2", (y_hat, "<=", sp.S.Half), holds=False),
    )
