"""A contraction as matrix algebra: products in order, transposes, outer products, diag.

The letters of the signature are the vertices of a graph, matrices its edges, vectors marks on a
vertex. Summing a letter that one matrix touches is a matrix times a vector, one between two
matrices their product; what is left lies on the output letters. A contraction that does not
reduce this way (a letter that three matrices share, a tensor of three axes) has no such form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equations.language import Contract, Identity, Ones
from equations.printing.notation import (
    IDENTITY,
    ONE,
    ONES,
    Call,
    Node,
    Product,
    Ratio,
    Total,
    Transpose,
    product,
    transposed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import sympy as sp

Chain = tuple[Node, ...]  # factors of a matrix product; of a matrix, () is the identity
Edge = tuple[str, str, Chain]


def matrix_form(node: Contract, write: Callable[[sp.Expr], Node]) -> Node | None:
    """The contraction as a matrix product; None where there is none.

    Args:
        node: the contraction.
        write: the notation of an operand.
    """
    inputs, output = node.letters
    if len(output) > 2 or any(len(letters) > 2 for letters in inputs):
        return None
    graph = _Graph(output)
    for letters, operand in zip(inputs, node.operands, strict=True):
        if len(letters) == 2:
            chain = () if isinstance(operand, Identity) else (write(operand),)
            graph.edges.append((letters[0], letters[1], chain))
        elif letters:
            marks = graph.vectors.setdefault(letters, [])
            if not isinstance(operand, Ones):
                marks.append((write(operand),))
        else:
            graph.scalars.append(write(operand))
    return graph.result() if graph.reduce() else None


class _Graph:
    """The graph of one contraction while it is being reduced."""

    def __init__(self, output: str) -> None:
        self.output = output
        self.scalars: list[Node] = []
        self.vectors: dict[str, list[Chain]] = {}  # no vector stands for ones
        self.edges: list[Edge] = []

    def reduce(self) -> bool:
        """Sum every letter that is not in the output; whether that was possible."""
        self.merge_parallel()
        while summed := self.summed():
            # The fewest matrices first, and later letters before earlier ones: A (B v).
            letter = min(reversed(summed), key=lambda v: len(self.touching(v)))
            touching = self.touching(letter)
            if len(touching) > 2:
                return False
            for edge in touching:
                self.edges.remove(edge)
            if not touching:
                self.scalars.append(self.inner(self.vectors.pop(letter)))
            elif len(touching) == 1:
                other, chain = _towards(touching[0], letter)
                vector = self.vector(letter) or (ONES,)
                self.vectors.setdefault(other, []).append((*chain, *vector))
            else:
                (left, first), (right, second) = (_towards(edge, letter) for edge in touching)
                middle = self.diagonal(letter)
                back = tuple(transposed(factor) for factor in reversed(second))
                self.edges.append((left, right, (*first, *middle, *back)))
            self.vectors.pop(letter, None)
            self.merge_parallel()
        return True

    def summed(self) -> list[str]:
        """The letters still to be summed, in order of appearance."""
        seen = [*self.vectors, *(letter for edge in self.edges for letter in edge[:2])]
        return [letter for letter in sorted(set(seen)) if letter not in self.output]

    def touching(self, letter: str) -> list[Edge]:
        """The matrices with an index of that letter."""
        return [edge for edge in self.edges if letter in edge[:2]]

    def merge_parallel(self) -> None:
        """Matrices with the same two indices are multiplied componentwise."""
        merged: dict[frozenset[str], list[Edge]] = {}
        for edge in self.edges:
            merged.setdefault(frozenset(edge[:2]), []).append(edge)
        self.edges = []
        for group in merged.values():
            row, column, chain = group[0]
            if len(group) > 1:
                parts = [_matrix(_oriented(edge, row)) for edge in group]
                chain = (Product("componentwise", tuple(parts)),)
            self.edges.append((row, column, chain))

    def vector(self, letter: str) -> Chain:
        """The product of the vectors at a letter; empty for ones."""
        found = self.vectors.get(letter, [])
        if len(found) < 2:
            return found[0] if found else ()
        return (Product("componentwise", tuple(_flat([_matrix(chain) for chain in found]))),)

    def diagonal(self, letter: str) -> Chain:
        """The same as a diagonal matrix."""
        vector = self.vector(letter)
        return (Call("diag", (_matrix(vector),)),) if vector else ()

    def inner(self, vectors: list[Chain]) -> Node:
        """The sum over the components of a product of vectors."""
        if len(vectors) < 2:
            chain = vectors[0] if vectors else (ONES,)
            # The sum of the row sums of a matrix is the sum of all its components.
            return Total(_matrix(chain[:-1] if len(chain) > 1 and chain[-1] == ONES else chain))
        first, *rest = vectors
        second = (
            rest[0]
            if len(rest) == 1
            else (Product("componentwise", tuple(_flat([_matrix(chain) for chain in rest]))),)
        )
        forms = [(*_transposed(first), *second), (*_transposed(second), *first)]
        return _matrix(min(forms, key=lambda chain: sum(isinstance(f, Transpose) for f in chain)))

    def result(self) -> Node:
        """What lies on the output letters, over the scalars that divide it."""
        bottoms = [s.bottom for s in self.scalars if isinstance(s, Ratio) and s.top == ONE]
        scalars = [s for s in self.scalars if not (isinstance(s, Ratio) and s.top == ONE)]
        chain = self.remaining()
        if not chain:
            plain = not any(isinstance(s, Product) and s.kind == "matrix" for s in scalars)
            top = product("scalar" if plain else "matrix", scalars)
        else:
            top = product("matrix", [*scalars, *chain])
        return Ratio(top, product("scalar", bottoms)) if bottoms else top

    def remaining(self) -> Chain:
        """The factors on the output letters; none where the result is a scalar."""
        if not self.output:
            return ()
        if len(self.output) == 1:
            return self.vector(self.output) or (ONES,)
        row, column = self.output[0], self.output[1]
        if not self.edges:
            left, right = self.vector(row) or (ONES,), self.vector(column) or (ONES,)
            return (*left, *_transposed(right))
        if middle := _oriented(self.edges[0], row):
            return (*self.diagonal(row), *middle, *self.diagonal(column))
        both = [*self.vectors.pop(row, []), *self.vectors.pop(column, [])]
        self.vectors[row] = both
        return self.diagonal(row) or (IDENTITY,)


def _flat(parts: list[Node]) -> list[Node]:
    """Factors of componentwise products among the parts, in one list."""
    flat: list[Node] = []
    for part in parts:
        inner = isinstance(part, Product) and part.kind == "componentwise" and not part.number
        flat += part.factors if isinstance(part, Product) and inner else [part]
    return flat


def _matrix(chain: Chain) -> Node:
    return product("matrix", list(chain)) if chain else IDENTITY


def _transposed(chain: Chain) -> Chain:
    return tuple(transposed(factor) for factor in reversed(chain))


def _oriented(edge: Edge, row: str) -> Chain:
    """The matrix of an edge with `row` as its first index."""
    first, _, chain = edge
    return chain if first == row else _transposed(chain)


def _towards(edge: Edge, column: str) -> tuple[str, Chain]:
    """The other letter of an edge, and its matrix with `column` as its second index."""
    first, second, _ = edge
    row = first if second == column else second
    return row, _oriented(edge, row)
