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

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from types import ModuleType
from typing import Any, Literal

import numpy as np

from equations import cells
from equations.cell import Cell
from equations.variation import options, parts, with_numbers
from verify.dialects.arrays import FIRST, Params, Place, filled, in_words, pack, place_in, unpack
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

FIXED = ("0", "I")


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
        known = options(self.symbolic) if self.settings else ()
        if unknown := set(self.settings.values()) - set(known):
            raise DialectError(f"{self.name}: {min(unknown)} is no number of {self.cell}")
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
                filled(name, place) + (f" ({count} places)" if count > 1 else "")
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
        return tuple(filled(name, place) for name in self.layouts)

    def place_of(self, name: str) -> tuple[str, Place] | None:
        """The array of the record that a name means, and its layer and direction; None for none."""
        found = ((own, place_in(own, name)) for own in self.layouts)
        return next(((own, place) for own, place in found if place is not None), None)

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
        return unpack(self, arrays, (layer, reverse))

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
        return pack(self, params, (layer, reverse))

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
                    raise DialectError(
                        f"{self.name} holds one layer and direction, got "
                        f"{', '.join(map(in_words, params))}; convert one by one, with --layer and "
                        "--backwards"
                    )
        return packed

    def params(self, values: Mapping[str, Array]) -> Params:
        """The NamedTuple of the generated cell."""
        return self.module.Params(**values)

    @property
    def module(self) -> ModuleType:
        """The generated module of the cell."""
        return module_of(self.cell, self.symbolic)
