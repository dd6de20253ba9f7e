"""Training: it learns, and it is a function of its settings."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from examples.charlm import scoring
from examples.charlm.errors import DivergedError, InputError
from examples.charlm.optimiser import Adam, clip_by_global_norm, learning_rate
from examples.charlm.sampling import draw, verses
from examples.charlm.text import Corpus
from examples.charlm.train import (
    Settings,
    TrainingState,
    advance,
    character_model,
    generator_from,
    read_batch,
    start,
    train,
)
from examples.charlm.trees import leaves


def unigram_entropy(corpus: Corpus) -> float:
    """The entropy in nats of the characters of the training part."""
    share = np.bincount(corpus.training) / len(corpus.training)
    share = share[share > 0]
    return float(-(share * np.log(share)).sum())


def test_learns_more_than_the_frequencies(settings: Settings, corpus: Corpus) -> None:
    """A short run predicts better than the frequencies of the characters, also held-out ones."""
    states, losses = zip(*train(settings, corpus, start(settings, corpus)), strict=True)
    entropy = unigram_entropy(corpus)
    assert losses[0] > entropy
    assert np.mean(losses[-20:]) < entropy
    model = character_model(settings, corpus)
    bits = scoring.bits_per_character(model, states[-1].weights, corpus)
    assert bits < entropy / math.log(2)


def test_streams_are_contiguous(settings: Settings, corpus: Corpus) -> None:
    """Windows follow one another in every stream, and a target is the next step's input."""
    first = read_batch(settings, corpus, 0)
    second = read_batch(settings, corpus, settings.steps)
    np.testing.assert_array_equal(first.inputs[1:], first.targets[:-1])
    np.testing.assert_array_equal(first.targets[-1], second.inputs[0])


def test_streams_run_round_the_text(corpus: Corpus) -> None:
    """After the last training character comes the first."""
    settings = Settings(cell="gru", streams=1, steps=4)
    batch = read_batch(settings, corpus, corpus.split - 2)
    read = corpus.training[[-2, -1, 0, 1, 2]]
    np.testing.assert_array_equal(batch.inputs[:, 0].argmax(axis=-1), read[:-1])
    np.testing.assert_array_equal(batch.targets[:, 0].argmax(axis=-1), read[1:])


def test_one_seed_gives_one_run(settings: Settings, corpus: Corpus) -> None:
    """Two runs of one seed are equal to the last bit; another seed gives another run."""

    def weights(seed: int) -> list[bytes]:
        chosen = replace(settings, seed=seed, updates=3)
        *_, (state, _) = train(chosen, corpus, start(chosen, corpus))
        return [array.tobytes() for array in leaves(state.weights)]

    assert weights(1) == weights(1)
    assert weights(1) != weights(2)


def test_an_update_leaves_its_argument_alone(settings: Settings, corpus: Corpus) -> None:
    """`advance` is a pure function: the state it is given stays as it was."""
    state, _ = advance(settings, corpus, start(settings, corpus))
    parts = (state.weights, state.moments, state.recurrent)
    before = [array.copy() for part in parts for array in leaves(part)]
    after, _ = advance(settings, corpus, state)
    assert after.update == state.update + 1
    for old, array in zip(before, (a for part in parts for a in leaves(part)), strict=True):
        np.testing.assert_array_equal(old, array)


def test_training_stays_in_float32(settings: Settings, corpus: Corpus) -> None:
    """Weights, moments and recurrent state keep the precision and the order they began with."""
    state: TrainingState = start(settings, corpus)
    state, _ = advance(settings, corpus, state)
    for part in (state.weights, state.moments, state.recurrent):
        for array in leaves(part):
            assert array.dtype == np.float32
            assert array.flags.c_contiguous


def test_divergence_is_named(corpus: Corpus) -> None:
    """A loss that is no number ends the run with the update at which it happened."""
    settings = Settings(cell="gru", hidden=4, streams=2, steps=4)
    state = start(settings, corpus)
    hparams = state.weights.hparams
    broken = hparams._replace(b_y=np.full_like(hparams.b_y, np.nan))
    state = state._replace(weights=state.weights._replace(hparams=broken))
    with pytest.raises(DivergedError, match="the loss of update 1 is nan"):
        advance(settings, corpus, state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cell": "nonesuch"}, "cell: expected one of gru, lstm, got 'nonesuch'"),
        ({"hidden": 0}, "hidden: expected at least 1, got 0"),
        ({"rate": math.nan}, "rate: expected a positive number, got nan"),
        ({"clip": math.inf}, "clip: expected a positive number, got inf"),
        ({"dropout": 1.0}, "dropout: expected at least 0 and below 1, got 1.0"),
        ({"seed": -1}, "seed: expected at least 0, got -1"),
    ],
)
def test_bad_settings_are_named(change: dict[str, Any], message: str) -> None:
    """A setting out of range is an error that names it, what was expected and what came."""
    with pytest.raises(InputError, match=message):
        Settings(**{"cell": "gru", **change})


def test_adam_follows_the_paper(corpus: Corpus) -> None:
    """Two updates of one number equal algorithm 1, computed by hand in plain numbers."""
    settings = Settings(cell="gru", hidden=1, streams=1, steps=1)
    hparams = start(settings, corpus).weights.hparams
    hparams = hparams._replace(W_y=np.array([[2.0]]), b_y=np.array([0.0]))
    adam = Adam(beta1=0.9, beta2=0.99, epsilon=1e-8)
    moments = adam.start(hparams)
    w, m, v = 2.0, 0.0, 0.0
    for step, gradient in enumerate([0.5, -1.5], start=1):
        gradients = hparams._replace(W_y=np.array([[gradient]]), b_y=np.array([0.0]))
        hparams, moments = adam.update(hparams, gradients, moments, step, rate=0.1)
        m = 0.9 * m + 0.1 * gradient
        v = 0.99 * v + 0.01 * gradient**2
        w -= 0.1 * (m / (1 - 0.9**step)) / (math.sqrt(v / (1 - 0.99**step)) + 1e-8)
        assert float(hparams.W_y[0, 0]) == pytest.approx(w, rel=1e-14)
        assert float(hparams.b_y[0]) == 0


def test_clipping_keeps_the_direction(corpus: Corpus) -> None:
    """A long gradient gets the greatest length allowed, a short one stays as it is."""
    weights = start(Settings(cell="lstm", hidden=4), corpus).weights
    clipped = clip_by_global_norm(weights, 0.5)
    norm = math.sqrt(sum(float(np.sum(array**2)) for array in leaves(clipped)))
    assert norm == pytest.approx(0.5, rel=1e-5)
    ratio = clipped.hparams.W_y / weights.hparams.W_y
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-6)
    assert clip_by_global_norm(weights, 1e6) is weights


def test_learning_rate_rises_and_falls() -> None:
    """It rises to its peak while warming up, then falls, and stays positive to the last update."""
    rates = [learning_rate(step, 1000, 0.01, 50) for step in range(1, 1001)]
    assert rates[0] < 0.001
    assert int(np.argmax(rates)) == 49
    assert max(rates) == pytest.approx(0.01, rel=0.01)
    assert all(later < earlier for earlier, later in pairwise(rates[50:]))
    assert 0 < rates[-1] < 1e-6


def test_samples_are_verses_of_the_vocabulary(settings: Settings, corpus: Corpus) -> None:
    """Samples depend on the seed alone, and hold neither a line's end nor an unknown character."""
    state = start(settings, corpus)
    model = character_model(settings, corpus)

    def sample(seed: int) -> list[str]:
        rng = np.random.default_rng(seed)
        sampled = verses(model, state.weights, corpus.vocabulary, rng, temperature=1.0)
        return [next(sampled) for _ in range(3)]

    assert sample(1) == sample(1)
    assert sample(1) != sample(2)
    assert set("".join(sample(1))) <= set(corpus.vocabulary.characters) - {"\n"}


def test_temperature_sharpens_the_distribution() -> None:
    """A low temperature takes the likeliest known character; unknown ones are never drawn."""
    distribution = np.array([0.2, 0.3, 0.1, 0.4])
    rng = np.random.default_rng(0)
    assert {draw(distribution, 3, rng, 0.01) for _ in range(50)} == {1}
    assert {draw(distribution, 3, rng, 100.0) for _ in range(200)} == {0, 1, 2}


def test_generator_state_continues_the_sequence(settings: Settings, corpus: Corpus) -> None:
    """A generator made from a stored state draws what the stored one would have drawn."""
    stored = start(settings, corpus).generator
    one, two = generator_from(stored), generator_from(stored)
    np.testing.assert_array_equal(one.random(5), two.random(5))
