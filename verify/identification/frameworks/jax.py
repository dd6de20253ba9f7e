"""What libraries on JAX share: a cell as a function of its arrays, its carry and an input."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from verify.dialects.layout import Array
from verify.extras import extra
from verify.identification.callables import of_function
from verify.identification.target import Arrays, States, Target

N_X, N_H, BATCH = 3, 4, 2
Apply = Callable[[Arrays, Any, Any], Any]


def of_cell(name: str, arrays: Arrays, apply: Apply, small: Arrays | None) -> Target:
    """A cell, run in float64 where it computes so, else in float32.

    Args:
        name: what it is called, such as `flax.nnx.GRUCell`.
        arrays: the weights it holds.
        apply: from weights, the carry and an input to the new carry, or a tree that ends in it.
        small: weights of a small size that it takes too; None where only its own are known to fit.

    Raises:
        DialectError: it cannot be run.
    """
    jax = extra("jax")

    def step(given: Arrays, x: Array, *states: Array) -> States:
        with jax.enable_x64(True):  # noqa: FBT003 - jax's own signature
            tensors = {own: jax.numpy.asarray(array) for own, array in given.items()}
            carry = jax.tree.map(jax.numpy.asarray, states if len(states) > 1 else states[0])
            new = apply(tensors, carry, jax.numpy.asarray(x))
            return tuple(map(np.asarray, jax.tree.leaves(new)))

    if small is None:
        return of_function(step, arrays, title=name, signature=inspect.signature(_called))

    def run(given: Arrays, xs: Array, states: States) -> States:
        for x in xs:
            states = step(given, x, *states)
        return states

    lengths = (N_H,) * (2 if "LSTM" in name else 1)
    zeros = tuple(np.zeros((BATCH, n)) for n in lengths)
    dtype = run(small, np.zeros((1, BATCH, N_X)), zeros)[0].dtype
    small = {own: np.asarray(array, dtype) for own, array in small.items()}
    return Target(name, arrays, run, small, N_X, lengths, base=name, dtype=dtype)


def _called(x: Array, carry: Any) -> Any:  # noqa: ANN401
    """How a cell is called; its carry may be several states."""
