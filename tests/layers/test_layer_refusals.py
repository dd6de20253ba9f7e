"""What a layer refuses, with an error that says what, where, expected and got."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from points import can_be_stacked, made, module_of

from equations import cells
from equations.layers import (
    Directions,
    Layer,
    Unrolled,
    bidirectional,
    layer,
    map_arrays,
    reverse,
    stacked,
)

Lengths = Any  # right or wrong
every_cell = pytest.mark.parametrize("name", list(cells))
STACKABLE = next(name for name in cells if cells[name].states and can_be_stacked(name))


@every_cell
@pytest.mark.parametrize("of", [layer, reverse], ids=lambda of: of.__name__)
@pytest.mark.parametrize(
    ("lengths", "kind", "text"),
    [
        ([4, 1, 3], TypeError, "lengths: expected a NumPy array of integers, got list"),
        (np.array([4.0, 1, 3]), TypeError, "expected a NumPy array of integers, got float64"),
        (np.array([4, 1]), ValueError, "lengths: expected shape (B=3), got (2,)"),
        (np.array([4, 5, 3]), ValueError, "lengths: expected 0 to T=4, got 5 for sample 1"),
        (np.array([4, 1, -1]), ValueError, "lengths: expected 0 to T=4, got -1 for sample 2"),
    ],
    ids=str,
)
def test_wrong_lengths(
    name: str, of: Callable[..., Layer], lengths: Lengths, kind: type[Exception], text: str
) -> None:
    wrapped = of(module_of(name))
    point = made(name, wrapped, 4, None)
    with pytest.raises(kind, match=re.escape(text)):
        wrapped.unroll(*point.arguments, lengths)


@every_cell
@pytest.mark.parametrize("of", [layer, reverse, bidirectional], ids=lambda of: of.__name__)
def test_wrong_arrays(name: str, of: Callable[..., Layer]) -> None:
    """The errors are those of the generated module, also where a part would have been enough."""
    wrapped = of(module_of(name))
    point = made(name, wrapped, 4, [4, 1, 3])
    params, xs, state0 = point.arguments
    own = cells[name].inputs[0].name
    with pytest.raises(ValueError, match=rf"{name}\.unroll: {own}: expected shape \(.*\), got"):
        wrapped.unroll(params, map_arrays(lambda a: a[..., :-1], xs), state0)
    with pytest.raises(TypeError, match=rf"{name}\.unroll: {own}: expected dtype float64"):
        wrapped.unroll(params, map_arrays(np.float32, xs), state0)
    _, tape = wrapped.unroll(*point.arguments, point.lengths)
    longer = map_arrays(lambda a: np.concatenate((a, a)), (point.dnexts.ys, xs, state0))
    text = rf"{name}\.unroll_\w+: \w+: expected shape \(.*\), got"
    with pytest.raises(ValueError, match=text):
        wrapped.unroll_vjp(params, tape, Unrolled(longer[0], None))
    with pytest.raises(ValueError, match=text):
        wrapped.unroll_jvp(params, tape, None, longer[1], None)
    if cells[name].states:
        with pytest.raises(ValueError, match=rf"{name}\.unroll: \w+: expected shape"):
            wrapped.unroll(params, xs, longer[2], point.lengths)
        with pytest.raises(ValueError, match=text):
            wrapped.unroll_vjp(params, tape, Unrolled(None, longer[2]))
        with pytest.raises(ValueError, match=text):
            wrapped.unroll_jvp(params, tape, None, None, longer[2])


def test_wrong_numbers_of_parts() -> None:
    """One for each layer and each direction."""
    for wrapped in (stacked(*[module_of(STACKABLE)] * 2), bidirectional(module_of(STACKABLE))):
        params, xs, state0 = made(STACKABLE, wrapped, 2, None).arguments
        with pytest.raises(TypeError, match=r"unroll: expected a tuple of 2 parts, got 1 parts"):
            wrapped.unroll(tuple(params)[:1], xs, state0)
        with pytest.raises(TypeError, match=r"unroll: expected a tuple of 2 parts, got ndarray"):
            wrapped.unroll(params, xs, xs)
        _, tape = wrapped.unroll(params, xs, state0)
        with pytest.raises(TypeError, match=r"unroll_vjp: dnexts: expected a tuple of 2 parts"):
            wrapped.unroll_vjp(params, tape, xs)


def test_what_is_no_layer() -> None:
    with pytest.raises(TypeError, match="expected a generated module or a layer, got str"):
        layer("nothing")
    with pytest.raises(ValueError, match="stacked: expected at least one layer, got none"):
        stacked()
    with pytest.raises(ValueError, match=r"output: expected one of .*, got nothing"):
        layer(module_of(STACKABLE), "nothing")


@pytest.mark.parametrize("name", [name for name in cells if not can_be_stacked(name)])
def test_a_cell_of_several_inputs_is_the_lowest_layer_or_none(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name}: expected a cell with one input .*, got \w+, "):
        stacked(module_of(STACKABLE), module_of(name))


NUMBERS = [(name, s.name) for name in cells for s in cells[name].outputs if not s.axes]


@pytest.mark.parametrize(("name", "output"), NUMBERS)
def test_numbers_cannot_be_joined(name: str, output: str) -> None:
    """Only a vector has a last axis to join along."""
    one = layer(module_of(name), output)
    both = bidirectional(one)
    point = made(name, one, 2, None)
    params, state0 = (Directions(a, a) for a in (point.params, point.state0))
    with pytest.raises(ValueError, match=r"bidirectional\.unroll: expected vectors to join"):
        both.unroll(params, point.xs, state0)
    with pytest.raises(ValueError, match=rf"{name}: {output}: expected a vector, got a number"):
        both.width(params)
