"""What is verified: a known cell by its name, or a cell in a Python file of the user's."""

from __future__ import annotations

import importlib
import importlib.util
import tempfile
from pathlib import Path
from types import ModuleType

from equations import cells
from equations.cell import Cell
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


def module_of(target: str, cell: Cell) -> ModuleType:
    """The generated module: the checked-in one, or one generated for a cell of the user's."""
    if not is_file(target):
        return importlib.import_module(f"equations.generated.{cell.name}")
    # The generator is needed for a cell of the user's only.
    from equations.generate.files import write  # noqa: PLC0415
    from equations.generate.module import module_text  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{cell.name}.py"
        write(path, module_text(cell, Path(target).name))
        spec = importlib.util.spec_from_file_location(f"gateproof_generated_{cell.name}", path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path}: cannot be imported")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
