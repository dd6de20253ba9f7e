"""Cells of unusual structure go through generation and the routes like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from verify.suite import run_stage

HEAD = """
from equations.definition import Definition, Input, Output, Parameter, Shift, State
from equations.language import *


class odd(Definition):
"""

CELLS = {
    "scalars, with a product of components before the loop": """
    x = Input()
    h = State()
    w = u = Parameter()
    h_next = tanh(w * x + u * h)
""",
    "linear, with a Jacobian that is the same for every sample": """
    x = Input("n_x")
    h = State("n_h")
    A = Parameter("n_h", "n_h")
    C = Parameter("n_h", "n_x")
    h_next = A @ h + C @ x
""",
    "two states computed as one, and a value that both see": """
    x = Input("n_x")
    p = State("n_h")
    q = State("n_h")
    A_p = A_q = Parameter("n_h", "n_h")
    b_p = b_q = Parameter("n_h")
    W = Parameter("n_h", "n_x")
    v = W @ x
    p_next = tanh(A_p @ p + v + b_p)
    q_next = tanh(A_q @ q + v + b_q)
""",
    "a state that forgets, read by one that only adds": """
    x = Input("n_x")
    h = State("n_h")
    s = State("n_h")
    W = Parameter("n_h", "n_x")
    b = Parameter("n_h")
    h_next = tanh(W @ x + b)
    s_next = s + h
""",
    "scalars, kinks, a mean, two inputs, an output": """
    x = Input("n_x")
    z = Input("n_x")
    s = State()
    h = State("n_h")
    w = Parameter("n_x")
    b = Parameter()
    W = Parameter("n_h", "n_x")
    c = Parameter("n_h")
    g = sigmoid(dot(w, x) + b)
    s_next = g * s + (1 - g) * mean(h)
    k = relu(W @ x + c)
    h_next = scale(g, h) + scale(s_next, k) - where(h > 0, h, 2 * h) * maximum(c, k) + W @ z
    y = Output(total(h_next * h))
""",
    "a power of three halves in a derivative": """
    x = Input("n_x")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    U = Parameter("n_h", "n_h")
    b = Parameter("n_h")
    v = 1 + tanh(W @ x + U @ h + b) ** 2
    h_next = 1 / sqrt(v)
""",
    "a norm that every component is divided by": """
    x = Input("n_x")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    U = Parameter("n_h", "n_h")
    b = Parameter("n_h")
    n = sqrt(dot(h, h) + 1)
    h_next = scale(1 / n, tanh(W @ x + U @ h + b))
""",
    "a recurrent softmax, with a shift": """
    x = Input("n_x")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    U = Parameter("n_h", "n_h")
    b = Parameter("n_h")
    a = W @ x + U @ h + b
    m = Shift(largest(a))
    e = exp(a - broadcast(m, "n_h"))
    h_next = scale(1 / total(e), e)
""",
    "a derivative that reads the argument of its function": """
    x = Input("n_x")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    U = Parameter("n_h", "n_h")
    b = Parameter("n_h")
    h_next = log(1 + exp(W @ x + U @ h + b))
""",
    "values of parameters alone: a bound, a power, a matrix, a sum of products": """
    x = Input("n_x")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    U = A = Parameter("n_h", "n_h")
    b = Parameter("n_h")
    k = Parameter()
    v = exp(-b)
    M = A * U
    a = minimum(maximum(W @ x + M @ h - v * h, broadcast(-k, "n_h")), broadcast(k, "n_h"))
    h_next = tanh(a + b) * broadcast(k, "n_h") + 3 * (U @ A) @ h + v**2
""",
    "two gates, each with a value of parameters alone, and a sum of negative terms": """
    x = Input("n_x")
    h = State("n_h")
    s = State("n_h")
    W = V = Parameter("n_h", "n_x")
    U = A = Parameter("n_h", "n_h")
    b = c = Parameter("n_h")
    k = Parameter()
    v = exp(b)
    i = sigmoid(W @ x - U @ h + b) * v
    f = sigmoid(V @ x - A @ h + c) * exp(c)
    s_next = f * s + i
    h_next = -tanh(s_next) * broadcast(k, "n_h")
""",
    "lines between two ends": """
    x = Input("n_x")
    h = State("n_h")
    W = V = Parameter("n_h", "n_x")
    U = A = Parameter("n_h", "n_h")
    b = c = Parameter("n_h")
    u = hard_sigmoid(W @ x + U @ h + b)
    r = hard_sigmoid(A @ h + V @ x + c, -0.2, 0.4)
    h_next = u * h + (1 - u) * clip(2 * r * h + V @ x, -1, 1.5)
""",
    "a cotangent that is multiplied by two known values for one result": """
    x = Input("n_x")
    h = State("n_h")
    c = State("n_h")
    W = V = Parameter("n_h", "n_x")
    U = A = Parameter("n_h", "n_h")
    p = Parameter("n_h")
    f = sigmoid(W @ x - U @ h + p * c)
    g = sigmoid(V @ x + A @ h)
    h_next = (1 - f) * h + f * g + h * tanh(h)
    c_next = f * tanh(c) + f * c
""",
    "three states whose factors on the way back have one form": """
    x = Input("n_x")
    h = State("n_h")
    c = State("n_h")
    s = State("n_h")
    W = V = Parameter("n_h", "n_x")
    U = A = Parameter("n_h", "n_h")
    f = sigmoid(W @ x + U @ s)
    g = sigmoid(V @ x - A @ c)
    h_next = (1 - f) * h + g * f
    c_next = (1 - f) * g + g * c + f * h
    s_next = c * tanh(c) + (1 - g) * g + g * c
""",
    "a state and its square, each with a known factor": """
    x = Input("n_x")
    h = State("n_h")
    W = V = Parameter("n_h", "n_x")
    f = sigmoid(W @ x)
    g = sigmoid(V @ x)
    h_next = f * g * h - (1 - f) * g * h**2
""",
    "a kink that switches whole units off": """
    x = Input("n_x")
    h = State("n_h")
    W = Parameter("n_h", "n_x")
    U = Parameter("n_h", "n_h")
    b = Parameter("n_h")
    h_next = relu(W @ x + U @ h + b)
""",
}


@pytest.mark.parametrize("about", CELLS)
def test_an_odd_cell_is_derived_generated_and_right(tmp_path: Path, about: str) -> None:
    path = tmp_path / "odd.py"
    path.write_text(HEAD + CELLS[about], encoding="utf-8")
    for stage in ("code", "proof", "routes"):
        findings = list(run_stage(str(path), stage, quick=True, seed=0))
        assert findings
        assert [str(finding) for finding in findings if finding.failed] == []
