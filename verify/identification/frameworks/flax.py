"""Cells of Flax, of linen and of nnx: its own made again at a small size, others as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from verify.dialects.arrays import flattened, nested
from verify.dialects.layout import DialectError
from verify.extras import extra
from verify.identification.frameworks.jax import BATCH, N_H, N_X, of_cell
from verify.identification.target import Arrays, Target

KINDS = ("SimpleCell", "GRUCell", "MGUCell", "LSTMCell", "OptimizedLSTMCell")


def of_module(module: Any, weights: Mapping[str, Any] | None) -> Target:  # noqa: ANN401 - a module of Flax
    """A cell, or the cell in an `RNN`, with the weights it holds or is given.

    Args:
        module: of linen or of nnx.
        weights: the variables of a module of linen, which holds none itself unless it is bound.

    Raises:
        DialectError: it is no cell, or has no weights.
    """
    linen, nnx = extra("flax.linen"), extra("flax.nnx")
    if isinstance(module, nnx.RNN | linen.RNN):
        cell = module.cell
        weights = weights or (_bound(module) if isinstance(module, linen.RNN) else None)
        weights = _inner(weights) if weights else None
    else:
        cell = module
    if isinstance(cell, nnx.Module):
        return _of_nnx(nnx, cell)
    if not isinstance(cell, linen.RNNCellBase):
        raise DialectError(
            f"flax {type(cell).__name__}: expected a cell of linen or nnx, or an RNN of one"
        )
    return _of_linen(linen, cell, weights or _bound(cell))


def _of_nnx(nnx: Any, cell: Any) -> Target:  # noqa: ANN401 - of Flax
    graph, values, others = nnx.split(cell, nnx.Param, ...)
    names = ["/".join(map(str, path)) for path, _ in nnx.to_flat_state(values)]
    arrays = {
        name: np.asarray(leaf[...])
        for name, (_, leaf) in zip(names, nnx.to_flat_state(values), strict=True)
    }

    def apply(given: Arrays, carry: Any, x: Any) -> Any:  # noqa: ANN401
        def put(path: tuple[Any, ...], leaf: Any) -> Any:  # noqa: ANN401
            return leaf.replace(given["/".join(map(str, path))])

        return nnx.merge(graph, nnx.map_state(put, values), others)(carry, x)[0]

    kind = type(cell).__name__
    small = None
    if kind in KINDS and type(cell) is getattr(nnx, kind, None):
        # Their sizes are those of their arrays, so that the same cell takes small ones as well.
        twin = nnx.eval_shape(lambda: type(cell)(N_X, N_H, rngs=nnx.Rngs(0)))
        shapes = nnx.to_flat_state(nnx.state(twin, nnx.Param))
        small = {"/".join(map(str, path)): np.zeros(leaf.shape) for path, leaf in shapes}
        small = {name: small[name] for name in names}
    return of_cell(f"flax.nnx.{kind}", arrays, apply, small)


def _of_linen(linen: Any, cell: Any, weights: Mapping[str, Any] | None) -> Target:  # noqa: ANN401
    jax = extra("jax")
    kind = type(cell).__name__
    if not weights:
        raise DialectError(
            f"flax.linen.{kind} holds no weights itself: give its variables (weights=..., or "
            "--weights FILE), or bind it to them"
        )
    tree = weights.get("params", weights)
    arrays = {name: np.asarray(value) for name, value in flattened(tree).items()}
    own = kind in KINDS and type(cell) is getattr(linen, kind, None)

    def apply(given: Arrays, carry: Any, x: Any) -> Any:  # noqa: ANN401
        length = jax.tree.leaves(carry)[0].shape[-1]
        made = cell.clone(parent=None, **({"features": length} if own else {}))
        return made.apply({"params": nested(given)}, carry, x)[0]

    small = None
    if own:
        made = cell.clone(parent=None, features=N_H)
        x = np.zeros((BATCH, N_X), np.float32)
        carry = made.initialize_carry(jax.random.key(0), x.shape)
        shapes = jax.eval_shape(made.init, jax.random.key(0), carry, x)["params"]
        small = {name: np.zeros(value.shape) for name, value in flattened(shapes).items()}
    return of_cell(f"flax.linen.{kind}", arrays, apply, small)


def _bound(module: Any) -> Mapping[str, Any] | None:  # noqa: ANN401 - a module of linen
    """The variables of a module of linen that is bound to them."""
    return module.variables if module.scope is not None else None


def _inner(weights: Mapping[str, Any]) -> Mapping[str, Any]:
    """The weights of the cell in those of an `RNN`."""
    tree = weights.get("params", weights)
    inner: Mapping[str, Any] = tree.get("cell", tree)
    return inner
