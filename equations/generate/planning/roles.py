"""What a symbol is to the generator: a parameter, a gradient of one, or a value of a batch."""

from __future__ import annotations

from collections.abc import Mapping

from equations.derive.names import depth
from equations.language import TensorSymbol
from equations.program import Equation


def is_parameter(symbol: TensorSymbol) -> bool:
    """Whether it is a parameter or the tangent of one: the same at every step."""
    while symbol.origin is not None and symbol.origin[0] == "tangent":
        symbol = symbol.origin[1][0]
    return symbol.role == "parameter"


def base(symbol: TensorSymbol) -> TensorSymbol:
    """The symbol of the cell that a derived symbol belongs to."""
    while symbol.origin is not None and isinstance(symbol.origin[1][0], TensorSymbol):
        if symbol.origin[0] == "argument":
            break
        symbol = symbol.origin[1][0]
    return symbol


def is_gradient(symbol: TensorSymbol) -> bool:
    """Whether it is a cotangent of a parameter (or a tangent of one): summed over the batch."""
    return base(symbol).role == "parameter" and depth(symbol, ("cotangent", "seed")) > 0


def is_batched(equation: Equation, batched: Mapping[TensorSymbol, bool]) -> bool:
    """Whether the value of an equation has a batch axis; a gradient is summed over it."""
    inner = any(batched[symbol] for symbol in equation.value.atoms(TensorSymbol))
    return not is_gradient(equation.symbol) and (inner or bool(equation.value.is_number))
