"""Numbers of many digits: object arrays of mpmath's floats, rounded at a fixed precision."""

from __future__ import annotations

import mpmath
import numpy as np

from verify.arithmetic.objects import Array, Objects


class Precise(Objects):
    """Arithmetic of object arrays of mpmath floats for the interpreter.

    Args:
        digits: decimal digits of every operation. The functions are mpmath's own, evaluated in
            a context of this precision, so that the global precision is never touched.
    """

    def __init__(self, digits: int = 60) -> None:
        """Make a context of that precision."""
        self.digits = digits
        self.context = mpmath.MPContext()
        self.context.dps = digits
        mp = self.context
        super().__init__(
            mp.mpf,
            {
                "sigmoid": lambda a: 1 / (1 + mp.exp(-a)),
                "tanh": mp.tanh,
                "exp": mp.exp,
                "log": mp.log,
                "sqrt": mp.sqrt,
            },
        )


def to_float(values: Array) -> Array:
    """The nearest float64 of each number."""
    return np.asarray(np.asarray(values, object).astype(float))
