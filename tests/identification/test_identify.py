"""What a function is, is found by running it: its gates, its biases, and what it gets wrong."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verify
from verify.cli import run
from verify.dialects.layout import DialectError

N_X, N_H = 5, 4
Array = np.ndarray[Any, Any]


def sigmoid(a: Array) -> Array:
    """The logistic function."""
    return np.asarray(1 / (1 + np.exp(-a)))


def weights(seed: int = 0, **shapes: tuple[int, ...]) -> dict[str, Array]:
    """Random arrays."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


GRU_SHAPES = {"A": (N_X, 3 * N_H), "R": (N_H, 3 * N_H), "d": (3 * N_H,)}
LSTM_SHAPES = {"W": (4 * N_H, N_X), "U": (4 * N_H, N_H), "b": (4 * N_H,)}


def shuffled(x: Array, h: Array, *, A: Array, R: Array, d: Array) -> Array:
    """A GRU with gates in the order candidate, update, reset, as no framework has it."""
    a_h, a_u, a_r = np.split(x @ A + d, 3, axis=-1)
    R_h, R_u, R_r = np.split(R, 3, axis=-1)
    u, r = sigmoid(a_u + h @ R_u), sigmoid(a_r + h @ R_r)
    return np.asarray((1 - u) * h + u * np.tanh(a_h + (r * h) @ R_h))


def late_forget_bias(
    x: Array, h: Array, c: Array, *, W: Array, U: Array, b: Array
) -> tuple[Array, Array]:
    """An LSTM that adds 1 to its forget gate when it runs."""
    i, f, g, o = np.split(x @ W.T + h @ U.T + b, 4, axis=-1)
    c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def no_tanh(x: Array, h: Array, c: Array, *, W: Array, U: Array, b: Array) -> tuple[Array, Array]:
    """An LSTM of one sample with h = o c."""
    i, f, g, o = np.split(W @ x + U @ h + b, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * c, c


def keras_like(x: Array, h: Array, *, kernel: Array, recurrent_kernel: Array, bias: Array) -> Array:
    """A GRU with the reset before the product, as Keras stores it."""
    a_u, a_r, a_h = np.split(x @ kernel + bias, 3, axis=-1)
    R_u, R_r, R_h = np.split(recurrent_kernel, 3, axis=-1)
    u, r = sigmoid(a_u + h @ R_u), sigmoid(a_r + h @ R_r)
    return np.asarray(u * h + (1 - u) * np.tanh(a_h + (r * h) @ R_h))


def test_a_bound_that_only_large_states_reach_is_seen() -> None:
    """A clip of the cell state at 20, and where it shows."""

    def step(x: Array, h: Array, c: Array, *, W: Array, U: Array, b: Array) -> tuple[Array, Array]:
        i, f, g, o = np.split(x @ W.T + h @ U.T + b, 4, axis=-1)
        c = np.clip(sigmoid(f) * c + sigmoid(i) * np.tanh(g), -8, 8)
        return sigmoid(o) * np.tanh(c), c

    found = verify.identify(step, weights(**LSTM_SHAPES))
    assert not found.exact
    assert found.nearest is not None
    assert found.nearest.equation == "c_t = f_t ∘ c_{t-1} + i_t ∘ g_t"
    assert found.nearest.one is not None


def test_gates_in_an_order_of_their_own() -> None:
    """The cell and the map are found, though no record has them."""
    found = verify.identify(shuffled, weights(**GRU_SHAPES))
    assert found.exact
    assert found.dialect is None
    assert found.cell == verify.dialects["haiku.GRU"].cell
    orders = ["[W_hᵀ W_uᵀ W_rᵀ]", "[U_hᵀ U_uᵀ U_rᵀ]", "[b_h; b_u; b_r]"]
    assert list(found.arrays.values()) == orders
    given = weights(**GRU_SHAPES)
    module = importlib.import_module(f"equations.generated.{found.cell}")
    x, h = np.ones((2, N_X)), np.full((2, N_H), 0.3)
    own = module.step(found.params, x, module.State(h))[0].h
    np.testing.assert_allclose(own, shuffled(x, h, **given), rtol=1e-12)


def fused(x: Array, h: Array, c: Array, *, W: Array, b: Array) -> tuple[Array, Array]:
    """An LSTM with one matrix for the state and the input, in this order."""
    f, i, o, g = np.split(np.concatenate([h, x], axis=-1) @ W.T + b, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def fused_wrong(x: Array, h: Array, c: Array, *, W: Array, b: Array) -> tuple[Array, Array]:
    """The same without the last tanh."""
    _, c = fused(x, h, c, W=W, b=b)
    *_, o, _ = np.split(np.concatenate([h, x], axis=-1) @ W.T + b, 4, axis=-1)
    return sigmoid(o) * c, c


def test_the_state_before_the_input_in_one_matrix() -> None:
    """As tutorials write it, and no framework; and where such a cell is wrong it is said where."""
    given = weights(W=(4 * N_H, N_H + N_X), b=(4 * N_H,))
    found = verify.identify(fused, given)
    assert (found.dialect, found.cell) == (None, "lstm")
    assert "W = [U_f W_f; U_i W_i; U_o W_o; U_g W_g]" in str(found)
    assert np.array_equal(found.params.U_i, given["W"][N_H : 2 * N_H, :N_H])
    wrong = verify.identify(fused_wrong, given)
    assert not wrong.exact
    assert wrong.nearest is not None


def test_a_forget_bias_that_is_added_at_run_time() -> None:
    """It is part of the layout, and of the parameters."""
    given = weights(**LSTM_SHAPES)
    found = verify.identify(late_forget_bias, given)
    assert found.exact
    assert found.record is not None
    assert found.record.added == {"b_f": 1.0}
    np.testing.assert_array_equal(found.params.b_f, given["b"][N_H : 2 * N_H] + 1)


def test_a_wrong_equation_is_shown_at_small_integers() -> None:
    """The nearest is an LSTM, and the equation of h is where they differ."""
    found = verify.identify(no_tanh, weights(**LSTM_SHAPES))
    assert found.dialect is None
    assert not found.exact
    assert found.params is None
    near = found.nearest
    assert near is not None
    assert near.record.cell == verify.dialects["torch.LSTM"].cell
    assert near.equation == "h_t = o_t ∘ tanh(c_t)"
    assert near.record.arrays["W"] == "[W_i; W_f; W_g; W_o]"
    full: dict[str, Array] = {k: np.zeros(shape) for k, shape in LSTM_SHAPES.items()}
    full |= {"x": np.zeros(N_X), "h": np.zeros(N_H), "c": np.zeros(N_H)}
    full |= near.given
    assert all(np.array_equal(value, np.round(value)) for value in near.given.values())
    one = no_tanh(full["x"], full["h"], full["c"], W=full["W"], U=full["U"], b=full["b"])[0]
    assert near.one is not None
    assert near.other is not None
    np.testing.assert_allclose(near.one, one, atol=1e-12)
    assert np.max(np.abs(near.one - near.other)) >= 0.01
    assert "no dialect matches" in str(found)


def test_what_no_input_can_tell_apart_is_said() -> None:
    """With a diagonal U_h the side of the reset cannot be seen; other weights decide it."""
    shapes = {"kernel": (N_X, 3 * N_H), "recurrent_kernel": (N_H, 3 * N_H), "bias": (3 * N_H,)}
    given = weights(**shapes)
    found = verify.identify(keras_like, given)
    assert found.dialect == "keras.GRU[reset_after=False]"
    assert found.rivals == ()
    given["recurrent_kernel"][:, 2 * N_H :] = np.diag([0.5, -1.0, 2.0, 1.5])
    found = verify.identify(keras_like, given)
    assert found.dialect == "keras.GRU[reset_after=False]"
    assert verify.dialects["keras.GRU"].cell in " ".join(found.rivals)


def test_one_array_for_each_gate() -> None:
    """Names say nothing here: each array is found by what it does."""
    names = ("k", "l", "m")

    def step(x: Array, h: Array, **w: Array) -> Array:
        u = sigmoid(w["Wk"] @ x + w["Uk"] @ h + w["bk"])
        r = sigmoid(w["Wl"] @ x + w["Ul"] @ h + w["bl"])
        c = np.tanh(w["Wm"] @ x + r * (w["Um"] @ h) + w["bm"])
        return np.asarray(u * h + (1 - u) * c)

    shapes = {f"W{k}": (N_X, N_X) for k in names} | {f"U{k}": (N_X, N_X) for k in names}
    found = verify.identify(step, weights(**shapes, **{f"b{k}": (N_X,) for k in names}))
    assert found.exact
    assert found.arrays["Wk"] == "W_u"
    assert found.arrays["Ul"] == "U_r"
    assert found.arrays["Um"] == "U_h"


def test_a_sequence_at_once() -> None:
    """The states of all steps come back, and the last is what counts."""

    def unroll(xs: Array, h: Array, *, A: Array, R: Array, d: Array) -> Array:
        states = []
        for x in xs:
            h = shuffled(x, h, A=A, R=R, d=d)
            states.append(h)
        return np.stack(states)

    found = verify.identify(unroll, weights(**GRU_SHAPES))
    assert found.arrays["A"] == "[W_hᵀ W_uᵀ W_rᵀ]"


def drifting(x: Array, h: Array, *, A: Array, R: Array, d: Array) -> Array:
    """A GRU that is off by less than what is searched by, and more than rounding."""
    return shuffled(x, h, A=A, R=R, d=d) + 1e-9


def test_a_weight_of_the_wrong_shape_is_named_with_what_would_fit() -> None:
    """Of a function whose arrays have no known names."""

    def step(x: Array, h: Array, *, W: Array, U: Array, b: Array) -> Array:
        return np.asarray(np.tanh(x @ W + h @ U + b))

    given = weights(W=(7, 5), U=(N_H, N_H), b=(N_H,))
    with pytest.raises(DialectError, match=r"W of shape \(n_h, n_x\) with n_h = 4 would fit .*rnn"):
        verify.identify(step, given)


def test_what_is_off_by_more_than_rounding_is_no_match() -> None:
    """The bound is that of rounding and not a tolerance."""
    found = verify.identify(drifting, weights(**GRU_SHAPES))
    assert not found.exact


REFUSED: list[tuple[Callable[..., Any] | str, dict[str, Any] | None, str]] = [
    (shuffled, None, "has no weights"),
    (shuffled, {"V": np.zeros((2, 2))}, "has no argument V"),
    (shuffled, weights(A=(5, 12), R=(4, 12), d=(7,)), "no lengths"),
    ("nowhere:step", None, "cannot be imported"),
    ("missing.onnx", None, "no such file"),
    ("json:nothing", None, "has no nothing"),
    ("nothing", None, "expected module:attribute"),
]


@pytest.mark.parametrize(("target", "given", "words"), REFUSED)
def test_what_cannot_be_run_is_one_line(
    target: Any,  # noqa: ANN401
    given: dict[str, Any] | None,
    words: str,
) -> None:
    """And says what was expected."""
    with pytest.raises(DialectError, match=words):
        verify.identify(target, given)


def test_a_file_with_a_function(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the command line, with its weights in a file beside it."""
    (tmp_path / "cell.py").write_text(
        "import numpy as np\ndef step(x, h, W, U, b):\n    return np.tanh(x @ W + h @ U + b)\n"
    )
    np.savez(tmp_path / "w.npz", **weights(W=(N_X, N_H), U=(N_H, N_H), b=(N_H,)))
    target = f"{tmp_path}/cell.py:step"
    assert run(["identify", target, "--weights", str(tmp_path / "w.npz")]) == 0
    out = capsys.readouterr().out
    assert "the cell rnn" in out
    assert "W = W_hᵀ" in out
    assert run(["identify", target]) == 2
    assert "has no weights" in capsys.readouterr().err
