"""The cells by name, found as files in a folder; and a cell in a file of the user's own."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import traceback
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType

from equations.cell import Cell
from equations.definition import Definition
from equations.language import LanguageError
from equations.variation import parts, variation


class Registry(ModuleType, Mapping[str, Cell]):
    """A package of definitions as a mapping from names to cells; each is loaded when asked for."""

    # A module is itself and nothing else; Hypothesis puts all modules into a set.
    __eq__ = ModuleType.__eq__
    __hash__ = ModuleType.__hash__

    def __getitem__(self, name: str) -> Cell:
        """The cell of that name; with numbers in brackets, one that is made of it.

        Raises:
            KeyError: there is none; the message lists those there are.
            LanguageError: it has no place for such numbers.
        """
        base, numbers = parts(name)
        if base not in self.names:
            raise KeyError(f"unknown cell {name!r}; known: {', '.join(self.names)}")
        if numbers:
            return _varied(self, name)
        return cell_in(importlib.import_module(f"{self.__name__}.{name}"))

    @property
    def names(self) -> list[str]:
        """The names in alphabetical order, without loading a cell."""
        return sorted(module.name for module in pkgutil.iter_modules(self.__path__))

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self.names)

    def __len__(self) -> int:
        """How many cells there are."""
        return len(self.names)


@cache
def _varied(cells: Registry, name: str) -> Cell:
    """Kept, since all stages ask for it again."""
    base, numbers = parts(name)
    return variation(cells[base], numbers)


def load(path: Path) -> Cell:
    """The cell defined in a Python file.

    Raises:
        LanguageError: the file cannot be run as Python, or holds no definition, or more than one.
        OSError: the file cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise LanguageError(f"{path}: expected a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    # A definition is code of the user's: it may raise anything, and may not end the run as passed.
    except (Exception, SystemExit) as error:
        raise LanguageError(_located(error, path)) from error
    return cell_in(module)


HINTS = {
    "ufunc": "NumPy's functions do not take expressions, use those of equations.language",
    "for @": "use matmul(left, right) where neither is a name",
    "truth value": "use where(condition, first, second)",
    "has no attribute 'T'": "there is no transpose, use Contract with an einsum signature",
}
"""What to do about an error that Python, SymPy or NumPy raises, by some of its words."""


def _located(error: Exception | SystemExit, path: Path) -> str:
    """What went wrong in a file: with the class and the line, unless the message has the class."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).resolve() == path.resolve()]
    inside = next((frame for frame in own if frame.name != "<module>"), None)
    text = str(error)
    if inside is not None and text.startswith(f"{inside.name}: "):
        return text
    if not isinstance(error, LanguageError | SyntaxError | NameError):
        hint = next((hint for words, hint in HINTS.items() if words in text), "")
        text = f"{type(error).__name__}: {text}" + (f"; {hint}" if hint else "")
    if inside is None:
        return text if isinstance(error, LanguageError) else f"{path}: {text}"
    return f"{inside.name}: line {inside.lineno} of {path.name}, {inside.line}: {text}"


def cell_in(module: ModuleType) -> Cell:
    """The one cell that a module defines."""
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Definition)
        and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        names = ", ".join(value.__name__ for value in found) or "none"
        raise LanguageError(f"{module.__name__}: expected one cell definition, got {names}")
    return found[0].cell
