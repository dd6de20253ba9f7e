"""Differences of the definition in 130 digits: short steps without noise."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from verify.arithmetic.precise import Precise, to_float
from verify.arithmetic.running import UNIT
from verify.evidence.case import Array, Case
from verify.evidence.derived import FUNCTIONS, Function
from verify.routes.definition import (
    Directions,
    by_states,
    case_of,
    derivative_of,
    directions,
    results,
    weighed,
    without_time,
)
from verify.routes.route import ElementRoute, Reference

DIGITS = 130
STEP_DIGITS = 63
"""A one-sided difference with step 10^-63 is wrong by some 10^-63 (its second derivative) and
by 10^-130 / 10^-63 (rounding)."""

MIXED_DIGITS = 42
"""A mixed second difference divides by the square of its step: 10^-42 and 10^-130 / 10^-84."""

MARGIN_DIGITS = 8
"""For the size of second and third derivatives and of the sums, beside the largest result."""

MANY = Precise(DIGITS)


@lru_cache(maxsize=128)
def reference(case: Case, function: Function) -> Mapping[str, Reference]:
    """Differences, rounded to float64 at the end; the error is that rounding and a known rest."""
    of_steps = case_of(case, function)
    digits = STEP_DIGITS
    if function in ("step", "unroll"):
        found = results(of_steps, _lifted(case=of_steps), MANY, exact=True)
        values: Mapping[str, Array] = {name: MANY.stack(v) for name, v in found.items()}
    elif function == "step_hvp":
        values, digits = _second(directions(of_steps)), MIXED_DIGITS
    else:
        values = derivative_of(case, function, _gradient, _along, _rows)
    floats = without_time(function, case, {name: to_float(v) for name, v in values.items()})
    largest = max((float(np.max(np.abs(v), initial=1.0)) for v in floats.values()), default=1.0)
    rest = largest * 10.0 ** (MARGIN_DIGITS - digits)
    return {name: Reference(v, UNIT * np.abs(v) + rest) for name, v in floats.items()}


def _lifted(case: Case, way: Mapping[str, Any] | None = None, digits: int = 0) -> dict[str, Any]:
    """The point in many digits, moved along a way by 10^-digits."""
    step = MANY.context.mpf(10) ** -digits
    point = {name: MANY.lift(value) for name, value in case.point.items()}
    for name, direction in (way or {}).items():
        if np.any(direction):
            point[name] = point[name] + step * MANY.lift(direction)
    return point


def _losses(case: Case, point: Mapping[str, Any]) -> Array:
    """<cotangents, results> of each sample."""
    exact_weights = weighed(case, results(case, point, MANY, exact=True), 1)
    return np.asarray(exact_weights, object)


def _way(units: Directions, k: int) -> dict[str, Array]:
    return {name: value[k] for name, value in units.ways.items()}


def _gradient(units: Directions) -> dict[str, Array]:
    base = _losses(units.case, _lifted(units.case))
    slopes = [
        (_losses(units.case, _lifted(units.case, _way(units, k), STEP_DIGITS)) - base)
        * MANY.context.mpf(10) ** STEP_DIGITS
        for k in range(units.count)
    ]
    return units.gathered(np.stack(slopes))


def _along(case: Case) -> dict[str, Array]:
    base = results(case, _lifted(case), MANY, exact=True)
    moved = results(case, _lifted(case, case.tangents, STEP_DIGITS), MANY, exact=True)
    scale = MANY.context.mpf(10) ** STEP_DIGITS
    return {name: (MANY.stack(moved[name]) - MANY.stack(base[name])) * scale for name in base}


def _rows(units: Directions) -> dict[str, Array]:
    states = [s.name for s in units.case.cell.states]
    base = results(units.case, _lifted(units.case), MANY, exact=True)
    scale = MANY.context.mpf(10) ** STEP_DIGITS
    slopes: dict[str, list[Array]] = {name: [] for name in states}
    for k in range(units.count):
        point = _lifted(units.case, _way(units, k), STEP_DIGITS)
        moved = results(units.case, point, MANY, exact=True)
        for name in states:
            slopes[name].append((moved[name][0] - base[name][0]) * scale)
    return by_states(units.case, {name: np.stack(v) for name, v in slopes.items() if v})


def _second(units: Directions) -> dict[str, Array]:
    case = units.case
    scale = MANY.context.mpf(10) ** (2 * MIXED_DIGITS)
    along = _lifted(case, case.tangents, MIXED_DIGITS)
    base, moved = _losses(case, _lifted(case)), _losses(case, along)
    step = MANY.context.mpf(10) ** -MIXED_DIGITS
    slopes = []
    for k in range(units.count):
        way = _way(units, k)
        here = _losses(case, _lifted(case, way, MIXED_DIGITS))
        both = {n: v + step * MANY.lift(way[n]) if np.any(way[n]) else v for n, v in along.items()}
        slopes.append((_losses(case, both) - moved - here + base) * scale)
    return units.gathered(np.stack(slopes))


ROUTE = ElementRoute(
    "high-precision differences",
    "Every element of every function equals a difference quotient of the definition in 130 "
    "digits, known to more digits than float64 has, also where a gate saturates.",
    "Anything about inputs other than those of the case.",
    FUNCTIONS,
    reference,
    ("ordinary", "saturated", "opposite"),
    "the value is below what 130 digits resolve",
    slow=True,
)
