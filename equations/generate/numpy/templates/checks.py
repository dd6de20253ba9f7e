"""The checks of arguments, which put zeros in the place of None."""

from __future__ import annotations

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
            dtypes = [array.dtype for array in arrays if array is not None]
            shapes = [None if array is None else array.shape for array in arrays]
            sizes = _lengths(function, tuple(shapes))
            if sizes is not None:
                dtype = dtypes[0]
                # Counting compares by identity first, which a set does not.
                if dtypes.count(dtype) == len(dtypes) and dtype in _DTYPES:
                    zeros = type(None) in kinds
                    full = _filled(function, groups, sizes, dtype) if zeros else groups
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
        zero = argument.startswith("d") and type(None) in map(type, arrays)
        if type(arrays) is kind and not zero:
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
