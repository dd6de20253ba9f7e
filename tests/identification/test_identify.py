"""What a target is, is found by running it: frameworks, ONNX nodes and functions of one's own."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verify
from verify.cli import run
from verify.dialects import onnx_nodes
from verify.dialects.layout import DialectError
from verify.frameworks import subjects
from verify.identification.verdict import identify_each

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


TORCH: list[tuple[str, dict[str, Any], str]] = [
    ("GRU", {}, "torch.GRU"),
    ("GRU", {"bias": False}, "torch.GRU"),
    ("GRU", {"num_layers": 2, "bidirectional": True}, "torch.GRU"),
    ("GRUCell", {}, "torch.GRUCell"),
    ("LSTM", {}, "torch.LSTM"),
    ("LSTM", {"proj_size": 2}, "torch.LSTM[proj_size=n_p]"),
    ("LSTMCell", {}, "torch.LSTMCell"),
    ("RNN", {}, "torch.RNN"),
    ("RNN", {"nonlinearity": "relu"}, "torch.RNN[nonlinearity=relu]"),
    ("RNNCell", {}, "torch.RNNCell"),
    ("RNNCell", {"nonlinearity": "relu"}, "torch.RNNCell[nonlinearity=relu]"),
]


@pytest.mark.parametrize(("kind", "options", "name"), TORCH)
def test_modules_of_torch(kind: str, options: dict[str, Any], name: str) -> None:
    """The record is named, and its parameters are those of the module's own weights."""
    torch = pytest.importorskip("torch", reason='needs pip install "gateproof[torch]"')
    module = getattr(torch.nn, kind)(N_X, N_H, **options)
    found = verify.identify(module)
    assert found.dialect == name
    assert found.exact
    arrays = {k: v.detach().numpy() for k, v in module.state_dict().items()}
    expected = verify.dialects[name].unpack(arrays)
    assert all(map(np.array_equal, found.params, expected))
    assert len(found.places) == options.get("num_layers", 1) * (1 + ("bidirectional" in options))


def test_a_module_of_ones_own_is_run_by_its_parameters() -> None:
    """Reset before the product, in torch's layout, which torch itself does not have."""
    torch = pytest.importorskip("torch", reason='needs pip install "gateproof[torch]"')

    class Own(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Linear(N_X, 3 * N_H)
            self.outer = torch.nn.Linear(N_H, 3 * N_H, bias=False)

        def forward(self, x: Any, h: Any) -> Any:  # noqa: ANN401
            r, u, c = self.inner(x).chunk(3, -1)
            R, Z, C = self.outer.weight.chunk(3)
            r, u = torch.sigmoid(r + h @ R.T), torch.sigmoid(u + h @ Z.T)
            return u * h + (1 - u) * torch.tanh(c + (r * h) @ C.T)

    found = verify.identify(Own())
    assert found.exact
    assert found.dialect is None
    assert found.cell == verify.dialects["onnx.GRU"].cell
    assert found.arrays["inner.weight"] == "[W_r; W_u; W_h]"


KERAS: list[tuple[str, dict[str, Any], str | None]] = [
    ("GRU", {}, "keras.GRU"),
    ("GRU", {"reset_after": False}, "keras.GRU[reset_after=False]"),
    ("LSTM", {}, "keras.LSTM"),
    (
        "LSTM",
        {"recurrent_activation": "hard_sigmoid"},
        "keras.LSTM[recurrent_activation=hard_sigmoid]",
    ),
    ("SimpleRNN", {}, "keras.SimpleRNN"),
]


@pytest.mark.parametrize(("kind", "options", "name"), KERAS)
def test_layers_of_keras(kind: str, options: dict[str, Any], name: str) -> None:
    """Though their biases are zero, so that their own weights would not tell."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras", reason='needs pip install "gateproof[keras]"')
    layer = getattr(keras.layers, kind)(N_H, **options)
    layer.build((None, None, N_X))
    assert verify.identify(layer).dialect == name


def test_a_layer_of_keras_on_torch_is_a_layer_of_keras() -> None:
    """Though it is a module of torch too."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    pytest.importorskip("keras", reason='needs pip install "gateproof[keras]"')
    pytest.importorskip("torch", reason='needs pip install "gateproof[torch]"')
    text = (
        "import keras, verify\n"
        f"layer = keras.layers.GRU({N_H})\n"
        f"layer.build((None, None, {N_X}))\n"
        "print(verify.identify(layer).dialect)"
    )
    done = subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split()[-1:] == ["keras.GRU"], done.stderr


FLAX_CELLS = [
    *(("nnx", kind, False) for kind in ("SimpleCell", "GRUCell", "LSTMCell", "OptimizedLSTMCell")),
    *(("linen", kind, False) for kind in ("SimpleCell", "GRUCell", "MGUCell", "LSTMCell")),
    *((interface, "GRUCell", True) for interface in ("nnx", "linen")),
]


@pytest.mark.parametrize(("interface", "kind", "wrapped"), FLAX_CELLS)
def test_cells_of_flax(interface: str, kind: str, *, wrapped: bool) -> None:
    """By themselves and in a layer over a sequence, with the parameters that they hold."""
    jax = pytest.importorskip("jax", reason='needs pip install "gateproof[jax]"')
    flax = importlib.import_module(f"flax.{interface}")
    make = getattr(flax, kind)
    zeros = jax.nn.initializers.zeros  # orthogonal matrices take seconds
    if interface == "nnx":
        cell = make(N_X, N_H, recurrent_kernel_init=zeros, rngs=flax.Rngs(0))
        found = verify.identify(flax.RNN(cell) if wrapped else cell)
    else:
        cell = make(features=N_H, recurrent_kernel_init=zeros)
        module = flax.RNN(cell) if wrapped else cell
        xs = np.zeros((2, 3, N_X), np.float32)
        carry = () if wrapped else (cell.initialize_carry(jax.random.key(0), xs[0].shape),)
        variables = module.init(jax.random.key(0), *carry, xs if wrapped else xs[0])
        found = verify.identify(*((module.bind(variables),) if wrapped else (module, variables)))
    assert found.dialect == f"flax.{interface}.{kind}"
    assert found.exact
    assert found.params is not None
    assert {parameter.shape[-1] for parameter in found.params} == {N_X, N_H}


def test_a_cell_of_flax_with_a_residual_is_no_simple_recurrent_network() -> None:
    """And one of linen that holds no weights says how to give them."""
    jax = pytest.importorskip("jax", reason='needs pip install "gateproof[jax]"')
    linen = importlib.import_module("flax.linen")
    x, h = np.zeros((2, N_X), np.float32), np.zeros((2, N_H), np.float32)
    cell = linen.SimpleCell(features=N_H, residual=True)
    assert not verify.identify(cell, cell.init(jax.random.key(0), h, x)).exact
    with pytest.raises(DialectError, match="holds no weights itself: give its variables"):
        verify.identify(cell)


@pytest.mark.parametrize(("kind", "bias"), [("GRUCell", True), ("LSTMCell", False)])
def test_cells_of_equinox(kind: str, *, bias: bool) -> None:
    """They know of no batch; the parameters are those of the module."""
    jax = pytest.importorskip("jax", reason='needs pip install "gateproof[jax]"')
    nn = importlib.import_module("equinox").nn
    cell = getattr(nn, kind)(N_X, N_H, use_bias=bias, key=jax.random.key(0))
    found = verify.identify(cell)
    assert found.dialect == f"equinox.{kind}"
    assert f"equinox.{kind}" not in found.alike
    read = verify.dialects[f"equinox.{kind}"].unpack({k: getattr(cell, k) for k in found.arrays})
    assert all(map(np.array_equal, found.params, read))


def test_a_module_of_equinox_of_ones_own() -> None:
    """Its arrays are named by the attributes on the way."""
    jax = pytest.importorskip("jax", reason='needs pip install "gateproof[jax]"')
    equinox = importlib.import_module("equinox")

    class Own(equinox.Module):  # type: ignore[misc, name-defined]
        inner: Any
        outer: Any

        def __call__(self, x: Any, h: Any) -> Any:  # noqa: ANN401
            return jax.numpy.tanh(self.inner(x) + self.outer(h))

    keys = jax.random.split(jax.random.key(0))
    linear = equinox.nn.Linear
    own = Own(linear(N_X, N_H, key=keys[0]), linear(N_H, N_H, use_bias=False, key=keys[1]))
    found = verify.identify(own)
    assert found.arrays == {"inner/weight": "W_h", "inner/bias": "b_h", "outer/weight": "U_h"}


@pytest.mark.parametrize("kind", ["VanillaRNN", "GRU", "LSTM"])
def test_functions_of_haiku(kind: str) -> None:
    """With the parameters that were made for them, whatever their module is called."""
    jax = pytest.importorskip("jax", reason='needs pip install "gateproof[jax]"')
    haiku = importlib.import_module("haiku")

    def step(x: Any, state: Any) -> Any:  # noqa: ANN401
        core = getattr(haiku, kind)(N_H, name="mine")
        return core(x, state)

    pure = haiku.transform(step)
    x, h = np.zeros((2, N_X), np.float32), np.zeros((2, N_H), np.float32)
    weights = pure.init(jax.random.key(0), x, haiku.LSTMState(h, h) if kind == "LSTM" else h)
    found = verify.identify(haiku.without_apply_rng(pure), weights)
    assert found.dialect == f"haiku.{kind}"
    assert verify.identify(pure, weights).dialect == found.dialect
    with pytest.raises(DialectError, match="holds no parameters itself: give them"):
        verify.identify(pure)


def model(path: Path, arrays_of: str, node: str) -> Path:
    """A model whose weights are of one dialect and whose node is of another."""
    pytest.importorskip("onnxruntime", reason='needs pip install "gateproof[onnx]"')
    record = verify.dialects[arrays_of]
    rng = np.random.default_rng(0)
    module = record.module
    params = module.init(rng, n_x=N_X, n_h=N_H, dtype=np.float32)
    params = [rng.normal(size=p.shape).astype(np.float32) for p in params]
    arrays = record.pack(module.Params(*params))
    path.write_bytes(onnx_nodes.model(arrays, verify.dialects[node]))
    return path


AFTER = "onnx.GRU[linear_before_reset=1]"


ONNX = [dialect.name for framework, dialect in subjects() if framework.name == "onnx"]


@pytest.mark.parametrize("name", ONNX)
def test_nodes_of_onnx(name: str, tmp_path: Path) -> None:
    """Every variant, also with a clip and another hard sigmoid, by what ONNX Runtime computes."""
    found = verify.identify(model(tmp_path / "model.onnx", name, name))
    assert found.dialect is not None
    assert verify.dialects[found.dialect] == verify.dialects[name]
    assert found.exact


def test_a_node_with_the_wrong_attribute_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The weights of torch.GRU in a node that resets before the product: what to set is said."""
    path = model(tmp_path / "wrong.onnx", AFTER, "onnx.GRU")
    assert run(["identify", str(path)]) == 0
    assert "onnx.GRU[linear_before_reset=1]" in capsys.readouterr().out
    assert run(["identify", str(path), "--expect", "torch.GRU", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == 1
    (found,) = answer["found"]
    assert found["dialect"] == "onnx.GRU"
    assert found["mismatch"]["set"] == {"linear_before_reset": "1"}
    assert found["mismatch"]["gap"] > 0.01
    right = model(tmp_path / "right.onnx", AFTER, AFTER)
    assert run(["identify", str(right), "--expect", "torch.GRU"]) == 0


def test_directions_that_are_different_functions_are_told_apart(tmp_path: Path) -> None:
    """What the first direction computes says nothing of the second."""
    onnx = pytest.importorskip("onnx", reason='needs pip install "gateproof[onnx]"')
    pytest.importorskip("onnxruntime", reason='needs pip install "gateproof[onnx]"')
    shapes = {"W": (2, N_H, N_X), "R": (2, N_H, N_H)}
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    record = verify.dialects["onnx.RNN"]
    made = onnx.load_from_string(onnx_nodes.model(arrays, record))
    made.graph.node[0].attribute.append(
        onnx.helper.make_attribute("activations", ["Tanh", "Relu"]),
    )
    path = tmp_path / "both.onnx"
    path.write_bytes(made.SerializeToString())
    found = [each for each in identify_each(path) if not isinstance(each, DialectError)]
    assert [each.dialect for each in found] == ["onnx.RNN", "onnx.RNN[activations=Relu]"]
    for k, each in enumerate(found):
        assert each.params is not None
        assert np.array_equal(each.params.W_h, arrays["W"][k])


def test_a_class_derived_from_one_of_torch_is_that_one() -> None:
    """As long as its forward is."""
    torch = pytest.importorskip("torch", reason='needs pip install "gateproof[torch]"')
    named = type("Encoder", (torch.nn.GRU,), {})
    assert verify.identify(named(N_X, N_H)).dialect == "torch.GRU"


def test_a_node_that_cannot_be_run_hides_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the others are is printed, and then what is wrong with it."""
    onnx = pytest.importorskip("onnx", reason='needs pip install "gateproof[onnx]"')
    path = model(tmp_path / "two.onnx", AFTER, AFTER)
    made = onnx.load(path)
    other = made.graph.node.add()
    other.CopyFrom(made.graph.node[0])
    other.name = "odd"
    del other.output[:]
    other.output.append("odd_Y")
    other.attribute.append(onnx.helper.make_attribute("activations", ["Identity", "Tanh"]))
    onnx.save(made, path)
    assert run(["identify", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out.count("onnx.GRU") >= 1
    assert "'odd' (GRU) cannot be run" in told.err
    assert told.err.count("\n") == 1


def test_a_clip_is_one_more_thing_to_leave_out(tmp_path: Path) -> None:
    """And where it bounds nothing that is said."""
    path = model(tmp_path / "clipped.onnx", AFTER, "onnx.GRU[clip=0.5]")
    found = verify.identify(path, expect="torch.GRU")
    assert found.mismatch is not None
    assert found.mismatch.repair == {"linear_before_reset": 1, "clip": None}
    assert "set linear_before_reset=1, leave out clip" in str(found)
    far = verify.identify(model(tmp_path / "far.onnx", AFTER, f"{AFTER[:-1]},clip=1000]"))
    (rival,) = far.rivals
    assert f"the cell {verify.dialects[AFTER].cell} computes the same" in rival


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


def test_a_node_is_held_against_a_module(tmp_path: Path) -> None:
    """What is expected may be a target itself."""
    torch = pytest.importorskip("torch", reason='needs pip install "gateproof[torch]"')
    path = model(tmp_path / "wrong.onnx", AFTER, "onnx.GRU")
    found = verify.identify(path, expect=torch.nn.GRU(N_X, N_H))
    assert found.mismatch is not None
    assert found.mismatch.repair == {"linear_before_reset": 1}


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
