"""Where results are written: found to be possible before the work, not after it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click


def folder(option: str, path: Path | None) -> None:
    """Refuse a folder that cannot be made or written to.

    Args:
        option: the option as typed, such as `--output`.
        path: the folder; None where nothing is written.

    Raises:
        click.UsageError: what was expected and what it is.
    """
    if path is not None and (why := _trouble(path)):
        raise click.UsageError(f"{option} {path}: expected a folder that can be written, got {why}")


def file(option: str, path: Path | None) -> None:
    """Refuse a file that cannot be written; `-` is standard output. See `folder`."""
    if path is None or str(path) == "-":
        return
    parent = path.absolute().parent
    why = f"{parent}: no such folder" if not parent.is_dir() else _trouble(parent)
    why = "a folder" if path.is_dir() else why
    if why:
        raise click.UsageError(f"{option} {path}: expected a file that can be written, got {why}")


def _trouble(path: Path) -> str:
    """Why nothing can be made in a folder, or in the nearest one above it that there is."""
    there = next(above for above in (path.absolute(), *path.absolute().parents) if above.exists())
    if not there.is_dir():
        return "a file" if there == path.absolute() else f"{there}, a file"
    try:
        with tempfile.TemporaryDirectory(dir=there):
            return ""
    except OSError as error:
        return f"{there}: {(error.strerror or str(error)).lower()}"
