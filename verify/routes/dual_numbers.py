"""Dual numbers in many digits: forward mode through the definition, and twice for second order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from verify.arithmetic.precise import Precise, to_float
from verify.arithmetic.running import UNIT
from verify.evidence.case import Array, Case
from verify.evidence.derived import Function
from verify.routes import forward_mode
from verify.routes.route import ElementRoute, Elements, Reference

DIGITS = 80
MARGIN_DIGITS = 10
"""What sums and cancellations of a case may cost, far above what they do."""

MANY = Precise(DIGITS)


@lru_cache(maxsize=128)
def reference(case: Case, function: Function) -> Mapping[str, Reference]:
    """Slopes in 80 digits, rounded to float64 at the end."""
    return _references(forward_mode.values(case, function, MANY))


def some(case: Case, function: Function, elements: Elements) -> Mapping[str, Reference]:
    """The same for these elements; the others are left undecided."""
    found = _references(forward_mode.values(case, function, MANY, wanted=elements))
    return {
        name: Reference(np.nan_to_num(value), np.where(np.isnan(value), np.inf, bound))
        for name, (value, bound) in found.items()
    }


def _references(found: Mapping[str, Array]) -> Mapping[str, Reference]:
    floats = {name: to_float(value) for name, value in found.items()}
    sizes = [np.max(np.abs(np.nan_to_num(v)), initial=1.0) for v in floats.values()]
    largest = float(max(sizes, default=1.0))
    rest = largest * 10.0 ** (MARGIN_DIGITS - DIGITS)
    return {name: Reference(v, UNIT * np.abs(v) + rest) for name, v in floats.items()}


ROUTE = ElementRoute(
    "dual numbers",
    "Elements that fewer than two other routes decide equal the slope that dual numbers in 80 "
    "digits carry through the definition, also where float64 cancels.",
    "Anything about inputs other than those of the case; it is asked only where it is needed.",
    ("step_vjp", "step_jvp", "step_hvp", "step_jacobian", "unroll_vjp", "unroll_jvp"),
    reference,
    ("ordinary", "saturated", "opposite"),
    "it was not asked about it, or the value is below what 80 digits resolve",
    reserve=True,
    partly=some,
)
