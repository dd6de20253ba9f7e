"""The baseline."""

from collections import Counter

import numpy as np
import pytest

from examples.charlm import ngram
from examples.charlm.errors import InputError
from examples.charlm.text import Corpus, split_point


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4])
def test_probabilities_sum_to_one(corpus: Corpus, length: int) -> None:
    """After any context, one that never occurred included, the probabilities sum to one."""
    size = corpus.vocabulary.size
    model = ngram.fit(corpus.training, size, length)
    rng = np.random.default_rng(0)
    contexts = [corpus.training[place : place + length] for place in range(0, 2000, 200)]
    contexts += [rng.integers(size, size=length) for _ in range(10)]
    for context in contexts:
        distribution = model.distribution(context)
        assert distribution.shape == (size,)
        assert distribution.min() > 0
        assert distribution.sum() == pytest.approx(1, abs=1e-12)


def test_equals_the_formula_in_strings(passage: str, corpus: Corpus) -> None:
    """The counts by code give what the formula gives with counts of strings."""
    model = ngram.fit(corpus.training, corpus.vocabulary.size, 2)
    training = passage[: corpus.split]

    def probability(text: str, strengths: tuple[float, ...]) -> float:
        if not strengths:
            return 1 / corpus.vocabulary.size
        length = len(strengths)
        grams = Counter(training[i : i + length] for i in range(len(training) - length + 1))
        context = sum(count for gram, count in grams.items() if gram[:-1] == text[:-1])
        shorter = probability(text[1:], strengths[:-1])
        return (grams[text] + strengths[-1] * shorter) / (context + strengths[-1])

    for text in ("the", "God", "qzq", " an"):
        [got] = model.probabilities(corpus.vocabulary.encode(text)[None])
        assert got == pytest.approx(probability(text, model.strengths), rel=1e-12)


def test_smoothing_is_chosen_on_training_data_only(corpus: Corpus) -> None:
    """Another held-out part changes neither the smoothing nor the counts."""
    other = np.concatenate([corpus.training, corpus.heldout[::-1]])
    size = corpus.vocabulary.size
    one = ngram.fit(corpus.training, size, 2)
    two = ngram.fit(other[: corpus.split], size, 2)
    assert one.strengths == two.strengths
    assert one.bits_per_character(corpus.ids, corpus.split) != two.bits_per_character(
        other, corpus.split
    )


def test_smoothing_is_the_best_of_the_candidates(corpus: Corpus) -> None:
    """No other strength for the longest context codes the slice of the training text better."""
    training, size = corpus.training, corpus.vocabulary.size
    split = split_point(len(training))
    strengths = ngram.choose_strengths(training, split, size, 2)
    counts = tuple(ngram.Counts.of(training[:split], size, n) for n in range(3))
    bits = {
        strength: ngram.NGram(counts, (*strengths[:-1], strength)).bits_per_character(
            training, split
        )
        for strength in ngram.STRENGTHS
    }
    assert min(bits, key=bits.__getitem__) == strengths[-1]


def test_two_characters_of_context_give_the_known_score(genesis: str) -> None:
    """On the whole text the model with two characters of context needs 2.44 bits."""
    corpus = Corpus.from_text(genesis)
    model = ngram.fit(corpus.training, corpus.vocabulary.size, 2)
    assert model.bits_per_character(corpus.ids, corpus.split) == pytest.approx(2.44, abs=0.005)


def test_too_large_a_vocabulary_is_refused() -> None:
    """Codes that would not fit 64 bits are an error, not a wrong count."""
    with pytest.raises(InputError, match="needs a smaller vocabulary, got 10000 characters"):
        ngram.fit(np.arange(1000), 10_000, 4)
