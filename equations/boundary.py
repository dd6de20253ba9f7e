"""Statements about the ends of the gates, attached to a cell as data.

A statement is a substitution (gates at 0 or 1, or driven there) and a claim between expressions
of the cell's symbols and of derived ones: `gradient(W_h)` is the cotangent of a parameter,
`jacobian(h_next, h)` a total derivative, `direct(c_next, c)` the derivative of one equation alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import sympy as sp

from equations.derive.names import CotangentNames, jacobian_name
from equations.language import TensorSymbol

Relation = Literal["=", "<=", "<"]


@dataclass(frozen=True)
class Boundary:
    """A statement about a cell where gates are at their ends.

    Args:
        name: the statement in one short sentence.
        left, relation, right: the claim, componentwise.
        at: the value each gate is held at; empty for a statement at every input.
        steps: over how many steps it holds; 1,000 for a state that is carried unchanged.
        holds: False for a statement planted to be refuted.
    """

    name: str
    left: sp.Expr
    relation: Relation
    right: sp.Expr
    at: Mapping[TensorSymbol, int] = field(default_factory=dict)
    steps: int = 1
    holds: bool = True


@dataclass(frozen=True)
class Saturation:
    """How a gradient dies where a gate saturates: factor ~ e^(-rate |a|) on both sides.

    Args:
        name: the statement in one short sentence.
        gate: the gate whose pre-activation is driven to both infinities.
        rate: the exponent per unit of pre-activation; 1 for the logistic function, 2 for tanh.
        holds: False for a statement planted to be refuted.
    """

    name: str
    gate: TensorSymbol
    rate: int = 1
    holds: bool = True


def gradient(of: TensorSymbol) -> TensorSymbol:
    """The cotangent of an input, state or parameter."""
    return CotangentNames(()).total(of)


def jacobian(of: TensorSymbol, by: TensorSymbol) -> TensorSymbol:
    """The total derivative of a value by an old state."""
    return jacobian_name(of, by)


def direct(of: TensorSymbol, by: TensorSymbol) -> TensorSymbol:
    """The derivative of the one equation of `of` by a symbol in it, all other values held."""
    return TensorSymbol(f"direct_{of}_{by}", (*of.axes, *by.axes), origin=("direct", (of, by)))
