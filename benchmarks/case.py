"""What is measured: sizes, and the data of one measurement."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from verify.extras import MissingExtraError as MissingError

Array = NDArray[Any]


class Size(NamedTuple):
    """Steps, batch, inputs and states."""

    T: int
    B: int
    n_x: int
    n_h: int


SIZES = {
    "tiny": Size(32, 1, 16, 32),
    "128": Size(64, 32, 64, 128),
    "256": Size(128, 32, 256, 256),
    "512": Size(64, 64, 512, 512),
}

CELLS = ("lstm", "gru")
DTYPES = ("float32", "float64")


class Work(NamedTuple):
    """Two calls that do all of a forward pass, and of a forward and a backward pass.

    Together they return what a step of training has in variables: the second what it kept of the
    forward pass, and the gradients.
    """

    forward: Callable[[], Any]
    both: Callable[[], tuple[Any, Any]]


@dataclass(frozen=True)
class Case:
    """The data of one measurement; every contender gets the same.

    Args:
        cell: the name of a generated module.
        size: of the sequence.
        module: the generated module.
        params: its parameters.
        xs: (T, B, n_x).
        state0: the first state, every part (B, n_h).
        dhs: the cotangents of h after every step, (T, B, n_h).
    """

    cell: str
    size: Size
    module: Any
    params: Any
    xs: Array
    state0: Any
    dhs: Array

    @property
    def gates(self) -> str:
        """The gates, and the candidate, as the parameters are indexed: W_f, U_f, b_f for f."""
        return "".join(name[2:] for name in self.params._fields if name.startswith("W_"))

    def stacked(self, gates: str) -> tuple[Array, Array, Array]:
        """The parameters of these on top of each other: (G·n_h, n_x), (G·n_h, n_h), (G·n_h,)."""
        W, U, b = (
            np.concatenate([getattr(self.params, f"{kind}_{gate}") for gate in gates])
            for kind in "WUb"
        )
        return W, U, b


def make(cell: str, dtype: str, size: Size) -> Case:
    """Data of a size, from a fixed seed."""
    module = importlib.import_module(f"equations.generated.{cell}")
    rng = np.random.default_rng(0)
    params = module.init(rng, n_x=size.n_x, n_h=size.n_h, dtype=np.dtype(dtype))

    def normal(*shape: int) -> Array:
        return rng.standard_normal(shape).astype(dtype)

    return Case(
        cell,
        size,
        module,
        params,
        normal(size.T, size.B, size.n_x),
        module.State(*(normal(size.B, size.n_h) for _ in module.State._fields)),
        normal(size.T, size.B, size.n_h),
    )


__all__ = ["CELLS", "DTYPES", "SIZES", "Array", "Case", "MissingError", "Size", "Work", "make"]
