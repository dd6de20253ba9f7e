"""Options of the ONNX operators that no cell has, by their specification, against ONNX Runtime.

The equations are written here once more, from the text of the operators, in arithmetic that
carries a bound on its rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from verify.arithmetic.running import Bounded
from verify.evidence.verdict import EPS
from verify.extras import MissingExtraError
from verify.frameworks.compare import ROUNDING
from verify.frameworks.expected import Compiled
from verify.frameworks.onnx import run_node

pytestmark = pytest.mark.filterwarnings("ignore")  # those of frameworks are for their users

T, B, N_X, N_H = 4, 3, 5, 3
LENGTHS = np.array([4, 1, 3], np.int32)
NUMBERS = Compiled()
UNIT = ROUNDING.value * float(np.finfo(np.float32).eps) / EPS
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
WAYS = {"forward": (1,), "reverse": (-1,), "bidirectional": (1, -1)}

Attributes = Mapping[str, Any]


def clipped(a: Bounded, low: float, high: float) -> Bounded:
    """Within two bounds."""
    a = NUMBERS.where(NUMBERS.compare("<", a, low), low, a)
    return NUMBERS.where(NUMBERS.compare(">", a, high), high, a)


def activation(name: str, a: Bounded) -> Bounded:
    """With the default slopes and offsets of the specification."""
    match name:
        case "Relu":
            return NUMBERS.where(NUMBERS.compare(">", a, 0.0), a, 0.0)
        case "HardSigmoid":
            return clipped(a * 0.2 + 0.5, 0.0, 1.0)
        case "LeakyRelu":
            return NUMBERS.where(NUMBERS.compare(">=", a, 0.0), a, a * 0.01)
    return NUMBERS.functions[name.lower()](a)


class Layer:
    """One direction of a node."""

    def __init__(self, kind: str, inputs: Mapping[str, Any], k: int, options: Attributes) -> None:
        """Cut the arrays of direction k into gates."""
        count = GATES[kind]
        self.kind, self.options = kind, options
        self.W, self.R = (
            [NUMBERS.lift(a) for a in np.split(inputs[name][k], count)] for name in "WR"
        )
        bias = [NUMBERS.lift(a) for a in np.split(inputs["B"][k], 2 * count)]
        self.b, self.c = bias[:count], bias[count:]
        self.P = [NUMBERS.lift(a) for a in np.split(inputs["P"][k], 3)] if "P" in inputs else None
        usual = ("Tanh",) if kind == "RNN" else ("Sigmoid", "Tanh", "Tanh")
        each = len(usual) if kind != "GRU" else 2
        chosen = options.get("activations")
        self.acts = usual if chosen is None else chosen[k * each : (k + 1) * each]

    def act(self, which: int, a: Bounded) -> Bounded:
        """An activation."""
        return activation(self.acts[which], a)

    def x(self, gate: int, x: Bounded) -> Bounded:
        """The input's part of a gate."""
        return NUMBERS.einsum("i,ji->j", x, self.W[gate]) + self.b[gate]

    def h(self, gate: int, h: Bounded) -> Bounded:
        """The state's part of a gate."""
        return NUMBERS.einsum("i,ji->j", h, self.R[gate]) + self.c[gate]

    def step(self, x: Bounded, state: Sequence[Bounded]) -> Sequence[Bounded]:
        """The new state."""
        h = state[0]
        if self.kind == "RNN":
            return (self.act(0, self.x(0, x) + self.h(0, h)),)
        if self.kind == "GRU":
            z, r = (self.act(0, self.x(k, x) + self.h(k, h)) for k in (0, 1))
            after = self.options.get("linear_before_reset", 0)
            reset = r * self.h(2, h) if after else self.h(2, r * h)
            n = self.act(1, self.x(2, x) + reset)
            return (n + z * (h + n * -1.0),)
        c = state[1]
        i, o, f, g = (self.x(k, x) + self.h(k, h) for k in range(4))
        if self.P is not None:
            i, f = i + self.P[0] * c, f + self.P[2] * c
        i = self.act(0, i)
        f = i * -1.0 + 1.0 if self.options.get("input_forget", 0) else self.act(0, f)
        c = f * c + i * self.act(1, g)
        o = self.act(0, o if self.P is None else o + self.P[1] * c)
        return o * activation(self.acts[2], c), c


CASES = [
    ("RNN", {"activations": ["Relu"]}),
    ("RNN", {"activations": ["LeakyRelu"]}),
    ("RNN", {"activations": ["Sigmoid"]}),
    ("GRU", {"activations": ["HardSigmoid", "Relu"], "linear_before_reset": 1}),
    ("GRU", {"activations": ["Sigmoid", "Sigmoid"]}),
    ("LSTM", {"activations": ["HardSigmoid", "Relu", "Tanh"]}),
    ("LSTM", {"input_forget": 1, "P": True}),
    ("LSTM", {"activations": ["Sigmoid", "Tanh", "Relu"], "P": True}),
]


def drawn(kind: str, directions: int, *, peepholes: bool) -> dict[str, Any]:
    """Random inputs of a node."""
    rng, rows = np.random.default_rng(0), GATES[kind] * N_H
    shapes = {
        "X": (T, B, N_X),
        "W": (directions, rows, N_X),
        "R": (directions, rows, N_H),
        "B": (directions, 2 * rows),
        "initial_h": (directions, B, N_H),
        **({"initial_c": (directions, B, N_H)} if kind == "LSTM" else {}),
        **({"P": (directions, 3 * N_H)} if peepholes else {}),
    }
    found = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return {**found, "sequence_lens": LENGTHS}


def disagreements(kind: str, options: Attributes, way: str, **changed: Any) -> list[str]:  # noqa: ANN401
    """Which results of the runtime are not those of the equations, whose options may be changed."""
    signs = WAYS[way]
    given = {key: value for key, value in options.items() if key != "P"}
    if "activations" in given:
        given["activations"] = given["activations"] * len(signs)
    inputs = drawn(kind, len(signs), peepholes="P" in options)
    names = ["Y", "Y_h", "Y_c"][: 3 if kind == "LSTM" else 2]
    try:
        got = run_node(kind, inputs, len(names), {**given, "direction": way, "hidden_size": N_H})
    except MissingExtraError as error:
        pytest.skip(str(error))
    values = {name: np.zeros(array.shape) for name, array in zip(names, got, strict=True)}
    errors = {name: np.zeros(array.shape) for name, array in zip(names, got, strict=True)}
    for k, sign in enumerate(signs):
        layer = Layer(kind, inputs, k, {**given, **changed})
        for b, length in enumerate(LENGTHS):
            initial = [n for n in ("initial_h", "initial_c") if n in inputs]
            state: Sequence[Bounded] = [NUMBERS.lift(inputs[name][k, b]) for name in initial]
            for t in range(length)[::sign]:
                state = layer.step(NUMBERS.lift(inputs["X"][t, b]), state)
                values["Y"][t, k, b], errors["Y"][t, k, b] = state[0].value, state[0].error
            for name, own in zip(names[1:], state, strict=True):
                values[name][k, b], errors[name][k, b] = own.value, own.error
    return [
        name
        for name, array in zip(names, got, strict=True)
        if not np.all(np.abs(array - values[name]) <= UNIT * errors[name])
    ]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("kind", "options"), CASES, ids=str)
def test_the_runtime_follows_the_equations(kind: str, options: Attributes, way: str) -> None:
    """Over lengths, with random arrays and states."""
    assert disagreements(kind, options, way) == []


@pytest.mark.parametrize(
    ("kind", "options", "changed"),
    [
        ("GRU", {"linear_before_reset": 1}, {"linear_before_reset": 0}),
        ("LSTM", {"input_forget": 1}, {"input_forget": 0}),
        ("LSTM", {"activations": ["HardSigmoid", "Tanh", "Tanh"]}, {"activations": None}),
    ],
    ids=str,
)
def test_an_option_that_is_missed_is_seen(
    kind: str, options: Attributes, changed: Attributes
) -> None:
    assert disagreements(kind, options, "forward", **changed)
