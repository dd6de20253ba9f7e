"""The budget of rounding: real rounding is inside it, a small mistake is not."""

from __future__ import annotations

import numpy as np
import pytest

from equations import cells
from verify.arithmetic.formats import FORMATS
from verify.arithmetic.precise import to_float
from verify.evidence.case import Kind, make_case
from verify.evidence.derived import FUNCTIONS, compute, programs_of
from verify.evidence.rounding import values
from verify.evidence.subject import generated
from verify.evidence.verdict import TRUE
from verify.precision import budget, explain
from verify.precision.allowance import conditions
from verify.target import module_of

MISTAKE = 1e-6
CONDITION = 1e5
"""Elements that cancel more than this hide a mistake of 1e-6 even in float64."""


@pytest.mark.parametrize(
    ("kind", "dtype"), [("saturated", "float32"), ("opposite", "float64"), ("tiny", "float32")]
)
@pytest.mark.parametrize("name", cells)
def test_rounding_of_generated_code_is_within_the_budget_of_the_equations(
    name: str, kind: Kind, dtype: str
) -> None:
    """Every element of every function, against many digits, where exp(-a) is in the range."""
    cell = cells[name]
    case = make_case(cell, kind).cast(dtype)
    subject = generated(module_of(name, cell), cell)
    for function in FUNCTIONS:
        got, allowed = subject.compute(function, case), budget(case, function, careful=False)
        true = compute(function, programs_of(cell), case, TRUE)
        for field, value in got.items():
            off = np.abs(to_float(TRUE.lift(value) - true[field]))
            # 50 digits are not enough to tell the rest of a gate that is shut to 1e-300.
            close = off <= allowed[field] + 1e-45
            assert np.all(close), f"{function}.{field}"


@pytest.mark.parametrize("name", cells)
def test_a_mistake_of_a_millionth_is_refused(name: str) -> None:
    """In float64 no element that is well conditioned could be off by 1e-6 from rounding."""
    case = make_case(cells[name])
    for function in FUNCTIONS:
        allowed = budget(case, function)
        found = values(case, function)
        condition = conditions(case, function, found, FORMATS["float64"])
        for field, value in found.items():
            well = (condition[field] < CONDITION) & (value != 0)
            assert np.all((MISTAKE * np.abs(value) > 2 * allowed[field])[well])


def test_a_difference_is_answered_by_the_floats_it_was_computed_in() -> None:
    """What is rounding in float32 is none in float64, and the reason says how much would be."""
    case = make_case(cells[next(iter(cells))])
    (low,) = explain(0.0, case.cast("float64"))[:1]
    (high,) = explain(0.0, case.cast("float32"))[:1]
    difference = (low.most * high.least) ** 0.5
    for dtype, expected in (("float32", "yes"), ("float64", "no")):
        (answer,) = explain(difference, case.cast(dtype))[:1]
        assert answer.verdict == expected
        assert f"{answer.least if expected == 'yes' else answer.most:.2g}" in answer.reason


def test_lost_digits_of_a_saturated_gate_are_told_apart() -> None:
    """What only 1 - u loses is no rounding of careful code, and is named."""
    name = next(n for n in cells if cells[n].gates)
    case = make_case(cells[name], "saturated").cast("float32")
    found = explain(1e-9, case, ("step_vjp",))
    assert any(answer.saturated for answer in found)
    assert any("saturated gate" in answer.reason for answer in found)


def test_nothing_is_explained_by_half_a_budget_too_little() -> None:
    """The answer turns exactly where two budgets end."""
    case = make_case(cells[next(iter(cells))])
    for answer in explain(0.0, case):
        assert answer.verdict == "yes"
        (more,) = [a for a in explain(answer.most * 1.001, case) if a.quantity == answer.quantity]
        assert more.explained == 0
        (less,) = [a for a in explain(answer.least * 0.999, case) if a.quantity == answer.quantity]
        assert less.verdict == "yes"
