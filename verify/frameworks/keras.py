"""Keras 3 on JAX: its layers, both directions, with masks."""

from __future__ import annotations

import os
from types import ModuleType

import numpy as np

from verify.dialects.record import Dialect
from verify.extras import MissingExtraError, extra
from verify.frameworks.framework import (
    Framework,
    Function,
    Tensor,
    Tensors,
    in_its_order,
    in_our_order,
    kind_of,
)
from verify.frameworks.jax import engine
from verify.frameworks.network import BOTH, Network, Problem

EXTRA = "keras"


def keras() -> ModuleType:
    """Keras with JAX under it.

    Raises:
        MissingExtraError: it is not installed, or was told to compute with something else.
    """
    extra("jax", EXTRA)
    os.environ.setdefault("KERAS_BACKEND", "jax")
    module: ModuleType = extra("keras")
    backend = module.backend.backend()
    if backend != "jax":
        raise MissingExtraError(f"keras computes with {backend}; set KERAS_BACKEND=jax")
    return module


def build(dialect: Dialect, problem: Problem) -> Function:
    """A layer, called with the given arrays as its variables."""
    layers = keras().layers
    n_h = problem.states[0][0].shape[-1]
    make = getattr(layers, kind_of(dialect))
    options = {**dialect.options, "recurrent_initializer": "zeros"}  # orthogonal ones take seconds
    one = make(n_h, return_sequences=True, return_state=True, **options)
    layer = layers.Bidirectional(one) if problem.network.directions == BOTH else one
    layer.build((None, None, problem.xs.shape[-1]))
    mask = None if problem.lengths is None else problem.own().T

    def function(arrays: Tensors, xs: Tensor, states: Tensors) -> tuple[Tensor, Tensors]:
        # The order of a record's arrays is that of the layer's variables; a traced
        # dictionary has lost it.
        variables = [own[name] for own in arrays for name in dialect.layouts]
        others = [variable.value for variable in layer.non_trainable_variables]
        first = [in_its_order(dialect, state) for state in states]
        flat = [s for state in first for s in (state if isinstance(state, tuple) else (state,))]
        (ys, *last), _ = layer.stateless_call(
            variables, others, xs.swapaxes(0, 1), initial_state=flat, mask=mask
        )
        count = len(dialect.states)
        each = [last[k : k + count] for k in range(0, len(last), count)]
        own = [in_our_order(dialect, state if count > 1 else state[0]) for state in each]
        return ys.swapaxes(0, 1), own

    return function


def networks(dialect: Dialect) -> tuple[Network, ...]:  # noqa: ARG001 - the same for all
    """One layer; and one in both directions over lengths."""
    return (Network(), Network(directions=BOTH, lengths=True))


# On JAX its activations come out in float32, whatever the dtype of the layer.
FRAMEWORKS = (
    Framework("keras", EXTRA, engine, build, networks, dtype=np.float32, zero_padding=False),
)
