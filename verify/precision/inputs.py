"""Inputs and differences of a user's own, from files of arrays."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np

from equations.cell import Cell
from verify.arithmetic.formats import FORMATS
from verify.evidence.case import Array, Case
from verify.evidence.derived import Function
from verify.evidence.rounding import values

LEAD = {"input": ("T", "B"), "state": ("B",), "parameter": ()}


class InputsError(ValueError):
    """The arrays do not fit the cell; the message says which one, what was expected and got."""


def case_from(cell: Cell, path: Path) -> tuple[Case, tuple[str, ...]]:
    """The case of a `.npz` file that holds the arguments of a cell by name.

    Args:
        cell: the cell.
        path: parameters with their own axes, states (B, ...), inputs (B, ...) or (T, B, ...), all
            of one kind of floats. Beside them, where derivatives are asked about, cotangents
            `dy` of results y (B, ...) or (T, B, ...), and tangents `a_dot` of arguments a.

    Returns:
        The case, and the names of the cotangents and tangents that the file has not: they are ones.

    Raises:
        InputsError: an array is missing, is one too many, or does not fit.
        OSError: the file cannot be read.
    """
    arrays = _arrays(path)
    symbols, results = cell.program.arguments, cell.program.results
    axes = {s.name: (*LEAD[s.role], *s.axes) for s in symbols}
    seeds = {f"d{s.name}": ("T", "B", *s.axes) for s in results}
    ways = {f"{name}_dot": own for name, own in axes.items()}
    derived = " ".join((*seeds, *ways))
    told = f"expected {' '.join(axes)}, and for derivatives {derived}"
    if missing := sorted(set(axes) - set(arrays)):
        raise InputsError(f"{path}: {', '.join(missing)} missing; {told}")
    _known(arrays, {**axes, **seeds, **ways}, path, told)
    sizes: dict[str, int] = {}
    found = {
        name: _fitted(arrays[name], name, own, sizes, path)
        for name, own in {**axes, **seeds, **ways}.items()
        if name in arrays
    }
    kinds = {value.dtype.name for value in found.values()}
    if len(kinds) > 1 or not kinds <= set(FORMATS):
        raise InputsError(
            f"{path}: expected all float32 or all float64, got {', '.join(sorted(kinds))}"
        )
    (dtype,) = kinds
    sizes = {"B": 1, "T": 1, **sizes}

    def given(name: str, own: Iterable[str]) -> Array:
        return found.get(name, np.ones([sizes[axis] for axis in own], dtype))

    case = Case(
        cell,
        path.name,
        0,
        sizes,
        {name: found[name] for name in axes},
        {s.name: given(f"d{s.name}", seeds[f"d{s.name}"]) for s in results},
        {name: given(f"{name}_dot", own) for name, own in axes.items()},
    )
    return case, tuple(name for name in (*seeds, *ways) if name not in found)


def read_by(names: Iterable[str], functions: Iterable[Function]) -> tuple[str, ...]:
    """Those of these cotangents and tangents that these functions read."""
    kinds = {function.partition("_")[2] for function in functions}
    of_tangents, of_cotangents = kinds & {"jvp", "hvp"}, kinds & {"vjp", "hvp"}
    return tuple(n for n in names if (of_tangents if n.endswith("_dot") else of_cotangents))


def differences_from(
    path: Path, case: Case, functions: Collection[Function]
) -> Mapping[str, Array]:
    """Differences by result, such as `step_vjp.W_u`, of a `.npz` file of them.

    Args:
        path: arrays of the shapes of the results, named like them; with one function alone the
            name of the field is enough.
        case: tells the shapes.
        functions: whose results they are.

    Raises:
        InputsError: a name is no result, or an array does not fit.
        OSError: the file cannot be read.
    """
    shapes = {
        f"{function}.{name}": value.shape
        for function in functions
        for name, value in values(case, function).items()
    }
    alone = f"{next(iter(functions))}." if len(functions) == 1 else ""
    arrays = {n if n in shapes else f"{alone}{n}": v for n, v in _arrays(path).items()}
    _known(arrays, shapes, path, f"expected some of {' '.join(shapes)}")
    if not arrays:
        raise InputsError(f"{path}: expected some of {' '.join(shapes)}, got no arrays")
    for name, value in arrays.items():
        if value.shape != shapes[name]:
            raise InputsError(f"{path}: {name}: expected shape {shapes[name]}, got {value.shape}")
        _finite(value, name, path)
    return {name: np.abs(value.astype(float)) for name, value in arrays.items()}


def _arrays(path: Path) -> dict[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputsError(f"{path}: expected a .npz file of arrays: {error}") from error


def _known(arrays: Iterable[str], names: Collection[str], path: Path, told: str) -> None:
    if extra := sorted(set(arrays) - set(names)):
        raise InputsError(f"{path}: {', '.join(extra)} unknown; {told}")


def _fitted(
    value: Array, name: str, axes: tuple[str, ...], sizes: dict[str, int], path: Path
) -> Array:
    """The array with all its axes, which are added to the known sizes."""
    if axes[:1] == ("T",) and value.ndim == len(axes) - 1:
        value = value[None]
    fits = value.ndim == len(axes)
    fits = fits and all(sizes.setdefault(a, n) == n for a, n in zip(axes, value.shape, strict=True))
    if not fits:
        wanted = ", ".join(f"{axis}={sizes.get(axis, 'any')}" for axis in axes)
        raise InputsError(f"{path}: {name}: expected shape ({wanted}), got {value.shape}")
    _finite(value, name, path)
    return np.asarray(value)


def _finite(value: Array, name: str, path: Path) -> None:
    real = value.dtype.kind in "fiu"
    if not (real and np.all(np.isfinite(value))):
        got = "NaN or infinity" if real else f"an array of {value.dtype}"
        raise InputsError(f"{path}: {name}: expected finite numbers, got {got}")
