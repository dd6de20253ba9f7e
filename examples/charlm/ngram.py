"""The baseline: n-gram models, each interpolated with the one that sees a character less.

With c(·) a count in the training text and P₋₁ uniform over the vocabulary,

    P_N(y | x₁…x_N) = (c(x₁…x_N y) + s_N P_{N-1}(y | x₂…x_N)) / (c(x₁…x_N) + s_N)

so the shorter context is worth s_N observations. Each s_N is the one that codes the last tenth of
the *training* text best when the rest is counted; then all of the training text is counted.

Source: D. MacKay, L. Peto, A hierarchical Dirichlet language model, 1995.
"""

from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from examples.charlm.errors import InputError
from examples.charlm.text import Ids, split_point

Probabilities: TypeAlias = npt.NDArray[np.float64]

# From a sixteenth of an observation to 256 of them, in steps of √2.
STRENGTHS = tuple(2.0 ** (step / 2) for step in range(-8, 17))


@dataclass(frozen=True, eq=False)
class Counts:
    """How often each context occurs in a text, and each context with the character after it.

    Attributes:
        size: The size of the vocabulary.
        length: The length of the contexts.
        grams: The codes of the contexts-with-next-character that occur, ascending.
        gram_counts: How often each of them occurs.
        contexts: The codes of the contexts that occur, ascending.
        context_counts: How often each of them occurs.
    """

    size: int
    length: int
    grams: Ids
    gram_counts: Ids
    contexts: Ids
    context_counts: Ids

    @classmethod
    def of(cls, ids: Ids, size: int, length: int) -> Self:
        """Count a text.

        Raises:
            InputError: the vocabulary is too large for the codes to fit 64 bits.
        """
        if size ** (length + 1) > np.iinfo(np.int64).max:
            raise InputError(
                f"n-gram: a context of {length} characters needs a smaller vocabulary,"
                f" got {size} characters"
            )
        codes = encode(windows(ids, length), size)
        grams, gram_counts = np.unique(codes, return_counts=True)
        contexts, context_counts = np.unique(codes // size, return_counts=True)
        return cls(size, length, grams, gram_counts, contexts, context_counts)

    def smoothed(self, seen: Ids, shorter: Probabilities, strength: float) -> Probabilities:
        """The interpolated probability of the last character of each window.

        Args:
            seen: Windows (M, length + 1): a context and the character after it.
            shorter: The probabilities (M,) given the context without its first character.
            strength: How many observations the shorter context is worth.
        """
        codes = encode(seen, self.size)
        gram = lookup(self.grams, self.gram_counts, codes)
        context = lookup(self.contexts, self.context_counts, codes // self.size)
        return (gram + strength * shorter) / (context + strength)


@dataclass(frozen=True, eq=False)
class NGram:
    """A model of the next character given the last few.

    Attributes:
        counts: The counts for contexts of 0, 1, ... characters.
        strengths: The smoothing of each of them.
    """

    counts: tuple[Counts, ...]
    strengths: tuple[float, ...]

    @property
    def length(self) -> int:
        """How many characters of context the model sees."""
        return self.counts[-1].length

    def probabilities(self, seen: Ids) -> Probabilities:
        """The probability of the last character of each window (M, length + 1)."""
        result = np.full(len(seen), 1 / self.counts[0].size)
        for counts, strength in zip(self.counts, self.strengths, strict=True):
            result = counts.smoothed(seen[:, self.length - counts.length :], result, strength)
        return result

    def distribution(self, context: Ids) -> Probabilities:
        """The probabilities of every next character after one context (length,)."""
        size = self.counts[0].size
        contexts = np.tile(context, (size, 1))
        return self.probabilities(np.column_stack([contexts, np.arange(size)]))

    def bits_per_character(self, ids: Ids, start: int) -> float:
        """The mean code length of `ids[start:]`, each character after those before it."""
        return code_length(self.probabilities(windows(ids[start - self.length :], self.length)))


def fit(training: Ids, size: int, length: int) -> NGram:
    """The n-gram model of a training text for contexts of some length.

    Args:
        training: The text as numbers; the smoothing is chosen on its last tenth.
        size: The size of the vocabulary.
        length: The length of the contexts.
    """
    lengths = range(length + 1)
    strengths = choose_strengths(training, split_point(len(training)), size, length)
    return NGram(tuple(Counts.of(training, size, n) for n in lengths), strengths)


def choose_strengths(training: Ids, split: int, size: int, length: int) -> tuple[float, ...]:
    """The strengths that code `training[split:]` best when `training[:split]` is counted.

    The shortest context is settled first, and each longer one on top of it.
    """
    chosen: list[float] = []
    shorter = np.full(len(training) - split, 1 / size)
    for n in range(length + 1):
        counts = Counts.of(training[:split], size, n)
        seen = windows(training[split - n :], n)
        candidates = [
            (strength, counts.smoothed(seen, shorter, strength)) for strength in STRENGTHS
        ]
        strength, shorter = min(candidates, key=lambda candidate: code_length(candidate[1]))
        chosen.append(strength)
    return tuple(chosen)


def windows(ids: Ids, length: int) -> Ids:
    """Every context of a text with the character after it, (M, length + 1)."""
    return np.lib.stride_tricks.sliding_window_view(ids, length + 1)


def encode(seen: Ids, size: int) -> Ids:
    """Windows (M, n) as numbers of n digits in base `size`, the context first."""
    codes: Ids = seen @ size ** np.arange(seen.shape[1] - 1, -1, -1)
    return codes


def lookup(keys: Ids, counts: Ids, wanted: Ids) -> Ids:
    """The counts of some codes, 0 where a code does not occur."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, counts[place], 0)


def code_length(probabilities: Probabilities) -> float:
    """The mean of -log₂ p."""
    return float(-np.log2(probabilities).mean())
