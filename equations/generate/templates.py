"""The generated functions as they read, with places for what depends on the cell.

`{name}` is replaced within its line; a line that is only `<name>` by lines of its own.
"""

from __future__ import annotations

MODULE = '''
"""<title>
<equations>

<header>
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, cast, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

_CELL = "{name}"
_DTYPES = (np.float32, np.float64)
_ARRAYS = frozenset({{np.ndarray, *_DTYPES, type(None)}})
<axes>


<classes>


<init>


<functions>


<runtime>
'''

INIT = '''
def init(rng: np.random.Generator, *, {sizes}dtype: DTypeLike = np.float64) -> Params:
    """Random parameters: weights uniform within 1/sqrt(fan in), everything else zero.

    Args:
        rng: the random generator that is drawn from.
        <lengths>
        dtype: float32 or float64.
    """
    <check>
    <parameters>
'''

STEP = '''
def step(params: Params, x: {x_type}, state: State) -> tuple[{next_type}, Saved]:
    """One time step: the new state, and the values of the equations for its derivatives.

    Args:
        params: the parameters.
        x: the input, {input_shapes}.
        state: the old state, {state_shapes}.

    Returns:
        {next_shapes}.
        The values of the equations, which may refer to arguments and results: do not change them.
    """
    <check>
    <params>
    <inputs>
    <state>
    <forward>
    <saved>
    return {next}, saved
'''

STEP_VJP = '''
def step_vjp(
    params: Params, saved: Saved, dnext: {next_type} | None
) -> tuple[Params, {x_type}, State]:
    """Reverse mode of `step`: cotangents of parameters, input and old state.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dnext: the cotangents of what `step` returned, with its shapes; it or a field may be None
            for zero.

    Returns:
        Cotangents shaped like the arguments of `step`; those of the parameters are summed over
        the batch.
    """
    <check>
    <params>
    <saved>
    <seeds>
    <backward>
    <return>
'''

STEP_JVP = '''
def step_jvp(
    params: Params, saved: Saved, dparams: Params | None,
    dx: {x_type} | None, dstate: State | None
) -> {next_type}:
    """Forward mode of `step`: the tangents of what it returned.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dparams: the tangents of the parameters; it or a field may be None for zero.
        dx: the tangent of the input; None for zero.
        dstate: the tangent of the old state; it or a field may be None for zero.

    Returns:
        {next_shapes}.
    """
    <check>
    <params>
    <saved>
    <tangents>
    <tangent>
    return {moved_next}
'''

STEP_HVP = '''
def step_hvp(
    params: Params, saved: Saved, dnext: {next_type} | None, dparams: Params | None,
    dx: {x_type} | None, dstate: State | None
) -> tuple[Params, {x_type}, State]:
    """Second order: how the cotangents of `step_vjp` change along a direction.

    This is the Hessian of the inner product of `dnext` and the results of `step`, times the
    direction.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dnext: the cotangents of what `step` returned, held fixed; it or a field may be None
            for zero.
        dparams: the direction in the parameters; it or a field may be None for zero.
        dx: the direction in the input; None for zero.
        dstate: the direction in the old state; it or a field may be None for zero.

    Returns:
        The directional derivatives of what `step_vjp` returns.
    """
    <check>
    <params>
    <saved>
    <seeds>
    <tangents>
    <second>
    <return>
'''

STEP_JACOBIAN = '''
def step_jacobian(params: Params, saved: Saved) -> Jacobian:
    """The derivative of every new state by every old one.

    Args:
        params: the parameters.
        saved: what `step` kept.

    Returns:
        `jacobian.a.b` is the derivative of the new `a` by the old `b`: the batch, the axes of `a`,
        the axes of `b`.
    """
    <check>
    <params>
    <saved>
    <jacobian>
    <return>
'''

UNROLL_OVERLOADS = """
@overload
def unroll(params: Params, xs: {x_type}, state0: State) -> tuple[{next_type}, Tape]: ...
@overload
def unroll(
    params: Params, xs: {x_type}, state0: State, *, checkpoint_every: int
) -> tuple[{next_type}, Checkpoints]: ...
"""

UNROLL = '''
def unroll(
    params: Params, xs: {x_type}, state0: State, *, checkpoint_every: int | None = None
) -> tuple[{next_type}, Tape | Checkpoints]:
    """A sequence: what `step` returns after every step, and the values of the equations.

    Args:
        params: the parameters.
        xs: the inputs, {input_shapes_over_time}.
        state0: the first state, {state_shapes}.
        checkpoint_every: keep the states of every so many steps alone, and compute the rest again
            on the way back: less memory for more time. The gradients are the same but for rounding.

    Returns:
        {next_shapes_over_time}.
        The tape, which may refer to arguments and results: do not change it. Besides those it holds
        {floats} per step and sample.
    """
    if checkpoint_every is not None:
        return _unroll_in_segments(params, xs, state0, checkpoint_every)
    <check>
    <params>
    <rows>
    <storage>
    <before>
    <loop>
    <after>
    tape = Tape(
        <tape>
    )
    return {next}, tape
'''

UNROLL_VJP = '''
def unroll_vjp(
    params: Params, tape: Tape | Checkpoints, dnexts: {next_type} | None
) -> tuple[Params, {x_type}, State]:
    """Backpropagation through time: cotangents of parameters, inputs and first state.

    Args:
        params: the parameters.
        tape: what `unroll` kept.
        dnexts: the cotangents of what `unroll` returned, for every step; it or a field may be
            None for zero.

    Returns:
        Cotangents shaped like the arguments of `unroll`; those of the parameters are summed over
        batch and time.
    """
    if isinstance(tape, Checkpoints):
        return _unroll_vjp_in_segments(params, tape, dnexts)
    <check>
    <params>
    <rows>
    <storage>
    <before>
    <loop>
    <after>
    <return>
'''

UNROLL_JVP = '''
def unroll_jvp(
    params: Params, tape: Tape | Checkpoints, dparams: Params | None,
    dxs: {x_type} | None, dstate0: State | None
) -> {next_type}:
    """Forward mode of `unroll`: the tangents of what it returned, for every step.

    Args:
        params: the parameters.
        tape: what `unroll` kept.
        dparams: the tangents of the parameters; it or a field may be None for zero.
        dxs: the tangents of the inputs; None for zero.
        dstate0: the tangent of the first state; it or a field may be None for zero.

    Returns:
        {next_shapes_over_time}.
    """
    if isinstance(tape, Checkpoints):
        return _unroll_jvp_in_segments(params, tape, dparams, dxs, dstate0)
    <check>
    <params>
    <tangents>
    <rows>
    <storage>
    <before>
    <loop>
    <after>
    return {moved_next}
'''

GATES = '''
def _gates(T: int, G: int, *lengths: int, dtype: DTypeLike) -> Array:
    """Room for G gates at every step, (T, G, B, n): all of one gate together, or all of one row.

    The second is better for a single row per step: then what one step computes is in one piece.
    """
    B, *rest = lengths
    if B == 1:
        return np.empty((T, B, G, *rest), dtype).swapaxes(1, 2)
    return np.empty((G, T, B, *rest), dtype).swapaxes(0, 1)
'''

PRODUCT = '''
def _product(x: Array, weights: tuple[Array, ...], out: Array) -> None:
    """Every row of x (T, B, k) times each of the weights (n, k), into out (T, G, B, n)."""
    (T, G, B, n), k = out.shape, x.shape[2]
    rows, joint = x.reshape(T * B, k), np.concatenate(weights)
    if B == 1:
        np.matmul(rows, joint.T, out=out.reshape(T, G * n))
    else:
        by_gate = joint.reshape(G, n, k).swapaxes(1, 2)
        np.matmul(rows, by_gate, out=out.swapaxes(0, 1).reshape(G, T * B, n))
'''

COLUMNS = '''
def _columns(weights: Array, G: int, B: int) -> Array:
    """Weights of G gates (G n, k) for products with B rows: (G, n / width, k, width).

    The blocks of columns are as wide as BLAS multiplies without packing, which is much faster. For
    a single row they are one matrix.
    """
    rows, k = weights.shape
    if B == 1:
        return np.ascontiguousarray(weights.T)
    n = rows // G
    widths = [width for width in (256, 128, 64, 32, 16) if n % width == 0]
    small = [width for width in widths if B * k * width <= 1_000_000]
    width = (small or widths[:1] or [n])[0]
    return np.ascontiguousarray(weights.reshape(G, n // width, width, k).swapaxes(2, 3))
'''

BLOCKS = '''
def _blocks(out: Array, weights: Array) -> Array:
    """The view of results (..., G, B, n) that a product with `_columns` fills.

    The gates of a single row must lie in one piece.
    """
    *lead, G, B, n = out.shape
    if weights.ndim == 2:
        return out.reshape(*lead, B, G * n)
    width = weights.shape[-1]
    return out.reshape(*lead, G, B, n // width, width).swapaxes(-3, -2)
'''

CHUNK = '''
def _chunk(T: int, values: int) -> int:
    """How many steps of so many values each fit into the cache, and so are computed at once."""
    return max(1, min(T, max(8, 131_072 // max(values, 1))))
'''

SEGMENTS = '''
def _unroll_in_segments(
    params: Params, xs: {x_type}, state0: State, every: int
) -> tuple[{next_type}, Checkpoints]:
    """The sequence segment by segment; of each the first state is kept."""
    sizes, *_ = _check("unroll", params, {xs_group}, state0)
    if type(every) is not int or every < 1:
        expected = "expected an integer of at least 1"
        raise ValueError(f"{{_CELL}}.unroll: checkpoint_every: {{expected}}, got {{every!r}}")
    if _COUNTS_STEPS and every < sizes["T"]:
        expected = "the equations count the steps, so they cannot be cut into segments"
        raise ValueError(f"{{_CELL}}.unroll: checkpoint_every: {{expected}}")
    states, parts = [], []
    for start in range(0, max(sizes["T"], 1), every):
        states.append(State(*map(np.copy, cast("tuple[Array, ...]", state0))))
        steps = slice(start, start + every)
        part, _ = unroll(params, {xs_part}, state0)
        parts.append(part)
        state0 = _last(part, state0)
    nexts = {next_type}(*map(np.concatenate, zip(*parts, strict=True)))
    return nexts, Checkpoints(xs, tuple(states), every)


def _unroll_vjp_in_segments(
    params: Params, tape: Checkpoints, dnexts: {next_type} | None
) -> tuple[Params, {x_type}, State]:
    """Backpropagation through time segment by segment, each computed forward again."""
    xs, dxs, total = tape.x, [], None
    later: tuple[Any, ...] = (0,) * len(State._fields)
    maybe = _over_time("unroll_vjp", "dnexts", dnexts, tape)
    for k, state in reversed(list(enumerate(tape.states))):
        steps = slice(k * tape.every, (k + 1) * tape.every)
        part, again = unroll(params, {xs_part}, state)
        given = [
            np.zeros_like(value) if d is None else d[steps].copy()
            for value, d in zip(part, maybe, strict=True)
        ]
        for d, carried in zip(given, later, strict=False):
            d[-1:] += carried
        dparams, dx, later = unroll_vjp(params, again, {next_type}(*given))
        total = dparams if total is None else Params(*map(np.add, total, dparams))
        dxs.append({dx_group})
    joined = [np.concatenate(parts[::-1]) for parts in zip(*dxs, strict=True)]
    return cast("Params", total), {dx_joined}, State(*later)


def _unroll_jvp_in_segments(
    params: Params,
    tape: Checkpoints,
    dparams: Params | None,
    dxs: {x_type} | None,
    dstate0: State | None,
) -> {next_type}:
    """Forward mode segment by segment, each computed forward again."""
    xs, parts = tape.x, []
    maybe = _over_time("unroll_jvp", "dxs", {dxs_group}, tape)
    dstate0 = State(*_fields("unroll_jvp", "dstate0", dstate0))
    for k, state in enumerate(tape.states):
        steps = slice(k * tape.every, (k + 1) * tape.every)
        _, again = unroll(params, {xs_part}, state)
        dx: list[Any] = [None if d is None else d[steps] for d in maybe]
        part = unroll_jvp(params, again, dparams, {dxs_part}, dstate0)
        parts.append(part)
        dstate0 = _last(part, dstate0)
    return {next_type}(*map(np.concatenate, zip(*parts, strict=True)))


def _last(values: tuple[Array, ...], before: State) -> State:
    """The states after the last step; those before the first where there was none."""
    pairs: Iterable[tuple[Array, Array]] = zip(values, before, strict=False)
    return State(*[value[-1] if len(value) else first for value, first in pairs])


def _over_time(function: str, name: str, group: _Given, tape: Checkpoints) -> tuple[Any, ...]:
    """The arrays of an argument that has some for every step; None for each if it is None."""
    T, arrays = len({first_x}), _fields(function, name, group)
    for array in arrays:
        if array is not None and getattr(array, "shape", ())[:1] != (T,):
            got = getattr(array, "shape", type(array).__name__)
            expected = f"expected arrays of T={{T}} steps, got {{got}}"
            raise ValueError(f"{{_CELL}}.{{function}}: {{name}}: {{expected}}")
    return arrays
'''

CHECK_INIT = '''
def _check_init(rng: object, dtype: DTypeLike, **lengths: object) -> None:
    """Refuse what `init` cannot draw parameters from."""
    if not isinstance(rng, np.random.Generator):
        expected = f"expected a NumPy random Generator, got {{type(rng).__name__}}"
        raise TypeError(f"{{_CELL}}.init: rng: {{expected}}")
    try:
        known = np.dtype(dtype) in _DTYPES
    except (TypeError, ValueError):
        known = False
    if not known:
        raise TypeError(f"{{_CELL}}.init: dtype: expected float32 or float64, got {{dtype}}")
    for axis, n in lengths.items():
        if not isinstance(n, int | np.integer) or n < 0:
            expected = f"expected an integer of at least 0, got {{n!r}}"
            raise ValueError(f"{{_CELL}}.init: {{axis}}: {{expected}}")
'''

CHECK = '''
_Given = Any  # what a function is given for an argument
_GROUPS: dict[str, tuple[Any, str, dict[str, str]]] = {{
    "params": (Params, "", _PARAMS),
    "x": ({x_group}, "B", _INPUTS),
    "xs": ({x_group}, "T B", _INPUTS),
    "state": (State, "B", _STATE),
    "state0": (State, "B", _STATE),
    "saved": (Saved, "B", _SAVED),
    "tape": (Tape, "T B", _SAVED),
    "next": ({next_type}, "B", _NEXT),
    "nexts": ({next_type}, "T B", _NEXT),
}}
# A cotangent or a tangent has the shapes of what it belongs to, and may be None for zero.
_GROUPS |= {{f"d{{name}}": group for name, group in _GROUPS.items()}}
_ARGUMENTS = {{
    "step": ("params", "x", "state"),
    "step_vjp": ("params", "saved", "dnext"),
    "step_jvp": ("params", "saved", "dparams", "dx", "dstate"),
    "step_hvp": ("params", "saved", "dnext", "dparams", "dx", "dstate"),
    "step_jacobian": ("params", "saved"),
    "unroll": ("params", "xs", "state0"),
    "unroll_vjp": ("params", "tape", "dnexts"),
    "unroll_jvp": ("params", "tape", "dparams", "dxs", "dstate0"),
}}
_KINDS = {{name: tuple(_GROUPS[own][0] for own in of) for name, of in _ARGUMENTS.items()}}


def _check(function: str, *groups: _Given) -> tuple[Any, ...]:
    """The length of every axis and the dtype, and the arguments with zeros for None."""
    if tuple(map(type, groups)) == _KINDS[function]:
        arrays: list[Array | None] = list(chain.from_iterable(groups))
        kinds = set(map(type, arrays))
        if kinds <= _ARRAYS:
            dtype, *others = dict.fromkeys([array.dtype for array in arrays if array is not None])
            sizes = _lengths(function, tuple([getattr(array, "shape", None) for array in arrays]))
            if sizes is not None and dtype in _DTYPES and not others:
                full = _filled(function, groups, sizes, dtype) if type(None) in kinds else groups
                return sizes, dtype, *full
    return _checked(function, *groups)


@lru_cache(maxsize=64)
def _lengths(function: str, shapes: tuple[tuple[int, ...] | None, ...]) -> dict[str, int] | None:
    """The length of every axis, from the shapes of all arrays; None if they do not fit."""
    axes = [
        (f"{{lead}} {{own}}".split(), argument.startswith("d"))
        for argument in _ARGUMENTS[function]
        for _, lead, table in [_GROUPS[argument]]
        for own in table.values()
    ]
    sizes: dict[str, int] = {{}}
    for (names, zero), shape in zip(axes, shapes, strict=True):
        if shape is None and zero:
            continue
        if shape is None:
            return None
        known = zip(names, shape, strict=False)
        if len(names) != len(shape) or any(sizes.setdefault(name, n) != n for name, n in known):
            return None
    return sizes


def _checked(function: str, *groups: _Given) -> tuple[Any, ...]:
    """The same array by array, to say which one does not fit, or to put zeros in its place."""
    sizes: dict[str, int] = {{}}
    dtype: np.dtype[Any] | None = None
    arguments = _ARGUMENTS[function]
    given = [_fields(function, *pair) for pair in zip(arguments, groups, strict=True)]
    for argument, arrays in zip(arguments, given, strict=True):
        _, lead, table = _GROUPS[argument]
        for array, (name, own) in zip(arrays, table.items(), strict=True):
            if array is None and argument.startswith("d"):
                continue
            where = f"{{_CELL}}.{{function}}: {{name}}"
            if type(array) not in (np.ndarray, np.memmap, *_DTYPES):
                got = type(array).__name__  # a matrix or a masked array computes otherwise
                raise TypeError(f"{{where}}: expected a NumPy array, got {{got}}")
            dtype = dtype or array.dtype
            if array.dtype not in _DTYPES or array.dtype != dtype:
                wanted = f"{{dtype}} like the rest" if dtype in _DTYPES else "float32 or float64"
                raise TypeError(f"{{where}}: expected dtype {{wanted}}, got {{array.dtype}}")
            axes = f"{{lead}} {{own}}".split()
            known = zip(axes, array.shape, strict=False)
            if len(axes) != array.ndim or any(sizes.setdefault(axis, n) != n for axis, n in known):
                wanted = ", ".join(f"{{axis}}={{sizes.get(axis, 'any')}}" for axis in axes)
                raise ValueError(f"{{where}}: expected shape ({{wanted}}), got {{array.shape}}")
    return sizes, dtype, *_filled(function, given, sizes, cast("np.dtype[Any]", dtype))


def _filled(
    function: str, groups: Iterable[_Given], sizes: dict[str, int], dtype: np.dtype[Any]
) -> Iterator[_Given]:
    """The arguments, with zeros where there is None."""
    for argument, arrays in zip(_ARGUMENTS[function], groups, strict=True):
        kind, lead, table = _GROUPS[argument]
        if type(arrays) is kind and not any(array is None for array in arrays):
            yield arrays
            continue
        values = [
            np.zeros([sizes[axis] for axis in f"{{lead}} {{own}}".split()], dtype)
            if array is None
            else array
            for array, own in zip(arrays, table.values(), strict=True)
        ]
        yield getattr(kind, "_make", kind)(values)


def _fields(function: str, argument: str, group: _Given) -> tuple[Any, ...]:
    """The arrays of an argument, which may be None for zero: then None for each."""
    kind, _, table = _GROUPS[argument]
    zero = argument.startswith("d")
    if group is None and zero:
        return (None,) * len(table)
    if getattr(group, "_fields", None) != getattr(kind, "_fields", None):
        wanted = f"{{kind.__name__}}({{', '.join(table)}}){{' or None' if zero else ''}}"
        fields = f"({{', '.join(group._fields)}})" if hasattr(group, "_fields") else ""
        got = f"got {{type(group).__name__}}{{fields}}"
        raise TypeError(f"{{_CELL}}.{{function}}: {{argument}}: expected {{wanted}}, {{got}}")
    return tuple(group)
'''

HELPERS = {
    "_gates": GATES,
    "_product": PRODUCT,
    "_columns": COLUMNS,
    "_blocks": BLOCKS,
    "_chunk": CHUNK,
}
"""Functions that a module carries if it calls them."""
