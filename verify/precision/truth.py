"""The true values: proven enclosures of the definition and its derivatives, as narrow as wanted.

Dual balls are carried through the definition as it was written; nothing that was derived or
generated is used, so what is measured against this shares no formula with it. The precision rises
until every enclosure is far narrower than the distance between neighbouring floats of the format.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from verify.arithmetic.balls import Balls, UndecidedError
from verify.arithmetic.formats import Format
from verify.arithmetic.objects import vectorised
from verify.evidence.case import Array, Case
from verify.evidence.derived import Function
from verify.extras import extra
from verify.routes import forward_mode
from verify.routes.definition import ROLES

FIRST_BITS, MOST_BITS, RISE = 256, 1 << 16, 4
GUARD_BITS = 20
"""Every enclosure is narrower than this many bits below one ulp: a millionth of it."""


@lru_cache(maxsize=64)
def enclosures(
    case: Case, function: Function, of: Format, roles: tuple[str, ...] = ROLES
) -> Mapping[str, Array]:
    """Balls that hold the true value of every element, by field, each far narrower than an ulp.

    Args:
        case: the inputs, taken as the exact numbers that they are.
        function: of the public surface.
        of: the format whose ulps decide what is narrow.
        roles: of the arguments whose gradients are wanted.

    Raises:
        MissingExtraError: python-flint is not installed.
        ArithmeticError: no precision was enough; a kink is met exactly, say.
    """
    context, bits, why = extra("flint").ctx, FIRST_BITS, ""
    while bits <= MOST_BITS:
        with context.workprec(bits):
            try:
                found = forward_mode.values(case, function, Balls(), roles)
            except UndecidedError as error:
                why = str(error)
            else:
                wide = [name for name, balls in found.items() if not _narrow(balls, of)]
                if not wide:
                    return found
                why = f"{', '.join(wide)} too wide"
        bits *= RISE
    raise ArithmeticError(f"{case.cell.name}.{function}: {MOST_BITS} bits are not enough: {why}")


def errors(got: Array, true: Array, of: Format) -> Array:
    """The error of every element in ulps of its true value, never too small a number.

    Below the normal range an ulp is the smallest subnormal number. What is not a finite number is
    infinitely wrong.

    Raises:
        ValueError: the shapes differ.
    """
    if np.shape(got) != np.shape(true):
        raise ValueError(f"expected shape {np.shape(true)}, got {np.shape(got)}")
    arb = extra("flint").arb

    def one(value: float, ball: Any) -> float:  # noqa: ANN401 - a ball of Arb
        if not np.isfinite(value):
            return np.inf
        with extra("flint").ctx.workprec(FIRST_BITS):
            return float(((arb(float(value)) - ball).abs_upper() / ulp(ball, of)).upper())

    return np.asarray(vectorised(one, 2)(got, true), float)


def ulp(ball: Any, of: Format) -> Any:  # noqa: ANN401 - balls of Arb
    """The distance between neighbouring floats at the midpoint of a ball, exactly."""
    significand, exponent = ball.mid().man_exp()
    top = int(exponent) + int(abs(significand)).bit_length()
    place = max(top - of.digits, of.lowest) if significand else of.lowest
    return extra("flint").arb((1, place))


def spacing(true: Array, of: Format) -> Array:
    """An ulp of every true value."""
    return np.asarray(vectorised(lambda ball: float(ulp(ball, of)))(true), float)


def middle(true: Array) -> Array:
    """The float64 nearest to every true value."""
    return np.asarray(vectorised(lambda ball: float(ball.mid()))(true), float)


def _narrow(balls: Array, of: Format) -> bool:
    """Whether every enclosure is narrow beside an ulp."""
    guard = 1 << GUARD_BITS

    def one(ball: Any) -> bool:  # noqa: ANN401
        return bool(ball.is_finite() and ball.rad() * guard <= ulp(ball, of))

    return bool(np.all(vectorised(one)(balls)))
