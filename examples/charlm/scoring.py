"""How well a trained model predicts the held-out text."""

import math
from typing import NamedTuple

from examples.charlm.model import (
    Batch,
    CharacterModel,
    Weights,
    last,
    mean_over_streams,
    one_hot,
)
from examples.charlm.text import Corpus

# How much of the end of the training text the model reads before it is scored, so that the first
# held-out characters have something before them, as every other character has.
WARM_UP = 1000
# The held-out text is read in pieces of this length, which bounds the memory for the states.
PIECE = 1000


def bits_per_character(model: CharacterModel, weights: Weights, corpus: Corpus) -> float:
    """The mean code length of a held-out character, each predicted from those before it."""
    end = len(corpus.ids)
    state = model.zero_state(1, weights.hparams.b_y.dtype)
    _, state = read(
        model, weights, corpus, slice(max(1, corpus.split - WARM_UP), corpus.split), state
    )
    nats = 0.0
    for begin in range(corpus.split, end, PIECE):
        piece = slice(begin, min(begin + PIECE, end))
        mean, state = read(model, weights, corpus, piece, state)
        nats += mean * (piece.stop - piece.start)
    return nats / len(corpus.heldout) / math.log(2)


def read(
    model: CharacterModel, weights: Weights, corpus: Corpus, piece: slice, state: NamedTuple
) -> tuple[float, NamedTuple]:
    """The mean cost in nats of the characters of a piece, and the state after all but the last."""
    ids = corpus.ids[piece.start - 1 : piece.stop, None]
    symbols = one_hot(ids, model.n_x, weights.hparams.b_y.dtype)
    batch = Batch(inputs=symbols[:-1], targets=symbols[1:])
    forward = model.forward(*weights, batch, state)
    return mean_over_streams(forward.cost), last(forward.states)
