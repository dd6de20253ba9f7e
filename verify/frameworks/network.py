"""What a framework is asked to compute, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]
States = tuple[tuple[Array, ...], ...]
Direction = Literal["forward", "backward"]

BOTH: tuple[Direction, ...] = ("forward", "backward")


@dataclass(frozen=True)
class Network:
    """Layers of one cell.

    Attributes:
        layers: how many, each on the outputs of the one below.
        directions: of every layer; the outputs of two stand side by side.
        lengths: whether samples have lengths of their own.
    """

    layers: int = 1
    directions: tuple[Direction, ...] = ("forward",)
    lengths: bool = False

    def __str__(self) -> str:
        """Such as `2 layers, forward and backward, lengths`."""
        layers = f"{self.layers} layer{'s' * (self.layers > 1)}"
        return ", ".join([layers, " and ".join(self.directions), *["lengths"] * self.lengths])

    @property
    def parts(self) -> list[tuple[int, Direction]]:
        """Every layer in every direction: the order of arrays and states."""
        return [(k, direction) for k in range(self.layers) for direction in self.directions]


@dataclass(frozen=True, eq=False)
class Problem:
    """A point, with the cotangents of the results.

    Attributes:
        network: what is computed.
        arrays: a framework's own arrays by name, for each of the network's parts.
        xs: the inputs (T, B, n_x).
        states: the first states (B, ...) of each part, in the order of the cell.
        lengths: the steps of each sample (B,), or None.
        dys: cotangents of the outputs (T, B, n), zero after the end of a sample.
        dstates: cotangents of the last states.
    """

    network: Network
    arrays: tuple[Arrays, ...]
    xs: Array
    states: States
    lengths: Array | None
    dys: Array
    dstates: States

    def own(self) -> npt.NDArray[np.bool_]:
        """Which steps (T, B) are a sample's own."""
        steps, batch = self.xs.shape[:2]
        if self.lengths is None:
            return np.ones((steps, batch), bool)
        return np.asarray(np.arange(steps)[:, None] < self.lengths)


class Answer(NamedTuple):
    """Results, and the cotangents of what they depend on; None from one that has no gradients."""

    ys: Array
    states: States
    dxs: Array | None
    dstates: States | None
    darrays: tuple[Arrays, ...] | None
