"""Numbers modulo the prime 2^61 - 1: exact, fast, and blind to no term.

A field of prime order has no sigmoid. Each function is a random oracle instead: the first time it
is asked for the value at some element it draws one, and it repeats that answer for ever. So equal
arguments have equal values, as an identity between programs needs, and nothing else is assumed;
the derivatives, which `verify.arithmetic.dual` adds, are the true ones (s (1 - s), 1 - t², ...).
Comparisons draw a sign for each element up to its negative's, which has the opposite one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp

Array = Any
Words = npt.NDArray[np.uint64]

PRIME = (1 << 61) - 1
_P = np.uint64(PRIME)
_LOW31 = np.uint64((1 << 31) - 1)
_LOW30 = np.uint64((1 << 30) - 1)
_LOW32 = np.uint64((1 << 32) - 1)
_30, _31, _32, _61, _1 = (np.uint64(n) for n in (30, 31, 32, 61, 1))
_2_32 = np.array(1 << 32, dtype=np.uint64)


def _reduced(words: Words) -> Words:
    """The representative in [0, p), since 2^61 is 1."""
    words = (words & _P) + (words >> _61)
    return words - _P * (words >= _P)


def _product(a: Words, b: Words) -> Words:
    """The product, by halves: with a = a1 2^31 + a0, every sum below stays under 2^64."""
    a1, a0, b1, b0 = a >> _31, a & _LOW31, b >> _31, b & _LOW31
    middle = a1 * b0 + a0 * b1
    return _reduced(((a1 * b1) << _1) + (middle >> _30) + ((middle & _LOW30) << _31) + a0 * b0)


class Residues:
    """An array of numbers modulo the prime."""

    __slots__ = ("words",)

    def __init__(self, words: Words) -> None:
        """Take the representatives in [0, p)."""
        self.words = words

    @classmethod
    def of(cls, value: int) -> Residues:
        """One number, an array without axes."""
        return cls(np.array(value % PRIME, dtype=np.uint64))

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.words.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.words.shape

    def __add__(self, other: Residues | int) -> Residues:
        """The sum."""
        if not isinstance(other, Residues | int):
            return NotImplemented
        return Residues(_reduced(self.words + _words(other)))

    __radd__ = __add__

    def __neg__(self) -> Residues:
        """The negative."""
        return Residues(_reduced(_P - self.words))

    def __sub__(self, other: Residues | int) -> Residues:
        """The difference."""
        return Residues(_reduced(self.words + (_P - _words(other))))

    def __mul__(self, other: Residues | int) -> Residues:
        """The product."""
        if not isinstance(other, Residues | int):
            return NotImplemented
        return Residues(_product(self.words, _words(other)))

    __rmul__ = __mul__

    def __getitem__(self, index: Any) -> Residues:  # noqa: ANN401 - whatever NumPy takes
        """Some of the components."""
        return Residues(self.words[index])

    def reshape(self, *shape: int) -> Residues:
        """The same components with other axes."""
        return Residues(self.words.reshape(shape))

    def broadcast_to(self, shape: tuple[int, ...]) -> Residues:
        """The same components repeated along new leading axes."""
        return Residues(np.broadcast_to(self.words, shape))

    def sum(self, axis: int | tuple[int, ...]) -> Residues:
        """The sum over axes; halves are summed apart, so that up to 2^31 terms cannot overflow."""
        low = np.sum(self.words & _LOW32, axis=axis, dtype=np.uint64)
        high = np.asarray(
            _reduced(np.asarray(np.sum(self.words >> _32, axis=axis, dtype=np.uint64)))
        )
        return Residues(_product(high, _2_32)) + Residues(_reduced(np.asarray(low)))

    def inverse(self) -> Residues:
        """The multiplicative inverse, by Fermat: a^(p - 2).

        Raises:
            ZeroDivisionError: a component is zero.
        """
        if not self.words.all():
            raise ZeroDivisionError("1/0 in the field: draw other inputs")
        result, square, exponent = np.ones_like(self.words), self.words, PRIME - 2
        while exponent:
            if exponent & 1:
                result = _product(result, square)
            square, exponent = _product(square, square), exponent >> 1
        return Residues(result)


def _words(value: Residues | int) -> Words:
    return value.words if isinstance(value, Residues) else np.array(value % PRIME, dtype=np.uint64)


class Field:
    """The field as an arithmetic of the interpreter, with one oracle for each function."""

    def __init__(self, seed: int) -> None:
        """Draw inputs and the oracles' answers from `seed`."""
        self.random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.answers: dict[tuple[str, bytes | int], int] = {}
        self.functions: Mapping[str, Callable[[Array], Array]] = {
            name: self._oracle(name) for name in ("tanh", "sigmoid", "exp", "log", "sqrt")
        }

    def draw(self, *shape: int) -> Residues:
        """Uniform random numbers."""
        count = int(np.prod(shape, dtype=int))
        drawn = [self.random.randrange(PRIME) for _ in range(count)]
        return Residues(np.array(drawn, dtype=np.uint64).reshape(shape))

    def answer(self, function: str, argument: bytes | int) -> int:
        """What the oracle says, the same whenever it is asked."""
        key = (function, argument)
        if key not in self.answers:
            self.answers[key] = self.random.randrange(PRIME)
        return self.answers[key]

    def _oracle(self, name: str) -> Callable[[Residues], Residues]:
        def apply(value: Residues) -> Residues:
            unique, where = np.unique(value.words, return_inverse=True)
            answers = [self.answer(name, int(word)) for word in unique]
            return Residues(np.array(answers, dtype=np.uint64)[where].reshape(value.shape))

        return apply

    def number(self, value: sp.Expr) -> Residues:
        """A fraction, with the denominator inverted."""
        return Residues.of(int(value.p) * pow(int(value.q), -1, PRIME))

    def einsum(self, signature: str, *operands: Residues) -> Residues:
        """A contraction: align the axes, multiply, sum."""
        inputs, output = signature.split("->")
        letters = output + "".join(
            letter for letter in dict.fromkeys(inputs) if letter.isalpha() and letter not in output
        )
        product = Residues.of(1)
        for part, operand in zip(inputs.split(","), operands, strict=True):
            order = sorted(range(len(part)), key=lambda k: letters.index(part[k]))
            lengths = dict(zip(part, operand.shape, strict=True))
            aligned = operand.words.transpose(order).reshape(
                [lengths.get(letter, 1) for letter in letters]
            )
            product = product * Residues(aligned)
        summed = tuple(range(len(output), len(letters)))
        return product.sum(summed) if summed else product

    def reciprocal(self, value: Residues) -> Residues:
        """1/value."""
        return value.inverse()

    def compare(self, relation: str, left: Residues, right: Residues) -> Array:
        """Which components satisfy `left relation right`, by the drawn sign of the difference."""
        positive = self._positive(left - right if relation in (">", "<=") else right - left)
        return positive if relation in (">", "<") else ~positive

    def _positive(self, value: Residues) -> Array:
        """A sign for each element: the opposite for the negative, none for zero."""
        signs = np.zeros(value.shape, dtype=bool)
        for index, word in np.ndenumerate(value.words):
            number = int(word)
            smaller = min(number, PRIME - number)
            signs[index] = number and (self.answer("sign", smaller) % 2 == 0) == (number == smaller)
        return signs

    def where(self, condition: Array, first: Residues, second: Residues) -> Residues:
        """Componentwise choice."""
        return Residues(np.where(condition, first.words, second.words))

    def largest(self, value: Residues, axes: tuple[int, ...]) -> Residues:
        """An oracle of all components together: results are independent of it."""
        kept = value.shape[: value.ndim - len(axes)]
        rows = value.words.reshape((*kept, -1))
        answers = np.zeros(kept, dtype=np.uint64)
        for index in np.ndindex(kept):
            answers[index] = self.answer("largest", rows[index].tobytes())
        return Residues(answers)

    def ones(self, *shape: int) -> Residues:
        """An array of ones."""
        return Residues(np.ones(shape, dtype=np.uint64))

    def identity(self, n: int) -> Residues:
        """The identity matrix."""
        return Residues(np.eye(n, dtype=np.uint64))
