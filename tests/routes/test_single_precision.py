"""Errors that generated code makes in float32 alone are found, by value and by dtype."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from equations import cells
from verify.arithmetic.formats import FLOAT32
from verify.arithmetic.precise import to_float
from verify.arithmetic.running import Running
from verify.evidence.case import Kind, make_case
from verify.evidence.derived import FUNCTIONS, Function, compute, programs_of
from verify.evidence.run import check
from verify.evidence.subject import generated
from verify.evidence.verdict import TRUE
from verify.routes.single_precision import ROUTE

every_cell = pytest.mark.parametrize("name", list(cells))


def slightly(value: Any) -> Any:  # noqa: ANN401 - NamedTuples of arrays, nested
    """Float32 arrays scaled by 1.0005, and no others."""
    if isinstance(value, tuple):
        parts = [slightly(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value * np.float32(1.0005) if value.dtype == np.float32 else value


def widened(value: Any) -> Any:  # noqa: ANN401
    """Arrays as float64, as `np.zeros` without a dtype makes them."""
    if isinstance(value, tuple):
        parts = [widened(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value.astype(np.float64)


@every_cell
@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f not in ("step", "unroll")])
@pytest.mark.parametrize(
    ("wrong", "words"), [(slightly, "within"), (widened, "expected float32, got float64")]
)
def test_an_error_in_float32_alone_is_found(
    name: str, function: Function, wrong: Callable[[Any], Any], words: str
) -> None:
    """A derivative wrong by 5e-4, or of another dtype, in float32 and not in float64."""
    cell = cells[name]
    right = importlib.import_module(f"equations.generated.{name}")
    if function == "step_jacobian" and not cell.states:
        return
    changed = SimpleNamespace(**vars(right))
    setattr(changed, function, lambda *arguments: wrong(getattr(right, function)(*arguments)))
    changed.__name__ = "changed"
    records = list(check(ROUTE, generated(changed, cell), make_case(cell), None, (function,)))  # type: ignore[arg-type]
    failed = [record.note for record in records if not record.passed]
    assert any(words in note for note in failed)


@every_cell
@pytest.mark.parametrize("kind", ROUTE.kinds)
def test_running_error_of_float32_bounds_the_error(name: str, kind: Kind) -> None:
    """What the generated code computes in float32 lies within twice that bound, and uses it."""
    case = make_case(cells[name], kind, 3).cast("float32")
    subject = generated(importlib.import_module(f"equations.generated.{name}"), case.cell)
    running, worst = Running(format=FLOAT32), 0.0
    for function in FUNCTIONS:
        bounds = compute(function, programs_of(case.cell), case, running)
        true = compute(function, programs_of(case.cell), case, TRUE)
        for field, value in subject.compute(function, case).items():
            error = np.abs(value - to_float(true[field]))
            assert np.all(error <= 2 * bounds[field].error), f"{function}.{field}"
            parts = error / np.maximum(bounds[field].error, FLOAT32.smallest)
            worst = max(worst, float(np.max(parts, initial=0.0)))
    assert worst > 1e-3
