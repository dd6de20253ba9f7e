"""Numbers as NumPy has them, and, with autograd.numpy as the namespace, as autograd traces them.

The formulas are the textbook's: they know nothing of the generated code's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp

Array = Any


class Floats:
    """float64 or complex128 arrays of a NumPy-like namespace."""

    def __init__(self, namespace: Any = np, dtype: str = "float64") -> None:  # noqa: ANN401 - a module
        """Use the functions of `namespace`, which is NumPy or has its names."""
        self.np = namespace
        self.dtype = dtype
        self.functions: Mapping[str, Callable[[Array], Array]] = {
            "tanh": namespace.tanh,
            "sigmoid": lambda a: (1 + namespace.tanh(a / 2)) / 2,
            "exp": namespace.exp,
            "log": namespace.log,
            "sqrt": namespace.sqrt,
        }

    def number(self, value: sp.Expr) -> float:
        """The nearest float."""
        return float(value)

    def einsum(self, signature: str, *operands: Array) -> Array:
        """A contraction."""
        return self.np.einsum(signature, *operands)

    def reciprocal(self, value: Array) -> Array:
        """1/value."""
        return 1 / value

    def compare(self, relation: str, left: Array, right: Array) -> Array:
        """A comparison of real parts, so that a complex step takes the branch of the real point."""
        left, right = self.np.real(left), self.np.real(right)
        return {
            ">": lambda: left > right,
            ">=": lambda: left >= right,
            "<": lambda: left < right,
            "<=": lambda: left <= right,
        }[relation]()

    def where(self, condition: Array, first: Array, second: Array) -> Array:
        """Componentwise choice; autograd's own does not sum over an axis that it repeats."""
        shape = np.broadcast_shapes(*(self.np.shape(v) for v in (condition, first, second)))
        whole = self.ones(*shape)
        return self.np.where(condition, first * whole, second * whole)

    def largest(self, value: Array, axes: tuple[int, ...]) -> Array:
        """The maximum of the real parts."""
        return self.np.max(self.np.real(value), axis=axes)

    def ones(self, *shape: int) -> Array:
        """An array of ones."""
        return np.ones(shape, self.dtype)

    def identity(self, n: int) -> Array:
        """The identity matrix."""
        return np.eye(n, dtype=self.dtype)
