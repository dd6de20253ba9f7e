"""Recurrent layers and cells of Keras, made again from their own configuration at a small size."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from verify.dialects.layout import Array, DialectError
from verify.extras import extra
from verify.identification.target import Arrays, States, Target

KINDS = ("SimpleRNN", "GRU", "LSTM")
N_X, N_H = 3, 4
PLAIN = {"return_sequences": False, "return_state": True, "go_backwards": False, "stateful": False}


def of_layer(layer: Any) -> Target:  # noqa: ANN401 - a keras.Layer
    """A layer or cell with the weights it holds.

    Raises:
        DialectError: it is not one of Keras's own recurrent layers, or has no weights yet.
    """
    keras = extra("keras")
    name = type(layer).__name__
    kind = name.removesuffix("Cell")
    own = getattr(keras.layers, name, None)
    if kind not in KINDS or type(layer) is not own:
        raise DialectError(
            f"{name}: expected a keras layer {', '.join(KINDS)} or its Cell; for a wrapper give "
            "the layer inside, for a layer of your own a function step(x, state, **weights)"
        )
    if not layer.built:
        raise DialectError(f"keras {name} has no weights yet: call it, or build it, first")
    config = layer.get_config()
    config = {k: v for k, v in config.items() if k != "name"} | {
        "dropout": 0,
        "recurrent_dropout": 0,
    }
    config |= PLAIN if name == kind else {}
    dtype = np.dtype(layer.variable_dtype if layer.variable_dtype == "float64" else "float32")

    @cache  # what a layer is made of is compiled for it once
    def made(n_x: int, n_h: int) -> Any:  # noqa: ANN401 - a keras.Layer
        twin = own.from_config(config | {"units": n_h})
        twin.build((None, None, n_x) if name == kind else (None, n_x))
        return twin

    def run(given: Arrays, xs: Array, states: States) -> States:
        twin = made(xs.shape[-1], states[0].shape[-1])
        twin.set_weights([given[variable.name] for variable in twin.weights])
        old = [keras.ops.convert_to_tensor(state) for state in states]
        if name == kind:
            _, *old = twin(keras.ops.convert_to_tensor(xs.swapaxes(0, 1)), initial_state=old)
        else:
            for x in xs:
                _, new = twin(keras.ops.convert_to_tensor(x), old)
                old = list(new) if isinstance(new, list | tuple) else [new]
        return tuple(np.asarray(keras.ops.convert_to_numpy(state)) for state in old)

    small = made(N_X, N_H)
    return Target(
        f"keras {name}",
        {v.name: np.asarray(keras.ops.convert_to_numpy(v.value)) for v in layer.weights},
        run,
        {v.name: np.asarray(keras.ops.convert_to_numpy(v.value), dtype) for v in small.weights},
        N_X,
        (N_H,) * (2 if kind == "LSTM" else 1),
        base=f"keras.{kind}",
        dtype=dtype,
    )
