"""What solvers are told of the functions, which is all they know of them.

Each fact is itself a theorem, proved by the same solver from three facts about e = exp(a): it is
positive, it is 1 at 0 and increases, and exp(a) exp(-a) = 1. That is what is assumed. The
derivatives σ' = σ (1 - σ) and tanh' = 1 - tanh² are in the derived equations, whose rules are
proved with the derivation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verify.arithmetic.symbols import Exponential, HyperbolicTangent, Logistic, Opaque

Formula = Any  # a term or a formula of the solver, which has no types of its own


@dataclass(frozen=True)
class Facts:
    """What is true of a function f.

    Attributes:
        defined: from e = exp(a) and f(a), the equation that defines f without a division.
        bounds: from f(a), between what it lies.
        signs: from a and f(a), on which side of its middle value it lies.
        both: from a, f(a), b, f(b), what holds of two values.
    """

    defined: Callable[[Formula, Formula], Formula]
    bounds: Mapping[str, Callable[[Formula], Formula]]
    signs: Mapping[str, Callable[[Formula, Formula], Formula]]
    both: Mapping[str, Callable[[Formula, Formula, Formula, Formula], Formula]]


FACTS: Mapping[type[Opaque], Facts] = {
    Logistic: Facts(
        defined=lambda e, s: s * (1 + e) == e,
        bounds={
            "σ(a) > 0": lambda s: s > 0,
            "σ(a) < 1": lambda s: s < 1,
        },
        signs={
            "σ(a) > 1/2 where a > 0": lambda a, s: (a > 0) == (2 * s > 1),
            "σ(a) < 1/2 where a < 0": lambda a, s: (a < 0) == (2 * s < 1),
        },
        both={
            "σ increases": lambda a, s, b, t: (a < b) == (s < t),
            "σ takes one value at one place": lambda a, s, b, t: (a > b) == (s > t),
            "σ(a) + σ(-a) is not below 1": lambda a, s, b, t: (a + b < 0) == (s + t < 1),
            "σ(a) + σ(-a) is not above 1": lambda a, s, b, t: (a + b > 0) == (s + t > 1),
        },
    ),
    HyperbolicTangent: Facts(
        defined=lambda e, t: t * (e * e + 1) == e * e - 1,
        bounds={
            "tanh(a) > -1": lambda t: t > -1,
            "tanh(a) < 1": lambda t: t < 1,
        },
        signs={
            "tanh(a) > 0 where a > 0": lambda a, t: (a > 0) == (t > 0),
            "tanh(a) < 0 where a < 0": lambda a, t: (a < 0) == (t < 0),
        },
        both={
            "tanh increases": lambda a, s, b, t: (a < b) == (s < t),
            "tanh takes one value at one place": lambda a, s, b, t: (a > b) == (s > t),
            "tanh(a) + tanh(-a) is not below 0": lambda a, s, b, t: (a + b < 0) == (s + t < 0),
            "tanh(a) + tanh(-a) is not above 0": lambda a, s, b, t: (a + b > 0) == (s + t > 0),
        },
    ),
    Exponential: Facts(
        defined=lambda e, v: v == e,
        bounds={"exp(a) > 0": lambda v: v > 0},
        signs={
            "exp(a) > 1 where a > 0": lambda a, v: (a > 0) == (v > 1),
            "exp(a) < 1 where a < 0": lambda a, v: (a < 0) == (v < 1),
        },
        both={
            "exp increases": lambda a, s, b, t: (a < b) == (s < t),
            "exp takes one value at one place": lambda a, s, b, t: (a > b) == (s > t),
        },
    ),
}


def of_exponentials(a: Formula, e: Formula, b: Formula, d: Formula) -> Iterator[Formula]:
    """What is assumed of e = exp(a) and d = exp(b)."""
    yield e > 0
    yield d > 0
    yield (a > 0) == (e > 1)
    yield (a < 0) == (e < 1)
    yield (b > 0) == (d > 1)
    yield (b < 0) == (d < 1)
    yield (a < b) == (e < d)
    yield (a > b) == (e > d)
    # exp(a) exp(b) = exp(a + b), against exp(0) = 1
    yield (a + b < 0) == (e * d < 1)
    yield (a + b > 0) == (e * d > 1)
