"""The ratios as a picture, if matplotlib is there."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.case import MissingError
from benchmarks.measure import Row
from benchmarks.report import RIVALS, ratio

INK = "#808080"
"""Grey that is read on white and on black alike, as are the colours of the lines."""

COLOURS = ("#d98c00", "#808080", "#009e73", "#d55e00", "#cc79a7", "#3d8fd1")


def plot(rows: Sequence[Row], path: Path) -> None:
    """Forward and backward: one panel per cell and dtype, a line per contender, n_h across.

    Raises:
        MissingError: matplotlib is not installed.
    """
    try:
        figures = importlib.import_module("matplotlib.figure")
        matplotlib = importlib.import_module("matplotlib")
    except ImportError as error:
        message = 'matplotlib is not installed, so no plot: pip install "gateproof[plots]"'
        raise MissingError(message) from error
    chosen = [row for row in rows if row.which == "both"]
    cells = list(dict.fromkeys(row.cell for row in chosen))
    dtypes = list(dict.fromkeys(row.dtype for row in chosen))
    style = {
        "svg.hashsalt": "gateproof",
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
    with matplotlib.rc_context(style):
        figure = figures.Figure(
            figsize=(1 + 3.4 * len(dtypes), 0.9 + 2.7 * len(cells)), layout="constrained"
        )
        panels = figure.subplots(len(cells), len(dtypes), sharex=True, sharey=True, squeeze=False)
        for cell, line in zip(cells, panels, strict=True):
            for dtype, panel in zip(dtypes, line, strict=True):
                _panel(panel, [r for r in chosen if (r.cell, r.dtype) == (cell, dtype)])
                panel.set_title(f"{cell}, {dtype}", fontsize="medium")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False)
        figure.supylabel("time over that of generated code", color=INK, fontsize="medium")
        figure.savefig(path, transparent=True, metadata={"Date": None})


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
