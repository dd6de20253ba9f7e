"""Arrays of Python objects, each of them a number: what arithmetics of many digits share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp

Array = npt.NDArray[Any]


class Objects:
    """Arithmetic of object arrays for the interpreter.

    Args:
        make: a float or an integer as a number, exactly; a number as it is.
        functions: of one number, by SymPy's name.
    """

    def __init__(
        self, make: Callable[[Any], Any], functions: Mapping[str, Callable[[Any], Any]]
    ) -> None:
        """Apply the functions to every component."""
        self.make = make
        self.functions: Mapping[str, Callable[[Array], Array]] = {
            name: vectorised(function) for name, function in functions.items()
        }

    def lift(self, values: Array) -> Array:
        """Floats exactly, or numbers of this kind as they are."""
        return vectorised(self.make)(np.asarray(values))

    def stack(self, parts: Sequence[Array]) -> Array:
        """Arrays along a new first axis."""
        return np.stack([np.asarray(part, object) for part in parts])

    def spread(self, value: Array, shape: tuple[int, ...]) -> Array:
        """The value repeated to that shape."""
        return np.broadcast_to(np.asarray(value, object), shape)

    def number(self, value: sp.Expr) -> object:
        """A fraction, to the last digit."""
        fraction = sp.Rational(value)
        return self.make(int(fraction.p)) / int(fraction.q)

    def einsum(self, signature: str, *operands: Array) -> Array:
        """A contraction: outer product of the aligned operands, then a sum."""
        inputs, output = signature.split("->")
        letters = output + "".join(dict.fromkeys(c for c in inputs if c not in "," + output))
        aligned = []
        for part, operand in zip(inputs.split(","), operands, strict=True):
            order = [part.index(letter) for letter in letters if letter in part]
            index = tuple(slice(None) if letter in part else None for letter in letters)
            aligned.append(np.transpose(np.asarray(operand, object), order)[index])
        product = aligned[0]
        for factor in aligned[1:]:
            product = np.asarray(product * factor, object)
        for _ in range(len(letters) - len(output)):
            product = np.asarray(np.add.reduce(product, axis=-1), object)
        return product

    def reciprocal(self, value: Array) -> Array:
        """1/value."""
        return 1 / value

    def compare(self, relation: str, left: Array, right: Array) -> Array:
        """A comparison."""
        compared = {
            ">": np.greater,
            ">=": np.greater_equal,
            "<": np.less,
            "<=": np.less_equal,
        }[relation](left, right)
        return np.asarray(compared, bool)

    def where(self, condition: Array, first: Array, second: Array) -> Array:
        """Componentwise choice."""
        return np.where(condition, first, second)

    def largest(self, value: Array, axes: tuple[int, ...]) -> Array:
        """The maximum over these axes."""
        return np.asarray(np.maximum.reduce(value, axis=axes), object)

    def ones(self, *shape: int) -> Array:
        """An array of ones."""
        return self.lift(np.ones(shape))

    def identity(self, n: int) -> Array:
        """The identity matrix."""
        return self.lift(np.eye(n))


def vectorised(function: Callable[..., Any], operands: int = 1) -> Callable[..., Array]:
    """The function of numbers as one of arrays, component by component."""
    ufunc = np.frompyfunc(function, operands, 1)

    def apply(*values: Array) -> Array:
        return np.asarray(ufunc(*values), object)

    return apply
