"""What a layer is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from equations.layers.arrays import Array, Arrays

Tape = Any  # of a layer's own kind; it may refer to arguments and results: do not change it


class Unrolled(NamedTuple):
    """What a layer returns: the outputs of all steps, and the last state."""

    ys: Array | None  # (T, B, ...), zero after the end of a sample; None for a zero cotangent
    state: Arrays  # the form of the first state; None for a zero cotangent


class Layer(ABC):
    """A sequence and a first state to a sequence and a last state, with derivatives.

    Results share no memory with arguments or with each other, and arguments are never written to.
    """

    @property
    @abstractmethod
    def input_axis(self) -> str:
        """The name of the length of the input.

        Raises:
            ValueError: the layer does not have one input that is a vector.
        """

    @abstractmethod
    def width(self, params: Arrays) -> int:
        """The length of the last axis of the outputs.

        Raises:
            ValueError: the outputs are numbers.
        """

    @abstractmethod
    def init(
        self, rng: np.random.Generator, *, dtype: DTypeLike = np.float64, **sizes: int
    ) -> Arrays:
        """Random parameters.

        Args:
            rng: the random generator that is drawn from.
            dtype: float32 or float64.
            sizes: the length of each axis by name; those that a cell does not have are not read.
        """

    @abstractmethod
    def zero_state(self, params: Arrays, batch: int) -> Arrays:
        """A first state of zeros for that many samples."""

    @abstractmethod
    def unroll(
        self, params: Arrays, xs: Arrays, state0: Arrays, lengths: Array | None = None
    ) -> tuple[Unrolled, Tape]:
        """A sequence: outputs and last state, and what the derivatives need.

        Args:
            params: the parameters.
            xs: the inputs (T, B, ...); a named tuple where the cell has several.
            state0: the first state, arrays (B, ...).
            lengths: the number of steps of each sample, integers (B,) from 0 to T; None for T.

        Raises:
            TypeError: an argument has another form or dtype.
            ValueError: an argument has another shape, or a length is out of range.
        """

    @abstractmethod
    def unroll_vjp(
        self, params: Arrays, tape: Tape, dnexts: Unrolled
    ) -> tuple[Arrays, Arrays, Arrays]:
        """Backpropagation through time: cotangents of parameters, inputs and first state.

        Args:
            params: the parameters.
            tape: what `unroll` kept.
            dnexts: the cotangents of outputs and last state; None for zero, also within the state.

        Returns:
            Cotangents shaped like the arguments of `unroll`; those of the parameters are summed
            over batch and time, those of inputs after the end of a sample are zero.
        """

    @abstractmethod
    def unroll_jvp(
        self, params: Arrays, tape: Tape, dparams: Arrays, dxs: Arrays, dstate0: Arrays
    ) -> Unrolled:
        """Forward mode of `unroll`: the tangents of outputs and last state.

        Args:
            params: the parameters.
            tape: what `unroll` kept.
            dparams: the tangents of the parameters; None for zero, also within them.
            dxs: the tangents of the inputs; None for zero.
            dstate0: the tangent of the first state; None for zero, also within it.
        """
