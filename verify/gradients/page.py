"""What was measured about gradients over time, as tables, a page and pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from verify.gradients.experiment import BATCH, STEPS, UNITS, WASHOUT, Decay, Rate
from verify.report.figure import COLOURS, INK, legend, panels
from verify.report.markdown import document, table
from verify.report.provenance import machine, provenance, versions

SCHEMA = 1
"""The version of the JSON."""

DECAYS, SWEEPS = "gradients-decay.svg", "gradients-rates.svg"

ABOUT = f"""\
Every cell gets the same inputs, those of the adding problem, and the initialisation of its module,
both from one seed: {UNITS} units, {BATCH} sequences of {STEPS} steps, of which the first {WASHOUT}
are left out. s is the whole state, all states of a cell in one vector; J_t = ∂s_t/∂s_(t-1) is what
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
Predicted, it takes no product at all: the gates are set to their mean values, the Jacobian
expression is evaluated once, and λ is the logarithm of its spectral radius, the largest
|eigenvalue|. Where a gate is saturated it does not move, every J_t is the same matrix, and the two
agree: a gate that keeps a part k of the state gives λ = ln k. Where units swing between their ends,
as in a simple network with large weights, the mean is a value that no step ever has, and the
prediction is too large. The mean of ln ‖J_t‖ is the third number: no product can grow faster, and
most grow more slowly, since the directions that one step stretches are not those of the next."""

HEADINGS = ("cell", "setting", "λ measured", "λ predicted", "mean ln ‖J_t‖", "halves in")


@dataclass(frozen=True)
class Findings:
    """All that a run found: norms with the rate at each of their settings, and the sweeps."""

    command: str
    decays: Sequence[tuple[Rate, Decay]]
    sweeps: Sequence[Rate]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "schema": SCHEMA,
            "command": self.command,
            "machine": machine(),
            "versions": versions(),
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
            f"{rate.measured:.4f} ± {rate.spread:.4f}",
            f"{rate.predicted:.4f}",
            f"{rate.step:.4f}",
            _halves(rate.measured),
        )
        for rate, decay in found.decays
    ]


def page(found: Findings, pictures: Iterable[str]) -> str:
    """All of it in Markdown, with the pictures that there are."""
    there = set(pictures)
    parts = [
        "# How far back gradients reach",
        provenance(found.command),
        ABOUT,
        "## Norms",
        ABOUT_DECAYS,
        f"![Norms against distance in time]({DECAYS})" if DECAYS in there else "",
        table(HEADINGS, lines(found)),
        "## Rates",
        ABOUT_RATES,
        f"![Rates against what is turned]({SWEEPS})" if SWEEPS in there else "",
        table(
            ("cell", "turned", "to", "λ measured", "λ predicted"),
            [
                (r.cell, r.knob, f"{r.place:.2g}", f"{r.measured:.4f}", f"{r.predicted:.4f}")
                for r in found.sweeps
            ],
        ),
    ]
    return document(parts)


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
            panel.plot(at, _factor(mine, lambda r: r.predicted), label="predicted", **_style(1))
            measured = {**_style(0), "linestyle": "none", "marker": "o", "markersize": 3}
            panel.plot(at, _factor(mine, lambda r: r.measured), label="measured", **measured)
            panel.set_title(f"{cell}: {knob}")
            if all(place > 0 for place in at):
                panel.set_xscale("log")
                panel.set_xticks([0.25, 1, 4], ["×0.25", "×1", "×4"])
                panel.minorticks_off()
            panel.set_ylim(bottom=0)
        legend(figure, places[0, 0])
        figure.supylabel("factor per step, e^λ", color=INK, fontsize="medium")


def _factor(rates: Sequence[Rate], of: Callable[[Rate], float]) -> list[float]:
    return [math.exp(of(rate)) for rate in rates]


def _style(number: int) -> dict[str, Any]:
    dashes = ("-", (0, (5, 2)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 1)))
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": dashes[number % len(dashes)],
        "linewidth": 1.8,
    }


def _setting(rate: Rate, decay: Decay) -> str:
    shifted = f": {rate.knob} {rate.place:+g}" if rate.knob.startswith("bias") else ""
    return decay.setting + shifted


def _halves(rate: float) -> str:
    if rate == 0 or not math.isfinite(rate):
        return "never" if rate == 0 else "at once"
    word = "doubles in " if rate > 0 else ""
    return f"{word}{math.log(2) / abs(rate):.3g} steps"


def _finite(values: Any) -> list[float | None]:  # noqa: ANN401 - an array
    return [float(value) if math.isfinite(value) else None for value in values]
