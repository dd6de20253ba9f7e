"""What was measured about gradients over time, as tables, a page and pictures."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from verify.gradients.experiment import BATCH, STEPS, UNITS, WASHOUT, Decay, Passage, Rate
from verify.report.figure import COLOURS, INK, legend, panels
from verify.report.markdown import document, table
from verify.report.provenance import machine, provenance, versions

SCHEMA = 2
"""The version of the JSON."""

DECAYS, SWEEPS = "gradients-decay.svg", "gradients-rates.svg"

ABOUT = f"""\
Every cell gets the same inputs, those of the adding problem, and the initialisation of its module,
both from one seed: {UNITS} units, {BATCH} sequences of {STEPS} steps. Rates are those of the last
{STEPS - WASHOUT}; before, states and the directions of their disturbances forget where they
started. s is the whole state, all states of a cell in one vector; J_t = ∂s_t/∂s_(t-1) is what
generated code gives as `step_jacobian`."""

ABOUT_DECAYS = """\
How much does the state now depend on the state long ago? By the chain rule
∂s_T/∂s_t = J_T J_(T-1) ... J_(t+1), a product of as many matrices as there are steps between. The
picture shows its norm against T - t, on a scale where a product that changes by the same factor at
every step is a straight line. A line that falls means that the gradient vanishes: what happened so
many steps ago can hardly be learned from. A line that rises means that it explodes. A level line
means that the cell remembers, and it does so where a gate is nearly shut or open: there J_t is
nearly the identity. Weights that are large make the gradient of a simple network explode, and tanh
holds it back only in part, since 1 - h² is small just where a unit is saturated."""

ABOUT_RATES = """\
The slope of such a line is the Lyapunov exponent λ: the mean logarithm of growth per step, so that
e^λ is the factor by which a gradient changes in one step, and ln 2/|λ| the number of steps in which
it halves or doubles. Measured, it is the largest exponent found by repeated QR along the sequence.
Predicted, it takes no product at all: gates and states are set to the means of their values, the
Jacobian expression is evaluated once, and λ is the logarithm of its spectral radius, the largest
|eigenvalue|. At saturation, it is that of what is left of the expression there, at the same means:
in a gated cell, of the gates alone. Where a gate is set to carry the state on, this outweighs all
else and hardly moves, every J_t is nearly the same matrix, and the three agree: a gate that keeps a
part k of the state gives λ = ln k. Where values swing, the prediction is mostly too large, since
the logarithm of a mean exceeds the mean of logarithms; and in a simple network with large weights
the mean is a value that no step ever has. The mean of ln ‖J_t‖ is one more number: no product can
grow faster, and most grow more slowly, since the directions that one step stretches are not those
of the next."""

ABOUT_ERRORS = f"""\
± is the standard error over the sequences, all of them through one network. Beside it, a rate over
{STEPS - WASHOUT} steps is uncertain by about 1/{STEPS - WASHOUT}, since the length of a gradient
also depends on where it points. And where many units remember for hundreds of steps, {STEPS} do not
set the slowest apart from the next: measured is then a mean over several, predicted the slowest.
*Overflow* says that the state itself explodes and leaves the floats before the last step."""

ABOUT_CELLS = """\
What one step does to a gradient follows from the definition. First the whole derivative, then what
is left of it where every function that saturates has done so, so that its slope is zero."""

NOTHING_LEFT = """\
Of this nothing is left at saturation: every path from an old state to a new one leads through a
function whose slope is zero there. Away from it, each step multiplies a gradient by slopes and by a
matrix of weights, and such a product vanishes or explodes; it stays level only where the two happen
to balance."""

ALL_LEFT = """\
No function in it saturates. Each step multiplies a gradient by weights, as often as there are
steps: a product that vanishes or explodes, unless they happen to balance."""

SOME_LEFT = """\
This part passes by every function that saturates, and it is what a long memory rests on: where it
has 1 on its diagonal a gradient comes back whole, as often as there are steps."""

MEASURED = "measured at one seed, in products of J_t, which `gateproof check` cross-checks"

EVALUATED = "measured at one seed: the equations at the states visited, no generated derivatives"

WORDS = {
    "expression": ("one step in equations", "proved by `gateproof check`"),
    "left": ("the same at saturation", "by construction: slopes of functions are replaced by 0"),
    "logs": ("ln ‖∂s_T/∂s_t‖", MEASURED),
    "measured": ("λ measured", MEASURED),
    "spread": ("± of λ measured", MEASURED),
    "step": ("mean ln ‖J_t‖", MEASURED),
    "predicted": ("λ predicted", EVALUATED),
    "saturated": ("λ at saturation", EVALUATED),
}
"""What a field of the JSON is, and how it is established; a measurement claims nothing more."""

RATES = ("λ measured", "λ predicted", "λ at saturation")

HEADINGS = ("cell", "setting", *RATES, "mean ln ‖J_t‖", "halves in")


@dataclass(frozen=True)
class Findings:
    """All that a run found.

    Attributes:
        command: what was run.
        passages: the equations of one step of each cell.
        decays: norms, with the rate at each of their settings.
        sweeps: rates at every place of every knob.
    """

    command: str
    passages: Sequence[Passage]
    decays: Sequence[tuple[Rate, Decay]]
    sweeps: Sequence[Rate]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "schema": SCHEMA,
            "command": self.command,
            "machine": machine(),
            "versions": versions(),
            "words": {name: how for name, (_, how) in WORDS.items()},
            "cells": [passage.to_json() for passage in self.passages],
            "settings": [
                {**rate.to_json(), "setting": decay.setting, "logs": _finite(decay.logs)}
                for rate, decay in self.decays
            ],
            "sweeps": [rate.to_json() for rate in self.sweeps],
        }


def lines(found: Findings) -> list[tuple[str, ...]]:
    """A line for each setting, in columns as in `HEADINGS`."""
    return [
        (
            rate.cell,
            _setting(rate, decay),
            *(("overflow", *[""] * 4) if rate.overflow else _columns(rate)),
        )
        for rate, decay in found.decays
    ]


def _columns(rate: Rate) -> tuple[str, ...]:
    measured, predicted, alone = _numbers(rate)
    measured = f"{measured} ± {rate.spread:.4f}"
    return measured, predicted, alone, f"{rate.step:.4f}", _halves(rate.measured)


def _numbers(rate: Rate) -> list[str]:
    return [f"{value:.4f}" for value in (rate.measured, rate.predicted, rate.saturated)]


def page(found: Findings, pictures: Iterable[str]) -> str:
    """All of it in Markdown, with the pictures that there are."""
    there = set(pictures)
    parts = [
        "# How far back gradients reach",
        provenance(found.command),
        ABOUT,
        table(("what", "how it is established"), WORDS.values()),
        "## Norms",
        ABOUT_DECAYS,
        f"![Norms against distance in time]({DECAYS})" if DECAYS in there else "",
        table(HEADINGS, lines(found)),
        "## One step",
        ABOUT_CELLS,
        *(part for passage in found.passages for part in _told(passage, found.decays)),
        "## Rates",
        ABOUT_RATES,
        ABOUT_ERRORS,
        f"![Rates against what is turned]({SWEEPS})" if SWEEPS in there else "",
        table(
            ("cell", "turned", "to", *RATES),
            [
                (
                    rate.cell,
                    rate.knob,
                    f"{rate.place:.2g}",
                    *(("overflow", *[""] * 2) if rate.overflow else _numbers(rate)),
                )
                for rate in found.sweeps
            ],
        ),
    ]
    return document(parts)


def _told(passage: Passage, decays: Iterable[tuple[Rate, Decay]]) -> Iterator[str]:
    """A cell's step in equations, and in a paragraph what comes of it."""
    yield f"### {passage.cell}"
    yield passage.expression
    if not passage.left:
        about = NOTHING_LEFT
    elif passage.left == passage.expression:
        about = ALL_LEFT
    else:
        yield "What is left at saturation:"
        yield passage.left
        about = SOME_LEFT
    parts = [about, f"Here {passage.remembers}."] if passage.remembers else [about]
    parts += [_outcome(rate, decay) for rate, decay in decays if rate.cell == passage.cell]
    yield textwrap.fill(" ".join(parts), 100, break_on_hyphens=False)


def _outcome(rate: Rate, decay: Decay) -> str:
    """What a gradient does at one setting, in a sentence."""
    setting = _setting(rate, decay)
    setting = f"{setting[0].upper()}{setting[1:]}"
    if rate.overflow:
        return f"{setting}: the state leaves the floats."
    measured, predicted, alone = _factors((rate.measured, rate.predicted, rate.saturated))
    last = decay.logs[-1] / math.log(10)
    return (
        f"{setting}: one step multiplies a gradient by {measured:.4g} "
        f"(predicted {predicted:.4g}, at saturation {alone:.4g}), and after {len(decay.logs)} its "
        f"norm is {f'10^{last:.1f}' if math.isfinite(last) else 0}."
    )


def draw(found: Findings, folder: Path) -> list[str]:
    """Both pictures; their names.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    _draw_decays([decay for _, decay in found.decays], folder / DECAYS)
    if not found.sweeps:
        return [DECAYS]
    _draw_sweeps(found.sweeps, folder / SWEEPS)
    return [DECAYS, SWEEPS]


def _draw_decays(decays: Sequence[Decay], path: Path) -> None:
    settings = list(dict.fromkeys(decay.setting for decay in decays))
    cells = list(dict.fromkeys(decay.cell for decay in decays))
    with panels(path, 1, len(settings), (3.4, 2.8)) as (figure, ((*places,),)):
        for setting, panel in zip(settings, places, strict=True):
            panel.axhline(0, color=INK, linewidth=0.8, linestyle=":")
            panel.set_title(setting)
            panel.set_xlabel("T - t")
            for cell in cells:
                chosen = [d for d in decays if (d.cell, d.setting) == (cell, setting)]
                logs = chosen[0].logs / math.log(10) if chosen else np.full(1, np.nan)
                panel.plot(
                    np.arange(1, len(logs) + 1), logs, label=cell, **_style(cells.index(cell))
                )
        places[0].set_ylabel("log₁₀ ‖∂s_T/∂s_t‖")
        legend(figure, places[0])


def _draw_sweeps(rates: Sequence[Rate], path: Path) -> None:
    curves = list(dict.fromkeys((rate.cell, rate.knob) for rate in rates))
    columns = min(3, len(curves))
    rows = -(-len(curves) // columns)
    with panels(path, rows, columns, (3.0, 2.0)) as (figure, places):
        for panel in places.ravel()[len(curves) :]:
            panel.set_axis_off()
        for (cell, knob), panel in zip(curves, places.ravel(), strict=False):
            mine = [r for r in rates if (r.cell, r.knob) == (cell, knob)]
            at = [rate.place for rate in mine]
            panel.axhline(1, color=INK, linewidth=0.8, linestyle=":")
            drawn = {
                "predicted": [r.predicted for r in mine],
                "at saturation": [r.saturated for r in mine],
            }
            for number, (label, values) in enumerate(drawn.items(), 1):
                panel.plot(at, _factors(values), label=label, **_style(number))
            measured = {**_style(0), "linestyle": "none", "marker": "o", "markersize": 3}
            panel.plot(at, _factors(r.measured for r in mine), label="measured", **measured)
            panel.set_title(f"{cell}: {knob}")
            if all(place > 0 for place in at):
                panel.set_xscale("log")
                panel.set_xticks([0.25, 1, 4], ["×0.25", "×1", "×4"])
                panel.minorticks_off()
            panel.set_ylim(bottom=0)
        legend(figure, places[0, 0])
        figure.supylabel("factor per step, e^λ", color=INK, fontsize="medium")


def _factors(rates: Iterable[float]) -> list[float]:
    return [math.exp(rate) for rate in rates]


def _style(number: int) -> dict[str, Any]:
    dashes = ("-", (0, (5, 2)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 1)))
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": dashes[number % len(dashes)],
        "linewidth": 1.8,
    }


def _setting(rate: Rate, decay: Decay) -> str:
    shifted = f" ({rate.knob} {rate.place:+g})" if rate.knob.startswith("bias") else ""
    return decay.setting + shifted


def _halves(rate: float) -> str:
    if rate == 0 or not math.isfinite(rate):
        return "never" if rate == 0 else "at once"
    word = "doubles in " if rate > 0 else ""
    return f"{word}{math.log(2) / abs(rate):.3g} steps"


def _finite(values: Any) -> list[float | None]:  # noqa: ANN401 - an array
    return [float(value) if math.isfinite(value) else None for value in values]
