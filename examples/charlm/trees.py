"""Nested named tuples of arrays, treated as one thing.

The parameters of a cell, their gradients and their Adam moments all have the cell's own `Params`
type. What is done to every array alike is written once, here.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias, TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.floating]
Tree = TypeVar("Tree", bound=NamedTuple)


def is_tree(branch: object) -> TypeGuard[NamedTuple]:
    """Whether a field of a tree is a tree itself, and not an array."""
    return isinstance(branch, tuple)


def leaves(tree: NamedTuple) -> Iterator[Array]:
    """The arrays of a tree, in the order of the fields."""
    for branch in tree:
        if is_tree(branch):
            yield from leaves(branch)
        else:
            yield branch


def paths(tree: NamedTuple) -> Iterator[str]:
    """The dotted names of the arrays of a tree, in the order of `leaves`."""
    for name, branch in zip(tree._fields, tree, strict=True):
        if is_tree(branch):
            yield from (f"{name}.{rest}" for rest in paths(branch))
        else:
            yield name


def rebuild(tree: Tree, arrays: Iterator[Array]) -> Tree:
    """A tree of the same form that takes its arrays from an iterator, in the order of `leaves`."""
    return tree._make(rebuild(b, arrays) if is_tree(b) else next(arrays) for b in tree)


def map_leaves(function: Callable[..., Any], tree: Tree, *others: NamedTuple) -> Tree:
    """Apply a function to the arrays that stand in the same place of one or more trees."""
    together = zip(leaves(tree), *map(leaves, others), strict=True)
    return rebuild(tree, (function(*arrays) for arrays in together))
