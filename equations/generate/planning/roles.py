"""What a derived symbol is to the generator: a parameter, a gradient of one, or a value."""

from __future__ import annotations

from equations.derive.names import depth
from equations.language import TensorSymbol


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
