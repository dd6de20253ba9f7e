"""What a record says of a framework is what the framework does: one step, random everything.

The framework computes a step with arrays of its own; the generated cell computes it with what the
record reads from them. Biases and states are random, so that none of them can hide.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import verify
from verify.dialects.record import Dialect

N_X, N_H, N_P, BATCH = 3, 4, 2, 5
Arrays = dict[str, np.ndarray[Any, Any]]
Step = Callable[[Dialect, Arrays, Arrays], Mapping[str, Any]]
"""From the record, the framework's arrays, and the input and states by name, to the new states."""


def torch_step(record: Dialect, arrays: Arrays, given: Arrays) -> Mapping[str, Any]:
    """A cell or a module of PyTorch."""
    torch = pytest.importorskip("torch", reason='needs pip install "gateproof[torch]"')
    options = {k: N_P if k == "proj_size" else v for k, v in record.options.items()}
    module = getattr(torch.nn, record.base.split(".")[1])(N_X, N_H, **options).double()
    module.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})
    states = [torch.from_numpy(given[name]) for name in record.states]
    x = torch.from_numpy(given["x"])
    with torch.no_grad():
        if not record.base.endswith("Cell"):
            x, states = x[None], [state[None] for state in states]
        new = module(x, tuple(states) if len(states) > 1 else states[0])
    if not record.base.endswith("Cell"):
        new = new[1]
    new = new if isinstance(new, tuple) else (new,)
    return {k: v.numpy().reshape(BATCH, -1) for k, v in zip(record.states, new, strict=True)}


def equinox_step(record: Dialect, arrays: Arrays, given: Arrays) -> Mapping[str, Any]:
    """A cell of Equinox, which has no batch."""
    jax, equinox = _jax(), pytest.importorskip("equinox")
    cell = getattr(equinox.nn, record.base.split(".")[1])(N_X, N_H, key=jax.random.key(0))
    for name, array in arrays.items():
        cell = equinox.tree_at(lambda c, name=name: getattr(c, name), cell, jax.numpy.array(array))
    states = tuple(given[name] for name in record.states)
    new = jax.vmap(cell)(given["x"], states if len(states) > 1 else states[0])
    new = new if isinstance(new, tuple) else (new,)
    return dict(zip(record.states, new, strict=True))


def haiku_step(record: Dialect, arrays: Arrays, given: Arrays) -> Mapping[str, Any]:
    """A core of Haiku."""
    jax, haiku = _jax(), pytest.importorskip("haiku")
    kind = record.base.split(".")[1]

    def run(x: Any, states: tuple[Any, ...]) -> Any:  # noqa: ANN401
        core = getattr(haiku, kind)(N_H, name="core")
        wrapped = haiku.LSTMState(*states) if len(states) > 1 else states[0]
        return core(x, wrapped)[1]

    pure = haiku.without_apply_rng(haiku.transform(run))
    states = tuple(given[name] for name in record.states)
    params: dict[str, dict[str, Any]] = {}
    for name, array in arrays.items():
        *way, leaf = name.split("/")
        params.setdefault("/".join(["core", *way]), {})[leaf] = jax.numpy.array(array)
    new = pure.apply(params, given["x"], states)
    new = tuple(new) if len(states) > 1 else (new,)
    return dict(zip(record.states, new, strict=True))


def linen_step(record: Dialect, arrays: Arrays, given: Arrays) -> Mapping[str, Any]:
    """A cell of Flax linen; a convolution of one pixel for ConvLSTMCell."""
    jax, linen = _jax(), pytest.importorskip("flax.linen")
    kind = record.base.split(".")[-1]
    pixel = kind.startswith("Conv")
    wide = {"param_dtype": np.float64, "dtype": np.float64}
    cell = getattr(linen, kind)(N_H, (1, 1), **wide) if pixel else getattr(linen, kind)(N_H, **wide)
    params: dict[str, Any] = {}
    for name, array in arrays.items():
        part, leaf = name.split("/")
        params.setdefault(part, {})[leaf] = jax.numpy.array(array)
    shape = (BATCH, 1, 1, -1) if pixel else (BATCH, -1)
    states = tuple(given[name].reshape(shape) for name in record.states)
    carry = states if len(states) > 1 else states[0]
    new, _ = cell.apply({"params": params}, carry, given["x"].reshape(shape))
    new = new if isinstance(new, tuple) else (new,)
    return {k: np.asarray(v).reshape(BATCH, -1) for k, v in zip(record.states, new, strict=True)}


def nnx_step(record: Dialect, arrays: Arrays, given: Arrays) -> Mapping[str, Any]:
    """A cell of Flax nnx."""
    jax, nnx = _jax(), pytest.importorskip("flax.nnx")
    wide = {"param_dtype": np.float64, "dtype": np.float64, "rngs": nnx.Rngs(0)}
    cell = getattr(nnx, record.base.split(".")[-1])(N_X, N_H, **wide)
    for name, array in arrays.items():
        part, leaf = name.split("/")
        getattr(getattr(cell, part), leaf)[...] = jax.numpy.array(array)
    states = tuple(given[name] for name in record.states)
    new, _ = cell(states if len(states) > 1 else states[0], given["x"])
    new = new if isinstance(new, tuple) else (new,)
    return dict(zip(record.states, new, strict=True))


def onnx_step(record: Dialect, arrays: Arrays, given: Arrays) -> Mapping[str, Any]:
    """A node of ONNX in ONNX Runtime, which computes in float32."""
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    kind = record.base.split(".")[1]
    options = {k: v for k, v in record.options.items() if k != "P"}
    if "activations" in options:
        count = {"Relu": 1}.get(options["activations"], 0)
        gates = ["Tanh", "Tanh"] if kind == "LSTM" else ["Tanh"]
        name = options["activations"]
        options["activations"] = [name] if count else [name, *gates]
    inputs = {"X": given["x"][None], **arrays} | {
        f"initial_{name}": given[name][None] for name in record.states
    }
    order = ["X", "W", "R", "B", "", *(f"initial_{name}" for name in record.states), "P"]
    names = [name if name in inputs or not name else "" for name in order]
    while not names[-1]:
        names.pop()
    outputs = ["", *(f"Y_{name}" for name in record.states)]
    node = onnx.helper.make_node(kind, names, outputs, hidden_size=N_H, **options)
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [node],
        "one",
        [value(k, onnx.TensorProto.FLOAT, v.shape) for k, v in inputs.items()],
        [value(name, onnx.TensorProto.FLOAT, None) for name in outputs if name],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 22)])
    model.ir_version = 10
    session = runtime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found = session.run(None, {k: v.astype(np.float32) for k, v in inputs.items()})
    return {k: v[0] for k, v in zip(record.states, found, strict=True)}


def keras_step(record: Dialect, arrays: Arrays, given: Arrays) -> Mapping[str, Any]:
    """A layer of Keras, over a sequence of one step."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras", reason='needs pip install "gateproof[keras]"')
    kind = getattr(keras.layers, record.base.split(".")[1])
    layer = kind(N_H, return_state=True, **record.options)
    x = given["x"][:, None].astype(np.float32)
    layer.build(x.shape)
    layer.set_weights(list(arrays.values()))
    _, *new = layer(x, initial_state=[given[k].astype(np.float32) for k in record.states])
    return dict(zip(record.states, new, strict=True))


FRAMEWORKS: dict[str, tuple[Step, float]] = {
    "torch.": (torch_step, 1e-13),
    "equinox.": (equinox_step, 1e-13),
    "haiku.": (haiku_step, 1e-13),
    "flax.linen.": (linen_step, 1e-13),
    "flax.nnx.": (nnx_step, 1e-13),
    "onnx.": (onnx_step, 2e-6),
    "keras.": (keras_step, 2e-6),
}
"""What runs the dialects of a framework, and how far it may be off: a few roundings of its type.

ONNX Runtime computes in float32, and Keras does so in parts whatever it is told.
"""

NAMES = [name for name in verify.dialects if name.startswith(tuple(FRAMEWORKS))]


def _jax() -> Any:  # noqa: ANN401 - a module
    jax = pytest.importorskip("jax", reason='needs pip install "gateproof[jax]"')
    jax.config.update("jax_enable_x64", val=True)
    return jax


def drawn(record: Dialect, rng: np.random.Generator) -> tuple[Arrays, Arrays]:
    """Random arrays of a framework, and a random input and states."""
    sizes = {"n_x": N_X, "n_h": N_H, "n_p": N_P}
    arrays = {
        name: rng.normal(size=layout.shape(sizes))
        for name, layout in zip(record.array_names(), record.layouts.values(), strict=True)
    }
    given = {"x": rng.normal(size=(BATCH, N_X))}
    for state in record.symbolic.states:
        given[str(state)] = rng.normal(size=(BATCH, sizes[state.axes[0]]))
    return arrays, given


@pytest.mark.parametrize("name", NAMES)
def test_the_framework_computes_what_the_record_says(name: str) -> None:
    """A step of the framework is a step of the generated cell with what was read."""
    record = verify.dialects[name]
    arrays, given = drawn(record, np.random.default_rng(5))
    compare(record, record, arrays, given)


@pytest.mark.parametrize(
    ("base", "array", "wrong"),
    [
        ("torch.GRUCell", "weight_ih", "[W_u; W_r; W_h]"),
        ("torch.GRUCell", "bias_hh?", "[b_r; c_h; b_u]"),
        ("torch.LSTMCell", "weight_hh", "[U_f; U_i; U_g; U_o]"),
        ("torch.RNNCell", "weight_hh", "U_hᵀ"),
    ],
)
def test_a_record_that_is_wrong_in_one_place_is_noticed(base: str, array: str, wrong: str) -> None:
    """Blocks exchanged, or a square matrix transposed: no shape shows it, but the values do."""
    record = verify.dialects[base]
    planted = replace(record, arrays={**record.arrays, array: wrong})
    arrays, given = drawn(record, np.random.default_rng(5))
    with pytest.raises(AssertionError, match="Mismatched"):
        compare(planted, record, arrays, given)


def compare(record: Dialect, framework: Dialect, arrays: Arrays, given: Arrays) -> None:
    """A step of the framework, and of the generated cell with what the record reads."""
    name = framework.name
    step, room = next(run for start, run in FRAMEWORKS.items() if name.startswith(start))
    found = step(framework, arrays, given)
    cell = importlib.import_module(f"equations.generated.{record.cell}")
    state = cell.State(*(given[field] for field in cell.State._fields))
    true, _ = cell.step(record.unpack(arrays), given["x"], state)
    for field in record.states:
        np.testing.assert_allclose(
            np.asarray(found[field]), getattr(true, field), rtol=0, atol=room, err_msg=field
        )
