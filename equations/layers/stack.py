"""Layers on top of one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from equations.layers.arrays import Array, Arrays, parts
from equations.layers.cell import Module, layer
from equations.layers.layer import Layer, Tape, Unrolled


@dataclass(frozen=True)
class Stack(Layer):
    """Layers, each on the outputs of the one below; parameters and states are tuples of theirs.

    Attributes:
        layers: from the lowest, which sees the inputs, to the highest.
    """

    layers: tuple[Layer, ...]

    @property
    def input_axis(self) -> str:
        """That of the lowest."""
        return self.layers[0].input_axis

    def width(self, params: Arrays) -> int:
        """That of the highest."""
        *_, (highest, own) = self._each("width", params)
        return int(highest.width(own))

    def init(
        self, rng: np.random.Generator, *, dtype: DTypeLike = np.float64, **sizes: int
    ) -> tuple[Arrays, ...]:
        """Those of all, of which the upper ones are as wide as what is below them."""
        params = [self.layers[0].init(rng, dtype=dtype, **sizes)]
        for below, above in zip(self.layers, self.layers[1:], strict=False):
            own = {**sizes, above.input_axis: below.width(params[-1])}
            params.append(above.init(rng, dtype=dtype, **own))
        return tuple(params)

    def zero_state(self, params: Arrays, batch: int) -> tuple[Arrays, ...]:
        """Those of all."""
        each = self._each("zero_state", params)
        return tuple(one.zero_state(own, batch) for one, own in each)

    def unroll(
        self, params: Arrays, xs: Arrays, state0: Arrays, lengths: Array | None = None
    ) -> tuple[Unrolled, tuple[Tape, ...]]:
        """From the lowest to the highest; all run over the same lengths."""
        states, tapes = [], []
        for one, own, first in self._each("unroll", params, state0):
            (xs, state), tape = one.unroll(own, xs, first, lengths)
            states.append(state)
            tapes.append(tape)
        return Unrolled(xs, tuple(states)), tuple(tapes)

    def unroll_vjp(
        self, params: Arrays, tape: Tape, dnexts: Unrolled
    ) -> tuple[tuple[Arrays, ...], Arrays, tuple[Arrays, ...]]:
        """From the highest to the lowest: a cotangent of inputs is one of the outputs below."""
        dys, dstate = parts(dnexts, 2, "stacked.unroll_vjp: dnexts")
        dparams, dstate0 = [], []
        for one, own, inner, last in reversed([*self._each("unroll_vjp", params, tape, dstate)]):
            dparams_here, dys, first = one.unroll_vjp(own, inner, Unrolled(dys, last))
            dparams.append(dparams_here)
            dstate0.append(first)
        return tuple(reversed(dparams)), dys, tuple(reversed(dstate0))

    def unroll_jvp(
        self, params: Arrays, tape: Tape, dparams: Arrays, dxs: Arrays, dstate0: Arrays
    ) -> Unrolled:
        """From the lowest to the highest."""
        dstate = []
        for one, own, inner, d, first in self._each("unroll_jvp", params, tape, dparams, dstate0):
            dxs, last = one.unroll_jvp(own, inner, d, dxs, first)
            dstate.append(last)
        return Unrolled(dxs, tuple(dstate))

    def _each(self, function: str, *tuples: Arrays) -> Iterator[tuple[Any, ...]]:
        """Each layer with what belongs to it."""
        where, count = f"stacked.{function}", len(self.layers)
        return zip(self.layers, *(parts(one, count, where) for one in tuples), strict=True)


def stacked(*layers: Module | Layer) -> Layer:
    """Modules or layers on top of one another, the lowest first.

    Raises:
        ValueError: there is none, or one above the lowest has not one input that is a vector.
    """
    if not layers:
        raise ValueError("stacked: expected at least one layer, got none")
    made = tuple(layer(one) for one in layers)
    for above in made[1:]:
        above.input_axis  # noqa: B018 - it raises
    return Stack(made)
