"""Statements about the ends of the gates, attached to a cell as data.

A statement is a substitution (gates at 0 or 1, or driven there) and a claim between expressions
of the cell's symbols and of derived ones: `gradient(W_h)` is the cotangent of a parameter,
`jacobian(h_next, h)` a total derivative, `direct(c_next, c)` the derivative of one equation alone.
Along one direction in all arguments, `jvp(h_next)` is the change of a value, `hvp(W_h)` that of a
gradient.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import sympy as sp

from equations.derive.names import CotangentNames, TangentNames, jacobian_name
from equations.language import LanguageError, TensorSymbol, axes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Relation = Literal["=", "<=", "<"]
RELATIONS = ("=", "<=", "<")


@dataclass(frozen=True)
class Boundary:
    """A statement about a cell where gates are at their ends.

    Args:
        name: the statement in one short sentence.
        left, relation, right: the claim, componentwise.
        at: the value, 0 or 1, each gate is held at; empty for a statement at every input.
        given: pairs of expressions that are equal by assumption, such as `(dot(k, k), 1)`.
        steps: over how many steps it holds; 1,000 for a state that is carried unchanged. Of a claim
            over more than one step, `left` is a new state (or its Jacobian by the old one) and
            `right` the old state (or the identity).
        holds: False for a statement planted to be refuted.

    Raises:
        LanguageError: the claim does not type-check; the message names the statement.
    """

    name: str
    left: sp.Expr
    relation: Relation
    right: sp.Expr
    at: Mapping[TensorSymbol, int] = field(default_factory=dict)
    given: tuple[tuple[sp.Expr, sp.Expr], ...] = ()
    steps: int = 1
    holds: bool = True

    def __post_init__(self) -> None:
        """Check the claim; plain numbers become SymPy's."""
        object.__setattr__(self, "left", sp.sympify(self.left))
        object.__setattr__(self, "right", sp.sympify(self.right))
        pairs = tuple((sp.sympify(left), sp.sympify(right)) for left, right in self.given)
        object.__setattr__(self, "given", pairs)
        if self.relation not in RELATIONS:
            raise LanguageError(
                f"boundary {self.name!r}: relation: expected one of {', '.join(RELATIONS)}, "
                f"got {self.relation!r}"
            )
        if self.steps < 1:
            raise LanguageError(
                f"boundary {self.name!r}: steps: expected 1 or more, got {self.steps}"
            )
        for gate, end in self.at.items():
            if end not in (0, 1):
                raise LanguageError(
                    f"boundary {self.name!r}: gate {gate}: expected 0 or 1, got {end}"
                )
        for left, right in ((self.left, self.right), *self.given):
            self._check_axes(left, right)

    def _check_axes(self, left: sp.Expr, right: sp.Expr) -> None:
        try:
            axes = axes_of(left), axes_of(right)
        except LanguageError as error:
            raise LanguageError(f"boundary {self.name!r}: {error}") from None
        if None not in axes and axes[0] != axes[1]:
            raise LanguageError(
                f"boundary {self.name!r}: left has axes {axes[0]}, right has axes {axes[1]}"
            )

    @cached_property
    def symbols(self) -> frozenset[TensorSymbol]:
        """All symbols it speaks of, those of gates and of assumptions among them."""
        sides = (self.left, self.right, *(side for pair in self.given for side in pair))
        return frozenset(self.at).union(*(side.atoms(TensorSymbol) for side in sides))


@dataclass(frozen=True)
class Saturation:
    """How a gradient dies where a gate saturates: gate' ~ C e^(-rate |a|) on both sides, C > 0.

    Args:
        name: the statement in one short sentence.
        gate: the value whose pre-activation a is driven to both infinities.
        rate: the exponent per unit of pre-activation; 1 for the logistic function, 2 for tanh.
        holds: False for a statement planted to be refuted.
    """

    name: str
    gate: TensorSymbol
    rate: int = 1
    holds: bool = True

    @property
    def symbols(self) -> frozenset[TensorSymbol]:
        """All symbols it speaks of."""
        return frozenset((self.gate,))


def gradient(of: TensorSymbol) -> TensorSymbol:
    """The cotangent of an input, state, parameter or value: what the loss changes by it."""
    return CotangentNames(()).total(of)


def jacobian(of: TensorSymbol, by: TensorSymbol) -> TensorSymbol:
    """The total derivative of a value by an old state, with the axes of both."""
    return jacobian_name(of, by)


def direct(of: TensorSymbol, by: TensorSymbol) -> TensorSymbol:
    """The derivative of the one equation of `of` by a symbol in it, all other values held."""
    return TensorSymbol(f"direct_{of}_{by}", (*of.axes, *by.axes), origin=("direct", (of, by)))


def jvp(of: TensorSymbol) -> TensorSymbol:
    """The change of a value along a direction in all arguments: the Jacobian times it."""
    return TangentNames(()).tangent(of)


def hvp(of: TensorSymbol) -> TensorSymbol:
    """The change of a gradient along a direction in all arguments: the Hessian times it."""
    return jvp(gradient(of))


def check_statements(
    cell: str, statements: Iterable[Boundary | Saturation], known: Iterable[TensorSymbol]
) -> None:
    """Refuse a statement that speaks of what the cell does not have.

    Args:
        cell: the name of the cell, for the message.
        statements: its statements.
        known: the symbols of its equations.

    Raises:
        LanguageError: a statement occurs twice, or names a symbol that is not the cell's.
    """
    known = frozenset(known)
    names: set[str] = set()
    for statement in statements:
        if statement.name in names:
            raise LanguageError(f"{cell}: boundary {statement.name!r} is stated twice")
        names.add(statement.name)
        for symbol in sorted(statement.symbols, key=str):
            for source in _sources(symbol):
                if source not in known:
                    raise LanguageError(
                        f"{cell}: boundary {statement.name!r}: {source} is not one of its symbols"
                    )


def _sources(symbol: TensorSymbol) -> tuple[TensorSymbol, ...]:
    """The symbols of the cell that a symbol of a statement is about."""
    if symbol.origin is None:
        return (symbol,)
    above = (source for source in symbol.origin[1] if isinstance(source, TensorSymbol))
    return tuple(source for symbol in above for source in _sources(symbol))
