"""Cells of torch, Keras, flax, equinox and haiku are recognised, with the weights they hold."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import verify
from verify.dialects.layout import DialectError

N_X, N_H = 5, 4

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


def test_a_class_derived_from_one_of_torch_is_that_one() -> None:
    """As long as its forward is."""
    torch = pytest.importorskip("torch", reason='needs pip install "gateproof[torch]"')
    named = type("Encoder", (torch.nn.GRU,), {})
    assert verify.identify(named(N_X, N_H)).dialect == "torch.GRU"
