"""Python functions `step(x, state..., **weights)` or `unroll(xs, state..., **weights)`.

How a function wants to be called is found by calling it: with a batch or sample by sample, its
states one by one or as a tuple. It is right when states come back of the shapes that went in.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from verify.dialects import fitting
from verify.dialects.arrays import flattened
from verify.dialects.layout import Array, DialectError
from verify.identification.target import Arrays, States, Target

Call = Callable[..., Any]
"""`call(arrays, x, *states)`."""

BATCH, STEPS = 3, 2
PARTS = (1, 2, 3, 4, 6, 8)
"""A stacked array may be so many times as long as a state."""


@dataclass(frozen=True)
class Convention:
    """How a function is called.

    Attributes:
        sequence: x is (T, B, n_x) rather than (B, n_x).
        batched: whether there is a B.
        together: the states are one argument, a tuple.
    """

    sequence: bool
    batched: bool
    together: bool


def of_function(
    call: Call,
    weights: Mapping[str, Any],
    *,
    title: str,
    signature: inspect.Signature,
    sequence: bool | None = None,
) -> Target:
    """A function with arrays to start from; its sizes are found by calling it.

    Args:
        call: of the arrays by name, an input and the states.
        weights: arrays by name, nested or flat.
        title: what it is called in messages.
        signature: of its arguments; those that are no weights are the input and the states.
        sequence: whether it takes all steps at once; as its first argument is called unless given.

    Raises:
        DialectError: no sizes and no way of calling it give states of the shapes that came in.
    """
    arrays = {name: np.asarray(value) for name, value in flattened(weights).items()}
    if not arrays:
        raise DialectError(f"{title}: expected weight arrays by name, got none")
    for name, array in arrays.items():
        if array.dtype.kind not in "fiu" or not np.all(np.isfinite(array)):
            raise DialectError(f"{title}: {name}: expected finite numbers, got {array.dtype}")
    kinds = {array.dtype for array in arrays.values() if array.dtype.kind == "f"}
    dtype = np.dtype(np.float32 if kinds == {np.dtype(np.float32)} else np.float64)
    arrays = {name: array.astype(dtype) for name, array in arrays.items()}
    own = [
        p.name
        for p in signature.parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name not in arrays
    ]
    if len(own) < 2:
        raise DialectError(
            f"{title}: expected arguments x, state..., **weights, got ({', '.join(own)})"
        )
    whole = own[0] in ("xs", "inputs", "sequence") if sequence is None else sequence
    reasons = ""
    for n_x, lengths, convention in _ways(arrays, len(own) - 1, sequence=whole):
        rng = np.random.default_rng(0)
        xs = rng.standard_normal((STEPS, BATCH, n_x)).astype(dtype)
        states = tuple(rng.uniform(-1, 1, (BATCH, n)).astype(dtype) for n in lengths)
        try:
            found = _run(call, convention, arrays, xs, states)
        except Exception as error:  # noqa: BLE001 - whatever a function of the user's raises
            reasons = reasons or f"{type(error).__name__}: {' '.join(str(error).split())}"
            continue
        if [f.shape for f in found] != [s.shape for s in states]:
            continue

        def run(
            given: Arrays, xs: Array, states: States, convention: Convention = convention
        ) -> States:
            return _run(call, convention, given, xs, states)

        return Target(title, arrays, run, arrays, n_x, lengths, dtype=dtype, whole=True)
    fits = fitting.suggested({name: array.shape for name, array in arrays.items()})
    shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
    raise DialectError(
        f"{title}: with {shapes} no lengths of x and the states were found that it accepts"
        f"{'; it raised ' + reasons if reasons else ''}{'; ' if fits else ''}{fits}"
    )


def _ways(
    arrays: Arrays, count: int, *, sequence: bool
) -> Iterator[tuple[int, tuple[int, ...], Convention]]:
    """Sizes and conventions, the likely ones first."""
    dims = {n for array in arrays.values() for n in array.shape}
    states = sorted({n // k for n in dims for k in PARTS if n % k == 0}, reverse=True)
    inputs = sorted(dims | {a - b for a in dims for b in states if a > b} | set(states))
    ways = [(count, False), (2, True)] if count == 1 else [(count, False)]
    for (n, together), batched in itertools.product(ways, (True, False)):
        for n_h, n_x in itertools.product(states, inputs):
            yield n_x, (n_h,) * n, Convention(sequence, batched, together)


def _run(call: Call, convention: Convention, arrays: Arrays, xs: Array, states: States) -> States:
    """The states after the last step."""
    if not convention.batched:
        single = Convention(convention.sequence, batched=True, together=convention.together)
        each = [
            _run(call, single, arrays, xs[:, b], tuple(state[b] for state in states))
            for b in range(xs.shape[1])
        ]
        return tuple(np.stack(parts) for parts in zip(*each, strict=True))
    if convention.sequence:
        return _states(_called(call, convention, arrays, xs, states), states)
    for x in xs:
        states = _states(_called(call, convention, arrays, x, states), states)
    return states


def _called(call: Call, convention: Convention, arrays: Arrays, x: Array, states: States) -> Any:  # noqa: ANN401 - whatever it returns
    copies = tuple(state.copy() for state in states)
    given = {name: array.copy() for name, array in arrays.items()}
    return call(given, x.copy(), *((copies,) if convention.together else copies))


def _states(result: Any, before: States) -> States:  # noqa: ANN401
    """The last arrays of what was returned, one for each state; of a sequence the last step."""
    leaves = [np.asarray(leaf) for leaf in _leaves(result)][-len(before) :]
    if len(leaves) < len(before):
        raise ValueError(f"expected {len(before)} states, got {len(leaves)}")
    return tuple(
        leaf[-1] if leaf.ndim == state.ndim + 1 else leaf
        for leaf, state in zip(leaves, before, strict=True)
    )


def _leaves(result: Any) -> Iterator[Any]:  # noqa: ANN401
    if isinstance(result, list | tuple):
        for part in result:
            yield from _leaves(part)
    elif isinstance(result, Mapping):
        yield from _leaves(list(result.values()))
    else:
        yield result


def imported(text: str) -> Any:  # noqa: ANN401 - whatever the user names
    """What `module:attribute` or `file.py:attribute` names; the module is imported, so it runs.

    Raises:
        DialectError: there is no such module, file or attribute, or importing it fails.
    """
    place, _, name = text.rpartition(":")
    if not place or not name:
        raise DialectError(f"{text}: expected module:attribute, file.py:attribute or model.onnx")
    if place.endswith(".py") and not Path(place).is_file():
        raise DialectError(f"{place}: no such file")
    try:
        module = _loaded(place)
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise DialectError(f"{place}: cannot be imported: {reason}") from error
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            near = ", ".join(k for k in vars(module) if not k.startswith("_"))
            raise DialectError(f"{place} has no {name}; it has {near}")
        found = getattr(found, part)
    return found


def _loaded(place: str) -> ModuleType:
    """A module by its name, also of the folder one is in, or a file."""
    if place.endswith(".py"):
        path = Path(place)
        name = f"gateproof_target_{path.stem}"
        loader = SourceFileLoader(name, str(path))
        module = importlib.util.module_from_spec(ModuleSpec(name, loader, origin=str(path)))
        module.__file__ = str(path)
        sys.modules[name] = module  # a dataclass looks its own module up
        loader.exec_module(module)
        return module
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(place)
    finally:
        sys.path.pop(0)


def of_callable(
    function: Callable[..., Any],
    weights: Mapping[str, Any] | None,
    *,
    sequence: bool | None = None,
) -> Target:
    """A Python function and its weights, those of its attribute `weights` unless given.

    Raises:
        DialectError: there are no weights, some have unknown names, or it cannot be called.
    """
    title = getattr(function, "__name__", type(function).__name__)
    given = weights if weights is not None else getattr(function, "weights", None)
    signature = inspect.signature(function)
    if given is None:
        given = {
            p.name: p.default
            for p in signature.parameters.values()
            if isinstance(p.default, np.ndarray)
        }
    if not given:
        raise DialectError(
            f"{title}: has no weights; give arrays by name (weights=..., or --weights FILE), or "
            "set them as its attribute `weights`"
        )
    keywords = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    names = [p.name for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    if unknown := [name for name in given if name not in names and not keywords]:
        raise DialectError(f"{title}: has no argument {unknown[0]}; it has {', '.join(names)}")

    def call(arrays: Arrays, x: Array, *states: Any) -> Any:  # noqa: ANN401
        return function(x, *states, **arrays)

    return of_function(call, given, title=title, signature=signature, sequence=sequence)
