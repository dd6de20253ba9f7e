"""What is verified: a known cell by its name, or a cell in a Python file of the user's."""

from __future__ import annotations

import importlib
import importlib.util
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from equations import cells
from equations.cell import Cell
from equations.generate.targets import TARGETS, Target
from equations.registry import load


def is_file(target: str) -> bool:
    """Whether it means a file rather than a name."""
    return target.endswith(".py") or "/" in target


def find(target: str) -> Cell:
    """The cell of that name, or in that Python file.

    Raises:
        KeyError: no known cell has that name.
        OSError: the file cannot be read.
        LanguageError: the file defines no cell, or one that is wrong.
    """
    return load(Path(target)) if is_file(target) else cells[target]


def module_of(target: str, cell: Cell, form: str = "numpy") -> ModuleType:
    """The generated module: the checked-in one, or one generated for a cell of the user's."""
    if not is_file(target):
        return importlib.import_module(f"{TARGETS[form].package}.{cell.name}")
    return built(cell, Path(target).name, form)


def built(cell: Cell, source: str, form: str = "numpy") -> ModuleType:
    """A module generated for a cell, of which no file is written."""
    name = f"gateproof_generated_{cell.name}"
    loader = _Text(f"{cell.name}.py", TARGETS[form].text(cell, source), TARGETS[form])
    module = importlib.util.module_from_spec(ModuleSpec(name, loader, origin=loader.path))
    loader.exec_module(module)
    return module


def text_of(module: ModuleType) -> str:
    """The text a generated module was made from."""
    loader = module.__spec__.loader if module.__spec__ else None
    if isinstance(loader, _Text):
        return loader.text
    return Path(str(module.__file__)).read_text(encoding="utf-8")


def target_of(module: ModuleType) -> Target:
    """The form that a generated module has."""
    loader = module.__spec__.loader if module.__spec__ else None
    if isinstance(loader, _Text):
        return loader.target
    return next(t for t in TARGETS.values() if t.package == module.__name__.rpartition(".")[0])


class _Text(InspectLoader):
    """A module from a text that is in no file."""

    def __init__(self, path: str, text: str, target: Target) -> None:
        self.path = path
        self.text = text
        self.target = target

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - there is only one
        """The text."""
        return self.text
