"""Errors against pre-activations as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from verify.precision.sweep import LINEAR, REACH, Curve
from verify.report.figure import COLOURS, INK, legend, panels

LOWEST, HIGHEST = 0.05, 1e18
"""The errors that are shown; larger and infinite ones lie on the upper edge."""

PARTS = 81
"""A denser sweep is drawn by the worst error in each of so many parts."""

DASHES = ("-", (0, (5, 2)), (0, (3, 1, 1, 1)), (0, (1, 1)))
"""So that lines that lie upon one another are all seen."""


def plot(curves: Sequence[Curve], path: Path, unit: str) -> None:
    """One row of panels for each swept thing, a column for each dtype, a line per contender.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    things = list(dict.fromkeys(curve.of for curve in curves))
    dtypes = list(dict.fromkeys(curve.dtype for curve in curves))
    with panels(path, len(things), len(dtypes), (4.4, 1.7), sharey=True, sharex="col") as drawn:
        figure, places = drawn
        for thing, line in zip(things, places, strict=True):
            for dtype, panel in zip(dtypes, line, strict=True):
                _panel(panel, [c for c in curves if (c.of, c.dtype) == (thing, dtype)], dtype)
                panel.set_title(f"{thing}, {dtype}")
        legend(figure, places[0, 0])
        for panel in places[-1]:
            panel.set_xlabel("pre-activation a")
        figure.supylabel(f"error in {unit}", color=INK, fontsize="medium")


def _panel(panel: Any, curves: Sequence[Curve], dtype: str) -> None:  # noqa: ANN401 - untyped axes
    panel.axhline(1, color=INK, linewidth=0.8, linestyle=":")
    for number, curve in enumerate(curves):
        at, ulps = _outline(curve)
        panel.plot(
            at,
            np.clip(ulps, LOWEST, HIGHEST),
            color=COLOURS[number % len(COLOURS)],
            linestyle=DASHES[number % len(DASHES)],
            linewidth=2.2 if number == 0 else 1.3,
            zorder=3 if number == 0 else 2,
            label=curve.contender,
        )
    panel.set_xscale("symlog", linthresh=LINEAR)
    panel.set_yscale("log")
    end = REACH[dtype]
    panel.set_xlim(-end, end)
    panel.set_xticks([-end, -30, -10, -3, 0, 3, 10, 30, end])
    panel.set_xticklabels([f"{tick:g}" for tick in panel.get_xticks()])
    panel.minorticks_off()
    panel.set_ylim(LOWEST, HIGHEST)
    panel.set_yticks([1e0, 1e3, 1e6, 1e9, 1e12, 1e15])


def _outline(curve: Curve) -> tuple[Any, Any]:
    """The worst error of every part of a dense sweep."""
    groups = np.array_split(np.arange(curve.at.size), min(PARTS, curve.at.size))
    middle = [float(np.median(curve.at[group])) for group in groups]
    return middle, [float(np.max(curve.ulps[group])) for group in groups]
