"""Data flows one way, and no cell is a special case anywhere."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from equations import cells

ROOT = Path(__file__).parents[1]
APART = ("cells", "generated", "records", "frameworks")
"""The only folders that know a cell by its name; records are data about frameworks, which have
modules and wrappers of such names."""

TEXTS = ("help", "epilog")
"""Arguments of a command that show examples."""

ENGINE = [
    path
    for folder in ("equations", "verify")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not set(APART) & set(path.relative_to(ROOT).parts)
]
GENERATED = sorted((ROOT / "equations" / "generated").glob("*.py"))


def named(path: Path) -> str:
    """The path as the id of a test."""
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(module: ast.Module) -> Iterator[str]:
    """What is imported anywhere in a file, in functions and for type checking too."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize(
    "path", [path for path in ENGINE if path.is_relative_to(ROOT / "equations")], ids=named
)
def test_equations_know_nothing_of_verification(path: Path) -> None:
    """Neither by an import statement nor by the name of a module to be imported."""
    assert not [name for name in imported(tree(path)) if name.split(".")[0] == "verify"]
    assert not [text for text in strings(tree(path)) if re.match(r"verify(\.|$)", text)]


@pytest.mark.parametrize("path", GENERATED, ids=named)
def test_generated_modules_import_numpy_alone(path: Path) -> None:
    """And what every Python has."""
    roots = {name.split(".")[0] for name in imported(tree(path))}
    assert roots <= {"numpy", *sys.stdlib_module_names}


@pytest.mark.parametrize("path", ENGINE, ids=named)
def test_no_cell_is_known_by_name(path: Path) -> None:
    """In identifiers and strings; examples in docstrings and in the help of commands are texts."""
    module = tree(path)
    pattern = re.compile(rf"(?<![^\W_])({'|'.join(cells)})(?![^\W_])", re.IGNORECASE)
    words = {*identifiers(module), *strings(module)}
    assert not sorted(word for word in words if pattern.search(word))


def identifiers(module: ast.Module) -> Iterator[str]:
    """Every name in the code."""
    for node in ast.walk(module):
        for field in ("id", "attr", "arg", "name", "asname", "module"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                yield value


def strings(module: ast.Module) -> Iterator[str]:
    """Every string that is no docstring and no help of a command."""
    skipped = {id(node) for text in texts(module) for node in ast.walk(text)}
    for node in ast.walk(module):
        found = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if found and id(node) not in skipped:
            yield node.value


def texts(module: ast.Module) -> Iterator[ast.AST]:
    """Docstrings, those under a constant too, and the help and examples of commands."""
    for node in ast.walk(module):
        match node:
            case ast.Expr(value=ast.Constant() as text):
                yield text
            case ast.keyword(arg=name, value=text) if name in TEXTS:
                yield text
            case ast.Assign(targets=[ast.Name(id=name)], value=text) if name.lower() in TEXTS:
                yield text


def test_a_name_in_the_code_is_found() -> None:
    """The search above sees a name wherever code could use it, and not in a text."""
    name = next(iter(cells))
    lines = {
        f"if cell == {name!r}: pass": True,
        f"import equations.cells.{name}": True,
        f"from equations.cells import {name} as x": True,
        f"def {name}_rule(): pass": True,
        f"x = f'{name} {{y}}'": True,
        f"def f():\n    'Such as {name}.'": False,
        f"g(help='such as {name}')": False,
        f"x = 'not{name}'": False,
    }
    pattern = re.compile(rf"(?<![^\W_]){name}(?![^\W_])")
    for line, expected in lines.items():
        module = ast.parse(line)
        words = (*identifiers(module), *strings(module))
        assert any(pattern.search(word) for word in words) == expected, line


def test_reports_are_pages_and_pictures() -> None:
    """What a measurement leaves besides, such as logs, is no part of a report."""
    kinds = {path.suffix for path in (ROOT / "reports").rglob("*") if path.is_file()}
    assert kinds == {".md", ".svg"}
