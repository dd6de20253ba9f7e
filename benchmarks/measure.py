"""Measuring: everything in one process, in turns, so that what disturbs one disturbs all."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from benchmarks import frameworks, own
from benchmarks.case import Case, MissingError, Size, Work, make
from benchmarks.threads import clock

CONTENDERS: Mapping[str, Callable[[Case], Work]] = {
    "generated": own.generated,
    "compiled": own.compiled,
    "hand-written": own.by_hand,
    "products": own.products,
    "autograd": own.autograd,
    "torch.nn": frameworks.torch_nn,
    "torch loop": frameworks.torch_loop,
    "jax scan": frameworks.jax_scan,
}

Pass = Literal["forward", "both"]
PASSES: tuple[Pass, ...] = ("forward", "both")

APART = (
    ("generated", "compiled", "hand-written", "products", "autograd"),
    ("torch.nn", "torch loop"),
    ("jax scan",),
)
"""Pools of several threads disturb one another: then each of these has a process of its own."""

SAMPLE = 0.003
"""A sample repeats a short call for so many seconds."""

ROUND, TIMES = 0.5, 12
"""Where a round is shorter than so many seconds there are more of them, up to so many times."""


@dataclass(frozen=True)
class Row:
    """What one contender took, in seconds, once in every round; or what is missing.

    Attributes:
        group: those that were measured together, round by round, have the same.
    """

    cell: str
    dtype: str
    size: Size
    which: Pass
    contender: str
    group: tuple[str, ...]
    samples: tuple[float, ...] = ()
    missing: str = ""

    @property
    def median(self) -> float | None:
        """The middle of the samples."""
        return statistics.median(self.samples) if self.samples else None

    @property
    def least(self) -> float | None:
        """The smallest of them."""
        return min(self.samples, default=None)


def rows(
    cell: str, dtype: str, size: Size, repeats: int, contenders: Iterable[str] = CONTENDERS
) -> list[Row]:
    """These contenders at one size, both passes."""
    group = tuple(contenders)
    chosen = [name for name in CONTENDERS if name in group]
    case = make(cell, dtype, size)
    works: dict[str, Work] = {}
    missing: dict[str, str] = {}
    for name in chosen:
        try:
            works[name] = CONTENDERS[name](case)
        except MissingError as error:
            missing[name] = str(error)
    found: list[Row] = []
    for which in PASSES:
        calls = {name: getattr(work, which) for name, work in works.items()}
        # None is installed of a group that has a process of its own.
        times = alternating(calls, repeats) if calls else {}
        for name in chosen:
            samples = tuple(times.get(name, ()))
            lacking = missing.get(name, "")
            found.append(Row(cell, dtype, size, which, name, group, samples, lacking))
    return found


def alternating(calls: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Seconds per call, one sample of each in every round; each round starts with another.

    Args:
        calls: what is measured, by name.
        repeats: at least so many rounds; more of short ones.
    """
    counts = {}
    for name, call in calls.items():
        call()  # compiles
        counts[name] = max(1, round(SAMPLE / max(_seconds(call, 1), 1e-9)))
    found: dict[str, list[float]] = {name: [] for name in calls}
    names, begun = list(calls), time.perf_counter()
    for turn in range(TIMES * repeats):
        if turn >= repeats and time.perf_counter() - begun > ROUND * repeats:
            break
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            found[name].append(_seconds(calls[name], counts[name]))
    return found


def _seconds(call: Callable[[], Any], count: int) -> float:
    """What a call takes where others went before, the last of which still holds its results.

    So it is in training. Where results are dropped at once their memory goes back to the system at
    one call in some, or at each, as sizes happen to be, and fetching it again can take a third. Two
    calls go before: the second has its results beside those of the first, the third in their place.
    """
    now = clock()
    held = call()  # brings its own into the caches; threads of the one before may rest
    held = call()
    start = now()
    for _ in range(count):
        held = call()
    taken = (now() - start) / count
    del held
    return taken


@dataclass(frozen=True)
class Growth:
    """How the time of forward and backward grows along one axis, otherwise at one size.

    Attributes:
        axis: "T" or "n_h".
        lengths: of the axis.
        seconds: the time at each.
    """

    cell: str
    dtype: str
    size: Size
    axis: str
    lengths: Sequence[int]
    seconds: Sequence[float]

    @property
    def line(self) -> tuple[float, float]:
        """What a call costs by itself, and what a step does: the line of least relative error."""
        known = np.stack([np.ones(len(self.lengths)), np.asarray(self.lengths)], axis=1)
        taken = np.asarray(self.seconds)
        start, step = np.linalg.lstsq(known / taken[:, None], np.ones(len(taken)))[0]
        return float(start), float(step)

    @property
    def off(self) -> float:
        """How far the times are from the line at most, relative."""
        start, step = self.line
        pairs = zip(self.lengths, self.seconds, strict=True)
        return max(abs((start + step * T) / taken - 1) for T, taken in pairs)

    @property
    def powers(self) -> list[float]:
        """With which power the time grows from each length to the next."""
        pairs = zip(pairwise(self.lengths), pairwise(self.seconds), strict=True)
        return [math.log(t / s) / math.log(n / m) for (m, n), (s, t) in pairs]


GROWN = {"T": (1, 2, 4, 8), "n_h": (1, 2, 4, 8, 16)}
"""How many times the length of each axis is measured."""

LARGEST = {"T": math.inf, "n_h": 512}
"""Products of larger states take minutes and say nothing new."""


def growth(cell: str, dtype: str, size: Size, repeats: int) -> list[Growth]:
    """The generated code at several times the steps, and at several times the states."""
    found = []
    for axis, times in GROWN.items():
        grown = [getattr(size, axis) * by for by in times]
        lengths = [n for n in grown if n <= max(LARGEST[axis], grown[0])]
        sizes = [size._replace(**{axis: n}) for n in lengths]
        calls = {str(s): own.generated(make(cell, dtype, s)).both for s in sizes}
        seconds = [statistics.median(t) for t in alternating(calls, repeats).values()]
        found.append(Growth(cell, dtype, size, axis, lengths, seconds))
    return found
