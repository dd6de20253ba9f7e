"""Automatic differentiation by autograd, which records the interpreter running the definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from autograd.differential_operators import make_jvp
from autograd.extend import defjvp, defvjp, primitive

from verify.evidence.case import Array, Case
from verify.evidence.derived import FUNCTIONS, Function, Textbook
from verify.evidence.verdict import careful_rounding
from verify.routes.definition import case_of, fields, results, weighed, without_time
from verify.routes.route import ElementRoute, Reference


@primitive  # type: ignore[untyped-decorator]
def tanh(a: Any) -> Any:  # noqa: ANN401 - an array or a box of autograd's
    """Tanh with the derivative sech², which keeps its digits where 1 - tanh² has none left."""
    return np.tanh(a)


@primitive  # type: ignore[untyped-decorator]
def squared_sech(a: Any) -> Any:  # noqa: ANN401
    """4 e/(1 + e)² with e = exp(-2|a|), which does not overflow as cosh does."""
    small = np.exp(-2 * np.abs(a))
    return 4 * small / (1 + small) ** 2


defvjp(tanh, lambda _answer, a: lambda g: g * squared_sech(a))
defjvp(tanh, lambda g, _answer, a: g * squared_sech(a))
defvjp(squared_sech, lambda answer, a: lambda g: g * -2 * tanh(a) * answer)
defjvp(squared_sech, lambda g, answer, a: g * -2 * tanh(a) * answer)


class Traced(Textbook):
    """Arrays that autograd records."""

    def __init__(self) -> None:
        """Use autograd's NumPy and a tanh of our own."""
        super().__init__(anp)
        self.functions = {**self.functions, "tanh": tanh}


TRACED = Traced()
Point = Mapping[str, Any]


@lru_cache(maxsize=128)
def reference(case: Case, function: Function) -> Mapping[str, Reference]:
    """What autograd finds; it adds up the same products as any derivative program."""
    bounds = careful_rounding(case, function)
    of_steps = case_of(case, function)
    values = _found(of_steps, function.partition("_")[2])
    values = without_time(function, case, values)
    return {name: Reference(value, bounds[name]) for name, value in values.items()}


def _found(case: Case, kind: str) -> dict[str, Array]:
    point = dict(case.point)

    def outputs(at: Point) -> Any:  # noqa: ANN401
        found = results(case, at, TRACED)
        return anp.concatenate([anp.ravel(anp.stack(values)) for values in found.values()])

    def loss(at: Point) -> Any:  # noqa: ANN401
        return anp.sum(weighed(case, results(case, at, TRACED), 1))

    gradient: Callable[[Point], dict[str, Array]] = autograd.grad(loss)
    if kind == "":
        return _split(case, outputs(point))
    if kind == "vjp":
        return gradient(point)
    if kind == "jvp":
        return _split(case, make_jvp(outputs)(point)(dict(case.tangents))[1])
    if kind == "hvp":

        def slope(at: Point) -> Any:  # noqa: ANN401
            found = gradient(at)
            return sum(anp.sum(found[name] * case.tangents[name]) for name in found)

        return dict(autograd.grad(slope)(point))
    return _rows(case)


def _split(case: Case, values: Array) -> dict[str, Array]:
    """The results by field, from all of them in one vector."""
    found, start = {}, 0
    for name, symbol in fields(case.cell):
        shape = case.cotangents[symbol.name].shape
        end = start + int(np.prod(shape))
        found[name], start = np.reshape(values[start:end], shape), end
    return found


def _rows(case: Case) -> dict[str, Array]:
    """The Jacobian row by row: the gradient of one component of a new state, for all samples."""
    found: dict[str, Array] = {}
    states = {s.name: case.point[s.name] for s in case.cell.states}
    for new, symbol in fields(case.cell):
        if new not in states:
            continue
        shape = tuple(case.sizes[axis] for axis in symbol.axes)
        rows = []
        for unit in np.eye(int(np.prod(shape))).reshape(-1, *shape):

            def component(at: Point, new: str = new, unit: Array = unit) -> Any:  # noqa: ANN401
                whole = {**case.point, **at}
                return anp.sum(results(case, whole, TRACED)[new][0] * unit)

            rows.append(autograd.grad(component)(states))
        for old, value in states.items():
            stacked = np.stack([row[old] for row in rows], axis=1)
            found[f"{new}.{old}"] = stacked.reshape((len(value), *shape, *value.shape[1:]))
    return found


ROUTE = ElementRoute(
    "autograd",
    "Every element of every function equals what automatic differentiation of the definition "
    "finds, by reverse mode, forward mode and reverse mode applied twice, to the roundings of "
    "float64.",
    "Anything about inputs other than those of the case.",
    FUNCTIONS,
    reference,
    ("ordinary", "saturated", "opposite", "small", "large"),
    "the roundings of float64 are not small beside the true value, which cancels",
)
