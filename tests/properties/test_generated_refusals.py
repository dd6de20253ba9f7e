"""Arrays that a generated module refuses, with an error that says what, where, expected and got."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from equations import cells
from equations.language import TensorSymbol

Arrays = Any  # an array, or a NamedTuple of a generated module that holds some
DType = Any
every_cell = pytest.mark.parametrize("name", list(cells))


def step_arguments(
    name: str, dtype: DType = np.float64
) -> tuple[ModuleType, Arrays, Arrays, Arrays]:
    """A module with the arguments of its step."""
    cell = cells[name]
    module = importlib.import_module(f"equations.generated.{name}")
    sizes = {axis: 2 + k for k, axis in enumerate(cell.axes)}
    rng = np.random.default_rng(0)

    def made(symbol: TensorSymbol, *lead: int) -> Arrays:
        return rng.normal(size=(*lead, *(sizes[axis] for axis in symbol.axes))).astype(dtype)

    inputs = [made(s, 3) for s in cell.inputs]
    x = module.Inputs(*inputs) if len(inputs) > 1 else inputs[0]
    params = module.Params(*(np.asarray(made(s)) for s in cell.parameters))
    return module, params, x, module.State(*(made(s, 3) for s in cell.states))


def replaced(arrays: Arrays, change: Callable[[Arrays], Arrays]) -> Arrays:
    """The arrays with the first one changed."""
    if not isinstance(arrays, tuple):
        return change(arrays)
    return type(arrays)(*(change(arrays[0]), *arrays[1:]))


@every_cell
@pytest.mark.parametrize("dtype", [np.int64, np.complex128, np.float16, np.bool_, object])
def test_other_dtypes_are_refused(name: str, dtype: DType) -> None:
    """Integers, complex numbers, half floats, booleans and objects, wherever they stand."""
    module, params, x, state = step_arguments(name)
    first = cells[name].parameters[0].name
    text = rf"{name}\.step: {first}: expected dtype float32 or float64, got {np.dtype(dtype)}"
    with pytest.raises(TypeError, match=text):
        module.step(replaced(params, lambda a: a.astype(dtype)), x, state)
    own = cells[name].inputs[0].name
    text = rf"{name}\.step: {own}: expected dtype float64 like the rest, got {np.dtype(dtype)}"
    with pytest.raises(TypeError, match=text):
        module.step(params, replaced(x, lambda a: a.astype(dtype)), state)


@every_cell
def test_mixed_floats_are_refused(name: str) -> None:
    """float32 and float64 are not mixed, in either direction."""
    for one, other in ((np.float64, np.float32), (np.float32, np.float64)):
        module, params, x, state = step_arguments(name, one)
        own = cells[name].inputs[0].name
        text = (
            rf"{name}\.step: {own}: expected dtype {np.dtype(one)} like the rest, "
            rf"got {np.dtype(other)}"
        )
        with pytest.raises(TypeError, match=text):
            module.step(params, replaced(x, partial(np.asarray, dtype=other)), state)


@every_cell
def test_wrong_shapes_are_refused(name: str) -> None:
    """A missing axis, and an axis of another length, in an input, a parameter and a cotangent."""
    module, params, x, state = step_arguments(name)
    own, first = cells[name].inputs[0].name, cells[name].parameters[0].name
    with pytest.raises(ValueError, match=rf"{name}\.step: {own}: expected shape \(.*\), got"):
        module.step(params, replaced(x, lambda a: a[0]), state)
    wider = replaced(params, lambda a: np.concatenate([a, a], axis=-1))
    with pytest.raises(ValueError, match=rf"{name}\.step: \w+: expected shape \(.*\), got"):
        module.step(wider, x, state)
    after, saved = module.step(params, x, state)
    with pytest.raises(ValueError, match=rf"{name}\.step_vjp: \w+: expected shape \(.*\), got"):
        module.step_vjp(params, saved, replaced(after, lambda a: a[:2]))
    assert first in module.Params._fields


@every_cell
def test_lists_are_refused(name: str) -> None:
    """A list is no array, and a bare array is no tuple of parameters."""
    module, params, x, state = step_arguments(name)
    with pytest.raises(TypeError, match=rf"{name}\.step: \w+: expected a NumPy array, got list"):
        module.step(params, replaced(x, lambda a: a.tolist()), state)
    with pytest.raises(TypeError, match=rf"{name}\.step: expected a tuple of .*, got ndarray"):
        module.step(params[0], x, state)
