"""Errors planted where digits are lost show up as the number of ulps that they cost."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from verify.arithmetic.floats import Floats
from verify.arithmetic.formats import FLOAT32, FLOAT64, Format
from verify.evidence.case import Array, Case
from verify.evidence.derived import Function
from verify.evidence.subject import Subject
from verify.precision.measure import worst
from verify.precision.sweep import FACTORS, case_of_line
from verify.routes.definition import results

pytest.importorskip("flint", reason='needs pip install "gateproof[precision]"')

LINES = {name: (definition.cell, function, field) for name, definition, function, field in FACTORS}


def forward(sigmoid: Callable[[Array], Array]) -> Subject:
    """The definition as written, with a logistic function of one's own."""

    def compute(function: Function, case: Case) -> dict[str, Array]:
        assert function == "step"
        numbers = Floats(np, next(iter(case.point.values())).dtype.name)
        numbers.functions = {**numbers.functions, "sigmoid": sigmoid}
        found = results(case, case.point, numbers, exact=True)
        return {name: value[0] for name, value in found.items()}

    return Subject("by hand", compute)


def careful(a: Array) -> Array:
    """The logistic function with all its digits."""
    small = np.exp(-np.abs(a))
    return np.asarray(np.where(a >= 0, 1, small) / (1 + small), a.dtype)


def naive(a: Array) -> Array:
    """The one that overflows."""
    return np.asarray(1 / (1 + np.exp(-a)), a.dtype)


def ulps(name: str, subject: Subject, at: float, of: Format) -> float:
    """The measured error of a factor at one pre-activation."""
    cell, function, _ = LINES[name]
    case = case_of_line(cell, np.array([at], of.dtype))
    (found,) = worst(case, [subject], of, [function])
    return found.ulps


@pytest.mark.parametrize(("at", "of"), [(20.0, FLOAT64), (36.0, FLOAT64), (15.0, FLOAT32)])
def test_a_naive_complement_costs_what_it_lost(at: float, of: Format) -> None:
    """1 - u from a rounded u is off by the rounding of u in ulps of a much smaller number."""
    context = mpmath.MPContext()
    context.dps = 60
    kind = of.dtype.type
    got = kind(1) - careful(np.array(at, of.dtype))
    true = 1 / (1 + context.exp(at))
    expected = abs(context.mpf(float(got)) - true) / float(np.spacing(kind(true)))
    assert expected > 1e4
    assert ulps("1 - σ(a)", forward(careful), at, of) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize(("at", "of"), [(40.0, FLOAT64), (20.0, FLOAT32)])
def test_a_complement_of_zero_costs_everything(at: float, of: Format) -> None:
    """Once u rounds to 1 the error is the whole value: up to 2^53 or 2^24 ulps."""
    found = ulps("1 - σ(a)", forward(careful), at, of)
    assert 2.0 ** (of.digits - 1) <= found <= 2.0**of.digits


@pytest.mark.parametrize(("at", "of"), [(-712.0, FLOAT64), (-95.0, FLOAT32)])
def test_a_naive_logistic_function_costs_what_it_overflows(at: float, of: Format) -> None:
    """1/(1 + exp(-a)) is 0 where exp(-a) is infinite, and the careful one is right there."""
    context = mpmath.MPContext()
    context.dps = 60
    true = context.exp(at)
    lost = ulps("σ(a)", forward(naive), at, of)
    assert lost == pytest.approx(float(true / context.mpf(of.smallest)), rel=1e-4)
    assert lost > 100
    assert ulps("σ(a)", forward(careful), at, of) <= 1


def test_a_careful_logistic_function_costs_nothing() -> None:
    """The measure does not blame what is right."""
    for of in (FLOAT64, FLOAT32):
        for at in (-80.0, -3.3, 0.0, 0.7, 80.0):
            assert ulps("σ(a)", forward(careful), at, of) <= 4
