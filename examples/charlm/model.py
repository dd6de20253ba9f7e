"""The model: one-hot characters → a generated cell → softmax and cross entropy, also generated.

No derivative is written here. Both generated modules bring their vector-Jacobian product, and the
chain rule is to hand the result of the one to the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt

from equations.generated import gru, lstm
from equations.generated import softmax_cross_entropy as head
from examples.charlm.text import Ids
from examples.charlm.trees import Array


class RecurrentCell(Protocol):
    """What the model uses of a generated cell: one input x, and a state that shows an h."""

    State: type[NamedTuple]

    def init(
        self, rng: np.random.Generator, *, n_x: int, n_h: int, dtype: npt.DTypeLike
    ) -> NamedTuple:
        """Draw parameters."""

    def step(
        self, params: NamedTuple, x: Array, state: NamedTuple
    ) -> tuple[NamedTuple, NamedTuple]:
        """The next state."""

    def unroll(
        self, params: NamedTuple, xs: Array, state0: NamedTuple
    ) -> tuple[NamedTuple, NamedTuple]:
        """The states of a sequence, and what the derivative needs of it."""

    def unroll_vjp(
        self, params: NamedTuple, tape: NamedTuple, dstates: NamedTuple
    ) -> tuple[NamedTuple, Array, NamedTuple]:
        """The cotangents of the parameters, the inputs and the initial state."""


# A module takes its own Params where the protocol says "some named tuple", hence the casts: the
# model passes back to a module only what it got from it.
CELLS: Mapping[str, RecurrentCell] = MappingProxyType(
    {"gru": cast("RecurrentCell", gru), "lstm": cast("RecurrentCell", lstm)}
)


class Weights(NamedTuple):
    """What is learned: the parameters of the cell and those of the head."""

    params: NamedTuple
    hparams: head.Params


class Batch(NamedTuple):
    """A window of T characters from each of B streams.

    Attributes:
        inputs: The characters, one-hot (T, B, n_x).
        targets: The character after each of them, one-hot (T, B, n_y).
        keep: The dropout mask on what the head sees (T, B, n_h), scaled to mean 1; None keeps all.
    """

    inputs: Array
    targets: Array
    keep: Array | None = None


class Gradients(NamedTuple):
    """The derivative of the loss with respect to everything the model takes but the targets."""

    params: NamedTuple
    hparams: head.Params
    inputs: Array
    state: NamedTuple


class Step(NamedTuple):
    """What one window of text gives.

    Attributes:
        loss: The mean cross entropy of a character, in nats.
        gradients: Its derivatives.
        hidden: The cotangents (T, B, n_h) that the head hands to the cell.
        state: The state after the window, where the next one begins.
    """

    loss: float
    gradients: Gradients
    hidden: Array
    state: NamedTuple


class Forward(NamedTuple):
    """The forward pass and what its derivative needs."""

    states: NamedTuple
    tape: NamedTuple
    head_tape: head.Tape
    cost: Array


@dataclass(frozen=True)
class CharacterModel:
    """Pure functions of weights, a window of text and a state, for one cell.

    Attributes:
        name: The name of the cell, a key of `CELLS`.
        n_x: The size of the vocabulary.
        n_h: The size of the hidden state.
    """

    name: str
    n_x: int
    n_h: int

    @property
    def cell(self) -> RecurrentCell:
        """The generated module."""
        return CELLS[self.name]

    def init(self, rng: np.random.Generator, dtype: npt.DTypeLike) -> Weights:
        """Draw weights."""
        params = self.cell.init(rng, n_x=self.n_x, n_h=self.n_h, dtype=dtype)
        return Weights(params, head.init(rng, n_h=self.n_h, n_y=self.n_x, dtype=dtype))

    def zero_state(self, streams: int, dtype: npt.DTypeLike) -> NamedTuple:
        """The state before the first character."""
        kind = self.cell.State
        return kind._make(np.zeros((streams, self.n_h), dtype) for _ in kind._fields)

    def forward(
        self, params: NamedTuple, hparams: head.Params, batch: Batch, state: NamedTuple
    ) -> Forward:
        """The states of the cell and the cost (T, B) of each character, as a share of the mean."""
        states, tape = self.cell.unroll(params, batch.inputs, state)
        h = hidden(states)
        shown = h if batch.keep is None else h * batch.keep
        nexts, head_tape = head.unroll(hparams, head.Inputs(h=shown, y=batch.targets), head.State())
        return Forward(states, tape, head_tape, nexts.cost)

    def loss(
        self, params: NamedTuple, hparams: head.Params, batch: Batch, state: NamedTuple
    ) -> float:
        """The mean cross entropy of a character, in nats."""
        return mean_over_streams(self.forward(params, hparams, batch, state).cost)

    def loss_and_gradients(
        self, params: NamedTuple, hparams: head.Params, batch: Batch, state: NamedTuple
    ) -> Step:
        """The loss of one window of text, its derivatives, and the state after the window."""
        states, tape, head_tape, cost = self.forward(params, hparams, batch, state)
        # The head's cost is a share of the mean over time; the mean over the streams is taken here.
        dcost = np.full_like(cost, 1 / cost.shape[1])
        # A cotangent of None is zero. Hence _make and _replace: the fields are typed as arrays.
        dnexts = head.Next._make((None, dcost))
        dhparams, dinputs, _ = head.unroll_vjp(hparams, head_tape, dnexts)
        dh = dinputs.h if batch.keep is None else dinputs.h * batch.keep
        dstates = states._replace(**(dict.fromkeys(states._fields) | {"h": dh}))
        dparams, dxs, dstate = self.cell.unroll_vjp(params, tape, dstates)
        return Step(
            loss=mean_over_streams(cost),
            gradients=Gradients(dparams, dhparams, dxs, dstate),
            hidden=dh,
            state=last(states),
        )

    def predict(self, weights: Weights, x: Array, state: NamedTuple) -> tuple[Array, NamedTuple]:
        """The distribution (B, n_y) of the character after x (B, n_x), and the state after x."""
        state, _ = self.cell.step(weights.params, x, state)
        h = hidden(state)
        # The cost of a target is not asked for: any target will do.
        inputs = head.Inputs(h=h, y=np.zeros_like(x))
        nexts, _ = head.step(weights.hparams, inputs, head.State())
        return nexts.y_hat, state


def one_hot(ids: Ids, size: int, dtype: npt.DTypeLike) -> Array:
    """Numbers of any shape as rows of the identity."""
    identity: Array = np.eye(size, dtype=dtype)
    return identity[ids]


def hidden(state: NamedTuple) -> Array:
    """What a cell shows of its state."""
    h: Array = state._asdict()["h"]
    return h


def last(states: NamedTuple) -> NamedTuple:
    """The last state of a sequence; a copy, so that the sequence can be freed."""
    return type(states)(*(values[-1].copy() for values in states))


def mean_over_streams(cost: Array) -> float:
    """The mean cost of a character, from its shares of the mean over time (T, B)."""
    return float(cost.sum() / cost.shape[1])
