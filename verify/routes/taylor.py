"""Taylor remainders: with the right derivative they shrink with the square of the step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from verify.evidence.bounds import BOUNDS
from verify.evidence.case import Array, Case, moved
from verify.evidence.derived import Function
from verify.evidence.rounding import rounding
from verify.evidence.subject import Subject
from verify.evidence.verdict import Comparison
from verify.routes.adjoint import dot, other_way, ways, weights

STEPS = 2.0 ** -np.arange(3.0, 25.0)
USABLE = 4
WRONG = 1.5
"""A constant slope below this is nearer to the 1 of a wrong derivative than to 2."""

CLEAR = 100.0
"""A step is usable if its remainder is this many times its noise, which then moves the slope by
less than a tenth of what it may deviate."""

VALUE_OF: Mapping[Function, Function] = {
    "step_vjp": "step",
    "step_jvp": "step",
    "step_hvp": "step_vjp",
    "unroll_vjp": "unroll",
    "unroll_jvp": "unroll",
}


@dataclass(frozen=True, eq=False)
class Taylor:
    """The route; see `Route` for the fields."""

    name: str = "taylor remainder"
    shows: str = (
        "Along a direction, the remainder after the derivative's term shrinks with slope 2 within "
        "0.1 over at least four steps, down to the noise floor; below it the function is linear."
    )
    does_not_show: str = "Errors of single elements far below the directional derivative."
    functions: tuple[Function, ...] = tuple(VALUE_OF)
    kinds: tuple[str, ...] = ("ordinary", "saturated", "opposite")
    elementwise: bool = False
    claims: tuple[str, ...] = ("equation",)
    undecided: str = "too few steps lie between the noise and the higher orders"

    def asked(self, *, quick: bool) -> tuple[Function, ...]:  # noqa: ARG002 - fast in any case
        """All functions."""
        return self.functions

    def compare(
        self, subject: Subject, case: Case, functions: Iterable[Function]
    ) -> Iterator[Comparison]:
        """The slope of each function's remainder, expected to be 2 within its bound."""
        for function in functions:
            if function in VALUE_OF:
                yield _slope(subject, case, function)


def _slope(subject: Subject, case: Case, function: Function) -> Comparison:
    value_of = VALUE_OF[function]
    factors = ways(other_way(case), function) if function == "step_hvp" else weights(case, function)
    # Reverse mode is weighed already and goes along the direction; the others the other way round.
    against = ways(case, function) if function.endswith("vjp") else factors
    slope, slope_error, _ = dot(subject.compute(function, case), against, rounding(case, function))
    errors = rounding(case, value_of)
    start = subject.compute(value_of, case)
    remainders, noise = [], []
    for step in STEPS:
        there = subject.compute(value_of, moved(case, float(step)))
        change = {name: there[name] - start[name] for name in factors}
        total, error, _ = dot(change, factors, {name: 2 * errors[name] for name in factors})
        remainders.append(abs(float(total) - step * float(slope)))
        noise.append(float(error) + step * float(slope_error))
    return judged(f"{function} remainder", np.array(remainders), np.array(noise), float(slope))


def judged(quantity: str, remainders: Array, noise: Array, derivative: float) -> Comparison:
    """The slope over the shortest usable steps as a comparison with 2.

    No usable step at all means that the function is linear here within its noise, and the
    derivative right to that noise: the verdict is agreement where the noise of the longest step is
    far under what the derivative says of it. Fewer than four steps decide nothing otherwise,
    and neither do four whose slopes are not yet one: where two orders of opposite sign cross, or
    the higher ones end in the noise. A wrong derivative ends in a constant slope of 1.
    """
    usable = np.flatnonzero(remainders > CLEAR * noise)
    two, tolerance = np.array(2.0), np.array(BOUNDS["slope"].value)
    uncertain = np.array(np.inf)
    if usable.size == 0:
        seen = CLEAR * noise[0] <= BOUNDS["small"].value * STEPS[0] * abs(derivative)
        own = np.array(0.0) if seen else uncertain
        note = "linear here" if seen else "no usable steps"
        return Comparison(quantity, two, two, own, tolerance, note)
    if usable.size < USABLE:
        few = f"{usable.size} usable steps"
        return Comparison(quantity, two, two, uncertain, tolerance, few)
    last = usable[-USABLE:]
    sizes, lengths = np.log2(remainders[last]), np.log2(STEPS[last])
    slope = np.polyfit(lengths, sizes, 1)[0]
    slopes = np.diff(sizes) / np.diff(lengths)
    note = f"slope {slope:.3f} over steps {STEPS[last[0]]:.1e} to {STEPS[last[-1]]:.1e}"
    between = slope > WRONG and abs(slope - two) > tolerance
    if np.ptp(slopes) > 2 * tolerance or between:
        return Comparison(quantity, two, two, uncertain, tolerance, f"{note}, not yet one")
    return Comparison(quantity, np.array(slope), two, np.array(0.0), tolerance, note)


ROUTE = Taylor()
