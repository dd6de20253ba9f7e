"""What every test shares: the profiles of Hypothesis, and the choice of one cell.

`HYPOTHESIS_PROFILE=thorough pytest tests/properties` looks further, with new examples every time.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, settings

from equations import cells
from equations.cell import Cell
from equations.generate.targets import TARGETS

settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`name, built`: every cell in NumPy, and some compiled; `compiled`: these alone.

    They are those with the fewest, a middle number and the most equations; compiling takes time.
    Names that a test has parameters of its own for are left to it.
    """
    marks = metafunc.definition.iter_markers("parametrize")
    own = {name for mark in marks for name in _names(mark.args[0])}
    wanted = set(metafunc.fixturenames) - own
    recurrent = [name for name in cells if cells[name].states]
    recurrent.sort(key=lambda name: len(cells[name].program.equations))
    chosen = (recurrent[0], recurrent[len(recurrent) // 2], recurrent[-1])
    reason = f'no {", ".join(TARGETS["numba"].missing)}: pip install "gateproof[fast]"'
    marks = [
        pytest.mark.skipif(bool(TARGETS["numba"].missing), reason=reason),
        pytest.mark.xdist_group("numba"),  # so that two processes do not compile the same
    ]
    if "compiled" in wanted:
        metafunc.parametrize("compiled", [pytest.param(name, marks=marks) for name in chosen])
    elif {"name", "built"} <= wanted:
        pairs = [pytest.param(name, "numpy") for name in cells]
        pairs += [pytest.param(name, "numba", marks=marks) for name in chosen]
        metafunc.parametrize(("name", "built"), pairs)


def _names(given: str | Sequence[str]) -> Sequence[str]:
    return given.replace(" ", "").split(",") if isinstance(given, str) else given


def pytest_addoption(parser: pytest.Parser) -> None:
    """The choice of cells."""
    parser.addoption(
        "--cell",
        action="append",
        default=[],
        metavar="NAME",
        help="Run only the tests of exactly this cell; may be given more than once.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a cell that does not exist, rather than select nothing."""
    for name in config.getoption("--cell"):
        if name not in cells.names:
            raise pytest.UsageError(f"--cell: unknown cell {name!r}; known: {', '.join(cells)}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that have a chosen cell, or its name, as a parameter."""
    chosen = set(config.getoption("--cell"))
    if not chosen:
        return
    kept = [bool(chosen & _cells_of(item)) for item in items]
    config.hook.pytest_deselected(
        items=[i for i, keep in zip(items, kept, strict=True) if not keep]
    )
    items[:] = [item for item, keep in zip(items, kept, strict=True) if keep]


def _cells_of(item: pytest.Item) -> set[str]:
    """The names of the cells among the parameters of a test."""
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return {p.name if isinstance(p, Cell) else p for p in parameters if isinstance(p, Cell | str)}
