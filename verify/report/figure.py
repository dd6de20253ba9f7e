"""Pictures that are read on white and on black alike, the same bytes on every run."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from equations.generate.files import write
from verify.extras import extra

INK = "#808080"
"""Grey that is read on white and on black alike, as are the colours of the lines."""

COLOURS = ("#009e73", "#d98c00", "#d55e00", "#3d8fd1", "#cc79a7", "#808080")

STYLE = {
    "svg.hashsalt": "gateproof",
    "svg.fonttype": "none",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.titlesize": "medium",
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


DIGITS = re.compile(r"(?<=\d\.\d)\d+")
"""Of coordinates: a tenth of a point is as much as an eye sees."""

TAG = re.compile(r"<[^>]*>")
"""Where coordinates are; what is between tags is read."""


@contextmanager
def panels(
    path: Path, rows: int, columns: int, size: tuple[float, float], **shared: bool | str
) -> Iterator[tuple[Any, Any]]:
    """A figure and its panels, written as SVG when they are drawn.

    Args:
        path: of the file.
        rows: of panels.
        columns: of panels.
        size: of one panel in inches.
        shared: which axes are shared, as `subplots` takes it.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    matplotlib, figures = extra("matplotlib"), extra("matplotlib.figure")
    with matplotlib.rc_context(STYLE):
        extent = (0.8 + size[0] * columns, 0.9 + size[1] * rows)
        figure = figures.Figure(figsize=extent, layout="constrained")
        yield figure, figure.subplots(rows, columns, squeeze=False, **shared)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    short = TAG.sub(lambda tag: DIGITS.sub("", tag[0]), text.getvalue())
    write(path, "\n".join(line.rstrip() for line in short.splitlines()) + "\n")


def legend(figure: Any, panel: Any, columns: int = 6) -> None:  # noqa: ANN401 - untyped figures
    """The lines of a panel, named below all panels."""
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)
