"""Against time: a layer that starts at the end, and two layers in opposite directions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from equations.layers.arrays import Array, Arrays, add, map_arrays, parts
from equations.layers.blocks import check_lengths
from equations.layers.cell import Module, layer
from equations.layers.layer import Layer, Tape, Unrolled


class ReverseTape(NamedTuple):
    """What the derivatives need."""

    lengths: Array | None
    inner: Tape


@dataclass(frozen=True)
class Reverse(Layer):
    """A layer from the last step of every sample to its first.

    Outputs stand in the order of the inputs; the last state is that at the first step.
    """

    inner: Layer

    @property
    def input_axis(self) -> str:
        """That of the layer."""
        return self.inner.input_axis

    def width(self, params: Arrays) -> int:
        """That of the layer."""
        return self.inner.width(params)

    def init(
        self, rng: np.random.Generator, *, dtype: DTypeLike = np.float64, **sizes: int
    ) -> Arrays:
        """Those of the layer."""
        return self.inner.init(rng, dtype=dtype, **sizes)

    def zero_state(self, params: Arrays, batch: int) -> Arrays:
        """That of the layer."""
        return self.inner.zero_state(params, batch)

    def unroll(
        self, params: Arrays, xs: Arrays, state0: Arrays, lengths: Array | None = None
    ) -> tuple[Unrolled, ReverseTape]:
        """The reversed sequence, and its outputs reversed again."""
        (ys, state), inner = self.inner.unroll(params, _reversed(xs, lengths), state0, lengths)
        return Unrolled(_reversed(ys, lengths), state), ReverseTape(lengths, inner)

    def unroll_vjp(
        self, params: Arrays, tape: ReverseTape, dnexts: Unrolled
    ) -> tuple[Arrays, Arrays, Arrays]:
        """A reversal is its own adjoint."""
        dys, dstate = parts(dnexts, 2, "reverse.unroll_vjp: dnexts")
        pulled = Unrolled(_reversed(dys, tape.lengths), dstate)
        dparams, dxs, dstate0 = self.inner.unroll_vjp(params, tape.inner, pulled)
        return dparams, _reversed(dxs, tape.lengths), dstate0

    def unroll_jvp(
        self, params: Arrays, tape: ReverseTape, dparams: Arrays, dxs: Arrays, dstate0: Arrays
    ) -> Unrolled:
        """A reversal is its own tangent."""
        moved = _reversed(dxs, tape.lengths)
        dys, dstate = self.inner.unroll_jvp(params, tape.inner, dparams, moved, dstate0)
        return Unrolled(_reversed(dys, tape.lengths), dstate)


def _reversed(arrays: Arrays, lengths: Array | None) -> Arrays:
    """The steps of every sample in reverse, the padding where it was; None stays None."""

    def one(array: Any) -> Any:  # noqa: ANN401 - whatever was given: the inner layer refuses it
        if not isinstance(array, np.ndarray) or array.ndim < 2:
            return array
        steps, batch = array.shape[:2]
        if lengths is None:
            return array[::-1]
        check_lengths(steps, batch, lengths, "reverse")
        t = np.arange(steps)[:, None]
        return array[np.where(t < lengths, lengths - 1 - t, t), np.arange(batch)]

    return map_arrays(one, arrays)


class Directions(NamedTuple):
    """What belongs to each of two directions: parameters, states, or tapes."""

    forward: Any
    backward: Any


class BidirectionalTape(NamedTuple):
    """What the derivatives need."""

    inner: Directions
    width: int  # of the outputs of the forward direction


@dataclass(frozen=True)
class Bidirectional(Layer):
    """Two layers on the same inputs, with their outputs side by side.

    Attributes:
        forward: the layer whose outputs come first.
        backward: the other; `bidirectional` makes it one that runs against time.
    """

    forward: Layer
    backward: Layer

    @property
    def input_axis(self) -> str:
        """That of the first; the second has the same."""
        return self.forward.input_axis

    def width(self, params: Arrays) -> int:
        """The sum of both."""
        forward, backward = parts(params, 2, "bidirectional: params")
        return self.forward.width(forward) + self.backward.width(backward)

    def init(
        self, rng: np.random.Generator, *, dtype: DTypeLike = np.float64, **sizes: int
    ) -> Directions:
        """Those of both."""
        return Directions(*(one.init(rng, dtype=dtype, **sizes) for one in self._both))

    def zero_state(self, params: Arrays, batch: int) -> Directions:
        """Those of both."""
        each = self._each("zero_state", params)
        return Directions(*(one.zero_state(own, batch) for one, own in each))

    def unroll(
        self, params: Arrays, xs: Arrays, state0: Arrays, lengths: Array | None = None
    ) -> tuple[Unrolled, BidirectionalTape]:
        """Both, each with its own parameters and state."""
        each = self._each("unroll", params, state0)
        done = [one.unroll(own, xs, first, lengths) for one, own, first in each]
        (ys, _), (others, _) = (nexts for nexts, _ in done)
        for outputs in (ys, others):
            if outputs.ndim < 3:
                got = outputs.shape
                raise ValueError(f"bidirectional.unroll: expected vectors to join, got {got}")
        state = Directions(*(nexts.state for nexts, _ in done))
        tape = BidirectionalTape(Directions(*(inner for _, inner in done)), ys.shape[-1])
        return Unrolled(np.concatenate((ys, others), axis=-1), state), tape

    def unroll_vjp(
        self, params: Arrays, tape: BidirectionalTape, dnexts: Unrolled
    ) -> tuple[Directions, Arrays, Directions]:
        """Both, each from its part of the cotangents of the outputs; those of the inputs add up."""
        dys, dstate = parts(dnexts, 2, "bidirectional.unroll_vjp: dnexts")
        halves = (None, None) if dys is None else (dys[..., : tape.width], dys[..., tape.width :])
        each = self._each("unroll_vjp", params, tape.inner, halves, dstate)
        done = [
            one.unroll_vjp(own, inner, Unrolled(half, last)) for one, own, inner, half, last in each
        ]
        dparams, (dxs, other_dxs), dstate0 = zip(*done, strict=True)
        return Directions(*dparams), add(dxs, other_dxs), Directions(*dstate0)

    def unroll_jvp(
        self,
        params: Arrays,
        tape: BidirectionalTape,
        dparams: Arrays,
        dxs: Arrays,
        dstate0: Arrays,
    ) -> Unrolled:
        """Both, with their tangents side by side."""
        each = self._each("unroll_jvp", params, tape.inner, dparams, dstate0)
        done = [one.unroll_jvp(own, inner, d, dxs, first) for one, own, inner, d, first in each]
        outputs, states = zip(*done, strict=True)
        return Unrolled(np.concatenate(outputs, axis=-1), Directions(*states))

    @property
    def _both(self) -> tuple[Layer, Layer]:
        return self.forward, self.backward

    def _each(self, function: str, *pairs: Arrays) -> Iterator[tuple[Any, ...]]:
        """Each layer with what belongs to it."""
        where = f"bidirectional.{function}"
        return zip(self._both, *(parts(pair, 2, where) for pair in pairs), strict=True)


def reverse(of: Module | Layer) -> Layer:
    """A module or layer that runs against time."""
    return Reverse(layer(of))


def bidirectional(forward: Module | Layer, backward: Module | Layer | None = None) -> Layer:
    """Two directions with their outputs side by side.

    Args:
        forward: the module or layer that runs along time; its outputs come first.
        backward: that which runs against time, as given, not yet reversed; by default the same.
    """
    return Bidirectional(layer(forward), reverse(forward if backward is None else backward))
