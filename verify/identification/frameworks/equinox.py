"""Cells of Equinox: its own made again at a small size, others as they are; they know no batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.extras import extra
from verify.identification.frameworks.jax import N_H, N_X, of_cell
from verify.identification.target import Arrays, Target

KINDS = ("GRUCell", "LSTMCell")


def of_module(module: Any) -> Target:  # noqa: ANN401 - an equinox.Module
    """A cell with the weights it holds, called as `cell(x, state)`.

    Raises:
        DialectError: it has no weights, or cannot be called so.
    """
    jax, equinox = extra("jax"), extra("equinox")
    kind = type(module).__name__
    leaves, others = equinox.partition(module, equinox.is_inexact_array)
    shape, arrays = jax.tree.structure(leaves), _named(module)

    def apply(given: Arrays, carry: Any, x: Any) -> Any:  # noqa: ANN401
        weights = jax.tree.unflatten(shape, [given[name] for name in arrays])
        return jax.vmap(equinox.combine(weights, others))(x, carry)

    small = None
    if kind in KINDS and type(module) is getattr(equinox.nn, kind):
        key = jax.random.key(0)
        twin = type(module)(N_X, N_H, use_bias=module.use_bias, key=key)
        small = {name: np.zeros(array.shape) for name, array in _named(twin).items()}
    return of_cell(f"equinox.{kind}", arrays, apply, small)


def _named(module: Any) -> Arrays:  # noqa: ANN401
    """Its weights by the attributes on the way to them."""
    jax, equinox = extra("jax"), extra("equinox")
    found, _ = jax.tree.flatten_with_path(equinox.filter(module, equinox.is_inexact_array))
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf)
        for path, leaf in found
    }
