"""A dialect: how a framework stores the parameters of a cell, as one record.

    Dialect(
        "torch.GRUCell",
        cell="gru_after_keep",
        arrays={
            "weight_ih": "[W_r; W_u; W_h]",
            "weight_hh": "[U_r; U_u; U_h]",
            "bias_ih?": "[b_r; b_u; b_h]",
            "bias_hh?": "[b_r; b_u; c_h]",
        },
        ...
    )

`verify.dialects.layout` explains the matrices. A parameter that stands in several places is the sum
of what they hold. `unpack` reads the arrays as a cell's parameters, `pack` writes them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from types import ModuleType
from typing import Any, Literal

import numpy as np

from equations import cells
from equations.cell import Cell
from equations.variation import parts, with_numbers
from verify.dialects import shapes
from verify.dialects.layout import Array, Axes, DialectError, Layout
from verify.target import module_of

Evidence = Literal["run", "reported", "source", "documentation"]
"""How a record is known, see `KNOWN`."""

KNOWN: Mapping[Evidence, str] = {
    "run": "`gateproof frameworks` runs the framework's own layer with these arrays, and so do the "
    "tests here",
    "reported": "it was run with these arrays once, in the version named, and nothing here repeats "
    "that",
    "source": "its source was read, and nothing was run",
    "documentation": "its documentation or paper was read, and nothing was run",
}

Params = Any
"""The NamedTuple `Params` of a generated cell."""

Place = tuple[int, bool]
"""A layer, from 0, and whether it runs backwards in time."""

FIRST: Place = (0, False)
FIXED = ("0", "I")
DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


@dataclass(frozen=True)
class Dialect:
    """How a framework stores a cell.

    Args:
        base: framework and name, such as `torch.GRU`.
        cell: the name of the cell whose equations it computes.
        arrays: each array by name, in the framework's order, as a matrix of parameters. A name
            that ends in `?` may be absent, which means zeros. `{layer}` and `{reverse}` in a name
            stand for the number of a layer and for "_reverse" where it runs backwards.
        states: the states in the order in which the framework holds them.
        evidence: how it is known.
        source: where, with the version.
        options: the arguments that choose this variant, such as `{"reset_after": False}`.
        added: what the framework adds to a parameter when it runs, such as `{"b_f": 1.0}`.
        fixed: parameters of the cell that it has no place for: `0`, or `I` for the identity.
        settings: options that are numbers, and what they are in the brackets of the cell.
        note: what else one must know.

    Raises:
        DialectError: the record contradicts itself or its cell.
    """

    base: str
    cell: str
    arrays: Mapping[str, str]
    states: tuple[str, ...]
    evidence: Evidence
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    added: Mapping[str, float] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def name(self) -> str:
        """The base, and in brackets the options that choose this variant."""
        options = ",".join(f"{key}={value}" for key, value in self.options.items())
        return f"{self.base}[{options}]" if options else self.base

    def __post_init__(self) -> None:
        """Check everything that can be checked without numbers."""
        if self.cell not in cells:
            raise DialectError(f"{self.name}: no cell is called {self.cell!r}")
        placed = set(self.places)
        wanted = set(self.axes)
        if missing := wanted - placed - set(self.fixed):
            raise DialectError(f"{self.name}: {min(missing)} is in no array and not fixed")
        if twice := placed & set(self.fixed):
            raise DialectError(f"{self.name}: {min(twice)} is fixed and in an array")
        for kind in (self.fixed, self.added):
            if unknown := set(kind) - wanted:
                raise DialectError(f"{self.name}: {min(unknown)} is no parameter of {self.cell}")
        if wrong := set(self.fixed.values()) - set(FIXED):
            raise DialectError(f"{self.name}: fixed is 0 or I, got {min(wrong)}")
        states = tuple(str(state) for state in self.symbolic.states)
        if sorted(self.states) != sorted(states):
            raise DialectError(
                f"{self.name}: states: expected an order of {', '.join(states)}, "
                f"got {', '.join(self.states)}"
            )

    def set(self, options: Mapping[str, float | str]) -> Dialect:
        """The same with numbers for some of its settings, which its cell has too.

        Raises:
            LanguageError: the cell has no place for such a number.
        """
        numbers = {
            name: value if isinstance(value, str) else np.format_float_positional(value, trim="-")
            for name, value in options.items()
        }
        return replace(
            self,
            cell=with_numbers(self.cell, {self.settings[k]: v for k, v in numbers.items()}),
            options={**self.options, **numbers},
            settings={k: v for k, v in self.settings.items() if k not in numbers},
        )

    def like(self, cell: str) -> Dialect:
        """The same with the numbers in the brackets of a cell, if it has settings for them all."""
        numbers = parts(cell)[1]
        own = {inner: name for name, inner in self.settings.items()}
        if not set(numbers) <= set(own):
            return self
        return self.set({own[inner]: number for inner, number in numbers.items()})

    @property
    def symbolic(self) -> Cell:
        """The cell."""
        return cells[self.cell]

    @cached_property
    def axes(self) -> Axes:
        """The axes of the cell's parameters."""
        return {str(symbol): symbol.axes for symbol in self.symbolic.parameters}

    @cached_property
    def layouts(self) -> Mapping[str, Layout]:
        """The arrays as written in the record, without the `?`."""
        parsed = {}
        for name, text in self.arrays.items():
            try:
                parsed[name.removesuffix("?")] = Layout.parse(text, self.axes)
            except DialectError as error:
                raise DialectError(f"{self.name}: {name}: {error}") from None
        return parsed

    @cached_property
    def optional(self) -> frozenset[str]:
        """The arrays that may be absent."""
        return frozenset(name[:-1] for name in self.arrays if name.endswith("?"))

    @cached_property
    def places(self) -> Mapping[str, tuple[str, ...]]:
        """For each parameter the arrays it stands in."""
        found: dict[str, list[str]] = {}
        for name, layout in self.layouts.items():
            for block in layout.blocks():
                if block.factor:
                    found.setdefault(block.parameter, []).append(name)
        return {parameter: tuple(names) for parameter, names in found.items()}

    def merged(self, place: Place = FIRST) -> tuple[str, ...]:
        """Which numbers become one when the arrays are read, in words: the sum alone is kept."""
        sums: dict[str, list[str]] = {}
        for parameter, names in self.places.items():
            terms = [
                _filled(name, place) + (f" ({count} places)" if count > 1 else "")
                for name, count in Counter(names).items()
            ]
            if parameter in self.added:
                terms.append(f"{self.added[parameter]:g} at run time")
            if len(names) + (parameter in self.added) > 1:
                sums.setdefault(" + ".join(terms), []).append(parameter)
        return tuple(f"{', '.join(parameters)}: {terms}" for terms, parameters in sums.items())

    @property
    def scaled(self) -> tuple[str, ...]:
        """Which numbers are multiplied, so that they round."""
        factors: dict[Fraction, list[str]] = {}
        for layout in self.layouts.values():
            for block in layout.blocks():
                if abs(block.factor) not in (0, 1):
                    factors.setdefault(block.factor, []).append(block.parameter)
        return tuple(f"{', '.join(names)} times {factor}" for factor, names in factors.items())

    def array_names(self, place: Place = FIRST) -> tuple[str, ...]:
        """The names of the arrays of a layer and direction."""
        return tuple(_filled(name, place) for name in self.layouts)

    def place_of(self, name: str) -> tuple[str, Place] | None:
        """The array of the record that a name means, and its layer and direction; None for none."""
        for own in self.layouts:
            if found := _pattern(own).fullmatch(name):
                groups = found.groupdict()
                return own, (int(groups.get("layer") or 0), bool(groups.get("reverse")))
        return None

    def found_places(self, arrays: Mapping[str, Any]) -> tuple[Place, ...]:
        """The layers and directions there are arrays for.

        Args:
            arrays: a framework's arrays by name.
        """
        first = next(iter(self.layouts))
        if "{layer}" not in first:
            array = np.asarray(arrays[first]) if first in arrays else np.empty(())
            two = self.layouts[first].lead and array.ndim and len(array) == 2
            return (FIRST, (0, True)) if two else (FIRST,)
        found = {place[1] for name in arrays if (place := self.place_of(name)) is not None}
        return tuple(sorted(found)) or (FIRST,)

    def unpack(
        self, arrays: Mapping[str, Any] | Sequence[Any], *, layer: int = 0, reverse: bool = False
    ) -> Params:
        """The parameters of the cell that a framework's arrays hold.

        Args:
            arrays: NumPy arrays (or what NumPy makes one of) by name, nested or flat, or in the
                order of the record.
            layer: which layer, where the framework numbers them in its names.
            reverse: the direction backwards in time.

        Returns:
            The `Params` of the generated cell, with memory of their own.

        Raises:
            DialectError: an array is missing or unknown, of another shape or type.
        """
        place = layer, reverse
        given = self._given(arrays, place)
        sizes = self._sizes({name: array.shape for name, array in given.items()}, place)
        dtype = next(iter(given.values())).dtype
        values: dict[str, Array] = {}
        for name, layout in self.layouts.items():
            if name not in given:
                continue
            for block, part in layout.cut(given[name], sizes):
                before = values.get(block.parameter)
                # A zero is not added, so that -0 and the sign of a NaN stay as they are.
                values[block.parameter] = (
                    part if before is None else np.where(part == 0, before, before + part)
                )
        for name, symbol in self.axes.items():
            if name in self.fixed:
                values[name] = fixed_value(self.fixed[name], [sizes[a] for a in symbol], dtype)
            elif name not in values:
                values[name] = np.zeros([sizes[axis] for axis in symbol], dtype)
            if name in self.added:
                values[name] = values[name] + dtype.type(self.added[name])
        return self.params({name: np.array(values[name], order="C") for name in self.axes})

    def pack(
        self, params: Params | Mapping[str, Any], *, layer: int = 0, reverse: bool = False
    ) -> dict[str, Array]:
        """A framework's arrays that hold these parameters.

        A parameter that stands in several places is put into the first; the others are zero.

        Args:
            params: the `Params` of the generated cell, or its fields by name.
            layer: the number of the layer, for frameworks that have it in their names.
            reverse: the direction backwards in time.

        Raises:
            DialectError: a parameter is missing, of another shape or type, or has a value that
                this dialect has no place for.
        """
        values, sizes = self._values(params)
        dtype = next(iter(values.values())).dtype
        for name, kind in self.fixed.items():
            wanted = fixed_value(kind, values[name].shape, dtype)
            if not np.array_equal(values[name], wanted):
                index = tuple(int(i) for i in np.argwhere(values[name] != wanted)[0])
                raise DialectError(
                    f"{self.name} has no place for {name}, which must be {kind}: "
                    f"{name}[{', '.join(map(str, index))}] is {values[name][index]:g}"
                )
        for name, number in self.added.items():
            values[name] = values[name] - dtype.type(number)
        packed: dict[str, Array] = {}
        done: set[str] = set()
        for name, layout in self.layouts.items():
            parts = []
            for block in layout.blocks():
                value = values[block.parameter]
                parts.append(np.zeros_like(value) if block.parameter in done else value)
                done |= {block.parameter} if block.factor else set()
            array = layout.join(iter(parts))
            packed[_filled(name, (layer, reverse))] = array.reshape(layout.shape(sizes))
        return packed

    def pack_all(self, params: Mapping[Place, Params]) -> dict[str, Array]:
        """The arrays of several layers and directions, by (layer, whether it runs backwards)."""
        packed: dict[str, Array] = {}
        for (layer, reverse), values in sorted(params.items()):
            for name, array in self.pack(values, layer=layer, reverse=reverse).items():
                if name not in packed:
                    packed[name] = array
                elif reverse and self.layouts[name].lead:
                    packed[name] = np.concatenate([packed[name], array])
                else:
                    raise DialectError(f"{self.name} holds one layer and direction, got several")
        return packed

    def params(self, values: Mapping[str, Array]) -> Params:
        """The NamedTuple of the generated cell."""
        return self.module.Params(**values)

    @property
    def module(self) -> ModuleType:
        """The generated module of the cell."""
        return module_of(self.cell, self.symbolic)

    def _given(self, arrays: Mapping[str, Any] | Sequence[Any], place: Place) -> dict[str, Array]:
        """The arrays by their name in the record, without axes in front, checked for type."""
        names = {_filled(name, place): name for name in self.layouts}
        if not isinstance(arrays, Mapping):
            least = len(names) - len(self.optional)
            if not least <= len(arrays) <= len(names):
                raise DialectError(
                    f"{self.name}: expected the arrays {', '.join(names)}, got {len(arrays)} arrays"
                )
            arrays = dict(zip(names, arrays, strict=False))
        arrays = flattened(arrays)
        given: dict[str, Array] = {}
        for name, own in names.items():
            if name in arrays:
                given[own] = self._without_lead(own, np.asarray(arrays[name]), place)
            elif own not in self.optional:
                raise DialectError(
                    f"{self.name}: array {name} is missing; expected {', '.join(names)}, "
                    f"got {', '.join(arrays) or 'nothing'}"
                )
        types = {array.dtype for array in given.values()}
        if len(types) != 1 or not types <= set(DTYPES):
            raise DialectError(
                f"{self.name}: expected arrays all of float32 or all of float64, "
                f"got {', '.join(sorted(map(str, types)))}"
            )
        for name in arrays:
            if self.place_of(name) is None:
                raise DialectError(
                    f"{self.name}: unknown array {name}; expected {', '.join(names)}"
                )
        return given

    def _without_lead(self, name: str, array: Array, place: Place) -> Array:
        lead = self.layouts[name].lead
        if array.ndim != lead + len(self.layouts[name].lengths):
            return array  # the wrong number of axes is reported with the shapes
        for k in range(lead):
            pick = int(place[1]) if k == 0 and len(array) == 2 else 0
            if len(array) not in ((1, 2) if k == 0 else (1,)):
                raise DialectError(
                    f"{self.name}: {name}: expected 1 or 2 directions on the first axis, "
                    f"got {len(array)}"
                )
            array = array[pick]
        return array

    def _sizes(self, given: Mapping[str, shapes.Shape], place: Place) -> dict[str, int]:
        """The lengths of the axes; the error says which array is wrong and what would fit."""
        try:
            sizes = shapes.sizes_of(self.layouts, given)
        except shapes.MisfitError as error:
            odd = shapes.odd_one(self.layouts, given)
            raise DialectError(self._misfit(str(error), odd, given, place)) from None
        if missing := {axis for axes in self.axes.values() for axis in axes} - set(sizes):
            raise DialectError(f"{self.name}: the arrays leave {min(missing)} open")
        return sizes

    def _misfit(
        self,
        name: str,
        odd: tuple[str, dict[str, int]] | None,
        given: Mapping[str, shapes.Shape],
        place: Place,
    ) -> str:
        from verify.dialects import fitting  # noqa: PLC0415 - it asks all records, this one too

        sizes: Mapping[str, int] = {}
        if odd is not None:
            name, sizes = odd
        expected = shapes.expected(self.layouts[name], sizes)
        others = fitting.others(self, name, odd and odd[1], given)
        return (
            f"{self.name}: {_filled(name, place)}: expected shape {expected}, got {given[name]}"
            f"{'; ' if others else ''}{others}"
        )

    def _values(
        self, params: Params | Mapping[str, Any]
    ) -> tuple[dict[str, Array], dict[str, int]]:
        fields = params if isinstance(params, Mapping) else params._asdict()
        if list(fields) != list(self.axes) and set(fields) != set(self.axes):
            raise DialectError(
                f"{self.name}: expected the parameters of {self.cell} ({', '.join(self.axes)}), "
                f"got {', '.join(fields)}"
            )
        values = {name: np.asarray(fields[name]) for name in self.axes}
        sizes: dict[str, int] = {}
        for name, axes in self.axes.items():
            if values[name].ndim != len(axes) or any(
                sizes.setdefault(axis, n) != n
                for axis, n in zip(axes, values[name].shape, strict=True)
            ):
                expected = ", ".join(f"{axis}={sizes.get(axis, '?')}" for axis in axes)
                raise DialectError(
                    f"{self.name}: {name}: expected shape ({expected}), got {values[name].shape}"
                )
        types = {value.dtype for value in values.values()}
        if len(types) != 1 or not types <= set(DTYPES):
            raise DialectError(
                f"{self.name}: expected parameters all of float32 or all of float64, "
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


def _pattern(name: str) -> re.Pattern[str]:
    """The names of an array in all layers and directions."""
    text = re.escape(name).replace(r"\{layer\}", r"(?P<layer>\d+)")
    return re.compile(text.replace(r"\{reverse\}", "(?P<reverse>_reverse)?"))


def _filled(name: str, place: Place) -> str:
    layer, reverse = place
    return name.replace("{layer}", str(layer)).replace("{reverse}", "_reverse" if reverse else "")
