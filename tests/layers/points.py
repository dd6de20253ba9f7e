"""Points at which layers are tried: any cell, any composition, any lengths."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
from hypothesis import strategies as st
from plain import Point, random_like

from equations import cells
from equations.layers import Layer, Unrolled, bidirectional, layer, map_arrays, reverse, stacked

Arrays = Any
DType = Any

COMPOSITIONS: Mapping[str, Callable[[ModuleType], Layer]] = {
    "alone": layer,
    "reverse": reverse,
    "bidirectional": bidirectional,
    "stacked": lambda module: stacked(module, module),
    "nested": lambda module: stacked(bidirectional(stacked(module, reverse(module))), module),
}


def module_of(name: str) -> ModuleType:
    """The generated module of a cell."""
    return importlib.import_module(f"equations.generated.{name}")


def can_be_stacked(name: str) -> bool:
    """Whether a cell has one input, a vector."""
    return [len(symbol.axes) for symbol in cells[name].inputs] == [1]


def kinds() -> list[tuple[str, str]]:
    """Every cell alone and in a composition of all that it can be in; the first in all of them."""
    found = []
    for name in cells:
        whole = "nested" if can_be_stacked(name) else "bidirectional"
        found += [(name, "alone"), (name, whole)]
    first = next(filter(can_be_stacked, cells))
    return list(dict.fromkeys([*found, *((first, composition) for composition in COMPOSITIONS)]))


def made(
    name: str,
    of: Layer,
    steps: int,
    lengths: list[int] | None,
    batch: int = 3,
    dtype: DType = float,
) -> Point:
    """A point for a layer of cells of that name, with values in ±1, none of them zero."""
    rng = np.random.default_rng(0)
    cell = cells[name]
    sizes = {axis: 2 + k for k, axis in enumerate(cell.axes)}
    params = random_like(rng, of.init(rng, dtype=dtype, **sizes))
    shapes = [(steps, batch, *(sizes[axis] for axis in symbol.axes)) for symbol in cell.inputs]
    inputs = [rng.uniform(-1, 1, shape).astype(dtype) for shape in shapes]
    xs = module_of(name).Inputs(*inputs) if len(inputs) > 1 else inputs[0]
    state0 = random_like(rng, of.zero_state(params, batch))
    own = None if lengths is None else np.array(lengths, dtype=np.int64)
    nexts, _ = of.unroll(params, xs, state0)
    dnexts = Unrolled(*random_like(rng, (nexts.ys, nexts.state)))
    return Point(params, xs, state0, own, dnexts)


@st.composite
def points(draw: st.DrawFn, name: str, composition: str) -> tuple[Layer, Point]:
    """A layer with a point of a few samples and steps, with lengths and without."""
    batch, steps = draw(st.integers(0, 4)), draw(st.integers(0, 5))
    lengths = draw(st.none() | st.lists(st.integers(0, steps), min_size=batch, max_size=batch))
    of = COMPOSITIONS[composition](module_of(name))
    dtype = draw(st.sampled_from((np.float64, np.float32)))
    return of, made(name, of, steps, lengths, batch, dtype)


def frozen(tree: Arrays) -> Arrays:
    """The same arrays, which cannot be written to."""

    def one(array: Any) -> Any:  # noqa: ANN401 - an array
        array.setflags(write=False)
        return array

    return map_arrays(one, tree)
