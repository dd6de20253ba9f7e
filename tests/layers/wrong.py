"""Layers with the mistakes that people make, each as small as it is in their code."""

# ruff: noqa: D102 - each class says what is wrong in it

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from equations.layers import (
    Bidirectional,
    CellLayer,
    Layer,
    Reverse,
    Stack,
    Unrolled,
    layer,
    map_arrays,
    reverse,
)
from equations.layers.layer import Tape

Array = Any
Arrays = Any


def over(array: Array, lengths: Array | None) -> Array:
    """1 where a step is a sample's own, 0 in the padding, shaped to multiply with the array."""
    steps = np.arange(array.shape[0])[:, None]
    own = np.ones(array.shape[:2], bool) if lengths is None else steps < lengths
    return own.astype(array.dtype).reshape(*own.shape, *[1] * (array.ndim - 2))


class ReversedPadding(Reverse):
    """The padded length is reversed, not each sample's own (F17)."""

    def unroll(
        self, params: Arrays, xs: Arrays, state0: Arrays, lengths: Array | None = None
    ) -> tuple[Unrolled, Tape]:
        flipped = map_arrays(lambda a: a[::-1], xs)
        (ys, state), inner = self.inner.unroll(params, flipped, state0, lengths)
        return Unrolled(ys[::-1], state), (lengths, inner)

    def unroll_vjp(self, params: Arrays, tape: Tape, dnexts: Unrolled) -> tuple[Arrays, ...]:
        ys, state = dnexts
        dparams, dxs, dstate0 = self.inner.unroll_vjp(params, tape[1], Unrolled(ys[::-1], state))
        return dparams, map_arrays(lambda a: a[::-1], dxs), dstate0

    def unroll_jvp(self, params: Arrays, tape: Tape, *tangents: Arrays) -> Unrolled:
        dparams, dxs, dstate0 = tangents
        flipped = map_arrays(lambda a: a[::-1], dxs)
        ys, state = self.inner.unroll_jvp(params, tape[1], dparams, flipped, dstate0)
        return Unrolled(ys[::-1], state)


class ProcessingOrder(Reverse):
    """Outputs of a reversed layer stay in the order in which they were computed."""

    def unroll(
        self, params: Arrays, xs: Arrays, state0: Arrays, lengths: Array | None = None
    ) -> tuple[Unrolled, Tape]:
        (ys, state), tape = super().unroll(params, xs, state0, lengths)
        return Unrolled(ys[::-1], state), tape


class StepsOfPadding(CellLayer):
    """Masked inputs are zeroed and the steps taken: the biases still act on the state (S1)."""

    masks = True

    def unroll(
        self, params: Arrays, xs: Arrays, state0: Arrays, lengths: Array | None = None
    ) -> tuple[Unrolled, Tape]:
        masked = map_arrays(lambda a: a * over(a, lengths), xs)
        (ys, state), tape = super().unroll(params, masked, state0)
        return Unrolled(ys * over(ys, lengths) if self.masks else ys, state), (lengths, tape)

    def unroll_vjp(self, params: Arrays, tape: Tape, dnexts: Unrolled) -> tuple[Arrays, ...]:
        ys, state = dnexts
        masked = Unrolled(ys * over(ys, tape[0]) if self.masks else ys, state)
        return super().unroll_vjp(params, tape[1], masked)

    def unroll_jvp(self, params: Arrays, tape: Tape, *tangents: Arrays) -> Unrolled:
        ys, state = super().unroll_jvp(params, tape[1], *tangents)
        return Unrolled(ys * over(ys, tape[0]) if self.masks else ys, state)


class OutputsInPadding(StepsOfPadding):
    """And the outputs of the padding are handed out (S1)."""

    masks = False


class FlowingGradients(CellLayer):
    """Outputs are masked, but the cotangents of the padding flow into the last step (S2)."""

    def unroll_vjp(self, params: Arrays, tape: Tape, dnexts: Unrolled) -> tuple[Arrays, ...]:
        dys, dstate = dnexts
        dys = np.array(dys)
        for block in tape.blocks[:-1]:
            end = block.steps.stop
            dys[end - 1 : end] += dys[end:].sum(axis=0)
        return super().unroll_vjp(params, tape, Unrolled(dys, dstate))


class ForgottenState(CellLayer):
    """The state of a sample that has ended is set to zero instead of kept (S3)."""

    def unroll(
        self, params: Arrays, xs: Arrays, state0: Arrays, lengths: Array | None = None
    ) -> tuple[Unrolled, Tape]:
        (ys, state), tape = super().unroll(params, xs, state0, lengths)
        if lengths is None:
            return Unrolled(ys, state), tape
        ended = lengths < ys.shape[0]
        zeroed = map_arrays(lambda a: np.where(ended.reshape(-1, *[1] * (a.ndim - 1)), 0, a), state)
        return Unrolled(ys, zeroed), tape


class MultipliedMask(CellLayer):
    """Gradients of inputs are right, but for a mask that multiplies: 0·NaN is NaN (S12)."""

    def unroll(
        self, params: Arrays, xs: Arrays, state0: Arrays, lengths: Array | None = None
    ) -> tuple[Unrolled, Tape]:
        (ys, state), tape = super().unroll(params, xs, state0, lengths)
        padding = sum((a * (1 - over(a, lengths))).sum() for a in tape.xs)
        return Unrolled(ys + 0 * padding, state), tape


class LostCotangent(CellLayer):
    """The cotangent of the last state is dropped (B6)."""

    def unroll_vjp(self, params: Arrays, tape: Tape, dnexts: Unrolled) -> tuple[Arrays, ...]:
        return super().unroll_vjp(params, tape, Unrolled(dnexts.ys, None))


class LateCotangent(CellLayer):
    """The cotangent of the last state enters at the last step of the longest sample (S6)."""

    def unroll_vjp(self, params: Arrays, tape: Tape, dnexts: Unrolled) -> tuple[Arrays, ...]:
        block = tape.blocks[-1]
        only = map_arrays(np.zeros_like, dnexts.state)
        for whole, own in zip(only, dnexts.state, strict=True):
            whole[block.rows] = own[block.rows]
        return super().unroll_vjp(params, tape, Unrolled(dnexts.ys, only))


class OneDirection(Bidirectional):
    """The gradient of the inputs comes from the forward direction alone (B5)."""

    def unroll_vjp(self, params: Arrays, tape: Tape, dnexts: Unrolled) -> tuple[Arrays, ...]:
        dparams, _, dstate0 = super().unroll_vjp(params, tape, dnexts)
        own = Unrolled(dnexts.ys[..., : tape.width], dnexts.state.forward)
        _, dxs, _ = self.forward.unroll_vjp(params.forward, tape.inner.forward, own)
        return dparams, dxs, dstate0


class ExchangedOutputs(Bidirectional):
    """The outputs of the backward direction come first."""

    def unroll(
        self, params: Arrays, xs: Arrays, state0: Arrays, lengths: Array | None = None
    ) -> tuple[Unrolled, Tape]:
        (ys, state), tape = super().unroll(params, xs, state0, lengths)
        return Unrolled(np.roll(ys, tape.width, axis=-1), state), tape


class UpperWithoutLengths(Stack):
    """Only the lowest layer is told the lengths."""

    def unroll(
        self, params: Arrays, xs: Arrays, state0: Arrays, lengths: Array | None = None
    ) -> tuple[Unrolled, Tape]:
        states, tapes = [], []
        for one, own, first in zip(self.layers, params, state0, strict=True):
            (xs, state), tape = one.unroll(own, xs, first, lengths)
            lengths = None
            states.append(state)
            tapes.append(tape)
        return Unrolled(xs, tuple(states)), tuple(tapes)


OF_A_CELL: tuple[type[CellLayer], ...] = (
    StepsOfPadding,
    OutputsInPadding,
    FlowingGradients,
    ForgottenState,
    MultipliedMask,
    LostCotangent,
    LateCotangent,
)


def wrong_layers(module: ModuleType) -> Iterator[Layer]:
    """Every mistake once."""
    right = layer(module)
    assert isinstance(right, CellLayer)
    for kind in OF_A_CELL:
        yield kind(module, right.output)
    yield ReversedPadding(right)
    yield ProcessingOrder(right)
    yield OneDirection(right, reverse(module))
    yield ExchangedOutputs(right, reverse(module))
    yield UpperWithoutLengths((right, right))
