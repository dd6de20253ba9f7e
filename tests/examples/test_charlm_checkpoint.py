"""Checkpoints: a resumed run equals an uninterrupted one, and a bad file is one clear error."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest

from examples.charlm import checkpoint
from examples.charlm.errors import InputError
from examples.charlm.text import Corpus
from examples.charlm.train import Settings, TrainingState, start, train

SETTINGS = Settings(cell="gru", hidden=3, streams=2, steps=3, updates=4)

Members = dict[str, Any]


def run(settings: Settings, corpus: Corpus, state: TrainingState, updates: int) -> TrainingState:
    """The state after some number of updates in all."""
    for reached, _ in train(settings, corpus, state):
        state = reached
        if state.update == updates:
            break
    return state


@pytest.fixture
def saved(tmp_path: Path, corpus: Corpus) -> Path:
    """A checkpoint in the middle of a tiny run."""
    path = tmp_path / "gru.ckpt.npz"
    checkpoint.save(path, SETTINGS, corpus, run(SETTINGS, corpus, start(SETTINGS, corpus), 2))
    return path


def rewrite(path: Path, change: Callable[[Members], object]) -> None:
    """Change the arrays of a checkpoint; the file stays a sound one."""
    with np.load(path) as file:
        members: Members = dict(file)
    change(members)
    with path.open("wb") as file:
        np.savez(file, **members)


def rewrite_header(path: Path, **entries: object) -> None:
    """Change entries of the header of a checkpoint."""

    def change(members: Members) -> None:
        members["header"] = np.array(json.dumps(json.loads(str(members["header"])) | entries))

    rewrite(path, change)


def test_resumed_run_equals_the_uninterrupted_one(
    settings: Settings, corpus: Corpus, tmp_path: Path
) -> None:
    """Stopped twice and continued from a file, a run ends in the same file, byte for byte."""
    settings = replace(settings, updates=30)
    whole, parts = tmp_path / "whole.ckpt.npz", tmp_path / "parts.ckpt.npz"
    checkpoint.save(whole, settings, corpus, run(settings, corpus, start(settings, corpus), 30))

    state = start(settings, corpus)
    for updates in (11, 12, 30):
        state = run(settings, corpus, state, updates)
        checkpoint.save(parts, settings, corpus, state)
        state = checkpoint.load(parts, settings, corpus)
    assert state.update == 30
    assert whole.read_bytes() == parts.read_bytes()


def test_reads_what_was_written(saved: Path, corpus: Corpus, tmp_path: Path) -> None:
    """Writing what was read gives the same file, and nothing else in the folder."""
    again = tmp_path / "again.ckpt.npz"
    checkpoint.save(again, SETTINGS, corpus, checkpoint.load(saved, SETTINGS, corpus))
    assert again.read_bytes() == saved.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.ckpt.npz", "gru.ckpt.npz"]


def test_a_failed_write_keeps_the_old_file(
    saved: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If writing fails half-way, the old checkpoint is still there and no rest of the new one."""
    before = saved.read_bytes()

    def fail(file: BinaryIO, **_: object) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(InputError, match="cannot write the checkpoint: No space left on device"):
        checkpoint.save(saved, SETTINGS, corpus, start(SETTINGS, corpus))
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_folder_that_is_a_file_is_refused(saved: Path, corpus: Corpus) -> None:
    """The path and why, also where not even the rest of a write could be removed."""
    with pytest.raises(InputError, match="cannot write the checkpoint: "):
        checkpoint.save(saved / "run.npz", SETTINGS, corpus, start(SETTINGS, corpus))


def test_every_damaged_byte_is_noticed_or_harmless(saved: Path, corpus: Corpus) -> None:
    """Whichever byte is wrong: a clear error, or it was one that carries no meaning."""
    sound = saved.read_bytes()
    state = checkpoint.load(saved, SETTINGS, corpus)
    again = saved.with_name("again.ckpt.npz")
    noticed = 0
    # A stride without a common factor with the sizes of headers and arrays meets all of them.
    for place in range(0, len(sound), 101):
        damaged = bytearray(sound)
        damaged[place] ^= 1 << place % 8
        saved.write_bytes(damaged)
        try:
            read = checkpoint.load(saved, SETTINGS, corpus)
        except InputError:
            noticed += 1
        else:
            checkpoint.save(again, SETTINGS, corpus, read)
            assert again.read_bytes() == sound
    assert noticed > 100
    assert state.update == 2


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(saved: Path, corpus: Corpus, share: float) -> None:
    """A file that ends early is an error that names it."""
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"gru\.ckpt\.npz: checkpoint: expected a whole \.npz"):
        checkpoint.load(saved, SETTINGS, corpus)


def test_a_missing_file_is_refused(tmp_path: Path, corpus: Corpus) -> None:
    """A file that is not there is an error that names it."""
    with pytest.raises(InputError, match="none: checkpoint: cannot read: No such file"):
        checkpoint.load(tmp_path / "none", SETTINGS, corpus)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cell": "lstm"}, "cell: expected lstm, got gru"),
        ({"hidden": 4}, "hidden: expected 4, got 3"),
        ({"streams": 3}, "streams: expected 3, got 2"),
        ({"rate": 0.5}, "rate: expected 0.5, got 0.02"),
        ({"seed": 9}, "seed: expected 9, got 1"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(
    saved: Path, corpus: Corpus, change: dict[str, Any], message: str
) -> None:
    """A run does not continue from another run's checkpoint; the error names the difference."""
    with pytest.raises(InputError, match=message):
        checkpoint.load(saved, replace(SETTINGS, **change), corpus)


def test_a_checkpoint_of_another_text_is_refused(saved: Path, passage: str) -> None:
    """The same settings on another text are another run."""
    other = Corpus.from_text(passage.replace("God", "Dog"))
    with pytest.raises(InputError, match="SHA-256 of the text: expected"):
        checkpoint.load(saved, SETTINGS, other)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"format": "other"}, "format: expected gateproof character model checkpoint, got other"),
        ({"version": 99}, "version: expected 1, got 99"),
        ({"settings": 5}, "settings: expected a JSON object, got int"),
        ({"settings": {}}, "names of the settings: expected"),
        ({"update": -1}, "update: expected an integer from 0 to 4, got -1"),
        ({"update": 5}, "update: expected an integer from 0 to 4, got 5"),
        ({"update": "2"}, "update: expected an integer from 0 to 4, got '2'"),
        ({"position": 5}, "position after 2 updates: expected 6, got 5"),
        ({"generator": "{}"}, "generator: expected a state of PCG64"),
        ({"generator": 7}, "generator: expected a state of PCG64"),
        ({"generator": "["}, "generator: expected a state of PCG64"),
    ],
)
def test_a_wrong_header_is_refused(
    saved: Path, corpus: Corpus, entries: dict[str, object], message: str
) -> None:
    """Every entry of the header is checked; the error names it, what was expected and what came."""
    rewrite_header(saved, **entries)
    with pytest.raises(InputError, match=message):
        checkpoint.load(saved, SETTINGS, corpus)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda members: members.pop("header"), "expected an array 'header'"),
        (lambda members: members.update(header=np.array("{")), "header: expected JSON"),
        (lambda members: members.update(header=np.array("[]")), "header: expected a JSON object"),
        (lambda members: members.update(header=np.array("{}")), "expected an entry 'format'"),
        (
            lambda members: members.pop("weights.hparams.b_y"),
            "expected an array 'weights.hparams.b_y', got none",
        ),
        (
            lambda members: members.update({"recurrent.h": np.zeros((2, 4), np.float32)}),
            r"shape of recurrent\.h: expected \(2, 3\), got \(2, 4\)",
        ),
        (
            lambda members: members.update({"recurrent.h": np.zeros((2, 3))}),
            r"type of recurrent\.h: expected float32, got float64",
        ),
        (
            lambda members: members["recurrent.h"].fill(np.nan),
            r"recurrent\.h: expected finite numbers",
        ),
    ],
)
def test_wrong_arrays_are_refused(
    saved: Path, corpus: Corpus, change: Callable[[Members], object], message: str
) -> None:
    """Arrays that are missing, of another shape or type, or not finite are named."""
    rewrite(saved, change)
    with pytest.raises(InputError, match=message):
        checkpoint.load(saved, SETTINGS, corpus)


def test_pickles_are_refused(saved: Path, corpus: Corpus) -> None:
    """A checkpoint cannot make the reader run code."""
    rewrite(saved, lambda members: members.update(header=np.array([object], dtype=object)))
    with pytest.raises(InputError, match="without pickles, got: Object arrays cannot be loaded"):
        checkpoint.load(saved, SETTINGS, corpus)
