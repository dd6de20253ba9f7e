"""The text as numbers."""

from pathlib import Path

import pytest

from examples.charlm.errors import InputError
from examples.charlm.text import SHORTEST_TEXT, UNKNOWN, Corpus, Vocabulary


def test_last_tenth_is_held_out(passage: str, corpus: Corpus) -> None:
    """The two parts are the text, in order, and the second is a tenth of it."""
    decode = corpus.vocabulary.decode
    assert decode(corpus.training) + decode(corpus.heldout) == passage
    assert len(corpus.heldout) == len(passage) // 10


def test_vocabulary_comes_from_the_training_part() -> None:
    """A character that only the held-out part has gets the number of unknown characters."""
    corpus = Corpus.from_text("ab" * 900 + "abcd" * 50)
    assert corpus.vocabulary.characters == "ab"
    assert set(corpus.heldout.tolist()) == {0, 1, corpus.vocabulary.unknown}


def test_unknown_characters_are_decoded_as_such() -> None:
    """Encoding loses nothing but which unknown character it was."""
    vocabulary = Vocabulary("ab")
    assert vocabulary.decode(vocabulary.encode("abz")) == f"ab{UNKNOWN}"


def test_short_text_is_refused() -> None:
    """A text too short to cut is an error that says how long it should be."""
    with pytest.raises(InputError, match=f"at least {SHORTEST_TEXT} characters, got 3"):
        Corpus.from_text("abc")


def test_other_encoding_is_refused(tmp_path: Path) -> None:
    """A text that is not UTF-8 is an error that names the file, the byte and where it is."""
    path = tmp_path / "latin.txt"
    path.write_bytes(b"abc\xe9")
    with pytest.raises(InputError, match=r"latin\.txt: expected UTF-8, got byte 0xe9 at offset 3"):
        Corpus.from_file(path)
