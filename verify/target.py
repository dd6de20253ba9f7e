"""What is verified: a known cell by its name, also with numbers, or one in a Python file."""

from __future__ import annotations

import importlib
import importlib.util
import re
from functools import lru_cache
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from equations import cells
from equations.cell import Cell
from equations.generate.numpy.module import SOURCE
from equations.generate.targets import TARGETS, Target
from equations.registry import load
from equations.variation import parts


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
    return _load(*_version(target)) if is_file(target) else cells[target]


def _version(target: str) -> tuple[Path, int]:
    """A file as it is now: a changed one is read again."""
    path = Path(target)
    return path, path.stat().st_mtime_ns


@lru_cache(maxsize=16)
def _load(path: Path, _changed: int) -> Cell:
    return load(path)


@lru_cache(maxsize=16)
def _module(path: Path, changed: int, form: str) -> ModuleType:
    """Kept, since all stages of a verification ask for it."""
    return built(_load(path, changed), path.name, TARGETS[form])


@lru_cache(maxsize=16)
def _varied(name: str, form: str) -> ModuleType:
    return built(cells[name], definition_of(name), TARGETS[form])


def module_of(target: str, cell: Cell, form: str = "numpy") -> ModuleType:
    """The generated module: the checked-in one; else one made of the cell when it is asked for."""
    if is_file(target):
        return _module(*_version(target), form)
    if parts(target)[1]:
        return _varied(target, form)
    return importlib.import_module(f"{TARGETS[form].package}.{cell.name}")


def definition_of(target: str) -> str:
    """The file of the definition, as a generated module names it; nothing for a checked-in one."""
    if is_file(target):
        return Path(target).name
    base, numbers = parts(target)
    return SOURCE.format(name=base) if numbers else ""


def file_name(cell: Cell) -> str:
    """What files about a cell are called: `gru_clip_0_5` for `gru[clip=0.5]`."""
    return re.sub(r"\W+", "_", cell.name).rstrip("_")


def built(cell: Cell, source: str, target: Target = TARGETS["numpy"]) -> ModuleType:
    """A module generated for a cell, of which no file is written."""
    name = f"gateproof_generated_{cell.name}"
    loader = _Text(f"{cell.name}.py", target.text(cell, source), target, source)
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


def source_of(module: ModuleType) -> str:
    """The file of the definition that a generated module names; empty for a checked-in one."""
    loader = module.__spec__.loader if module.__spec__ else None
    return loader.source if isinstance(loader, _Text) else ""


class _Text(InspectLoader):
    """A module from a text that is in no file."""

    def __init__(self, path: str, text: str, target: Target, source: str) -> None:
        self.path = path
        self.text = text
        self.target = target
        self.source = source

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - there is only one
        """The text."""
        return self.text
