"""Training: teacher forcing and truncated backpropagation through time over contiguous streams.

The training text is a ring. Stream b starts at its b-th B-th part, every update reads the next T
characters of every stream, and the state after them is where the next update begins: no stream
ever jumps, except from the end of the text to its beginning. The input of a step is the true
character before the one to predict (teacher forcing); the gradient stops at the window's edge.

A training state is plain, immutable data, and `advance` is a pure function of it. That is what
makes a resumed run equal to an uninterrupted one.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import numpy as np

from examples.charlm.errors import DivergedError, InputError
from examples.charlm.model import CELLS, Batch, CharacterModel, Weights, one_hot
from examples.charlm.optimiser import Adam, Moments, clip_by_global_norm, learning_rate
from examples.charlm.text import Corpus
from examples.charlm.trees import Array, map_leaves

DTYPE = np.float32
ADAM = Adam()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a run depends on besides the text.

    The sizes and rates were chosen on the last tenth of the training part, for a run of about half
    a minute on two cores.

    Attributes:
        cell: The name of the cell.
        hidden: The size of the hidden state, n_h.
        updates: How many updates the whole run has; the learning rate depends on it.
        streams: How many places of the text are read side by side, B.
        steps: How many characters a gradient reaches back, T.
        rate: The highest learning rate.
        warm_up: For how many updates the learning rate rises.
        clip: The longest gradient.
        dropout: The share of the hidden state that is hidden from the head.
        seed: The seed of the weights, the dropout and the samples.
    """

    cell: str
    hidden: int = 160
    updates: int = 2500
    streams: int = 16
    steps: int = 32
    rate: float = 0.02
    warm_up: int = 50
    clip: float = 1.0
    dropout: float = 0.1
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be trained.

        Raises:
            InputError: a value is out of its range.
        """
        if self.cell not in CELLS:
            raise InputError(f"--cell: expected one of {', '.join(CELLS)}, got {self.cell!r}")
        for name in ("hidden", "updates", "streams", "steps", "warm_up"):
            if getattr(self, name) < 1:
                self._refuse(name, "at least 1")
        for name in ("rate", "clip"):
            if not 0 < getattr(self, name) < math.inf:
                self._refuse(name, "a positive number")
        if not 0 <= self.dropout < 1:
            self._refuse("dropout", "at least 0 and below 1")
        if self.seed < 0:
            self._refuse("seed", "at least 0")

    def _refuse(self, name: str, expected: str) -> NoReturn:
        """Name a setting by its option, as it is typed."""
        option = f"--{name.replace('_', '-')}"
        raise InputError(f"{option}: expected {expected}, got {getattr(self, name)}")

    def check_against(self, corpus: Corpus) -> None:
        """Refuse more streams than there are places to begin.

        Raises:
            InputError: there are more.
        """
        if self.streams > corpus.split:
            self._refuse("streams", f"at most the {corpus.split} characters of the training text")


class TrainingState(NamedTuple):
    """A run between two updates.

    Attributes:
        weights: What has been learned.
        moments: Adam's memory.
        recurrent: The state (B, n_h) of the cell in every stream.
        update: How many updates have been made.
        position: How far every stream has come, modulo the length of the training text.
        generator: The state of the random generator as NumPy gives it, in JSON.
    """

    weights: Weights
    moments: Moments[Weights]
    recurrent: NamedTuple
    update: int
    position: int
    generator: str


def character_model(settings: Settings, corpus: Corpus) -> CharacterModel:
    """The model that the settings describe, for the vocabulary of a corpus."""
    return CharacterModel(settings.cell, corpus.vocabulary.size, settings.hidden)


def start(settings: Settings, corpus: Corpus) -> TrainingState:
    """The state before the first update.

    Raises:
        InputError: the settings do not suit the text.
    """
    settings.check_against(corpus)
    rng = np.random.default_rng(settings.seed)
    model = character_model(settings, corpus)
    # From here on every weight, gradient and moment is in C order. The order of an array decides
    # which routine of the linear algebra library multiplies it, and so the last bit of the result;
    # a file does not keep every order.
    weights = map_leaves(np.ascontiguousarray, model.init(rng, DTYPE))
    return TrainingState(
        weights=weights,
        moments=ADAM.start(weights),
        recurrent=model.zero_state(settings.streams, DTYPE),
        update=0,
        position=0,
        generator=generator_state(rng),
    )


def advance(
    settings: Settings, corpus: Corpus, state: TrainingState
) -> tuple[TrainingState, float]:
    """Make one update.

    Returns:
        The next state, and the loss in nats before the update.

    Raises:
        DivergedError: the loss is not a finite number.
    """
    model = character_model(settings, corpus)
    rng = generator_from(state.generator)
    batch = read_batch(settings, corpus, state.position)._replace(keep=draw_mask(settings, rng))
    step = model.loss_and_gradients(*state.weights, batch, state.recurrent)
    update = state.update + 1
    if not math.isfinite(step.loss):
        raise DivergedError(
            f"{settings.cell}: the loss of update {update} is {step.loss};"
            f" a rate below {settings.rate:g} may help"
        )
    gradients = Weights(step.gradients.params, step.gradients.hparams)
    gradients = clip_by_global_norm(map_leaves(np.ascontiguousarray, gradients), settings.clip)
    rate = learning_rate(update, settings.updates, settings.rate, settings.warm_up)
    weights, moments = ADAM.update(state.weights, gradients, state.moments, update, rate)
    return TrainingState(
        weights=weights,
        moments=moments,
        recurrent=step.state,
        update=update,
        position=(state.position + settings.steps) % corpus.split,
        generator=generator_state(rng),
    ), step.loss


def train(
    settings: Settings, corpus: Corpus, state: TrainingState
) -> Iterator[tuple[TrainingState, float]]:
    """Every state after `state`, to the end of the run, with the loss of its update."""
    while state.update < settings.updates:
        state, loss = advance(settings, corpus, state)
        yield state, loss


def read_batch(settings: Settings, corpus: Corpus, position: int) -> Batch:
    """The window of every stream at a position."""
    starts = np.arange(settings.streams) * corpus.split // settings.streams
    offsets = position + np.arange(settings.steps + 1)
    ids = corpus.training[(offsets[:, None] + starts) % corpus.split]
    symbols = one_hot(ids, corpus.vocabulary.size, DTYPE)
    return Batch(inputs=symbols[:-1], targets=symbols[1:])


def draw_mask(settings: Settings, rng: np.random.Generator) -> Array | None:
    """A dropout mask for one window."""
    if settings.dropout == 0:
        return None
    shape = (settings.steps, settings.streams, settings.hidden)
    kept = rng.random(shape, DTYPE) >= settings.dropout
    return kept * DTYPE(1 / (1 - settings.dropout))


def generator_state(rng: np.random.Generator) -> str:
    """The state of a random generator as JSON."""
    return json.dumps(rng.bit_generator.state)


def generator_from(state: str) -> np.random.Generator:
    """A random generator that continues where one of that state stopped.

    Raises:
        TypeError, ValueError, KeyError, OverflowError: the text is no such state.
    """
    bits = np.random.PCG64(0)
    bits.state = json.loads(state)
    return np.random.Generator(bits)
