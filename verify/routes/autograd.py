"""Automatic differentiation by autograd, which records the interpreter running the definition."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from autograd.differential_operators import make_jvp
from autograd.extend import defjvp, defvjp, primitive

from verify.evidence.case import Array, Case
from verify.evidence.derived import FUNCTIONS, Function, Textbook
from verify.evidence.rounding import reference_error
from verify.routes.definition import case_of, without_time
from verify.routes.route import ElementRoute, Reference
from verify.routes.traced import Library, Point, Scalar, derivative


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


def jvp(function: Scalar, point: Point, way: Point) -> Array:
    """The tangent, by autograd's forward mode."""
    return np.asarray(make_jvp(function)(point)(way)[1])


LIBRARY = Library(Traced(), autograd.grad, jvp, anp.concatenate)


@lru_cache(maxsize=128)
def reference(case: Case, function: Function) -> Mapping[str, Reference]:
    """What autograd finds; it adds up the same products as any derivative program."""
    bounds = reference_error(case, function)
    with warnings.catch_warnings():
        # A derivative that is zero, as of h + x by its derivative, is a value like any other here.
        warnings.filterwarnings("ignore", "Output seems independent of input")
        values = derivative(case_of(case, function), function.partition("_")[2], LIBRARY)
    values = without_time(function, case, values)
    return {name: Reference(value, bounds[name]) for name, value in values.items()}


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
