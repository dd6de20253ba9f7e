"""The order in which terms and factors are written: ours, since SymPy's carries no meaning.

Terms: positive ones first, then by the declaration of the latest symbol in them
(`W x + U h + b`, `h' - h`, `f c + i g`). Factors: cotangents, gates and other computed values,
parameters, inputs and states, tangents (`δu u (1 - u)`, `o tanh(c)`, `(1 - u) ḣ`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from equations.language import TensorSymbol

_FACTOR_CLASS = {"value": 1, "shift": 1, "parameter": 2, "input": 3, "state": 3}
_ORIGIN_CLASS = {"cotangent": 0, "seed": 0, "carry": 0, "tangent": 4, "jacobian": 4}


@dataclass(frozen=True)
class Order:
    """Writing order over the symbols of a program, given where each was declared."""

    position: Mapping[TensorSymbol, int]

    def terms(self, expression: sp.Expr) -> list[tuple[sp.Expr, sp.Expr]]:
        """The terms of a sum as (numeric coefficient, rest), in writing order."""
        parts = [term.as_coeff_Mul() for term in sp.Add.make_args(expression)]
        return sorted(parts, key=lambda part: self._term_key(*part))

    def factors(self, expression: sp.Expr) -> list[sp.Expr]:
        """The factors of a product without numeric coefficient, in writing order."""
        return sorted(sp.Mul.make_args(expression), key=self._factor_key)

    def _positions(self, expression: sp.Expr) -> list[int]:
        symbols = expression.atoms(TensorSymbol)
        return sorted((self.position.get(s, len(self.position)) for s in symbols), reverse=True)

    def _term_key(self, number: sp.Expr, rest: sp.Expr) -> tuple[bool, list[int], str]:
        return (bool(number.is_negative), self._positions(rest), sp.srepr(rest))

    def _factor_key(self, factor: sp.Expr) -> tuple[int, int, bool, str]:
        symbols = factor.atoms(TensorSymbol)
        rank = min(
            ((_class_of(s), self.position.get(s, len(self.position))) for s in symbols),
            default=(-1, 0),
        )
        return (*rank, not isinstance(factor, TensorSymbol), sp.srepr(factor))


def _class_of(symbol: TensorSymbol) -> int:
    if symbol.origin is None:
        return _FACTOR_CLASS[symbol.role]
    return _ORIGIN_CLASS.get(symbol.origin[0], 1)
