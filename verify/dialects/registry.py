"""The records by name, found in the modules of a folder and read when first asked for."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verify.dialects.record import Dialect


class Registry(ModuleType, Mapping[str, "Dialect"]):
    """A package of records as a mapping from names to dialects."""

    # A module is itself and nothing else.
    __eq__ = ModuleType.__eq__
    __hash__ = ModuleType.__hash__

    def __getitem__(self, name: str) -> Dialect:
        """The dialect of that name.

        Raises:
            KeyError: there is none; the message says which one may have been meant.
        """
        known = records()
        if name in known:
            return known[name]
        base, _, told = name.removesuffix("]").partition("[")
        pairs = [pair.partition("=") for pair in told.split(",")]
        found = self.chosen(base, {key: value for key, _, value in pairs}) if told else None
        if found is None:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
            raise KeyError(f"unknown dialect {name!r}; did you mean {' or '.join(near)}?")
        return found

    def __iter__(self) -> Iterator[str]:
        """The names, framework by framework."""
        return iter(records())

    def __len__(self) -> int:
        """How many there are."""
        return len(records())

    def chosen(self, base: str, options: Mapping[str, Any]) -> Dialect | None:
        """The dialect of that base with exactly these options; None where there is none.

        Those of its settings are numbers, and can have any value that a cell can.

        Raises:
            LanguageError: the cell has no place for a number.
        """
        told = {key: str(value) for key, value in options.items()}
        fits: list[tuple[Dialect, dict[str, Any]]] = []
        for record in records().values():
            own = {key: str(value) for key, value in record.options.items()}
            rest = {key: value for key, value in options.items() if key not in own}
            if (
                record.base == base
                and own.items() <= told.items()
                and {*rest} <= {*record.settings}
            ):
                fits.append((record, rest))
        if not fits:
            return None
        record, rest = min(fits, key=lambda fit: len(fit[1]))
        return record.set(rest) if rest else record

    def variants(self, name: str) -> tuple[Dialect, ...]:
        """The dialect of that name, and those with the same base and other options.

        Raises:
            KeyError: there is none.
        """
        alike = tuple(record for record in records().values() if record.base == name)
        return alike or (self[name],)


@cache
def records() -> dict[str, Dialect]:
    """All records by name."""
    from verify.dialects import records as package  # noqa: PLC0415 - they import this package
    from verify.dialects.layout import DialectError  # noqa: PLC0415

    found: dict[str, Dialect] = {}
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        for record in importlib.import_module(f"{package.__name__}.{module.name}").RECORDS:
            if record.name in found:
                raise DialectError(f"{record.name} is recorded twice")
            found[record.name] = record
    return found
