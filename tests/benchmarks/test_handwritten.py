"""The hand-written baseline computes what the generated code does, to rounding."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import handwritten
from equations.generated import gru, lstm

CASES = {
    "lstm": (lstm, handwritten.lstm, handwritten.lstm_vjp),
    "gru": (gru, handwritten.gru, handwritten.gru_vjp),
}
SIZES = [(5, 1, 3, 4), (7, 4, 6, 8), (3, 32, 16, 64)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CASES)
def test_it_agrees_with_the_generated_code(name: str, size: tuple[int, int, int, int]) -> None:
    module, forward, backward = CASES[name]
    T, B, n_x, n_h = size
    rng = np.random.default_rng(0)
    like = module.init(rng, n_x=n_x, n_h=n_h)
    params = module.Params(*(rng.normal(size=p.shape) / np.sqrt(p.shape[-1]) for p in like))
    xs = rng.normal(size=(T, B, n_x))
    state = module.State(*(rng.normal(size=(B, n_h)) for _ in module.State._fields))
    states, tape = module.unroll(params, xs, state)
    dh = rng.normal(size=(T, B, n_h))
    rest = [None] * (len(module.State._fields) - 1)
    expected = module.unroll_vjp(params, tape, module.State(dh, *rest))
    found, own_tape = forward(params, xs, state)
    gradients = backward(params, own_tape, dh)
    pairs = zip(_flat(found, *gradients), _flat(states, *expected), strict=True)
    for got, wanted in pairs:
        assert np.linalg.norm(got - wanted) <= 1e-12 * np.linalg.norm(wanted)


def _flat(*parts: object) -> list[np.ndarray]:
    """All arrays of named tuples and single arrays."""
    arrays: list[np.ndarray] = []
    for part in parts:
        arrays += list(part) if isinstance(part, tuple) else [np.asarray(part)]
    return arrays
