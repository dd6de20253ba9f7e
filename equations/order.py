"""The order in which terms and factors are written: ours, since SymPy's carries no meaning.

Terms: positive ones first, then those without parameters, then by the declaration of the latest
parameter or symbol in them (`W x + U h + b`, `h' - h`, `f c + i g`).
Factors: cotangents, parameters, gates and other computed values, inputs and states, tangents; names
before sums and functions (`δu u (1 - u)`, `o tanh(c)`, `(1 - u) ḣ`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sympy as sp

from equations.language import TensorSymbol

_FACTOR_CLASS = {"parameter": 1, "value": 2, "shift": 2, "input": 3, "state": 3}
_COTANGENTS = ("cotangent", "seed", "carry")
_VALUES = ("argument", "expression", "beside", "copy", "constant")


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

    def _positions(self, symbols: Iterable[TensorSymbol]) -> list[int]:
        return sorted((self.position.get(s, len(self.position)) for s in symbols), reverse=True)

    def _term_key(self, number: sp.Expr, rest: sp.Expr) -> tuple[bool, list[int], list[int], str]:
        parameters = [s for s in rest.atoms(TensorSymbol) if _is_parameter(s)]
        return (
            bool(number.is_negative),
            self._positions(parameters),
            self._positions(rest.atoms(TensorSymbol)),
            sp.srepr(rest),
        )

    def _factor_key(self, factor: sp.Expr) -> tuple[int, bool, int, str]:
        symbols = factor.atoms(TensorSymbol)
        kind, place = min(
            ((_class_of(s), self.position.get(s, len(self.position))) for s in symbols),
            default=(-1, 0),
        )
        return (kind, not isinstance(factor, TensorSymbol), place, sp.srepr(factor))


def _class_of(symbol: TensorSymbol) -> int:
    """Cotangents and their tangents first; tangents of the cell's own values last."""
    outermost = symbol.origin
    while symbol.origin is not None and symbol.origin[0] not in _VALUES:
        if symbol.origin[0] in _COTANGENTS:
            return 0
        symbol = symbol.origin[1][0]
    if outermost is not None and outermost[0] in ("tangent", "jacobian"):
        return 4
    return _FACTOR_CLASS[symbol.role]


def _is_parameter(symbol: TensorSymbol) -> bool:
    """Whether it is a parameter or the tangent of one."""
    while symbol.origin is not None and symbol.origin[0] == "tangent":
        symbol = symbol.origin[1][0]
    return symbol.role == "parameter"
