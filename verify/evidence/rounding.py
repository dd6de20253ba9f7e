"""What rounding may do to a result, and how ill-conditioned each element of it is.

Both are made of the derived equations in one of two forms. The plain one takes them as they are
printed, where 1 - u is a difference that loses its digits at a saturated gate; the careful one
takes 1 - σ(a) as σ(-a) and 1 - tanh² as sech², which keep them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from verify.arithmetic.formats import FLOAT64, FORMATS
from verify.arithmetic.running import Running
from verify.arithmetic.terms import TERMS
from verify.evidence.bounds import BOUNDS
from verify.evidence.case import Array, Case
from verify.evidence.derived import Function, Numbers, compute, programs_of, with_companions
from verify.interpret import Values

RUNNING = {name: Running(format=each) for name, each in FORMATS.items()}


def _computed(case: Case, function: Function, numbers: Numbers, *, careful: bool) -> Values:
    programs = programs_of(case.cell)
    return compute(function, with_companions(programs) if careful else programs, case, numbers)


@lru_cache(maxsize=512)
def budget(
    case: Case, function: Function, dtype: str | None = None, *, careful: bool = True
) -> Mapping[str, Array]:
    """How far from the truth rounding can lead code, for every element, by field.

    Args:
        case: the inputs.
        function: of the public surface.
        dtype: the floats that the code computes in; those of the case's arrays if None.
        careful: allow only what code loses that keeps its digits where a gate saturates.

    Returns:
        Bounds on |computed - true|. An error above its bound is no rounding; one below it may be.
        Nothing says that rounding reaches the bound.
    """
    found = _computed(case, function, RUNNING[dtype or case.dtype.name], careful=careful)
    return {name: BOUNDS["code"].value * value.error for name, value in found.items()}


def rounding(case: Case, function: Function) -> Mapping[str, Array]:
    """The budget of code that computes the equations as they are printed."""
    return budget(case, function, careful=False)


@lru_cache(maxsize=512)
def reference_error(case: Case, function: Function) -> Mapping[str, Array]:
    """The same for a reference in float64 that keeps its digits at the ends of the gates."""
    found = _computed(case, function, RUNNING[FLOAT64.name], careful=True)
    return {name: BOUNDS["reference"].value * value.error for name, value in found.items()}


@lru_cache(maxsize=512)
def terms(case: Case, function: Function, *, careful: bool = True) -> Mapping[str, Array]:
    """Σ|terms| of every element, by field: over its value, the condition of the element.

    See `verify.arithmetic.terms`; it is the same for every format and all code.
    """
    found = _computed(case, function, TERMS, careful=careful)
    return {name: value.size for name, value in found.items()}


def values(case: Case, function: Function) -> Mapping[str, Array]:
    """The values of a careful computation in float64."""
    found = _computed(case, function, TERMS, careful=True)
    return {name: value.value for name, value in found.items()}


@lru_cache(maxsize=512)
def largest(case: Case, function: Function) -> float:
    """The size of the largest value of a function, whichever elements a route is asked about."""
    found = _computed(case, function, RUNNING[FLOAT64.name], careful=False)
    sizes = [np.max(np.abs(value.value), initial=0.0) for value in found.values()]
    return float(max(sizes, default=0.0))
