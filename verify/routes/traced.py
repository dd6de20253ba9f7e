"""Derivatives of the definition by a library that traces the interpreter running it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.evidence.case import Case
from verify.interpret import Arithmetic
from verify.routes.definition import fields, results, weighed

Point = Mapping[str, Any]
Scalar = Callable[[Point], Any]


@dataclass(frozen=True, eq=False)
class Library:
    """What is asked of a library that differentiates.

    Attributes:
        numbers: its arrays, as an arithmetic of the interpreter.
        grad: the gradient of a scalar function of a dictionary of arrays, as such a dictionary.
        jvp: of a function to a vector, at a point along a way: the tangent.
        joined: vectors end to end.
        exact: take the definition exactly as written, without 1 - σ(a) as σ(-a).
    """

    numbers: Arithmetic
    grad: Callable[[Scalar], Callable[[Point], Mapping[str, Any]]]
    jvp: Callable[[Scalar, Point, Point], Any]
    joined: Callable[[Sequence[Any]], Any]
    exact: bool = False


def derivative(case: Case, kind: str, library: Library) -> dict[str, Any]:
    """What a library finds.

    Args:
        case: of the steps in question, in arrays of the library.
        kind: "" for the results themselves, or vjp, jvp, hvp, jacobian.
        library: what differentiates.

    Returns:
        By field, with the time axis also where there is a single step.
    """
    point = dict(case.point)

    def at(place: Point) -> dict[str, list[Any]]:
        return results(case, place, library.numbers, exact=library.exact)

    def outputs(place: Point) -> Any:  # noqa: ANN401 - an array of the library
        found = at(place)
        return library.joined([value.reshape(-1) for name in found for value in found[name]])

    def loss(place: Point) -> Any:  # noqa: ANN401
        return weighed(case, at(place), 1).sum()

    gradient = library.grad(loss)
    if kind == "":
        return _split(case, outputs(point))
    if kind == "vjp":
        return dict(gradient(point))
    if kind == "jvp":
        return _split(case, library.jvp(outputs, point, dict(case.tangents)))
    if kind == "hvp":

        def slope(place: Point) -> Any:  # noqa: ANN401
            found = gradient(place)
            return sum((found[name] * case.tangents[name]).sum() for name in found)

        return dict(library.grad(slope)(point))
    return _rows(case, library, at)


def _split(case: Case, values: Any) -> dict[str, Any]:  # noqa: ANN401
    """The results by field, from all of them in one vector."""
    found, start = {}, 0
    for name, symbol in fields(case.cell):
        shape = tuple(case.cotangents[symbol.name].shape)
        end = start + int(np.prod(shape))
        found[name], start = values[start:end].reshape(shape), end
    return found


def _rows(
    case: Case, library: Library, at: Callable[[Point], Mapping[str, list[Any]]]
) -> dict[str, Any]:
    """The Jacobian row by row: the gradient of one component of a new state, for all samples."""
    found: dict[str, Any] = {}
    states = {s.name: case.point[s.name] for s in case.cell.states}
    for new, symbol in fields(case.cell):
        if new not in states:
            continue
        shape = tuple(case.sizes[axis] for axis in symbol.axes)
        rows: list[Mapping[str, Any]] = []
        for place in np.ndindex(shape):

            def component(moved: Point, new: str = new, place: tuple[int, ...] = place) -> Any:  # noqa: ANN401
                value = at({**case.point, **moved})[new][0]
                return value[(slice(None), *place)].sum()

            rows.append(library.grad(component)(states))
        for old, value in states.items():
            whole = library.joined([row[old].reshape(-1) for row in rows])
            batch, *own = value.shape
            split = whole.reshape((len(rows), batch, -1)).swapaxes(0, 1)
            found[f"{new}.{old}"] = split.reshape((batch, *shape, *own))
    return found
