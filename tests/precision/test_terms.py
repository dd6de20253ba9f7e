"""The condition of an element: what it counts, what it does not, and whose it is."""

from __future__ import annotations

import numpy as np
import pytest

from equations import cells
from verify.arithmetic.formats import FORMATS
from verify.arithmetic.terms import TERMS, Summed
from verify.evidence.case import make_case
from verify.evidence.derived import FUNCTIONS, Function
from verify.evidence.rounding import terms
from verify.precision.allowance import conditions
from verify.precision.sweep import FACTORS, case_of_line

LINES = {name: (definition.cell, function, field) for name, definition, function, field in FACTORS}


def given(*values: float) -> Summed:
    """Numbers that were given."""
    return TERMS.lift(np.array(values))


def condition(number: Summed) -> float:
    """Σ|terms| over the value."""
    return float((number.size / np.abs(number.value)).max())


def of_line(name: str, at: float, dtype: str = "float64") -> float:
    """The condition of a factor at a pre-activation."""
    cell, function, field = LINES[name]
    case = case_of_line(cell, np.array([at], dtype))
    return float(np.max(terms(case, function)[field] / np.abs(values_of(name, at))))


def values_of(name: str, at: float) -> float:
    """σ(a), 1 - σ(a), and σ''."""
    u = 1 / (1 + np.exp(-at))
    return {"1 - σ(a)": 1 / (1 + np.exp(at)), "σ(a)": u, "σ''(a)": u * (1 - u) * (1 - 2 * u)}[name]


def test_a_function_of_what_was_given_has_condition_one() -> None:
    """However far out: its argument is exact, and its own rounding is a rounding, no condition."""
    for function in TERMS.functions.values():
        assert condition(function(given(1e-3, 0.5, 300.0))) == 1  # type: ignore[arg-type]


def test_a_sum_has_the_condition_of_its_terms() -> None:
    """Σ|terms| over the value, in any order, and once for all sums that nothing cancels in."""
    a, b, c = given(1e8), given(1.0), given(-1e8)
    for total in ((a + b) + c, (a + c) + b, TERMS.stack([a, b, c]).sum(axis=0)):
        assert condition(total) == 2e8 + 1  # type: ignore[arg-type]
    total = given(1.0)
    for _ in range(100):
        total = total + b
    assert condition(total) == 1


def test_a_product_is_as_bad_as_its_worst_factor() -> None:
    """In a contraction as well, where every term has its own."""
    bad, worse = given(1.0) + given(-0.9), given(1.0) + given(-0.99)
    assert condition(bad * worse) == pytest.approx(condition(worse))
    together = TERMS.einsum("i,i->i", bad, worse)
    assert condition(together) == pytest.approx(condition(worse))
    mixed = TERMS.einsum("i,i->", TERMS.lift(np.array([1.0, 1.0])), given(1.0, -0.5))
    assert condition(mixed) == 3


def test_a_function_multiplies_by_its_slope() -> None:
    """Exp at 300 makes 300 times its own size of what its argument is rounded by."""
    argument = given(100.0) + given(200.0)
    assert condition(TERMS.functions["exp"](argument)) == pytest.approx(300)  # type: ignore[arg-type]
    assert condition(TERMS.functions["tanh"](argument)) == 1  # type: ignore[arg-type]
    assert condition(TERMS.reciprocal(given(1.0) + given(-0.9))) == pytest.approx(19)


def test_saturation_is_no_condition_and_cancellation_is() -> None:
    """1 - σ(a) has all its digits at any a; 1 - 2σ(a) has 2/|a| fewer units near zero."""
    for at in (-30.0, 0.5, 30.0, 500.0):
        assert of_line("1 - σ(a)", at) == pytest.approx(1)
    for at in (1e-2, 1e-4, 1e-6):
        assert of_line("σ''(a)", at) == pytest.approx(4 / at, rel=0.05)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_condition_belongs_to_no_format(function: Function) -> None:
    """The same at the same numbers, whatever they are stored in."""
    low = make_case(cells["gru"]).cast("float32")
    for name, size in terms(low, function).items():
        assert np.array_equal(size, terms(low.cast("float64"), function)[name])


def test_a_value_that_cancels_to_nothing_is_told_in_ulps_of_its_terms() -> None:
    """σ'' is zero at 0: an error there is neither excused nor infinitely wrong."""
    cell, function, field = LINES["σ''(a)"]
    for of in FORMATS.values():
        case = case_of_line(cell, np.array([0.0], of.dtype))
        size = terms(case, function)[field]
        (found,) = conditions(case, function, {field: np.zeros(size.shape)}, of)[field].ravel()
        assert found == float(size.max()) / of.normal
        assert np.isfinite(found)
