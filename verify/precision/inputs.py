"""Inputs of a user's own, from a file of arrays."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from equations.cell import Cell
from equations.language import TensorSymbol
from verify.arithmetic.formats import FORMATS
from verify.evidence.case import Array, Case

LEAD = {"input": ("T", "B"), "state": ("B",)}


class InputsError(ValueError):
    """The arrays do not fit the cell; the message says which one, what was expected and got."""


def case_from(cell: Cell, path: Path) -> Case:
    """The case of a `.npz` file that holds the arguments of a cell by name.

    Args:
        cell: the cell.
        path: parameters with their own axes, states (B, ...), inputs (B, ...) or (T, B, ...), all
            of one kind of floats. Cotangents and tangents are taken as ones.

    Raises:
        InputsError: an array is missing, is one too many, or does not fit.
        OSError: the file cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputsError(f"{path}: expected a .npz file of arrays: {error}") from error
    symbols = cell.program.arguments
    names = {symbol.name for symbol in symbols}
    if missing := sorted(names - set(arrays)):
        raise InputsError(
            f"{path}: {', '.join(missing)} missing; expected {' '.join(map(str, symbols))}"
        )
    if extra := sorted(set(arrays) - names):
        raise InputsError(
            f"{path}: {', '.join(extra)} unknown; expected {' '.join(map(str, symbols))}"
        )
    sizes: dict[str, int] = {}
    point = {s.name: _fitted(arrays[s.name], s, sizes, path) for s in symbols}
    kinds = {value.dtype.name for value in point.values()}
    if len(kinds) > 1 or not kinds <= set(FORMATS):
        raise InputsError(
            f"{path}: expected all float32 or all float64, got {', '.join(sorted(kinds))}"
        )
    (dtype,) = kinds
    sizes = {"B": 1, "T": 1, **sizes}
    ones: Mapping[str, Array] = {
        s.name: np.ones([sizes[axis] for axis in ("T", "B", *s.axes)], dtype)
        for s in cell.program.results
    }
    tangents = {name: np.ones_like(value) for name, value in point.items()}
    return Case(cell, path.name, 0, sizes, point, ones, tangents)


def _fitted(value: Array, symbol: TensorSymbol, sizes: dict[str, int], path: Path) -> Array:
    """The array with all its axes, which are added to the known sizes."""
    axes = (*LEAD.get(symbol.role, ()), *symbol.axes)
    if symbol.role == "input" and value.ndim == len(axes) - 1:
        value = value[None]
    fits = value.ndim == len(axes)
    fits = fits and all(sizes.setdefault(a, n) == n for a, n in zip(axes, value.shape, strict=True))
    if not fits:
        wanted = ", ".join(f"{axis}={sizes.get(axis, 'any')}" for axis in axes)
        raise InputsError(f"{path}: {symbol}: expected shape ({wanted}), got {value.shape}")
    if not np.all(np.isfinite(value)):
        raise InputsError(f"{path}: {symbol}: expected finite numbers, got NaN or infinity")
    return np.asarray(value)
