"""Arguments of layers are checked as those of generated modules are, and refused in their words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from equations.layers.arrays import Arrays

Group = tuple[Arrays, Mapping[str, str], str]
"""Arrays, the axes of each by name, and the axes that come before those."""

DTYPES = (np.float32, np.float64)


def checked(where: str, *groups: Group) -> tuple[dict[str, int], np.dtype[Any]]:
    """The length of every axis and the dtype, once all arrays agree on them.

    Raises:
        TypeError: a group is no tuple of its arrays, or an array has another dtype.
        ValueError: an array has another shape.
    """
    sizes: dict[str, int] = {}
    dtype: np.dtype[Any] | None = None
    for arrays, table, lead in groups:
        if not isinstance(arrays, tuple) or len(arrays) != len(table):
            names, got = ", ".join(table), type(arrays).__name__
            raise TypeError(f"{where}: expected a tuple of {names}, got {got}")
        for array, (name, own) in zip(arrays, table.items(), strict=True):
            if not isinstance(array, np.ndarray | np.generic):
                got = type(array).__name__
                raise TypeError(f"{where}: {name}: expected a NumPy array, got {got}")
            dtype = dtype or array.dtype
            if array.dtype not in DTYPES or array.dtype != dtype:
                wanted = f"{dtype} like the rest" if dtype in DTYPES else "float32 or float64"
                raise TypeError(f"{where}: {name}: expected dtype {wanted}, got {array.dtype}")
            axes = f"{lead} {own}".split()
            known = zip(axes, array.shape, strict=False)
            if len(axes) != array.ndim or any(sizes.setdefault(axis, n) != n for axis, n in known):
                wanted = ", ".join(f"{axis}={sizes.get(axis, 'any')}" for axis in axes)
                raise ValueError(f"{where}: {name}: expected shape ({wanted}), got {array.shape}")
    return sizes, np.dtype(dtype)
