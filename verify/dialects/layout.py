"""An array as a matrix of a cell's parameters, in the notation of a matrix: `[W_r; W_u; W_h]`.

Blocks stand side by side, rows are separated by `;`, and `ᵀ` transposes. A vector is a column, so
`[b_i; b_f]` is one long vector and `[b_uᵀ b_rᵀ; c_uᵀ c_rᵀ]` a matrix of two rows. A block may carry
a factor, `-W_fᵀ` or `6/5*W_fᵀ`: the array holds the parameter times that; `0*W_f` is a block of
that shape which the framework does not use. Every further pair of brackets is one more axis in
front, of length one for each direction: `[[W_i; W_o]]`. A vector that is stored as a matrix of one
column is `column b_f`.

Cutting an array into blocks and joining blocks into an array are the two readings of that text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Sizes = Mapping[str, int]
Axes = Mapping[str, tuple[str, ...]]
"""The axes of each parameter of a cell."""
Length = Counter[str]
"""A length as a sum of lengths of axes, each so many times; the axis `""` has length 1."""

COLUMN = "column "
BLOCK = re.compile(
    r"(?P<sign>-?)(?:(?P<factor>\d+(?:/\d+)?)\*)?(?P<parameter>[A-Za-z]\w*?)(?P<t>ᵀ?)"
)


class DialectError(ValueError):
    """Arrays, a record or a request that do not fit; the message says which, where and why."""


class NoConversionError(DialectError):
    """Two dialects that compute different functions, with these weights or with any."""


@dataclass(frozen=True)
class Block:
    """A parameter of the cell within an array: `factor` times it, transposed or not."""

    parameter: str
    factor: Fraction
    transposed: bool

    @classmethod
    def parse(cls, text: str) -> Block:
        """Read one entry such as `-W_fᵀ`."""
        found = BLOCK.fullmatch(text)
        if found is None:
            raise DialectError(f"{text!r} is not a block such as W_u, -W_uᵀ or 6/5*W_uᵀ")
        factor = Fraction(found["factor"] or 1) * (-1 if found["sign"] else 1)
        return cls(found["parameter"], factor, bool(found["t"]))

    def lengths(self, axes: Axes) -> tuple[Length, Length]:
        """The height and the width of the block."""
        height, width = (*axes[self.parameter], "", "")[:2]
        pair = Counter({height: 1}), Counter({width: 1})
        return (pair[1], pair[0]) if self.transposed else pair

    def of(self, value: Array) -> Array:
        """What the array holds for a value of the parameter, as a matrix."""
        matrix = value[:, None] if value.ndim == 1 else value
        return self._times(matrix.T if self.transposed else matrix, self.factor)

    def value(self, matrix: Array, rank: int) -> Array:
        """The value of the parameter, of that rank, from what the array holds; not of `0*`."""
        own: Array = self._times(matrix.T if self.transposed else matrix, 1 / self.factor)
        return own[:, 0] if rank == 1 else own

    @staticmethod
    def _times(matrix: Array, factor: Fraction) -> Array:
        if not factor:
            return np.zeros_like(matrix)
        if abs(factor) == 1:
            return matrix if factor > 0 else -matrix
        # Two exact integers round once each; a rounded fraction would add its own error.
        of = matrix.dtype.type
        scaled: Array = matrix * of(factor.numerator) / of(factor.denominator)
        return scaled


@dataclass(frozen=True)
class Layout:
    """A parsed array: rows of blocks, and how many axes there are in front.

    Args:
        rows: the blocks, row by row; all rows have the same number.
        lead: the number of axes in front.
        axes: the axes of each parameter.
        column: whether a vector is stored as a matrix of one column.

    Raises:
        DialectError: the blocks do not fit each other.
    """

    rows: tuple[tuple[Block, ...], ...]
    lead: int
    axes: Axes
    column: bool = False

    @classmethod
    def parse(cls, text: str, axes: Axes) -> Layout:
        """Read a matrix such as `[W_rᵀ W_uᵀ; U_rᵀ U_uᵀ]`."""
        inner = text.strip().removeprefix(COLUMN)
        depth = len(inner) - len(inner.lstrip("["))
        if inner.count("[") != depth or inner.count("]") != depth or inner[:1] + inner[-1:] == "[":
            raise DialectError(f"{text!r}: the brackets do not match")
        rows = inner[depth : len(inner) - depth].split(";")
        blocks = tuple(tuple(map(Block.parse, row.split())) for row in rows)
        return cls(blocks, max(depth - 1, 0), axes, text.startswith(COLUMN))

    def __post_init__(self) -> None:
        """Check that parameters exist and that heights and widths agree."""
        for block in self.blocks():
            if block.parameter not in self.axes:
                raise DialectError(f"{block.parameter} is no parameter of the cell")
        widths = [[block.lengths(self.axes)[1] for block in row] for row in self.rows]
        if not all(row == widths[0] for row in widths):
            raise DialectError("the rows have blocks of different widths")
        for row in self.rows:
            if len({tuple(block.lengths(self.axes)[0].items()) for block in row}) != 1:
                raise DialectError(f"{row[0].parameter}: its row has blocks of different heights")

    def blocks(self) -> Iterator[Block]:
        """All blocks, row by row."""
        for row in self.rows:
            yield from row

    @cached_property
    def flat(self) -> bool:
        """Whether it is one column of vectors, which is stored as a vector."""
        return not self.column and all(
            len(row) == 1 and len(self.axes[row[0].parameter]) == 1 and not row[0].transposed
            for row in self.rows
        )

    @cached_property
    def lengths(self) -> tuple[Length, ...]:
        """The length of each axis but those in front."""
        heights = sum((row[0].lengths(self.axes)[0] for row in self.rows), Counter())
        widths = sum((block.lengths(self.axes)[1] for block in self.rows[0]), Counter())
        return (heights,) if self.flat else (heights, widths)

    def shape(self, sizes: Sizes) -> tuple[int, ...]:
        """The shape at these sizes, with one direction."""
        return (*(1,) * self.lead, *(measured(length, sizes) for length in self.lengths))

    def described(self) -> str:
        """The shape in words, such as `(3 n_h, n_x)`."""
        words = [*("1",) * self.lead, *map(in_words, self.lengths)]
        return f"({', '.join(words)}{',' if len(words) == 1 else ''})"

    def cut(self, array: Array, sizes: Sizes) -> Iterator[tuple[Block, Array]]:
        """Each block with its parameter's value; `array` has no axes in front."""
        matrix = array[:, None] if self.flat else array
        top = 0
        for row in self.rows:
            bottom = top + measured(row[0].lengths(self.axes)[0], sizes)
            left = 0
            for block in row:
                right = left + measured(block.lengths(self.axes)[1], sizes)
                if block.factor:
                    part = matrix[top:bottom, left:right]
                    yield block, block.value(part, len(self.axes[block.parameter]))
                left = right
            top = bottom

    def join(self, values: Iterator[Array]) -> Array:
        """The array, without axes in front, of the values of its blocks, row by row."""
        rows = [[block.of(next(values)) for block in row] for row in self.rows]
        matrix: Array = np.block(rows)
        return np.array(matrix[:, 0] if self.flat else matrix, order="C")


def measured(length: Length, sizes: Sizes) -> int:
    """A length as a number."""
    return sum(count * (sizes[axis] if axis else 1) for axis, count in length.items())


def in_words(length: Length) -> str:
    """A length in words, such as `n_x + 4 n_h`."""
    terms = [
        str(count) if not axis else axis if count == 1 else f"{count} {axis}"
        for axis, count in length.items()
    ]
    return " + ".join(terms)
