"""Options and helpers of the printing tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from equations import cells

if TYPE_CHECKING:
    from equations.cell import Cell

PASSES = (
    "definition",
    "forward",
    "backward",
    "tangent",
    "jacobian",
    "linear_map",
    "second",
    "sequence",
    "bptt",
    "tangent_sequence",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The flag that accepts what is printed now; from the project's root: GOLDEN=update."""
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten."""
    asked = request.config.getoption("--update-golden", default=False)
    return bool(asked) or os.environ.get("GOLDEN") == "update"


def passes_of(cell: Cell) -> Iterator[tuple[str, Any]]:
    """What is printed of a cell: every pass that says something about it."""
    for name in PASSES:
        stateless = not cell.states and name in ("jacobian", "linear_map")
        vectors = name == "linear_map" and all(len(state.axes) < 2 for state in cell.states)
        if not (stateless or vectors):
            yield name, getattr(cell, name)()


@pytest.fixture
def printed_passes() -> Callable[[str], list[tuple[str, Any]]]:
    """The passes of the cell of a name, with their names."""
    return lambda name: list(passes_of(cells[name]))
