"""The one table of bounds, with the argument for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Bound:
    """A number that verdicts use, and why it is what it is."""

    value: float
    argument: str


BOUNDS: Mapping[str, Bound] = {
    "code": Bound(
        2.0,
        "Times the running error bound of the derived equations. That bound counts every rounding "
        "of the equations as they are printed, for sums in any order; code that multiplies a "
        "factor into a sum instead of after it rounds each term once more, at most doubling it.",
    ),
    "reference": Bound(
        4.0,
        "Times the running error bound of the same derivatives computed with σ(-a) for 1 - σ(a) "
        "and sech² for 1 - tanh². Autograd and the complex step add up the same products along "
        "the same paths; their own formulas for σ' and tanh' round a few times more than one "
        "elementary function, and their sums start at another term.",
    ),
    "small": Bound(
        1e-4,
        "A reference decides an element if its own error is below this part of the element: a "
        "factor that is wrong by 5e-4, the smallest planted error, is then still seen.",
    ),
    "zero": Bound(
        1e-50,
        "A reference of 100 digits and more also decides an element that it knows to be zero to "
        "this part of the largest one: no product of float64 factors of the cases is as small.",
    ),
    "digits": Bound(
        1e-13,
        "Relative error of generated float64 results on N(0, 1) inputs, times the condition.",
    ),
    "condition": Bound(
        1000.0,
        "A condition above this is counted; at most one element in a hundred may need one.",
    ),
    "safety": Bound(
        10.0,
        "Times the error that an extrapolation table shows between neighbours: the estimate is "
        "of the same order as the error, not a bound.",
    ),
    "slope": Bound(0.1, "The slope of a Taylor remainder lies within this of its order, 2."),
    "flank": Bound(
        8.0,
        "Times the rounding of a point, for a central difference there: a gate that is a step of "
        "1/4 away on its exponential flank, in two factors or more, rounds by more.",
    ),
    "end": Bound(
        1e-6,
        "A gate counts as driven to an end when it is this near to it: a drive of 20 leaves 2e-9, "
        "and N(0, 1) inputs do not come near.",
    ),
    "suspected": Bound(
        1e-2,
        "A draw at which a theorem fails by this in floats is made small and looked at in many "
        "digits; it decides nothing by itself.",
    ),
    "refuted": Bound(
        1e-20,
        "A statement is refuted if it fails by more than this in sixty digits: no cancellation of "
        "the inputs drawn takes forty of them away.",
    ),
}
