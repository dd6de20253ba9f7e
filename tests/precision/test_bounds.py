"""The running error bound is a bound: at poles, of products of errors, of any code."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from verify.arithmetic.formats import FLOAT32, FLOAT64
from verify.arithmetic.running import FUNCTION_UNITS, Bounded, Running

RUNNING = Running()
SHARES = (-1, -0.5, 0, 0.5, 1)


def number(value: float, error: float) -> Bounded:
    """A value with a bound on its error."""
    return Bounded(np.array(value), np.array(error))


@pytest.mark.parametrize("share", [1e-9, 0.1, 0.4, 0.49])
@pytest.mark.parametrize("at", [1e-3, 0.7, 3.0, 40.0])
@pytest.mark.parametrize("name", RUNNING.functions)
def test_a_function_stays_within_its_bound_of_any_exact_value(
    name: str, at: float, share: float
) -> None:
    """Whatever the exact argument is within an error of the value, and the computed one of that."""
    context = mpmath.MPContext()
    context.dps = 60
    functions = {
        "sigmoid": lambda a: 1 / (1 + context.exp(-a)),
        **{f: getattr(context, f) for f in ("tanh", "exp", "log", "sqrt")},
    }
    error = share * at
    found = RUNNING.functions[name](number(at, error))
    unit = FUNCTION_UNITS["float64"] * FLOAT64.unit
    steps = [context.mpf(error) * share for share in SHARES]
    for exact in (at + step for step in steps):
        right = functions[name](exact)
        for computed in (functions[name](exact + step) for step in steps):
            assert abs(computed - right) + unit * abs(computed) <= found.error


@pytest.mark.parametrize("name", ["log", "sqrt"])
def test_nothing_is_known_where_an_error_reaches_the_pole(name: str) -> None:
    """Nor of 1/v; and an exact argument is no error at all."""
    assert RUNNING.functions[name](number(1e-3, 6e-4)).error == np.inf
    assert RUNNING.reciprocal(number(1e-3, 6e-4)).error == np.inf
    assert RUNNING.functions["sqrt"](number(0.0, 0.0)).error == 0
    assert np.isfinite(RUNNING.reciprocal(number(1e-3, 4e-4)).error)


def test_what_nobody_knows_times_nothing_is_not_known() -> None:
    """An infinite bound never becomes a small one."""
    unknown = RUNNING.reciprocal(number(1e-3, 1.0))
    for product in (
        unknown * number(0.0, 0.0),
        RUNNING.einsum(",->", unknown, number(0.0, 0.0)),
        unknown + number(1.0, 0.0),
    ):
        assert product.error == np.inf


@pytest.mark.parametrize("format", [FLOAT32, FLOAT64])
@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (0.0, 0.0), (3e-5, -2.0), (1.0, 1.0)])
def test_errors_as_large_as_values_are_bounded(format: object, a: float, b: float) -> None:  # noqa: A002
    """Sums and products of exact and computed numbers at all ends of their errors."""
    running = Running(format=format)  # type: ignore[arg-type]
    unit = Fraction(running.format.unit)
    first, second = (Bounded(np.array(v), np.array(0.5), running.format) for v in (a, b))
    total, product = (first + second).error, (first * second).error
    dot = running.einsum(",->", first, second).error
    half = Fraction(1, 2)
    ends = (-half, Fraction(0), half)
    for x, y in ((Fraction(a) + i, Fraction(b) + j) for i in ends for j in ends):
        for c, d in ((x + i, y + j) for i in ends for j in ends):
            assert abs(c + d - x - y) + unit * abs(c + d) <= Fraction(float(total))
            assert abs(c * d - x * y) + unit * abs(c * d) <= Fraction(float(product))
            assert abs(c * d - x * y) + unit * abs(c * d) <= Fraction(float(dot))


def test_a_value_that_rounds_to_zero_keeps_its_error() -> None:
    """(1 + 2^-60) - 1 is 0 in floats; its logarithm and its reciprocal are not known."""
    lost = RUNNING.lift(np.array(1.0)) + 2.0**-60 + -1.0
    assert lost.value == 0
    assert RUNNING.functions["log"](lost).error == np.inf
    assert RUNNING.reciprocal(lost).error == np.inf
