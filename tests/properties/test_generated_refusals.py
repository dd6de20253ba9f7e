"""Arrays that a generated module refuses, with an error that says what, where, expected and got."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

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
    """A list is no array."""
    module, params, x, state = step_arguments(name)
    with pytest.raises(TypeError, match=rf"{name}\.step: \w+: expected a NumPy array, got list"):
        module.step(replaced(params, lambda a: a.tolist()), x, state)


class Other(NamedTuple):
    """A named tuple of something else."""

    q: float


WRONG = [None, np.zeros(3), (np.zeros(3),), {"h": 1}, Other(0.0)]


@every_cell
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: type(wrong).__name__)
def test_wrong_containers_are_refused(name: str, wrong: Arrays) -> None:
    """Whatever is no named tuple of the arrays, at every place of every function."""
    module, params, x, state = step_arguments(name)
    xs = type(x)(*(a[None] for a in x)) if isinstance(x, tuple) else x[None]
    after, saved = module.step(params, x, state)
    nexts, tape = module.unroll(params, xs, state)
    several = isinstance(x, tuple)
    got = "Other(q)" if isinstance(wrong, Other) else type(wrong).__name__
    moved = {"dparams": params, "dx": x, "dstate": state}
    moved_over_time = {"dparams": params, "dxs": xs, "dstate0": state}
    for function, given in {
        "step": {"params": params, "x": x, "state": state},
        "step_vjp": {"params": params, "saved": saved, "dnext": after},
        "step_jvp": {"params": params, "saved": saved, **moved},
        "step_hvp": {"params": params, "saved": saved, "dnext": after, **moved},
        "step_jacobian": {"params": params, "saved": saved},
        "unroll": {"params": params, "xs": xs, "state0": state},
        "unroll_vjp": {"params": params, "tape": tape, "dnexts": nexts},
        "unroll_jvp": {"params": params, "tape": tape, **moved_over_time},
    }.items():
        for argument in given:
            if argument.lstrip("d") in ("x", "xs") and not several:
                continue
            if argument.startswith("d") and wrong is None:
                continue
            kind = type(given[argument])
            zero = " or None" if argument.startswith("d") else ""
            wanted = f"expected {kind.__name__}({', '.join(kind._fields)}){zero}, got {got}"
            text = re.escape(f"{name}.{function}: {argument}: {wanted}")
            with pytest.raises(TypeError, match=text):
                getattr(module, function)(**{**given, argument: wrong})


@every_cell
def test_none_is_no_parameter(name: str) -> None:
    """It stands for zero in derivatives alone, also where nothing else is given."""
    module, params, x, state = step_arguments(name)
    nothing = params._make([None] * len(params))
    none = x._make([None] * len(x)) if isinstance(x, tuple) else None
    with pytest.raises(TypeError, match=rf"{name}\.step: .*expected .*, got NoneType"):
        module.step(nothing, none, state._make([None] * len(state)))


@every_cell
def test_none_is_zero(name: str) -> None:
    """None for a whole cotangent or tangent is zeros, as None for each of its fields is."""
    module, params, x, state = step_arguments(name)
    xs = type(x)(*(a[None] for a in x)) if isinstance(x, tuple) else x[None]
    after, saved = module.step(params, x, state)
    nexts, tape = module.unroll(params, xs, state)
    for results, like in (
        (module.step_vjp(params, saved, None), (params, x, state)),
        (module.step_jvp(params, saved, None, None, None), after),
        (module.step_hvp(params, saved, None, params, None, None), (params, x, state)),
        (module.step_hvp(params, saved, after, None, None, None), (params, x, state)),
        (module.unroll_vjp(params, tape, None), (params, xs, state)),
        (module.unroll_jvp(params, tape, None, None, None), nexts),
    ):
        for zero, own in zip(arrays_in(results), arrays_in(like), strict=True):
            assert zero.shape == own.shape
            assert zero.dtype == own.dtype
            assert not zero.any()


@every_cell
def test_a_field_that_is_none_is_zero_among_others(name: str) -> None:
    """Over several steps, where what later steps send is added to what is given."""
    module, params, x, state = step_arguments(name)
    xs = type(x)(*(np.stack([a] * 5) for a in x)) if isinstance(x, tuple) else np.stack([x] * 5)
    nexts, tape = module.unroll(params, xs, state)
    rng = np.random.default_rng(0)
    given = nexts._make(rng.normal(size=value.shape).astype(value.dtype) for value in nexts)
    none = nexts._make([None] * len(nexts))
    parts = list(map(np.zeros_like, arrays_in((params, xs, state))))
    for field, value in given._asdict().items():
        absent = module.unroll_vjp(params, tape, given._replace(**{field: None}))
        zero = module.unroll_vjp(params, tape, given._replace(**{field: np.zeros_like(value)}))
        for got, expected in zip(arrays_in(absent), arrays_in(zero), strict=True):
            np.testing.assert_array_equal(got, expected)
        alone = module.unroll_vjp(params, tape, none._replace(**{field: value}))
        parts = [part + own for part, own in zip(parts, arrays_in(alone), strict=True)]
        assert any(map(np.any, arrays_in(alone)))
    for whole, total in zip(arrays_in(module.unroll_vjp(params, tape, given)), parts, strict=True):
        np.testing.assert_allclose(whole, total, rtol=1e-12, atol=1e-12)


def arrays_in(values: Arrays) -> list[Arrays]:
    """All arrays of nested tuples."""
    if not isinstance(values, tuple):
        return [np.asarray(values)]
    return [array for value in values for array in arrays_in(value)]


@every_cell
def test_named_tuples_of_the_same_fields_are_accepted(name: str) -> None:
    """A module that was loaded again has classes of its own; the fields are what counts."""
    module, params, x, state = step_arguments(name)
    fields = [(field, Any) for field in module.Params._fields]
    twin = NamedTuple("Params", fields)(*params)
    same = zip(module.step(twin, x, state)[0], module.step(params, x, state)[0], strict=True)
    assert all(np.array_equal(one, other) for one, other in same)


@every_cell
def test_wrong_arguments_of_init(name: str) -> None:
    """A length that is none, a dtype that is none, and what draws nothing."""
    module = importlib.import_module(f"equations.generated.{name}")
    rng = np.random.default_rng(0)
    own = cells[name].parameters
    sizes = {axis: 2 for s in own for axis in s.axes}
    axis = next(iter(sizes))
    for wrong in (-1, 3.0, "3", None):
        text = rf"{name}\.init: {axis}: expected an integer of at least 0, got {wrong!r}"
        with pytest.raises(ValueError, match=text):
            module.init(rng, **{**sizes, axis: wrong})
    for dtype in ("foo", int, np.complex128, np.float16):
        text = rf"{name}\.init: dtype: expected float32 or float64, got {re.escape(str(dtype))}"
        with pytest.raises(TypeError, match=text):
            module.init(rng, **sizes, dtype=dtype)
    with pytest.raises(TypeError, match=rf"{name}\.init: rng: expected a NumPy random Gen.* int"):
        module.init(0, **sizes)
    assert module.init(rng, **{**sizes, axis: np.int64(0)}, dtype="float32")[0].dtype == np.float32


@every_cell
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("kind", [np.asmatrix, np.ma.masked_array])
def test_arrays_that_compute_otherwise_are_refused(name: str, kind: Callable[..., Any]) -> None:
    """A matrix takes * for a product, and a masked array leaves elements out."""
    module, params, x, state = step_arguments(name)
    place = next(k for k, array in enumerate(params) if array.ndim == 2)
    wrong = params._replace(**{params._fields[place]: kind(params[place])})
    with pytest.raises(TypeError, match="expected a NumPy array, got "):
        module.step(wrong, x, state)
