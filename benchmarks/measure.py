"""Measuring: everything in one process, in turns, so that what disturbs one disturbs all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from benchmarks import frameworks, own
from benchmarks.case import Case, MissingError, Size, Work, make

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

SAMPLE = 0.003
"""A sample repeats a short call for so many seconds."""


@dataclass(frozen=True)
class Row:
    """What one contender took: seconds of processor time, or what is missing."""

    cell: str
    dtype: str
    size: Size
    which: Pass
    contender: str
    median: float | None = None
    least: float | None = None
    missing: str = ""


def rows(cell: str, dtype: str, size: Size, repeats: int) -> Iterator[Row]:
    """All contenders at one size, both passes."""
    case = make(cell, dtype, size)
    works: dict[str, Work] = {}
    missing: dict[str, str] = {}
    for name, prepare in CONTENDERS.items():
        try:
            works[name] = prepare(case)
        except MissingError as error:
            missing[name] = str(error)
    for which in PASSES:
        times = alternating({name: getattr(w, which) for name, w in works.items()}, repeats)
        for name in CONTENDERS:
            if name in missing:
                yield Row(cell, dtype, size, which, name, missing=missing[name])
            else:
                middle, least = statistics.median(times[name]), min(times[name])
                yield Row(cell, dtype, size, which, name, middle, least)


def alternating(calls: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Seconds per call, one sample of each in every round; each round starts with another."""
    counts = {}
    for name, call in calls.items():
        call()  # compiles, and fills caches
        counts[name] = max(1, round(SAMPLE / max(_seconds(call, 1), 1e-9)))
    found: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for turn in range(repeats):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            found[name].append(_seconds(calls[name], counts[name]))
    return found


def _seconds(call: Callable[[], Any], count: int) -> float:
    """Processor time of this process, so that other programs on the machine count for less."""
    start = time.process_time()
    for _ in range(count):
        call()
    return (time.process_time() - start) / count


@dataclass(frozen=True)
class Growth:
    """How the cost of forward and backward grows with the steps: time is about T ** exponent."""

    cell: str
    dtype: str
    size: Size
    steps: Sequence[int]
    seconds: Sequence[float]

    @property
    def exponent(self) -> float:
        """The slope of a straight line through the logarithms."""
        return float(np.polyfit(np.log(self.steps), np.log(self.seconds), 1)[0])


def growth(cell: str, dtype: str, size: Size, repeats: int) -> Growth:
    """The generated code at one, two, four and eight times the steps."""
    steps = [size.T * times for times in (1, 2, 4, 8)]
    calls = {str(T): own.generated(make(cell, dtype, size._replace(T=T))).both for T in steps}
    times = alternating(calls, repeats)
    return Growth(cell, dtype, size, steps, [statistics.median(t) for t in times.values()])
