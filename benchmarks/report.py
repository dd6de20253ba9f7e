"""What was measured, as tables: for the terminal, for a page of Markdown, for a program."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from benchmarks.case import Size
from benchmarks.measure import CONTENDERS, PASSES, Growth, Row
from verify.report.markdown import document, table
from verify.report.provenance import machine, provenance, versions

PACKAGES = ("numba", "scipy", "torch", "jax")
TITLES = {"forward": "Forward", "both": "Forward and backward"}
RIVALS = [name for name in CONTENDERS if name != "generated"]
HEADINGS = ("cell", "dtype", "(T, B, n_x, n_h)", "ms", "least", *RIVALS)

METHOD = """\
{how} What a call returned is held until the next one has, as in training.
*ms* is the median of {repeats} samples or more of the generated code, *least* the smallest.
A number under another contender is its time over that of the generated code{pairs}: above 1 the
generated code is faster. Differences below 5 % mean nothing, below 10 % little.

- *compiled*: the generated code whose sequences numba compiles, after the first call.
- *hand-written*: the best NumPy known here, under the same contract, but arguments are not checked;
  sigmoid through tanh.
- *products*: the matrix products alone, not cut into blocks: the part of the time that they take.
- *autograd*: HIPS autograd on the equations as written, in a loop over time.
- *torch.nn*: eager. Its GRU resets after the product: another cell, with one recurrent product per
  step instead of two.
- *torch loop*, *jax scan*: the equations with stacked gates. jax is compiled with jit. The forward
  passes of jax and autograd keep nothing for the way back; the others do."""


ALONE = """\
One thread each, in one process, in turns, in processor time, so that other programs on the machine
count for less."""
IN_ROUNDS = " in the same round, the\nmedian of all rounds"

TOGETHER = """\
{threads} threads each, in turns; torch and jax in processes of their own, since pools of threads
disturb one another, on as many processors. Time as it passes."""
APART = ", the\nmedian of all rounds, or of medians where it has another process"


@dataclass(frozen=True)
class Run:
    """What was asked for.

    Attributes:
        command: as it can be typed again.
        repeats: how many samples were taken of each.
        threads: how many each computes with.
    """

    command: str
    repeats: int
    threads: int


def headline(run: Run) -> str:
    """Machine, versions, command and method."""
    alone = run.threads == 1
    how = ALONE if alone else TOGETHER.format(threads=run.threads)
    pairs = IN_ROUNDS if alone else APART
    method = METHOD.format(how=how, pairs=pairs, repeats=run.repeats)
    return f"{provenance(run.command, PACKAGES)}\n\n{method}"


def lines(rows: Iterable[Row], which: str) -> list[tuple[str, ...]]:
    """One line per cell, dtype and size, in columns as in `HEADINGS`."""
    found = []
    chosen = [row for row in rows if row.which == which]
    for (cell, dtype, size), group in groupby(chosen, lambda row: (row.cell, row.dtype, row.size)):
        by_name = {row.contender: row for row in group}
        own = by_name["generated"]
        times = (_ms(own.median), _ms(own.least))
        numbers = (ratio(by_name[name], own) for name in RIVALS)
        found.append((cell, dtype, _size(size), *times, *map(_number, numbers)))
    return found


def ratio(row: Row, own: Row) -> float | None:
    """A contender's time over that of the generated code; None if it is not there.

    What disturbs one disturbs what is measured beside it, so rounds are compared one by one.
    """
    if row.median is None or own.median is None:
        return None
    if row.group != own.group:
        return row.median / own.median
    pairs = zip(row.samples, own.samples, strict=True)
    return statistics.median([theirs / ours for theirs, ours in pairs])


def by_steps(found: Sequence[Growth]) -> list[tuple[str, ...]]:
    """One line per fit of the steps."""
    return [
        (
            growth.cell,
            growth.dtype,
            ", ".join(map(str, growth.lengths)),
            ", ".join(_ms(seconds) for seconds in growth.seconds),
            f"{growth.line[0] * 1e6:.0f}",
            f"{growth.line[1] * 1e6:.1f}",
            f"{growth.off:.1%}",
        )
        for growth in found
        if growth.axis == "T"
    ]


def by_states(found: Sequence[Growth]) -> list[tuple[str, ...]]:
    """One line per growth with the states."""
    return [
        (
            growth.cell,
            growth.dtype,
            ", ".join(map(str, growth.lengths)),
            ", ".join(_ms(seconds) for seconds in growth.seconds),
            ", ".join(f"{power:.1f}" for power in growth.powers),
        )
        for growth in found
        if growth.axis == "n_h"
    ]


STEPS_HEADINGS = ("cell", "dtype", "T", "ms", "µs per call", "µs per step", "off the line")
STATES_HEADINGS = ("cell", "dtype", "n_h", "ms", "powers")


def page(
    rows: Sequence[Row], found: Sequence[Growth], run: Run, picture: str, growth_picture: str
) -> str:
    """All of it in Markdown, with the pictures if there are any."""
    shown = f"![Ratios by size]({picture})" if picture else ""
    parts = ["# Speed", headline(run), shown]
    for which in PASSES:
        parts += [f"## {TITLES[which]}", table(HEADINGS, lines(rows, which))]
    if found:
        size = _size(found[0].size)
        about = (
            f"Generated code, forward and backward, otherwise at {size}: the straight line through "
            "these times, and how far they are from it at most."
        )
        shown = f"![Time by steps and by states]({growth_picture})" if growth_picture else ""
        powers = (
            f"The same, otherwise at {size}: between neighbours the time grows with this power of "
            "n_h. Where calls are all there is it is near 0; that of products is 2."
        )
        parts += ["## Growth with the steps", about, table(STEPS_HEADINGS, by_steps(found)), shown]
        parts += ["## Growth with the states", powers, table(STATES_HEADINGS, by_states(found))]
    parts += missing(rows)
    return document(parts)


def missing(rows: Iterable[Row]) -> list[str]:
    """What was not there, and how to get it; each once."""
    return list(dict.fromkeys(f"{row.contender}: {row.missing}" for row in rows if row.missing))


def as_json(rows: Iterable[Row], found: Iterable[Growth], run: Run) -> str:
    """All of it for a program: seconds, not rounded."""
    return json.dumps(
        {
            "command": run.command,
            "threads": run.threads,
            "machine": machine(),
            "versions": versions(PACKAGES),
            "rows": [
                {
                    **asdict(row),
                    "size": row.size._asdict(),
                    "median": row.median,
                    "least": row.least,
                }
                for row in rows
            ],
            "growth": [
                {**asdict(growth), "size": growth.size._asdict(), "line": growth.line}
                for growth in found
            ],
        },
        indent=2,
    )


def _size(size: Size) -> str:
    return f"({', '.join(map(str, size))})"


def _ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1e3:.3g}"


def _number(value: float | None) -> str:
    return "not installed" if value is None else f"{value:.2f}"
