"""Dual numbers in many digits: forward mode through the definition, and twice for second order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from verify.arithmetic.dual import Dual, Duals
from verify.arithmetic.precise import Precise, to_float
from verify.arithmetic.running import UNIT
from verify.evidence.case import Array, Case
from verify.evidence.derived import Function
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

DIGITS = 80
MARGIN_DIGITS = 10
"""What sums and cancellations of a case may cost, far above what they do."""

MANY = Precise(DIGITS)
ONCE = Duals(MANY)
TWICE = Duals(ONCE)

Ways = Mapping[str, Array]


@lru_cache(maxsize=128)
def reference(case: Case, function: Function) -> Mapping[str, Reference]:
    """Slopes in 80 digits, rounded to float64 at the end."""
    of_steps = case_of(case, function)
    if function == "step_hvp":
        found: Mapping[str, Array] = _second(directions(of_steps))
    else:
        found = derivative_of(case, function, _gradient, _along, _rows)
    floats = without_time(function, case, {name: to_float(v) for name, v in found.items()})
    largest = max((float(np.max(np.abs(v), initial=1.0)) for v in floats.values()), default=1.0)
    rest = largest * 10.0 ** (MARGIN_DIGITS - DIGITS)
    return {name: Reference(v, UNIT * np.abs(v) + rest) for name, v in floats.items()}


def _moving(case: Case, ways: Ways) -> dict[str, Any]:
    """The point as dual numbers that move along a way."""
    point: dict[str, Any] = {}
    for symbol in case.cell.program.arguments:
        value, way = MANY.lift(case.point[symbol.name]), MANY.lift(ways[symbol.name])
        if symbol.role == "input":
            point[symbol.name] = [Dual(v, w) for v, w in zip(value, way, strict=True)]
        else:
            point[symbol.name] = Dual(value, way)
    return point


def _way(units: Directions, k: int) -> dict[str, Array]:
    return {name: value[k] for name, value in units.ways.items()}


def _gradient(units: Directions) -> dict[str, Array]:
    slopes = []
    for k in range(units.count):
        found = results(units.case, _moving(units.case, _way(units, k)), ONCE, exact=True)
        slopes.append(weighed(units.case, {n: _slopes(v) for n, v in found.items()}, 1))
    return units.gathered(np.stack(slopes))


def _along(case: Case) -> dict[str, Array]:
    found = results(case, _moving(case, case.tangents), ONCE, exact=True)
    return {name: np.stack(_slopes(values)) for name, values in found.items()}


def _rows(units: Directions) -> dict[str, Array]:
    states = [s.name for s in units.case.cell.states]
    slopes: dict[str, list[Array]] = {name: [] for name in states}
    for k in range(units.count):
        found = results(units.case, _moving(units.case, _way(units, k)), ONCE, exact=True)
        for name in states:
            slopes[name].append(found[name][0].slope)
    return by_states(units.case, {name: np.stack(v) for name, v in slopes.items() if v})


def _second(units: Directions) -> dict[str, Array]:
    """The slope along the tangents of the slope along each direction."""
    slopes = []
    for k in range(units.count):
        point: dict[str, Any] = {}
        inner, outer = _moving(units.case, units.case.tangents), _way(units, k)
        for symbol in units.case.cell.program.arguments:
            way, value = MANY.lift(outer[symbol.name]), inner[symbol.name]
            if symbol.role == "input":
                point[symbol.name] = [
                    Dual(v, Dual(w, w * 0)) for v, w in zip(value, way, strict=True)
                ]
            else:
                point[symbol.name] = Dual(value, Dual(way, way * 0))
        found = results(units.case, point, TWICE, exact=True)
        mixed = {n: [value.slope.slope for value in values] for n, values in found.items()}
        slopes.append(weighed(units.case, mixed, 1))
    return units.gathered(np.stack(slopes))


def _slopes(values: list[Dual]) -> list[Array]:
    return [np.asarray(value.slope, object) for value in values]


ROUTE = ElementRoute(
    "dual numbers",
    "Elements that fewer than two other routes decide equal the slope that dual numbers in 60 "
    "digits carry through the definition, also where float64 cancels.",
    "Anything about inputs other than those of the case; it is asked only where it is needed.",
    ("step_vjp", "step_jvp", "step_hvp", "step_jacobian", "unroll_vjp", "unroll_jvp"),
    reference,
    ("ordinary", "saturated", "opposite"),
    "the value is below what 80 digits resolve",
    reserve=True,
)
