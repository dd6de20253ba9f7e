"""The complex step: a derivative as an imaginary part, without a difference that cancels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from verify.evidence.case import Array, Case
from verify.evidence.derived import Function, Textbook
from verify.evidence.rounding import reference_error
from verify.routes.definition import (
    Directions,
    by_states,
    case_of,
    derivative_of,
    results,
    weighed_by_direction,
    without_time,
)
from verify.routes.route import ElementRoute, Reference

STEP = 2.0**-332
"""A power of two, by which nothing is rounded. Its square is nothing beside 1, and times a slope of
e^-80 it is still far from underflow."""

COMPLEX = Textbook()


@lru_cache(maxsize=128)
def reference(case: Case, function: Function) -> Mapping[str, Reference]:
    """Imaginary parts over the step; the error is the roundings of a careful computation."""
    bounds = reference_error(case, function)
    if function in ("step", "unroll"):
        of_steps = case_of(case, function)
        found = results(of_steps, of_steps.point, COMPLEX)
        values: Mapping[str, Array] = {name: np.stack(value) for name, value in found.items()}
    else:
        values = derivative_of(case, function, _gradient, _along, _rows)
    values = without_time(function, case, values)
    return {name: Reference(value, bounds[name]) for name, value in values.items()}


def _gradient(units: Directions) -> dict[str, Array]:
    found = results(units.case, units.points(np.zeros(1), 1j * STEP), COMPLEX)
    slopes = weighed_by_direction(units, found).imag / STEP
    return units.gathered(slopes[0])


def _along(case: Case) -> dict[str, Array]:
    point = {n: value + 1j * STEP * case.tangents[n] for n, value in case.point.items()}
    found = results(case, point, COMPLEX)
    return {name: np.stack(values).imag / STEP for name, values in found.items()}


def _rows(units: Directions) -> dict[str, Array]:
    found = results(units.case, units.points(np.zeros(1), 1j * STEP), COMPLEX)
    states = {s.name for s in units.case.cell.states}
    batch = units.case.sizes["B"]
    slopes = {
        name: (values[0].imag / STEP).reshape((units.count, batch, *values[0].shape[1:]))
        for name, values in found.items()
        if name in states
    }
    return by_states(units.case, slopes)


ROUTE = ElementRoute(
    "complex step",
    "Every element of the results and first derivatives of step and sequence equals the imaginary "
    "part of the definition at a point moved by an imaginary step, to the roundings of float64.",
    "Second derivatives; anything about inputs other than those of the case.",
    ("step", "step_vjp", "step_jvp", "step_jacobian", "unroll", "unroll_vjp", "unroll_jvp"),
    reference,
    ("ordinary", "saturated", "opposite", "small", "large"),
    "the roundings of float64 are not small beside the true value, which cancels",
)
