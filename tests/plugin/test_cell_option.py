"""`pytest --cell NAME` runs the tests of exactly one cell of this repository's own suite."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from equations import cells

ROOT = Path(__file__).parents[2]
# A name that is a part of another one, which -k cannot tell apart.
SHORT, LONG = next(
    ((one, other) for one in cells for other in cells if one != other and one in other),
    (next(iter(cells)), ""),
)


def collect(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What pytest would run of the tests that are parametrised over the registry."""
    folders = ["tests/equations", "tests/generate"]
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", *arguments, *folders]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)


def ids(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The tests."""
    return [line for line in done.stdout.splitlines() if "::" in line]


def cells_in(node: str) -> set[str]:
    """The cells among the parameters in the id of a test."""
    return set(re.split(r"[\[\]-]", node)[1:]) & set(cells)


def test_exactly_the_cell_is_selected() -> None:
    """All of its tests, and no other's; -k takes those of the longer name as well."""
    everything = ids(collect())
    chosen = ids(collect("--cell", SHORT))
    assert chosen
    assert chosen == [node for node in everything if cells_in(node) == {SHORT}]
    if LONG:
        assert any(cells_in(node) == {LONG} for node in ids(collect("-k", SHORT)))


def test_several_cells_are_selected() -> None:
    """The option may be repeated."""
    one, two = list(cells)[:2]
    chosen = ids(collect("--cell", one, "--cell", two))
    assert {name for node in chosen for name in cells_in(node)} == {one, two}


def test_an_unknown_cell_is_refused() -> None:
    """With the names there are, and without running anything."""
    done = collect("--cell", SHORT + "x")
    assert done.returncode == 4
    assert f"--cell: unknown cell '{SHORT}x'; known: {', '.join(cells)}" in done.stderr
    assert ids(done) == []
