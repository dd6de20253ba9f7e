"""Slopes of the definition along directions, carried by dual numbers over any arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from verify.arithmetic.dual import Dual, Duals
from verify.evidence.case import Array, Arrays, Case
from verify.evidence.derived import Function, Numbers
from verify.routes.definition import (
    ROLES,
    Directions,
    by_states,
    case_of,
    derivative_of,
    directions,
    results,
    weighed,
    without_time,
)


def values(
    case: Case,
    function: Function,
    numbers: Numbers,
    roles: tuple[str, ...] = ROLES,
    wanted: Mapping[str, Array] | None = None,
) -> dict[str, Array]:
    """Any function of the public surface, by field, from the definition as it was written.

    Args:
        case: where.
        function: which; forward values as they are, first derivatives by one slope along every
            direction, second ones by the slope of that slope.
        numbers: what values and slopes are: object arrays.
        roles: of the arguments whose gradients are wanted.
        wanted: masks of the elements of gradients that are wanted, by field, where not all are;
            others may be NaN.
    """
    of_steps, mode = case_of(case, function), _Mode(numbers, wanted)
    found: Mapping[str, Array]
    if function in ("step", "unroll"):
        at = results(of_steps, _point(of_steps, numbers), numbers, exact=True)
        found = {name: numbers.stack(value) for name, value in at.items()}
    elif function == "step_hvp":
        found = mode.second(directions(of_steps, roles))
    else:
        found = derivative_of(case, function, mode.gradient, mode.along, mode.rows, roles)
    return without_time(function, case, found)


def _point(case: Case, numbers: Numbers) -> dict[str, Any]:
    return {name: numbers.lift(value) for name, value in case.point.items()}


class _Mode:
    """The three derivatives of `derivative_of` and the second one."""

    def __init__(self, numbers: Numbers, wanted: Mapping[str, Array] | None = None) -> None:
        self.numbers = numbers
        self.wanted = wanted
        self.once = Duals(numbers)
        self.twice = Duals(self.once)

    def gradient(self, units: Directions) -> dict[str, Array]:
        def slope(way: Arrays) -> Array:
            found = results(units.case, self._moving(units.case, way), self.once, exact=True)
            return np.asarray(weighed(units.case, {n: _slopes(v) for n, v in found.items()}, 1))

        return self._gathered(units, slope)

    def along(self, case: Case) -> dict[str, Array]:
        found = results(case, self._moving(case, case.tangents), self.once, exact=True)
        return {name: np.stack(_slopes(values)) for name, values in found.items()}

    def rows(self, units: Directions) -> dict[str, Array]:
        states = [s.name for s in units.case.cell.states]
        slopes: dict[str, list[Array]] = {name: [] for name in states}
        for k in range(units.count):
            found = results(
                units.case, self._moving(units.case, _way(units, k)), self.once, exact=True
            )
            for name in states:
                slopes[name].append(found[name][0].slope)
        return by_states(units.case, {name: np.stack(v) for name, v in slopes.items() if v})

    def second(self, units: Directions) -> dict[str, Array]:
        """The slope along the tangents of the slope along each direction."""
        inner = self._moving(units.case, units.case.tangents)

        def slope(ways: Arrays) -> Array:
            point = {}
            for name, way in ways.items():
                point[name] = _twice(inner[name], self.numbers.lift(way))
            found = results(units.case, point, self.twice, exact=True)
            mixed = {n: [value.slope.slope for value in values] for n, values in found.items()}
            return np.asarray(weighed(units.case, mixed, 1))

        return self._gathered(units, slope)

    def _gathered(self, units: Directions, slope: Callable[[Arrays], Array]) -> dict[str, Array]:
        wanted = units if self.wanted is None else units.leading_to(self.wanted)
        return units.gathered(wanted.each(slope))

    def _moving(self, case: Case, ways: Arrays) -> dict[str, Any]:
        """The point as dual numbers that move along a way; a list of steps for an input."""
        point: dict[str, Any] = {}
        for symbol in case.cell.program.arguments:
            name, lift = symbol.name, self.numbers.lift
            value, way = lift(case.point[name]), lift(ways[name])
            if symbol.role == "input":
                point[name] = [Dual(v, w) for v, w in zip(value, way, strict=True)]
            else:
                point[name] = Dual(value, way)
        return point


def _twice(value: Any, way: Array) -> Any:  # noqa: ANN401 - a dual number, or one for each step
    if isinstance(value, list):
        return [_twice(v, w) for v, w in zip(value, way, strict=True)]
    return Dual(value, Dual(way, way * 0))


def _way(units: Directions, k: int) -> dict[str, Array]:
    return {name: value[k] for name, value in units.ways.items()}


def _slopes(values: list[Dual]) -> list[Array]:
    return [np.asarray(value.slope, object) for value in values]
