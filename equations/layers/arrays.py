"""Nested tuples of arrays, treated as one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = Any  # an array, or a (named) tuple of such: parameters, states, inputs


def map_arrays(function: Callable[..., Any], tree: Arrays, *others: Arrays) -> Arrays:
    """Apply a function to the arrays that stand in the same place of one or more trees.

    Args:
        function: of as many arrays as there are trees.
        tree: an array, or tuples and named tuples of arrays, nested; the result has this form.
        others: trees of the same form.
    """
    if not isinstance(tree, tuple):
        return function(tree, *others)
    branches = [map_arrays(function, *parts) for parts in zip(tree, *others, strict=True)]
    return type(tree)(*branches) if hasattr(tree, "_fields") else tuple(branches)


def add(one: Arrays, other: Arrays) -> Arrays:
    """The sum of two trees."""
    return map_arrays(np.add, one, other)


def parts(value: Arrays, count: int, where: str) -> tuple[Arrays, ...]:
    """The parts of a tuple that has one for each layer; None is None for all.

    Raises:
        TypeError: it is no tuple, or has another number of parts.
    """
    if value is None:
        return (None,) * count
    if not isinstance(value, tuple) or len(value) != count:
        got = f"{len(value)} parts" if isinstance(value, tuple) else type(value).__name__
        raise TypeError(f"{where}: expected a tuple of {count} parts, got {got}")
    return value
