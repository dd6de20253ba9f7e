"""Comparing a float with what someone printed, digit by digit."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

ULPS = 8
"""For the roundings of a few dozen operations; matters only where all digits are printed."""


def printed(value: float, text: str, decimals: int | None = None) -> bool:
    """Whether a value would be printed like this.

    Args:
        value: what was computed.
        text: what was printed.
        decimals: how many decimals were printed, where closing zeros were cut off.
    """
    shown = len(text.partition(".")[2]) if decimals is None else decimals
    half = Fraction(1, 2 * 10**shown)
    return abs(Fraction(float(value)) - Fraction(text)) <= half + ULPS * Fraction(
        float(np.spacing(abs(value)))
    )


def differing(values: npt.ArrayLike, text: str, decimals: int | None = None) -> list[str]:
    """The numbers of a printed table, in reading order, that are not the values."""
    numbers = text.replace("[", " ").replace("]", " ").replace(",", " ").split()
    pairs = zip(np.ravel(values), numbers, strict=True)
    return [
        f"{float(value)!r} is not {number}"
        for value, number in pairs
        if not printed(value, number, decimals)
    ]
