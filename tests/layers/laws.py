"""What every layer obeys, as functions that assert; a wrong layer must fail one of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from plain import Point, flat, inner, random_like, unrolled

from equations.layers import Layer, Unrolled, map_arrays

Arrays = Any

STEP = 1e-4
"""Of the differences below: their error is about STEP⁴ times a fifth derivative, and eps/STEP."""


def close(got: Arrays, expected: Arrays, largest: float) -> None:
    """Equal but for the order of sums: some 100 terms, none larger than `largest`."""
    for one, other in zip(flat(got), flat(expected), strict=True):
        assert one.shape == other.shape
        room = 100 * float(np.finfo(one.dtype).eps) * largest
        assert np.all(np.abs(one - other) <= room), np.abs(one - other).max()


def largest(*trees: Arrays) -> float:
    """The largest value there is, but at least 1."""
    return max(1.0, *(float(np.max(np.abs(a), initial=0)) for tree in trees for a in flat(tree)))


def outputs_are_those_of_a_plain_loop(layer: Layer, point: Point) -> None:
    """Every sample over its own steps, zero after them, and the last state kept."""
    nexts, _ = layer.unroll(*point.arguments, point.lengths)
    expected = unrolled(layer, *point.arguments, point)
    close(nexts, expected, largest(expected))


def a_batch_is_its_samples(layer: Layer, point: Point) -> None:
    """Each run alone over its own steps: values, tangents, cotangents, and gradients as a sum."""
    nexts, tape = layer.unroll(*point.arguments, point.lengths)
    pulled = layer.unroll_vjp(point.params, tape, point.dnexts)
    moved = layer.unroll_jvp(point.params, tape, *point.arguments)
    total = map_arrays(np.zeros_like, point.params)
    bound = largest(pulled, moved)
    for b in range(nexts.ys.shape[1]):
        xs, state0, dnexts = point.sample(b)
        alone, own = layer.unroll(point.params, xs, state0)
        length = alone.ys.shape[0]
        for whole, part in (
            (nexts, alone),
            (moved, layer.unroll_jvp(point.params, own, *point.arguments[:1], xs, state0)),
        ):
            close(whole.ys[:length, b : b + 1], part.ys, bound)
            close(map_arrays(lambda a, b=b: a[b : b + 1], whole.state), part.state, bound)
            assert not np.any(whole.ys[length:, b])
        dparams, dxs, dstate0 = layer.unroll_vjp(point.params, own, dnexts)
        total = map_arrays(np.add, total, dparams)
        for whole, part in zip(flat(pulled[1]), flat(dxs), strict=True):
            close(whole[:length, b : b + 1], part, bound)
            assert not np.any(whole[length:, b])
        close(map_arrays(lambda a, b=b: a[b : b + 1], pulled[2]), dstate0, bound)
    close(pulled[0], total, bound)


def modes_are_adjoint(layer: Layer, point: Point) -> None:
    """⟨dnexts, J v⟩ = ⟨Jᵀ dnexts, v⟩ for random directions."""
    _, tape = layer.unroll(*point.arguments, point.lengths)
    way = random_like(np.random.default_rng(1), point.arguments)
    pushed = layer.unroll_jvp(point.params, tape, *way)
    pulled = layer.unroll_vjp(point.params, tape, point.dnexts)
    bound = inner(map_arrays(np.abs, point.dnexts), map_arrays(np.abs, pushed))
    bound += inner(map_arrays(np.abs, pulled), map_arrays(np.abs, way))
    eps = float(np.finfo(next(flat(point.params)).dtype).eps)
    assert abs(inner(point.dnexts, pushed) - inner(pulled, way)) <= 100 * eps * max(bound, 1.0)


def tangents_are_differences(layer: Layer, point: Point) -> None:
    """Of fourth order, of the plain loop, along a random direction; in float64."""
    _, tape = layer.unroll(*point.arguments, point.lengths)
    way = random_like(np.random.default_rng(2), point.arguments)
    pushed = layer.unroll_jvp(point.params, tape, *way)

    def at(factor: float) -> Unrolled:
        return unrolled(
            layer, *map_arrays(lambda a, d: a + factor * STEP * d, point.arguments, way), point
        )

    found = map_arrays(
        lambda a, b, c, d: (8 * (a - b) - (c - d)) / (12 * STEP), at(1), at(-1), at(2), at(-2)
    )
    for one, other in zip(flat(pushed), flat(found), strict=True):
        assert np.all(np.abs(one - other) <= 1e-8 * largest(found)), np.abs(one - other).max()


def padding_is_never_read(layer: Layer, point: Point) -> None:
    """NaN in the padding of inputs, of their tangents and of cotangents changes not one bit."""
    if point.lengths is None:
        return
    steps = point.dnexts.ys.shape[0]
    padding = np.arange(steps)[:, None] >= point.lengths

    def spoiled(array: Any) -> Any:  # noqa: ANN401 - an array
        array = np.array(array)
        array[padding] = np.nan
        return array

    def results(xs: Arrays, dys: Any) -> tuple[Arrays, ...]:  # noqa: ANN401 - an array
        nexts, tape = layer.unroll(point.params, xs, point.state0, point.lengths)
        dnexts = Unrolled(dys, point.dnexts.state)
        pushed = layer.unroll_jvp(point.params, tape, point.params, xs, point.state0)
        return nexts, pushed, layer.unroll_vjp(point.params, tape, dnexts)

    clean = results(point.xs, point.dnexts.ys)
    for one, other in zip(
        flat(results(map_arrays(spoiled, point.xs), spoiled(point.dnexts.ys))),
        flat(clean),
        strict=True,
    ):
        assert np.array_equal(one, other)


LAWS = (
    outputs_are_those_of_a_plain_loop,
    a_batch_is_its_samples,
    modes_are_adjoint,
    tangents_are_differences,
    padding_is_never_read,
)
