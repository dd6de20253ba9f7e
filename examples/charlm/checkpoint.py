"""A training state in a file, so that a run can be continued to the same last bit.

The file is NumPy's .npz without pickles: the arrays under their dotted names, and one JSON text
with everything that is not an array. It carries what it belongs to (the settings and the text)
and is refused by a run that has others.
"""

import contextlib
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from examples.charlm.errors import InputError
from examples.charlm.text import Corpus
from examples.charlm.train import (
    Settings,
    TrainingState,
    generator_from,
    generator_state,
    start,
)
from examples.charlm.trees import Array, leaves, paths, rebuild

FORMAT = "gateproof character model checkpoint"
VERSION = 1
HEADER = "header"
ENTRIES = ("format", "version", "settings", "text", "update", "position", "generator")
ARRAYS = ("weights", "moments", "recurrent")
# What reading a damaged or foreign archive raises, whichever byte of it is wrong.
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError)


def save(path: Path, settings: Settings, corpus: Corpus, state: TrainingState) -> None:
    """Write a training state; the file is always a whole one, the old or the new.

    Raises:
        InputError: the file cannot be written.
    """
    header = {
        "format": FORMAT,
        "version": VERSION,
        "settings": asdict(settings),
        "text": corpus.digest,
        "update": state.update,
        "position": state.position,
        "generator": state.generator,
    }
    members: dict[str, Any] = {HEADER: np.array(json.dumps(header)), **named_arrays(state)}
    # In the same folder, since a file can be replaced in one step only within a file system.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            np.savez(file, **members)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot write the checkpoint: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):  # where nothing could be written there is nothing left
            temporary.unlink(missing_ok=True)


def load(path: Path, settings: Settings, corpus: Corpus) -> TrainingState:
    """Read the training state of a run with these settings on this text.

    Raises:
        InputError: the file cannot be read, is damaged, or belongs to another run.
    """
    try:
        members = read_members(path)
        header = read_header(members)
        check_same("format", FORMAT, header["format"])
        check_same("version", VERSION, header["version"])
        check_settings(settings, header["settings"])
        check_same("SHA-256 of the text", corpus.digest, header["text"])
        update = checked_update(header["update"], settings.updates)
        position = update * settings.steps % corpus.split
        check_same(f"position after {update} updates", position, header["position"])
        # A fresh state has the names, shapes and types that the file must have.
        fresh = start(settings, corpus)
        arrays = iter(checked_arrays(named_arrays(fresh), members))
        return TrainingState(
            weights=rebuild(fresh.weights, arrays),
            moments=rebuild(fresh.moments, arrays),
            recurrent=rebuild(fresh.recurrent, arrays),
            update=update,
            position=position,
            generator=checked_generator(header["generator"]),
        )
    except InputError as error:
        raise InputError(f"{path}: checkpoint: {error}") from error


def named_arrays(state: TrainingState) -> dict[str, Array]:
    """The arrays of a training state under their dotted names."""
    return {
        f"{part}.{name}": array
        for part in ARRAYS
        for name, array in zip(
            paths(getattr(state, part)), leaves(getattr(state, part)), strict=True
        )
    }


def read_members(path: Path) -> Mapping[str, np.ndarray[Any, Any]]:
    """Every array of an .npz file.

    Raises:
        InputError: it cannot be read or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            # The check sums come first: a damaged array may announce any size.
            damaged = archive.testzip()
        if damaged is not None:
            raise InputError(f"{damaged}: the check sum is wrong, the file is damaged")
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror}") from error
    except UNREADABLE as error:
        raise InputError(f"expected a whole .npz file without pickles, got: {error}") from error


def read_header(members: Mapping[str, np.ndarray[Any, Any]]) -> Mapping[str, Any]:
    """The JSON text of a checkpoint.

    Raises:
        InputError: there is none, or it is something else.
    """
    if HEADER not in members:
        names = ", ".join(sorted(members)[:3]) or "nothing"
        raise InputError(f"expected an array {HEADER!r}, got {names}")
    try:
        header = json.loads(str(members[HEADER]))
    except json.JSONDecodeError as error:
        raise InputError(f"header: expected JSON, got: {error}") from error
    if not isinstance(header, dict):
        raise InputError(f"header: expected a JSON object, got {type(header).__name__}")
    for entry in ENTRIES:
        if entry not in header:
            raise InputError(f"header: expected an entry {entry!r}, got none")
    return header


def check_same(what: str, expected: object, got: object) -> None:
    """Compare one fact of a checkpoint with that of the run.

    Raises:
        InputError: they differ.
    """
    if expected != got:
        raise InputError(f"{what}: expected {expected}, got {got}")


def check_settings(settings: Settings, got: object) -> None:
    """Compare the settings of a checkpoint with those of the run.

    Raises:
        InputError: they differ; the first difference is named.
    """
    if not isinstance(got, dict):
        raise InputError(f"settings: expected a JSON object, got {type(got).__name__}")
    expected = asdict(settings)
    check_same("names of the settings", sorted(expected), sorted(got))
    for name, value in expected.items():
        check_same(name, value, got[name])


def checked_arrays(
    expected: Mapping[str, Array], got: Mapping[str, np.ndarray[Any, Any]]
) -> list[Array]:
    """The arrays of a checkpoint in the order of those expected.

    Raises:
        InputError: one is missing, has another shape or type, or is not finite.
    """
    for name, array in expected.items():
        if name not in got:
            raise InputError(f"expected an array {name!r}, got none")
        check_same(f"shape of {name}", array.shape, got[name].shape)
        check_same(f"type of {name}", array.dtype, got[name].dtype)
        if not np.isfinite(got[name]).all():
            raise InputError(f"{name}: expected finite numbers, got NaN or infinity")
    return [got[name] for name in expected]


def checked_update(update: object, updates: int) -> int:
    """How many updates a checkpoint has made.

    Raises:
        InputError: it is no integer from 0 to the length of the run.
    """
    if not isinstance(update, int) or not 0 <= update <= updates:
        raise InputError(f"update: expected an integer from 0 to {updates}, got {update!r}")
    return update


def checked_generator(state: str) -> str:
    """The state of a random generator.

    Raises:
        InputError: it is none.
    """
    try:
        return generator_state(generator_from(state))
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise InputError(f"generator: expected a state of PCG64, got: {error}") from error
