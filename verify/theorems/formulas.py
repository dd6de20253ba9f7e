"""Components as formulas of z3 over the reals: what is not algebra is a variable with facts.

A sum, a largest component and the value of a function are variables. What is known of a sum is
said through a witness, an index at which its summand is largest or smallest: whatever holds of all
components holds there too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import sympy as sp
import z3

from equations.boundary import Relation
from equations.language import Size
from verify.arithmetic.symbols import Opaque
from verify.theorems.components import (
    Choice,
    Component,
    Delta,
    Greatest,
    Tensor,
    Total,
    absolute,
    place,
    summation,
)
from verify.theorems.facts import FACTS

Formula = Any  # z3 has no types
Term = Any


@dataclass(frozen=True)
class Related:
    """A relation between two tensors over these axes, in every component."""

    left: Tensor
    relation: Relation
    right: Tensor
    axes: tuple[str, ...]


TOLD = ("the range of functions", "sums", "functions at related arguments")
"""What a proof may rest on, from little to much: a solver with less to consider is faster."""

ROUNDS = 4
"""How often facts are told about what other facts speak of; sums stand in one another no deeper."""


class Formulas:
    """The formulas of one theorem, in a context of their own so that no other changes a verdict."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.context = z3.Context()
        self._terms: dict[sp.Expr, Term] = {}
        self._indices: dict[str, list[sp.Symbol]] = {}
        self._witnesses: dict[tuple[sp.Expr, str], sp.Symbol] = {}

    def told(
        self, level: int, axes: tuple[str, ...], everywhere: Sequence[Related]
    ) -> list[Formula]:
        """What a solver is told beside the denied claim, at this level of `TOLD`.

        Args:
            level: which facts.
            axes: those of the claim, whose indices are the places of a tensor.
            everywhere: relations that hold in all components.
        """
        for position, axis in enumerate(axes):
            self._indices.setdefault(axis, []).append(place(position))
        found: dict[Formula, None] = {}
        for _ in range(ROUNDS):
            before = self._known()
            found |= dict.fromkeys(self._facts(level, everywhere))
            if self._known() == before:  # another round would tell the same again
                break
        return list(found)

    def _known(self) -> tuple[int, int]:
        """How many terms and indices there are: what facts are told about."""
        return len(self._terms), sum(map(len, self._indices.values()))

    def related(self, link: Related, indices: tuple[sp.Symbol, ...]) -> Formula:
        """A relation at these indices."""
        left, right = (self.term(side.index(indices)) for side in (link.left, link.right))
        return {"=": left == right, "<=": left <= right, "<": left < right}[link.relation]

    def term(self, expression: sp.Expr) -> Term:
        """The term of an expression; equal expressions have the same."""
        if expression not in self._terms:
            made = self._term(expression)
            self._terms[expression] = made
        return self._terms[expression]

    def _term(self, value: sp.Expr) -> Term:
        if isinstance(value, sp.Rational):
            return z3.RealVal(Fraction(int(value.p), int(value.q)), self.context)
        if isinstance(value, sp.Add):
            return z3.Sum([self.term(part) for part in value.args])
        if isinstance(value, sp.Mul):
            return z3.Product([self.term(part) for part in value.args])
        if isinstance(value, sp.Pow) and value.exp.is_Integer:
            power = z3.Product([self.term(value.base)] * abs(int(value.exp)))
            return power if value.exp > 0 else 1 / power
        if isinstance(value, Choice):
            strict, *parts = value.args
            large, small, first, second = map(self.term, parts)
            return z3.If(large > small if strict == 1 else large >= small, first, second)
        if not isinstance(value, Opaque | Component | Delta | Total | Greatest | Size):
            raise NotImplementedError(f"{type(value).__name__} has no term in the solver: {value}")
        return z3.Real(f"v{len(self._terms)}", self.context)

    # Facts

    def _facts(self, level: int, everywhere: Sequence[Related]) -> Iterator[Formula]:
        known = list(self._terms)
        for value in known:
            if isinstance(value, Opaque) and type(value) in FACTS:
                yield from (fact(self.term(value)) for fact in FACTS[type(value)].bounds.values())
            elif isinstance(value, Size):
                yield self.term(value) >= 1
            elif isinstance(value, Delta):
                yield z3.Or(self.term(value) == 0, self.term(value) == 1)
            elif isinstance(value, Total) and level >= 1:
                yield from self._of_sum(value)
            elif isinstance(value, Greatest) and level >= 1:
                yield from self._of_greatest(value)
        if level >= 2:
            values = [
                value for value in known if isinstance(value, Opaque) and type(value) in FACTS
            ]
            for value in values:
                terms = [self.term(value.args[0]), self.term(value)]
                yield from (fact(*terms) for fact in FACTS[type(value)].signs.values())
            for first, second in combinations(values, 2):
                if type(first) is type(second):
                    terms = [self.term(e) for v in (first, second) for e in (v.args[0], v)]
                    yield from (fact(*terms) for fact in FACTS[type(first)].both.values())
        for link in everywhere:
            for indices in product(*(self._indices.get(axis, []) for axis in link.axes)):
                yield self.related(link, indices)

    def _of_sum(self, value: Total) -> Iterator[Formula]:
        """Signs, and Hölder's inequality: |Σ a b| is at most Σ |a| times the largest |b|."""
        bound, body = value.args
        axis = axis_of(bound, body)
        total = self.term(value)
        for factor in sp.Mul.make_args(body):
            if isinstance(factor, Component) and factor.tensor.role == "parameter":
                rest = (body / factor).xreplace({bound: self._witness(value, "largest", axis)})
                size = self.term(summation(absolute(factor), bound)) * self.term(absolute(rest))
                yield z3.And(total <= size, -size <= total)
                return
        low = self.term(body.xreplace({bound: self._witness(value, "smallest", axis)}))
        high = self.term(body.xreplace({bound: self._witness(value, "largest", axis)}))
        yield z3.Implies(low >= 0, total >= 0)
        yield z3.Implies(low > 0, total > 0)
        for index in list(self._indices.get(axis, [])):
            if (one := body.xreplace({bound: index})) in self._terms:
                yield z3.Implies(low >= 0, total >= self.term(one))
        yield z3.Implies(high <= 0, total <= 0)

    def _of_greatest(self, value: Greatest) -> Iterator[Formula]:
        """It is at least each component at an index met so far."""
        *bound, body = value.args
        for at in product(*(self._indices.get(axis_of(index, body), []) for index in bound)):
            one = body.xreplace(dict(zip(bound, at, strict=True)))
            if one in self._terms:
                yield self.term(value) >= self.term(one)

    def _witness(self, value: Total, which: str, axis: str) -> sp.Symbol:
        """The index at which a summand is what the fact says."""
        if (value, which) not in self._witnesses:
            index = sp.Symbol(f"w{len(self._witnesses)}")
            self._witnesses[value, which] = index
            self._indices.setdefault(axis, []).append(index)
        return self._witnesses[value, which]


def axis_of(index: sp.Symbol, expression: sp.Expr) -> str:
    """The axis that an index runs over; an empty text where no component tells."""
    for component in sorted(expression.atoms(Component), key=str):
        for axis, used in zip(component.tensor.axes, component.args[1:], strict=True):
            if used == index:
                return str(axis)
    return ""
