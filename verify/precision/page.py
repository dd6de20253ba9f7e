"""What was measured, as lines of tables, a page of Markdown, and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

from verify.precision.contenders import RIVALS
from verify.precision.measure import Worst
from verify.precision.sweep import Curve
from verify.report.markdown import document, folded, table
from verify.report.provenance import machine, provenance, versions

SCHEMA = 3
"""The version of the JSON."""

WORDS = {"truth": "proved", "errors": "cross-checked"}
"""What is claimed: enclosures at the inputs measured, and of code the distance to them there."""

PACKAGES = (*RIVALS, "python-flint")
"""What a measurement compares with and rests on."""

ABOUT = """\
The truth is an enclosure of the definition and its derivatives by balls of arbitrary precision,
proved and narrower than a millionth of an ulp; it knows nothing of the generated code. An error is
the distance to it in ulps of the true value: the distance between neighbouring floats there, and
below the normal range the smallest subnormal number. A sum whose terms cancel has a large
condition, Σ|terms| over its value, and what is made of it inherits that: a product has the
condition of its worst factor, and a function multiplies by its slope. Where nothing cancels and no
function is steep the condition is 1, whatever was computed and in whatever format; errors are told
in ulps times it. 1 - u at a saturated gate has none: σ(-a) is the same number and no difference.

Inputs are N(0, 1) (ordinary), with the gates driven to their ends (saturated, and with the other
signs, opposite), of size 1e-10 (tiny) and 8 (huge, pre-activations of some hundreds). The libraries
differentiate the definition as it is written, with their own tanh and logistic function; autograd
has none of the latter and gets ½ + ½ tanh(a/2), as its own examples do. JAX is compiled, and like
torch may treat subnormal numbers as zero.

Huge pre-activations reach beyond -88.7 in float32 and -709.8 in float64, where e^-a overflows and
generated code has 0 for a σ(a) that is a subnormal number. What is made of it is lost with it:
errors of thousands of smallest subnormals are that, in gradients below 1e-37 and 1e-306, and in
what large weights make of them in a second derivative."""

ABOUT_FACTORS = """\
Every factor as a cell of one line, generated for the purpose, at pre-activations from end to end:
±700 in float64, ±85 in float32. The plain error, in ulps. σ'' is zero at a = 0, and near it 1 - 2σ
is a difference that cancels: there its condition is 4/|a|, and the error may grow with it. Of the
head, -log ŷ, ŷ - y and its derivative are those of the target's class, whose logit is swept beside
two that are 0."""

ABOUT_GATES = """\
One gate at a time is driven through all pre-activations, its argument exactly representable;
everything else is ordinary. The worst element of the gradients by input and old state, in ulps
times the condition; second derivatives are Hessian-vector products along the pre-activation."""


@dataclass(frozen=True)
class Measurement:
    """All that a run found.

    Attributes:
        command: what was run.
        worst: the errors of all results.
        factors: the sweeps of the factors.
        gates: the sweeps of the gates, by cell.
        missing: what was not installed.
    """

    command: str
    worst: Sequence[Worst]
    factors: Sequence[Curve]
    gates: dict[str, Sequence[Curve]]
    missing: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is infinitely wrong is null."""
        return {
            "schema": SCHEMA,
            "words": WORDS,
            "command": self.command,
            "machine": machine(),
            "versions": versions(PACKAGES),
            "worst": [each.to_json() for each in self.worst],
            "factors": [curve.to_json() for curve in self.factors],
            "gates": {name: [c.to_json() for c in curves] for name, curves in self.gates.items()},
        }


def headline(found: Measurement) -> str:
    """Command, machine and versions."""
    return provenance(found.command, PACKAGES)


def page(found: Measurement, pictures: Iterable[str]) -> str:
    """All of it in Markdown.

    Args:
        found: what to tell.
        pictures: the names of the files of pictures that there are, as `picture` names them.
    """
    there = set(pictures)

    def shown(name: str, alt: str) -> str:
        return f"![{alt}]({picture(name)})" if picture(name) in there else ""

    parts = ["# The last bits", headline(found), ABOUT, *found.missing]
    if found.factors:
        parts += ["## Factors", ABOUT_FACTORS, shown("factors", "Error of factors")]
        parts.append(table(*curve_lines(found.factors)))
    for cell in dict.fromkeys(each.cell for each in found.worst):
        mine = [each for each in found.worst if each.cell == cell]
        parts += [f"## {cell}", "The worst error over all inputs, in ulps times the condition."]
        parts.append(table(*lines(mine, CONDITIONED)))
        for inputs in dict.fromkeys(each.inputs for each in mine):
            there_only = table(
                *lines([each for each in mine if each.inputs == inputs], CONDITIONED)
            )
            parts.append(folded(f"{inputs} inputs", there_only))
        parts.append(folded("all inputs, in plain ulps", table(*lines(mine, PLAIN))))
        parts.append(
            folded("all inputs, in units of what rounding can explain", table(*lines(mine, SHARE)))
        )
        if found.gates.get(cell):
            parts += [f"### Gates of {cell}", ABOUT_GATES, shown(cell, f"Error at gates of {cell}")]
            parts.append(table(*curve_lines(found.gates[cell])))
    return document(parts)


Measure = Callable[[Worst], float]

PLAIN: Measure = attrgetter("ulps")
CONDITIONED: Measure = attrgetter("conditioned")
SHARE: Measure = attrgetter("share")


def picture(name: str) -> str:
    """The file of the picture of a cell, or of the factors."""
    return f"precision-{name}.svg"


def lines(found: Sequence[Worst], of: Measure) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings, and a line for each result: the worst of each contender in each dtype."""
    columns = list(dict.fromkeys((each.dtype, each.contender) for each in found))
    worst: dict[tuple[str, str, str], float] = {}
    for each in found:
        key = (each.quantity, each.dtype, each.contender)
        worst[key] = max(worst.get(key, 0.0), of(each))
    rows = [
        (quantity, *(number(worst[quantity, *column]) for column in columns))
        for quantity in dict.fromkeys(each.quantity for each in found)
    ]
    return ("result", *(f"{contender}, {dtype}" for dtype, contender in columns)), rows


def curve_lines(
    curves: Sequence[Curve],
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings, and the worst of every sweep."""
    columns = list(dict.fromkeys((curve.dtype, curve.contender) for curve in curves))
    by_place = {(c.of, c.dtype, c.contender): float(np.max(c.ulps, initial=0.0)) for c in curves}
    rows = [
        (of, *(number(by_place[of, *column]) for column in columns))
        for of in dict.fromkeys(curve.of for curve in curves)
    ]
    return ("worst error of", *(f"{contender}, {dtype}" for dtype, contender in columns)), rows


def number(value: float) -> str:
    """A number of ulps: two digits are enough."""
    if not np.isfinite(value):
        return "no number"
    if value < 1e4:
        return f"{value:.2g}" if value < 10 else f"{value:.0f}"
    digit, _, exponent = f"{value:.0e}".partition("e")
    return f"{digit}e{int(exponent)}"


def told(cells: Iterable[str], options: Iterable[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """The arguments of a command, as they were given."""
    yield from cells
    for option, values in options:
        for value in values:
            yield from (option, value)
