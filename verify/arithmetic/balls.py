"""Balls: a midpoint and a radius that hold the exact result of every operation, by Arb.

An enclosure is proved, not estimated: the radius carries every rounding (F. Johansson, Arb:
efficient arbitrary-precision midpoint-radius interval arithmetic, 2017, arXiv:1611.02831). How
wide it is depends on the precision; where digits cancel, it is wide, and the precision has to rise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from verify.arithmetic.objects import Array, Objects, vectorised
from verify.extras import extra


class UndecidedError(ArithmeticError):
    """Two balls overlap, so that no comparison of what they enclose is certain."""


class Balls(Objects):
    """Arithmetic of object arrays of balls for the interpreter.

    The precision is that of the context it is used in, `with flint.ctx.workprec(bits)`.
    """

    def __init__(self) -> None:
        """Use the functions of Arb, the logistic function by its definition."""
        arb = extra("flint").arb
        super().__init__(
            lambda value: value if isinstance(value, arb) else arb(_plain(value)),
            {
                "sigmoid": lambda a: 1 / (1 + (-a).exp()),
                "tanh": lambda a: a.tanh(),
                "exp": lambda a: a.exp(),
                "log": lambda a: a.log(),
                "sqrt": lambda a: a.sqrt(),
            },
        )

    def compare(self, relation: str, left: Array, right: Array) -> Array:
        """A comparison that is certain for every pair of points of the balls.

        Raises:
            UndecidedError: there are pairs of either kind.
        """
        holds, fails = _RELATIONS[relation]
        left, right = self.lift(left), self.lift(right)
        true = np.asarray(vectorised(holds, 2)(left, right), bool)
        if not np.all(true | np.asarray(vectorised(fails, 2)(left, right), bool)):
            raise UndecidedError(f"{relation} of two balls that overlap")
        return true

    def largest(self, value: Array, axes: tuple[int, ...]) -> Array:
        """The maximum over these axes."""
        kept = [axis for axis in range(value.ndim) if axis not in axes]
        rows = np.transpose(value, (*kept, *axes)).reshape(*(value.shape[k] for k in kept), -1)
        return reduce(vectorised(lambda a, b: a.max(b), 2), np.moveaxis(rows, -1, 0))


def _plain(value: Any) -> float | int:  # noqa: ANN401 - a scalar of Python or NumPy
    return value if isinstance(value, int) else float(value)


Relation = Callable[[Any, Any], bool]

_RELATIONS: dict[str, tuple[Relation, Relation]] = {
    ">": (lambda a, b: a > b, lambda a, b: a <= b),
    ">=": (lambda a, b: a >= b, lambda a, b: a < b),
    "<": (lambda a, b: a < b, lambda a, b: a >= b),
    "<=": (lambda a, b: a <= b, lambda a, b: a > b),
}
"""When a relation certainly holds and when it certainly fails."""
