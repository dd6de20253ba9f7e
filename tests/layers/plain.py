"""Layers once more, as plain as can be: one sample at a time, one step at a time, in lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from equations.layers import Bidirectional, CellLayer, Layer, Reverse, Stack, Unrolled, map_arrays

Array = Any
Arrays = Any


@dataclass(frozen=True)
class Point:
    """Arguments of a layer, and cotangents of its results."""

    params: Arrays
    xs: Arrays
    state0: Arrays
    lengths: Array | None
    dnexts: Unrolled

    @property
    def arguments(self) -> tuple[Arrays, Arrays, Arrays]:
        """What a layer is differentiated by."""
        return self.params, self.xs, self.state0

    def sample(self, b: int) -> tuple[Arrays, Arrays, Unrolled]:
        """Inputs, first state and cotangents of a sample, cut to its own length, a batch of one."""
        length = None if self.lengths is None else int(self.lengths[b])

        def steps(array: Array) -> Array:
            return array[:length, b : b + 1]

        def row(array: Array) -> Array:
            return array[b : b + 1]

        dnexts = Unrolled(steps(self.dnexts.ys), map_arrays(row, self.dnexts.state))
        return map_arrays(steps, self.xs), map_arrays(row, self.state0), dnexts


def flat(tree: Arrays) -> Iterator[Array]:
    """The arrays of a tree."""
    if isinstance(tree, tuple):
        for branch in tree:
            yield from flat(branch)
    else:
        yield tree


def inner(one: Arrays, other: Arrays) -> float:
    """The inner product of two trees."""
    pairs = zip(flat(one), flat(other), strict=True)
    return float(sum(np.sum(np.multiply(a, b)) for a, b in pairs))


def random_like(rng: np.random.Generator, tree: Arrays) -> Arrays:
    """A tree of the same form and floats, with values in ±1."""
    return map_arrays(lambda a: np.asarray(rng.uniform(-1, 1, a.shape)).astype(a.dtype), tree)


def run(
    layer: Layer, params: Arrays, xs: list[Arrays], state: Arrays
) -> tuple[list[Array], Arrays]:
    """Outputs and last state of one sample (a batch of one), from the step of the module alone."""
    match layer:
        case CellLayer(module, output):
            ys = []
            for x in xs:
                after, _ = module.step(params, x, state)
                ys.append(getattr(after, output))
                state = module.State(*(getattr(after, name) for name in module.State._fields))
            return ys, state
        case Reverse(of):
            ys, state = run(of, params, xs[::-1], state)
            return ys[::-1], state
        case Bidirectional(forward, backward):
            ys, one = run(forward, params.forward, xs, state.forward)
            others, other = run(backward, params.backward, xs, state.backward)
            pairs = zip(ys, others, strict=True)
            return [np.concatenate(pair, axis=-1) for pair in pairs], type(state)(one, other)
        case Stack(layers):
            states = []
            for of, own, first in zip(layers, params, state, strict=True):
                xs, last = run(of, own, xs, first)
                states.append(last)
            return xs, tuple(states)
    raise TypeError(layer)


def unrolled(layer: Layer, params: Arrays, xs: Arrays, state0: Arrays, point: Point) -> Unrolled:
    """All samples, put side by side; outputs after the end of a sample are zero."""
    steps, batch = next(flat(xs)).shape[:2]
    ys, states = np.zeros_like(point.dnexts.ys), []
    for b in range(batch):
        length = steps if point.lengths is None else int(point.lengths[b])
        own = [map_arrays(lambda a, t=t, b=b: a[t, b : b + 1], xs) for t in range(length)]
        first = map_arrays(lambda a, b=b: a[b : b + 1], state0)
        outputs, last = run(layer, params, own, first)
        for t, y in enumerate(outputs):
            ys[t, b] = y[0]
        states.append(last)
    if not states:
        return Unrolled(ys, state0)
    return Unrolled(ys, map_arrays(lambda *rows: np.concatenate(rows), *states))
