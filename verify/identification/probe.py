"""Inputs that tell candidates apart, what a candidate makes of them, and how far rounding reaches.

States are not zero, biases are random and so differ, and there are two steps: a cell that is wrong
in a reset gate, a bias or the order of its gates is off in the first digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from verify.arithmetic.formats import FORMATS
from verify.arithmetic.running import Bounded
from verify.dialects.arrays import Params
from verify.dialects.equivalence import values_of
from verify.dialects.layout import Array
from verify.dialects.record import Dialect
from verify.frameworks.expected import Compiled
from verify.identification.target import Arrays, States, Target
from verify.interpret import evaluate

BATCH, STEPS = 3, 2
SLACK = 4
"""Times the running error bound of the equations. That bound knows one bias and a careful exp and
tanh; frameworks add up several biases and use approximations of their own, good to a few units."""
ROUGH = 1e-3
"""Far above rounding in float32 and far below what a wrong candidate is off by."""


@dataclass(frozen=True)
class Probe:
    """One input: weights, x (T, B, n_x), and a state (B, n) for each that the target has."""

    arrays: Arrays
    xs: Array
    states: States

    def shortened(self, arrays: Arrays) -> Probe:
        """The first step alone, with these weights."""
        return Probe(arrays, self.xs[:1], self.states)


def drawn(
    target: Target, rng: np.random.Generator, arrays: Arrays | None = None, reach: float = 1
) -> Probe:
    """A random input; with random weights too unless some are given."""
    weights = {
        name: (array if arrays is not None else _spread(rng.standard_normal(array.shape))).astype(
            target.dtype
        )
        for name, array in (arrays or target.small).items()
    }
    xs = reach * rng.standard_normal((STEPS, BATCH, target.n_x))
    states = tuple(reach * rng.uniform(-1, 1, (BATCH, n)) for n in target.lengths)
    return Probe(weights, xs.astype(target.dtype), tuple(s.astype(target.dtype) for s in states))


def _spread(array: Array) -> Array:
    """Scaled so that a product with it is about as large as what it multiplies."""
    return array / np.sqrt(max(min(array.shape[-2:]), 1)) if array.ndim > 1 else array


def predicted(record: Dialect, probe: Probe) -> States:
    """The states after the last step by the generated cell, in the order of the record."""
    return computed(record.module, record.states, record.unpack(probe.arrays), probe)


def computed(module: ModuleType, order: tuple[str, ...], params: Params, probe: Probe) -> States:
    """The same with parameters instead of arrays."""
    state = module.State(**dict(zip(order, probe.states, strict=True)))
    for x in probe.xs:
        state = module.step(params, x, state)[0]
    return tuple(getattr(state, name) for name in order)


def bounded(record: Dialect, probe: Probe, dtype: np.dtype[Any]) -> tuple[Bounded, ...]:
    """The same by the interpreter, with bounds on the rounding errors of code in that format."""
    cell, running = record.symbolic, Compiled(format=FORMATS[dtype.name])
    # In float64, so that biases which are added up here are not rounded before the framework does.
    wide = {name: np.asarray(array, np.float64) for name, array in probe.arrays.items()}
    params = values_of(record.unpack(wide))
    sizes = sizes_of(record, params)
    values = {name: running.lift(value) for name, value in params.items()}
    values |= {
        name: running.lift(value) for name, value in zip(record.states, probe.states, strict=True)
    }
    for x in probe.xs:
        values |= {str(symbol): running.lift(x) for symbol in cell.inputs}
        found = evaluate(cell.program, values, sizes, running)
        values |= {str(old): found[str(new)] for old, new in cell.carried}
    return tuple(values[name] for name in record.states)


def sizes_of(record: Dialect, params: Mapping[str, Array]) -> dict[str, int]:
    """The length of each axis."""
    return {
        axis: n
        for name, axes in record.axes.items()
        for axis, n in zip(axes, params[name].shape, strict=True)
    }


def distance(one: States, other: States) -> tuple[int, float]:
    """How many states are off by more than rounding explains, and by how much in all."""
    gaps = [
        float(np.max(np.abs(a - b), initial=0.0)) if a.shape == b.shape else np.inf
        for a, b in zip(one, other, strict=True)
    ]
    gaps = [gap if np.isfinite(gap) else np.inf for gap in gaps]
    return sum(gap > ROUGH for gap in gaps), sum(gaps)


def units(target: Target, record: Dialect, probe: Probe, found: States) -> float:
    """The largest error in units of the bound on rounding; at most 1 if it is the same function."""
    worst = 0.0
    for value, own in zip(bounded(record, probe, target.dtype), found, strict=True):
        if own.shape != value.value.shape or not np.all(np.isfinite(own)):
            return np.inf
        error = np.abs(own - value.value)
        room = np.maximum(SLACK * value.error, FORMATS[target.dtype.name].smallest)
        worst = max(worst, float(np.max(error / room, initial=0.0)))
    return worst
