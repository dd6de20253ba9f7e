"""New verses from a trained model."""

from collections.abc import Iterator

import numpy as np

from examples.charlm.model import CharacterModel, Weights, one_hot
from examples.charlm.text import Vocabulary
from examples.charlm.trees import Array

# A verse is a line. A text without lines gives samples of the greatest length, which is well above
# the 319 characters of the longest verse of Genesis.
VERSE_END = "\n"
LONGEST = 500


def verses(
    model: CharacterModel,
    weights: Weights,
    vocabulary: Vocabulary,
    rng: np.random.Generator,
    temperature: float,
) -> Iterator[str]:
    """Verses without end, each after the one before it.

    Args:
        model: The model.
        weights: Its weights.
        vocabulary: What its numbers mean.
        rng: Draws the characters.
        temperature: The exponent of the distribution is its inverse: 1 is the model's own
            distribution, less makes likely characters likelier.
    """
    end = int(vocabulary.encode(VERSE_END)[0])
    state = model.zero_state(1, weights.hparams.b_y.dtype)
    number = end
    while True:
        verse: list[int] = []
        while len(verse) < LONGEST:
            x = one_hot(np.array([number]), model.n_x, weights.hparams.b_y.dtype)
            distribution, state = model.predict(weights, x, state)
            number = draw(distribution[0], vocabulary.unknown, rng, temperature)
            if number == end:
                break
            verse.append(number)
        yield vocabulary.decode(np.array(verse, np.int64))


def draw(distribution: Array, unknown: int, rng: np.random.Generator, temperature: float) -> int:
    """Draw a character other than the unknown one."""
    known = distribution.astype(np.float64)
    known[unknown] = 0
    # The largest becomes 1 first, so that no temperature makes all of them underflow.
    tempered = (known / known.max()) ** (1 / temperature)
    return int(rng.choice(len(known), p=tempered / tempered.sum()))
