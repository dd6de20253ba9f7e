"""A text as numbers: its vocabulary, its training part and its held-out part."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from examples.charlm.errors import InputError

Ids: TypeAlias = npt.NDArray[np.int64]

# The last tenth of a text is held out; so is, to choose the baseline's smoothing, the last tenth
# of its training part.
HELDOUT_SHARE = 10
SHORTEST_TEXT = 1000
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def split_point(length: int) -> int:
    """Where the last tenth of a sequence begins."""
    return length - length // HELDOUT_SHARE


@dataclass(frozen=True)
class Vocabulary:
    """The distinct characters of a training text, and one number for every other character.

    Attributes:
        characters: The characters, sorted; a character's number is its place.
    """

    characters: str

    @property
    def unknown(self) -> int:
        """The number of every character that the training text lacks."""
        return len(self.characters)

    @property
    def size(self) -> int:
        """How many numbers there are, the unknown character included."""
        return len(self.characters) + 1

    def encode(self, text: str) -> Ids:
        """Turn characters into numbers."""
        number = {character: place for place, character in enumerate(self.characters)}
        return np.array([number.get(character, self.unknown) for character in text], np.int64)

    def decode(self, ids: Ids) -> str:
        """Turn numbers into characters; the unknown one becomes the replacement character."""
        return "".join((self.characters + UNKNOWN)[number] for number in ids)


# Compared by identity, since an array has no truth value; so are the other records of arrays.
@dataclass(frozen=True, eq=False)
class Corpus:
    """A text cut into a training part and a held-out part.

    Attributes:
        vocabulary: Taken from the training part alone.
        ids: The whole text as numbers.
        split: Where the held-out part begins.
        digest: SHA-256 of the text in UTF-8, by which a checkpoint recognises its text.
    """

    vocabulary: Vocabulary
    ids: Ids
    split: int
    digest: str

    @property
    def training(self) -> Ids:
        """The part that models learn from."""
        return self.ids[: self.split]

    @property
    def heldout(self) -> Ids:
        """The part that models are scored on."""
        return self.ids[self.split :]

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Cut a text at nine tenths.

        Raises:
            InputError: the text is too short to say anything about.
        """
        if len(text) < SHORTEST_TEXT:
            raise InputError(f"text: expected at least {SHORTEST_TEXT} characters, got {len(text)}")
        split = split_point(len(text))
        vocabulary = Vocabulary("".join(sorted(set(text[:split]))))
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(vocabulary, vocabulary.encode(text), split, digest)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a text in UTF-8.

        Raises:
            InputError: the file cannot be read, is not UTF-8, or is too short.
        """
        try:
            return cls.from_text(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: cannot read the text: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}: expected UTF-8, got byte 0x{error.object[error.start]:02x}"
                f" at offset {error.start}"
            ) from error
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
