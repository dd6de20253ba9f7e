"""Central differences at many step lengths, extrapolated, with an estimate of their own error."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from verify.arithmetic.formats import FLOAT64
from verify.arithmetic.running import UNIT
from verify.evidence.bounds import BOUNDS
from verify.evidence.case import Array, Case
from verify.evidence.derived import Function, Textbook
from verify.evidence.rounding import RUNNING, reference_error
from verify.routes.definition import (
    Directions,
    by_states,
    case_of,
    derivative_of,
    directions,
    fields,
    results,
    weighed_by_direction,
    without_time,
)
from verify.routes.route import ElementRoute, Reference

LENGTHS = 2.0 ** -np.arange(2.0, 9.0)
"""Halved six times from 1/4: the table reaches order 14, and its noise grows to 2^8 roundings."""

FLOATS = Textbook()
SECOND_STEP = 1e-100

Pair = tuple[Array, Array]


def extrapolated(slopes: Array, noise: Array) -> Pair:
    """The best entry of a Romberg table, elementwise, and its error.

    Args:
        slopes: central differences at `LENGTHS`, the first axis.
        noise: a bound on the rounding error of each.

    Returns:
        Value and error. The error is the largest difference to the two entries it was made of and
        to the two of the next shorter step, times the safety factor (fewer than four neighbours
        do agree by chance, at one element in 10^5), and the noise that the extrapolation amplifies.
    """
    table: list[list[Pair]] = []
    for slope, level in zip(slopes, noise, strict=True):
        row: list[Pair] = [(slope, level)]
        for k, (coarse, coarse_noise) in enumerate(table[-1] if table else [], start=1):
            weight = 4.0**k
            fine, fine_noise = row[-1]
            own = (weight * fine_noise + coarse_noise) / (weight - 1)
            row.append(((weight * fine - coarse) / (weight - 1), own))
        table.append(row)
    value, error = slopes[0], np.full(slopes[0].shape, np.inf)
    for j in range(1, len(table) - 1):
        for k in range(1, j + 1):
            entry, own = table[j][k]
            near = (table[j][k - 1], table[j - 1][k - 1], table[j + 1][k], table[j + 1][k + 1])
            gap = np.max([np.abs(entry - other) for other, _ in near], axis=0)
            estimate = BOUNDS["safety"].value * gap + own
            value = np.where(estimate < error, entry, value)
            error = np.minimum(estimate, error)
    return value, error


@lru_cache(maxsize=128)
def reference(case: Case, function: Function) -> Mapping[str, Reference]:
    """Extrapolated differences with their estimated errors."""
    if function == "step_hvp":
        pairs = _second(directions(case_of(case, function)))
    else:
        pairs = derivative_of(case, function, _gradient, _along, _rows)
    values = without_time(function, case, {name: pair[0] for name, pair in pairs.items()})
    errors = without_time(function, case, {name: pair[1] for name, pair in pairs.items()})
    return {name: Reference(values[name], errors[name]) for name in values}


def _both(values: Array) -> Array:
    """Differences over the distance, from values at +LENGTHS and then at -LENGTHS."""
    up, down = np.split(values, 2)
    return np.asarray((up - down) / (2 * LENGTHS).reshape(-1, *[1] * (up.ndim - 1)))


BOTH = np.concatenate([LENGTHS, -LENGTHS])


def _gradient(units: Directions) -> Mapping[str, Pair]:
    found = results(units.case, units.steps(BOTH), FLOATS)
    slopes = units.gathered(_both(weighed_by_direction(units, found)))
    level = _loss_error(units.case)  # of each sample; a parameter's gradient sums over them
    pairs = {}
    for symbol in units.case.cell.program.arguments:
        slope = slopes[symbol.name]
        if symbol.role == "parameter":
            per = np.full(slope.shape[1:], level.sum())
        else:
            batch = 1 if symbol.role == "input" else 0
            shape = [1] * (slope.ndim - 1)
            shape[batch] = -1
            per = np.broadcast_to(level.reshape(shape), slope.shape[1:])
        pairs[symbol.name] = extrapolated(slope, _noise(per))
    return pairs


def _along(case: Case) -> Mapping[str, Pair]:
    ways = {name: value[None] for name, value in case.tangents.items()}
    units = Directions(case, ways, {})
    found = results(case, units.steps(BOTH), FLOATS)
    errors = _result_errors(case)
    pairs = {}
    for name, values in found.items():
        stacked = np.stack(values, axis=1)  # (offsets · B, T, ...)
        split = stacked.reshape((len(BOTH), case.sizes["B"], *stacked.shape[1:]))
        slopes = _both(np.moveaxis(split, 2, 1))
        pairs[name] = extrapolated(slopes, _noise(errors[name]))
    return pairs


def _rows(units: Directions) -> Mapping[str, Pair]:
    found = results(units.case, units.steps(BOTH), FLOATS)
    errors = _result_errors(units.case)
    values, bounds = {}, {}
    for state in units.case.cell.states:
        shape = found[state.name][0].shape[1:]
        split = found[state.name][0].reshape(
            (len(BOTH), units.count, units.case.sizes["B"], *shape)
        )
        noise = np.broadcast_to(errors[state.name], split.shape[1:])
        values[state.name], bounds[state.name] = extrapolated(_both(split), _noise(noise))
    of_value, of_bound = by_states(units.case, values), by_states(units.case, bounds)
    return {name: (value, of_bound[name]) for name, value in of_value.items()}


def _second(units: Directions) -> Mapping[str, Pair]:
    """Differences along the tangents of the gradient that a complex step finds."""
    points = units.points(BOTH, 1j * SECOND_STEP)
    found = results(units.case, points, FLOATS)
    gradients = units.gathered(weighed_by_direction(units, found).imag / SECOND_STEP)
    bounds = reference_error(units.case, "step_vjp")
    pairs = {}
    for name, values in gradients.items():
        level = np.broadcast_to(bounds[name], values.shape[1:])
        pairs[name] = extrapolated(_both(values), _noise(level))
    return pairs


def _noise(level: Array) -> Array:
    """Rounding of a central difference at each length."""
    return np.multiply.outer(BOUNDS["flank"].value / LENGTHS, level)


def _result_errors(case: Case) -> dict[str, Array]:
    """Rounding error bounds of the results of the definition, (T, B, ...)."""
    running = RUNNING[FLOAT64.name]
    point = {
        name: running.lift(value)
        for name, value in case.point.items()
        if case.cell[name].role != "input"
    }
    point |= {s.name: [running.lift(x) for x in case.point[s.name]] for s in case.cell.inputs}
    found = results(case, point, running)
    return {name: np.stack([value.error for value in values]) for name, values in found.items()}


def _loss_error(case: Case) -> Array:
    """Rounding error bound of <cotangents, results> of each sample."""
    errors = _result_errors(case)
    found = results(case, case.point, FLOATS)
    total = np.zeros(case.sizes["B"])
    for name, symbol in fields(case.cell):
        weight, value = np.abs(case.cotangents[symbol.name]), np.abs(np.stack(found[name]))
        terms = weight * errors[name] + value.size * UNIT * weight * value
        total += np.moveaxis(terms, 1, 0).reshape(len(total), -1).sum(axis=1)
    return total


ROUTE = ElementRoute(
    "central differences",
    "Every element it decides equals the extrapolated difference quotient of the definition; for "
    "second derivatives, of the gradient that a complex step finds.",
    "Elements of saturated gates, where a difference is noise; its error is an estimate.",
    (
        "step_vjp",
        "step_jvp",
        "step_hvp",
        "step_jacobian",
        "unroll_vjp",
        "unroll_jvp",
    ),
    reference,
    ("ordinary", "saturated", "opposite"),
    "rounding divided by the step, or what extrapolation leaves, is not small beside the value",
)
