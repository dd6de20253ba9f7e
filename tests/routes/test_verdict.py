"""The verdict function, the error arithmetic and the extrapolation, on cases made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from equations import cells
from verify.arithmetic.precise import to_float
from verify.arithmetic.running import UNIT, Running
from verify.evidence.bounds import BOUNDS
from verify.evidence.case import Kind, inadequate, make_case
from verify.evidence.derived import FUNCTIONS, Textbook, compute, programs_of
from verify.evidence.verdict import TRUE, Comparison, judge
from verify.routes.central_differences import LENGTHS, extrapolated
from verify.routes.taylor import STEPS, judged

TINY = np.array(1e-30)
FLOATS = Textbook()


def compare(got: float, expected: float, own: float, allowed: float) -> tuple[bool, bool]:
    """Whether one element is decided, and whether it agrees."""
    one, other = np.array(got), np.array(expected)
    verdict = judge(Comparison("q", one, other, np.array(own), np.array(allowed)))
    return bool(verdict.decided), bool(verdict.agrees)


def test_agreement_is_relative_at_every_scale() -> None:
    """A difference of 1 % of 1e-25 disagrees, though 1e-5 absolute would let it through."""
    assert compare(1e-25, 1e-25, 1e-41, 1e-41) == (True, True)
    assert compare(1.01e-25, 1e-25, 1e-41, 1e-41) == (True, False)
    assert compare(0.0, 1e-25, 1e-41, 1e-41) == (True, False)


def test_both_errors_are_allowed_and_no_more() -> None:
    """The bound is the reference's own error plus the subject's rounding."""
    assert compare(1.0 + 1.9e-6, 1.0, 1e-6, 1e-6) == (True, True)
    assert compare(1.0 + 2.1e-6, 1.0, 1e-6, 1e-6) == (True, False)


def test_an_uncertain_reference_decides_nothing() -> None:
    """Noise as large as the value neither agrees nor disagrees."""
    assert compare(5.0, 1.0, 0.5, 1e-16)[0] is False
    assert not judge(Comparison("q", np.array(5.0), np.array(1.0), np.array(0.5), TINY)).disagrees


def test_an_exact_zero_is_decided_by_an_exact_reference() -> None:
    """Zero is zero, and 1e-300 is not."""
    assert compare(0.0, 0.0, 0.0, 0.0) == (True, True)
    assert compare(1e-300, 0.0, 0.0, 0.0) == (True, False)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_never_agrees(value: float) -> None:
    """NaN and infinity disagree whatever the bound."""
    assert compare(value, 1.0, 1e-10, 1.0) == (True, False)


def test_another_shape_disagrees() -> None:
    """A result of another shape is wrong, not broadcast."""
    one = np.ones(3)
    assert judge(Comparison("q", np.ones((1, 3)), one, 0 * one, one)).disagrees


def test_every_bound_has_an_argument() -> None:
    """No number without its reason."""
    assert all(len(bound.argument) > 40 for bound in BOUNDS.values())


@pytest.mark.parametrize("kind", ["ordinary", "saturated", "large"])
@pytest.mark.parametrize("name", cells)
def test_running_error_bounds_the_error(name: str, kind: Kind) -> None:
    """Float64 lies within the running error bound of the true value, for every function."""
    case = make_case(cells[name], kind, 3)
    programs = programs_of(case.cell)
    for function in FUNCTIONS:
        bounds = compute(function, programs, case, Running())
        true = compute(function, programs, case, TRUE)
        for field, value in compute(function, programs, case, FLOATS).items():
            error = np.abs(to_float(TRUE.lift(value) - true[field]))
            assert np.all(error <= bounds[field].error), f"{function}.{field}"


def test_running_error_of_a_cancelling_sum() -> None:
    """(1 + 2^-60) - 1 loses everything, and the bound says so."""
    running = Running()
    lost = running.lift(np.array(1.0)) + running.lift(np.array(2.0**-60))
    lost = lost + running.lift(np.array(-1.0))
    assert lost.value == 0
    assert lost.error >= 2.0**-60


def test_running_error_counts_the_terms_of_a_sum() -> None:
    """A dot product of n terms rounds 2n - 1 times at most, by Σ|terms| each."""
    running = Running()
    ones = running.lift(np.ones(10))
    assert running.einsum("i,i->", ones, ones).error == pytest.approx(10 * 10 * UNIT)


def test_extrapolation_knows_its_error() -> None:
    """A smooth function is found to many digits; pure noise is not decided."""
    slopes = np.array([(np.exp(h) - np.exp(-h)) / (2 * h) for h in LENGTHS])
    value, error = extrapolated(slopes[:, None], np.full((len(LENGTHS), 1), 1e-15))
    assert abs(value[0] - 1) <= error[0] < 1e-10
    noise = np.random.default_rng(0).normal(size=(len(LENGTHS), 1)) * 1e-9
    value, error = extrapolated(noise, np.full((len(LENGTHS), 1), 1e-9))
    assert error[0] > BOUNDS["small"].value * abs(value[0])


def test_taylor_slopes() -> None:
    """Slope 2 agrees, slope 1 does not, nothing above the noise is linear, little is undecided."""
    noise = np.full(STEPS.shape, 1e-16)
    assert not judge(judged("q", STEPS**2, noise, 1.0)).disagrees
    assert judge(judged("q", STEPS**2 + 1e-3 * STEPS, noise, 1.0)).disagrees
    assert judged("q", 0 * STEPS, noise, 1.0).note == "linear here"
    assert not judge(judged("q", 0 * STEPS, noise, 1e3 * noise[0])).decided
    assert not judge(judged("q", STEPS**3, noise, 1.0)).decided
    few = judge(judged("q", 1e-12 * STEPS**2, noise, 1.0))
    assert not few.decided


@pytest.mark.parametrize("name", cells)
def test_default_cases_are_adequate(name: str) -> None:
    """Non-zero distinct inputs, three steps, and every gate at both ends."""
    kinds: tuple[Kind, ...] = ("ordinary", "saturated", "opposite")
    assert inadequate([make_case(cells[name], kind) for kind in kinds]) == []


def test_inadequate_cases_are_named() -> None:
    """A zero state, one step and undriven gates are said to be inadequate."""
    case = make_case(next(cells[n] for n in cells if cells[n].gates), "ordinary", 0, {"T": 2})
    for state in case.cell.states:
        case.point[state.name][:] = 0
    problems = " ".join(inadequate([case]))
    for expected in ("below three steps", "has zeros", "never driven to its lower end"):
        assert expected in problems
