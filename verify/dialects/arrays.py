"""A framework's arrays: what they are called, and how they are read and written by a record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.dialects import shapes
from verify.dialects.layout import Array, DialectError

if TYPE_CHECKING:
    from verify.dialects.record import Dialect

DTYPES = (np.dtype(np.float32), np.dtype(np.float64))

Place = tuple[int, bool]
"""A layer, from 0, and whether it runs backwards in time."""

FIRST: Place = (0, False)

Params = Any
"""The NamedTuple `Params` of a generated cell."""


def unpack(record: Dialect, arrays: Mapping[str, Any] | Sequence[Any], place: Place) -> Params:
    """See `Dialect.unpack`."""
    given = _given(record, arrays, place)
    sizes = _sizes(record, {name: array.shape for name, array in given.items()}, place)
    dtype = next(iter(given.values())).dtype
    values: dict[str, Array] = {}
    for name, layout in record.layouts.items():
        if name not in given:
            continue
        for block, part in layout.cut(given[name], sizes):
            before = values.get(block.parameter)
            # A zero is not added, so that -0 and the sign of a NaN stay as they are.
            values[block.parameter] = (
                part if before is None else np.where(part == 0, before, before + part)
            )
    for name, symbol in record.axes.items():
        if name in record.fixed:
            values[name] = fixed_value(record.fixed[name], [sizes[a] for a in symbol], dtype)
        elif name not in values:
            values[name] = np.zeros([sizes[axis] for axis in symbol], dtype)
        if name in record.added:
            values[name] = values[name] + dtype.type(record.added[name])
    return record.params({name: np.array(values[name], order="C") for name in record.axes})


def pack(record: Dialect, params: Params | Mapping[str, Any], place: Place) -> dict[str, Array]:
    """See `Dialect.pack`."""
    values, sizes = _values(record, params)
    dtype = next(iter(values.values())).dtype
    for name, kind in record.fixed.items():
        wanted = fixed_value(kind, values[name].shape, dtype)
        if not np.array_equal(values[name], wanted):
            index = tuple(int(i) for i in np.argwhere(values[name] != wanted)[0])
            raise DialectError(
                f"{record.name} has no place for {name}, which must be {kind}: "
                f"{name}[{', '.join(map(str, index))}] is {values[name][index]:g}"
            )
    for name, number in record.added.items():
        values[name] = values[name] - dtype.type(number)
    packed: dict[str, Array] = {}
    done: set[str] = set()
    for name, layout in record.layouts.items():
        parts = []
        for block in layout.blocks():
            value = values[block.parameter]
            parts.append(np.zeros_like(value) if block.parameter in done else value)
            done |= {block.parameter} if block.factor else set()
        array = layout.join(iter(parts))
        packed[filled(name, place)] = array.reshape(layout.shape(sizes))
    return packed


def _given(
    record: Dialect, arrays: Mapping[str, Any] | Sequence[Any], place: Place
) -> dict[str, Array]:
    """The arrays by their name in the record, without axes in front, checked for type."""
    names = {filled(name, place): name for name in record.layouts}
    if not isinstance(arrays, Mapping):
        least = len(names) - len(record.optional)
        if not least <= len(arrays) <= len(names):
            raise DialectError(
                f"{record.name}: expected the arrays {', '.join(names)}, got {len(arrays)} arrays"
            )
        arrays = dict(zip(names, arrays, strict=False))
    arrays = flattened(arrays)
    given: dict[str, Array] = {}
    for name, own in names.items():
        if name in arrays:
            given[own] = _without_lead(record, own, np.asarray(arrays[name]), place)
        elif own not in record.optional:
            raise DialectError(
                f"{record.name}: array {name} is missing; expected {', '.join(names)}, "
                f"got {', '.join(arrays) or 'nothing'}"
            )
    types = {array.dtype for array in given.values()}
    if len(types) != 1 or not types <= set(DTYPES):
        raise DialectError(
            f"{record.name}: expected arrays all of float32 or all of float64, "
            f"got {', '.join(sorted(map(str, types)))}"
        )
    for name in arrays:
        if record.place_of(name) is None:
            raise DialectError(f"{record.name}: unknown array {name}; expected {', '.join(names)}")
    return given


def _without_lead(record: Dialect, name: str, array: Array, place: Place) -> Array:
    lead = record.layouts[name].lead
    if array.ndim != lead + len(record.layouts[name].lengths):
        return array  # the wrong number of axes is reported with the shapes
    for k in range(lead):
        pick = int(place[1]) if k == 0 and len(array) == 2 else 0
        if len(array) not in ((1, 2) if k == 0 else (1,)):
            raise DialectError(
                f"{record.name}: {name}: expected 1 or 2 directions on the first axis, "
                f"got {len(array)}"
            )
        array = array[pick]
    return array


def _sizes(record: Dialect, given: Mapping[str, shapes.Shape], place: Place) -> dict[str, int]:
    """The lengths of the axes; the error says which array is wrong and what would fit."""
    try:
        sizes = shapes.sizes_of(record.layouts, given)
    except shapes.MisfitError as error:
        odd = shapes.odd_one(record.layouts, given)
        raise DialectError(_misfit(record, str(error), odd, given, place)) from None
    if missing := {axis for axes in record.axes.values() for axis in axes} - set(sizes):
        raise DialectError(f"{record.name}: the arrays leave {min(missing)} open")
    return sizes


def _misfit(
    record: Dialect,
    name: str,
    odd: tuple[str, dict[str, int]] | None,
    given: Mapping[str, shapes.Shape],
    place: Place,
) -> str:
    from verify.dialects import fitting  # noqa: PLC0415 - it asks all records, this one too

    sizes: Mapping[str, int] = {}
    if odd is not None:
        name, sizes = odd
    expected = shapes.expected(record.layouts[name], sizes)
    others = fitting.others(record, name, odd and odd[1], given)
    return (
        f"{record.name}: {filled(name, place)}: expected shape {expected}, got {given[name]}"
        f"{'; ' if others else ''}{others}"
    )


def _values(
    record: Dialect, params: Params | Mapping[str, Any]
) -> tuple[dict[str, Array], dict[str, int]]:
    fields = params if isinstance(params, Mapping) else params._asdict()
    if list(fields) != list(record.axes) and set(fields) != set(record.axes):
        raise DialectError(
            f"{record.name}: expected the parameters of {record.cell} ({', '.join(record.axes)}), "
            f"got {', '.join(fields)}"
        )
    values = {name: np.asarray(fields[name]) for name in record.axes}
    sizes: dict[str, int] = {}
    for name, axes in record.axes.items():
        if values[name].ndim != len(axes) or any(
            sizes.setdefault(axis, n) != n for axis, n in zip(axes, values[name].shape, strict=True)
        ):
            expected = ", ".join(f"{axis}={sizes.get(axis, '?')}" for axis in axes)
            raise DialectError(
                f"{record.name}: {name}: expected shape ({expected}), got {values[name].shape}"
            )
    types = {value.dtype for value in values.values()}
    if len(types) != 1 or not types <= set(DTYPES):
        raise DialectError(
            f"{record.name}: expected parameters all of float32 or all of float64, "
            f"got {', '.join(sorted(map(str, types)))}"
        )
    return values, sizes


def fixed_value(kind: str, shape: Iterable[int], dtype: np.dtype[Any]) -> Array:
    """Zeros, or the identity.

    Raises:
        DialectError: the identity of a matrix that is not square.
    """
    lengths = tuple(shape)
    if kind == "0":
        return np.zeros(lengths, dtype)
    if len(set(lengths)) > 1:
        raise DialectError(f"the identity has a square shape, got {lengths}")
    return np.eye(lengths[0], dtype=dtype)


def in_words(place: Place) -> str:
    """Such as `layer 1 backwards`."""
    layer, reverse = place
    return f"layer {layer}{' backwards' if reverse else ''}"


def filled(name: str, place: Place) -> str:
    """The name of an array of a record in one place."""
    layer, reverse = place
    return name.replace("{layer}", str(layer)).replace("{reverse}", "_reverse" if reverse else "")


def place_in(name: str, given: str) -> Place | None:
    """The place in which an array of a record has the given name; None where it never has."""
    text = re.escape(name).replace(r"\{layer\}", r"(?P<layer>\d+)")
    found = re.fullmatch(text.replace(r"\{reverse\}", "(?P<reverse>_reverse)?"), given)
    if found is None:
        return None
    groups = found.groupdict()
    return int(groups.get("layer") or 0), bool(groups.get("reverse"))


def flattened(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested mapping with the names of the way down joined by `/`."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{name}/")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def nested(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays by paths such as `in/kernel` as a mapping in a mapping."""
    tree: dict[str, Any] = {}
    for path, array in arrays.items():
        *folders, name = path.split("/")
        branch = tree
        for folder in folders:
            branch = branch.setdefault(folder, {})
        branch[name] = array
    return tree
