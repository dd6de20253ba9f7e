"""The ratios as a picture, if matplotlib is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import GROWN, Growth, Row
from benchmarks.report import RIVALS, ratio
from verify.report.figure import INK, legend, panels

COLOURS = ("#8a63d2", "#d98c00", "#808080", "#009e73", "#d55e00", "#cc79a7", "#3d8fd1")


def plot(rows: Sequence[Row], path: Path) -> None:
    """Forward and backward: one panel per cell and dtype, a line per contender, n_h across.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    chosen = [row for row in rows if row.which == "both"]
    cells = list(dict.fromkeys(row.cell for row in chosen))
    dtypes = list(dict.fromkeys(row.dtype for row in chosen))
    size, shared = (3.4, 2.7), {"sharex": True, "sharey": True}
    with panels(path, len(cells), len(dtypes), size, **shared) as (figure, places):
        for cell, line in zip(cells, places, strict=True):
            for dtype, panel in zip(dtypes, line, strict=True):
                _panel(panel, [r for r in chosen if (r.cell, r.dtype) == (cell, dtype)])
                panel.set_title(f"{cell}, {dtype}")
        legend(figure, places[0, 0])
        figure.supylabel("time over that of generated code", color=INK, fontsize="medium")


def _panel(panel: Any, rows: Sequence[Row]) -> None:  # noqa: ANN401 - untyped axes
    """One cell and dtype."""
    own = {row.size: row for row in rows if row.contender == "generated"}
    widths = [size.n_h for size in own]
    panel.axhline(1, color=INK, linewidth=1, linestyle=":")
    for name, colour in zip(RIVALS, COLOURS, strict=True):
        values = [ratio(row, own[row.size]) for row in rows if row.contender == name]
        if None not in values:
            panel.loglog(widths, values, "o-", color=colour, markersize=3, label=name)
    panel.set_xticks(widths, [f"$n_h$ = {width}" for width in widths])
    panel.minorticks_off()
    panel.set_yticks([0.5, 1, 2, 5, 10, 50], ["0.5", "1", "2", "5", "10", "50"])


def plot_growth(found: Sequence[Growth], path: Path) -> None:
    """Time by the steps and by the states: a panel each, a line per cell and dtype.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with panels(path, 1, len(GROWN), (3.4, 2.7), sharey=True) as (figure, places):
        for axis, panel in zip(GROWN, places[0], strict=True):
            along = [growth for growth in found if growth.axis == axis]
            for growth, colour in zip(along, COLOURS, strict=False):
                milliseconds = [seconds * 1e3 for seconds in growth.seconds]
                label = f"{growth.cell}, {growth.dtype}"
                panel.loglog(
                    growth.lengths, milliseconds, "o-", color=colour, markersize=3, label=label
                )
                panel.set_xticks(growth.lengths, map(str, growth.lengths))
            panel.minorticks_off()
            panel.set_xlabel(f"${axis}$")
        legend(figure, places[0, 0])
        figure.supylabel("ms", color=INK, fontsize="medium")
