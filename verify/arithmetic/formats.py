"""The floats that code computes in: IEEE 754's binary64 and binary32."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Format:
    """A binary format.

    Attributes:
        name: NumPy's name for it.
        digits: binary digits of the significand, the leading one included.
        lowest: the exponent of the smallest subnormal number.
    """

    name: str
    digits: int
    lowest: int

    @property
    def unit(self) -> float:
        """Unit roundoff: half of the distance from 1 to the next number."""
        return math.ldexp(1.0, -self.digits)

    @property
    def smallest(self) -> float:
        """The smallest subnormal number, the distance between neighbours near zero."""
        return math.ldexp(1.0, self.lowest)

    @property
    def normal(self) -> float:
        """The smallest normal number."""
        return math.ldexp(1.0, self.lowest + self.digits - 1)

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """The kind of NumPy array that holds it."""
        return np.dtype(self.name)


FLOAT64 = Format("float64", 53, -1074)
FLOAT32 = Format("float32", 24, -149)
FORMATS = {each.name: each for each in (FLOAT64, FLOAT32)}
