"""Checkpoints: the same results and derivatives from the states of every so many steps alone."""

from __future__ import annotations

import importlib
import math
import re
import tracemalloc
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from equations import cells
from equations.language import Size, TensorSymbol

STEPS, BATCH = 7, 3


Given = tuple[ModuleType, Any, Any, Any]


def arguments(name: str) -> Given:
    cell = cells[name]
    module = importlib.import_module(f"equations.generated.{name}")
    rng = np.random.default_rng(0)
    sizes = {axis: n for n, axis in enumerate(cell.axes, start=2)}

    def normal(symbol: TensorSymbol, *lead: int) -> np.ndarray:
        return rng.normal(size=(*lead, *(sizes[axis] for axis in symbol.axes)))

    params = module.Params(*map(normal, cell.parameters))
    xs = [normal(s, STEPS, BATCH) for s in cell.inputs]
    state = module.State(*(normal(s, BATCH) for s in cell.states))
    return module, params, module.Inputs(*xs) if len(xs) > 1 else xs[0], state


def flat(values: object) -> list[np.ndarray]:
    if isinstance(values, np.ndarray | np.generic):
        return [np.asarray(values)]
    return [array for value in tuple(values) for array in flat(value)]


def agree(one: object, other: object) -> None:
    for a, b in zip(flat(one), flat(other), strict=True):
        assert a.shape == b.shape
        # Sums over steps are put together in another order: some roundings of their terms.
        scale = np.max(np.abs(b), initial=1.0)
        assert np.max(np.abs(a - b), initial=0.0) <= 64 * np.finfo(np.float64).eps * scale


def derivatives(given: Given, **how: int) -> tuple[object, object, object]:
    module, params, xs, state = given
    nexts, tape = module.unroll(params, xs, state, **how)
    gradients = module.unroll_vjp(params, tape, type(nexts)(*(np.sin(v) for v in nexts)))
    moved = module.unroll_jvp(params, tape, params, xs, state)
    return nexts, gradients, moved


def counts_steps(name: str) -> bool:
    return any(equation.value.has(Size("T")) for equation in cells[name].program)


@pytest.mark.parametrize("every", [1, 2, 3, STEPS, 100])
@pytest.mark.parametrize("name", [name for name in cells if not counts_steps(name)])
def test_results_gradients_and_tangents_are_the_same(name: str, every: int) -> None:
    given = arguments(name)
    agree(derivatives(given, checkpoint_every=every), derivatives(given))


@pytest.mark.parametrize("name", list(cells))
def test_no_steps_are_a_sequence_too(name: str) -> None:
    module, params, xs, state = arguments(name)
    none = module.Inputs(*(x[:0] for x in xs)) if isinstance(xs, tuple) else xs[:0]
    given = (module, params, none, state)
    agree(derivatives(given, checkpoint_every=2), derivatives(given))


@pytest.mark.parametrize("name", [name for name in cells if counts_steps(name)])
def test_a_mean_over_the_steps_cannot_be_cut(name: str) -> None:
    given = arguments(name)
    with pytest.raises(ValueError, match="the equations count the steps"):
        derivatives(given, checkpoint_every=2)
    agree(derivatives(given, checkpoint_every=STEPS), derivatives(given))


def peak(call: Callable[[], object]) -> int:
    tracemalloc.start()
    call()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_memory_falls_to_that_of_one_segment() -> None:
    gru = importlib.import_module("equations.generated.gru")
    rng = np.random.default_rng(0)
    params = gru.init(rng, n_x=1, n_h=64)
    xs, state = rng.normal(size=(400, 8, 1)), gru.State(h=np.zeros((8, 64)))

    def back(**how: int) -> None:
        nexts, tape = gru.unroll(params, xs, state, **how)
        gru.unroll_vjp(params, tape, nexts)

    whole, segments = peak(back), peak(lambda: back(checkpoint_every=20))
    results = 400 * 8 * 64 * 8
    # Results, and while they are put together their parts, are there in either case.
    assert segments - 2 * results < (whole - results) / 5


def test_one_segment_is_there_at_a_time() -> None:
    """The values of one are gone before those of the next are computed."""
    module = importlib.import_module("equations.generated.lstm")
    rng = np.random.default_rng(0)
    params = module.init(rng, n_x=1, n_h=64)
    state = module.State(h=np.zeros((8, 64)), c=np.zeros((8, 64)))

    def forward(segments: int) -> int:
        xs = rng.normal(size=(50 * segments, 8, 1))
        return peak(lambda: module.unroll(params, xs, state, checkpoint_every=50))

    tape, results = (50 * 8 * n * 64 * 8 for n in (9, 2))
    assert forward(3) - forward(1) < 2 * results + tape / 4


def owners(values: object) -> dict[int, np.ndarray]:
    """The arrays that own the memory of others."""
    found = {}
    for array in flat(values):
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        found[id(owner)] = owner
    return found


@pytest.mark.parametrize("name", list(cells))
def test_a_tape_holds_what_its_docstring_says(name: str) -> None:
    """Of memory that neither arguments nor results own."""
    module, params, xs, state = arguments(name)
    nexts, tape = module.unroll(params, xs, state)
    others = owners((params, xs, state, nexts))
    held = sum(a.size for key, a in owners(tape).items() if key not in others)
    said = re.search(r"it holds\s+(.*) numbers per step", module.unroll.__doc__)
    sizes = {axis: n for n, axis in enumerate(cells[name].axes, start=2)}
    assert said is not None
    terms = [term.split(" * ") for term in said[1].split(" + ")]
    numbers = sum(math.prod(sizes.get(f) or int(f) for f in factors) for factors in terms)
    assert held == STEPS * BATCH * numbers


@pytest.mark.parametrize("every", [0, -1, 2.0, "3", True])
def test_anything_but_a_number_of_steps_is_refused(every: object) -> None:
    module, params, xs, state = arguments("gru")
    with pytest.raises(ValueError, match=r"gru\.unroll: checkpoint_every: expected an integer"):
        module.unroll(params, xs, state, checkpoint_every=every)


def test_cotangents_of_other_steps_are_refused() -> None:
    module, params, xs, state = arguments("gru")
    nexts, tape = module.unroll(params, xs, state, checkpoint_every=2)
    with pytest.raises(
        ValueError, match=rf"dnexts: expected arrays of T={STEPS} steps, got \({STEPS - 1}, "
    ):
        module.unroll_vjp(params, tape, module.State(h=nexts.h[1:]))
    with pytest.raises(ValueError, match=rf"dxs: expected arrays of T={STEPS} steps, got list"):
        module.unroll_jvp(params, tape, None, xs.tolist(), None)
    with pytest.raises(
        TypeError, match=r"unroll_vjp: dnexts: expected State\(h\) or None, got nda"
    ):
        module.unroll_vjp(params, tape, nexts.h)


@pytest.mark.parametrize("name", [name for name in cells if not counts_steps(name)])
def test_none_is_zero_in_segments(name: str) -> None:
    """None for a whole cotangent or tangent, segment by segment: everything is zero."""
    module, params, xs, state = arguments(name)
    nexts, tape = module.unroll(params, xs, state, checkpoint_every=2)
    dparams, dxs, dstate0 = module.unroll_vjp(params, tape, None)
    given = flat((params, xs, state))
    for zero, own in zip(flat((dparams, dxs, dstate0)), given, strict=True):
        assert zero.shape == own.shape
        assert not zero.any()
    moved = module.unroll_jvp(params, tape, None, None, None)
    assert [d.shape for d in moved] == [value.shape for value in nexts]
    assert not any(d.any() for d in moved)
