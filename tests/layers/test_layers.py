"""Layers of every cell: over samples of their own lengths, in both directions, stacked."""

from __future__ import annotations

import doctest
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import LAWS, close, largest, tangents_are_differences
from plain import flat
from points import COMPOSITIONS, frozen, kinds, made, module_of, points

from equations import cells, layers
from equations.layers import Unrolled, map_arrays

Arrays = Any
every_layer = pytest.mark.parametrize(("name", "composition"), kinds())


@every_layer
@pytest.mark.parametrize("lengths", [None, [4, 1, 3], [0, 4, 0], [0, 0, 0]], ids=str)
def test_every_law_holds(name: str, composition: str, lengths: list[int] | None) -> None:
    """With all steps, with lengths, with samples of no steps, and with nothing else."""
    layer = COMPOSITIONS[composition](module_of(name))
    for law in LAWS:
        law(layer, made(name, layer, 4, lengths))


@every_layer
@settings(max_examples=settings.default.max_examples // 2)
@given(data=st.data())
def test_every_law_holds_for_any_lengths(name: str, composition: str, data: st.DataObject) -> None:
    """Also without samples and without steps, and in float32 where a law has no differences."""
    layer, point = data.draw(points(name, composition))
    for law in LAWS:
        if law is not tangents_are_differences:
            law(layer, point)


@every_layer
@settings(max_examples=settings.default.max_examples // 2)
@given(data=st.data())
def test_results_are_new_and_of_the_same_floats(
    name: str, composition: str, data: st.DataObject
) -> None:
    """They share no memory with arguments or with each other; arguments are not written to."""
    layer, point = data.draw(points(name, composition))
    arguments = frozen((*point.arguments, point.dnexts))
    nexts, tape = layer.unroll(*point.arguments, point.lengths)
    pulled = layer.unroll_vjp(point.params, tape, point.dnexts)
    pushed = layer.unroll_jvp(point.params, tape, *point.arguments)
    dtype = next(flat(point.params)).dtype
    for results in (nexts, pulled, pushed):
        values = list(flat(results))
        for k, value in enumerate(values):
            assert value.dtype == dtype
            for other in (*flat(arguments), *values[:k]):
                assert not np.shares_memory(value, other)
    again = layer.unroll_vjp(point.params, tape, point.dnexts)
    assert all(map(np.array_equal, flat(pulled), flat(again)))


@every_layer
def test_lengths_of_all_steps_are_no_lengths(name: str, composition: str) -> None:
    """To the bit."""
    layer = COMPOSITIONS[composition](module_of(name))
    point = made(name, layer, 4, [4, 4, 4])
    with_lengths, _ = layer.unroll(*point.arguments, point.lengths)
    without, _ = layer.unroll(*point.arguments)
    assert all(map(np.array_equal, flat(with_lengths), flat(without)))


@every_layer
def test_none_is_zero(name: str, composition: str) -> None:
    """For outputs, for the whole state and within it; for tangents of every argument."""
    layer = COMPOSITIONS[composition](module_of(name))
    point = made(name, layer, 4, [4, 1, 3])
    _, tape = layer.unroll(*point.arguments, point.lengths)
    ys, state = point.dnexts
    none = map_arrays(lambda _: None, state)
    zeros = map_arrays(np.zeros_like, state)

    def pulled(dys: Arrays, dstate: Arrays) -> list[Arrays]:
        return list(flat(layer.unroll_vjp(point.params, tape, Unrolled(dys, dstate))))

    for other in (None, none):
        assert all(map(np.array_equal, pulled(ys, other), pulled(ys, zeros)))
    assert all(map(np.array_equal, pulled(None, state), pulled(np.zeros_like(ys), state)))
    nothing = layer.unroll_jvp(point.params, tape, None, None, None)
    assert not any(map(np.any, flat(nothing)))


@pytest.mark.parametrize("name", [name for name in cells if not module_of(name)._COUNTS_STEPS])
def test_a_sequence_in_two_parts_is_the_whole(name: str) -> None:
    """The last state of the first part is the first state of the second."""
    layer = COMPOSITIONS["alone"](module_of(name))
    point = made(name, layer, 5, None)
    whole, _ = layer.unroll(*point.arguments)
    first, _ = layer.unroll(point.params, map_arrays(lambda a: a[:2], point.xs), point.state0)
    second, _ = layer.unroll(point.params, map_arrays(lambda a: a[2:], point.xs), first.state)
    both = np.concatenate((first.ys, second.ys)), second.state
    close(both, (whole.ys, whole.state), largest(whole))


def test_layers_load_numpy_and_nothing_else() -> None:
    code = "import sys, equations.layers; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sympy", "scipy", "autograd", "verify"} & set(done.stdout.split())


def test_the_example_of_the_package_runs() -> None:
    assert doctest.testmod(layers).failed == 0
