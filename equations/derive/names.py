"""The names of derived values: `du` and `u_dot`, and `d2u`, `u_dot2` when derived again.

A program that already holds cotangents gets the next number, so that the cotangent of a cotangent
and the second cotangent of a value never share a name.
"""

from __future__ import annotations

from collections.abc import Iterable

from equations.language import Origin, TensorSymbol


def depth(symbol: TensorSymbol, kinds: Iterable[Origin]) -> int:
    """How many derivations of these kinds made the symbol."""
    if symbol.origin is None:
        return 0
    kind, sources = symbol.origin
    below = max((depth(s, kinds) for s in sources if isinstance(s, TensorSymbol)), default=0)
    return below + (kind in kinds)


class CotangentNames:
    """Names for one reverse pass over a program with these symbols."""

    def __init__(self, symbols: Iterable[TensorSymbol]) -> None:
        """Take the next number that no symbol uses."""
        level = 1 + max((depth(s, ("cotangent", "seed")) for s in symbols), default=0)
        self.prefix = "d" if level == 1 else f"d{level}"

    def total(self, of: TensorSymbol) -> TensorSymbol:
        """The cotangent of a value."""
        return TensorSymbol(f"{self.prefix}{of.name}", of.axes, origin=("cotangent", (of,)))

    def seed(self, of: TensorSymbol) -> TensorSymbol:
        """The cotangent a result is given from outside, where more is added to it inside."""
        return TensorSymbol(f"{self.prefix}{of.name}_given", of.axes, origin=("seed", (of,)))

    def carry(self, of: TensorSymbol) -> TensorSymbol:
        """The part of a state's cotangent that the following step sends back."""
        return TensorSymbol(f"{self.prefix}{of.name}_later", of.axes, origin=("carry", (of,)))


class TangentNames:
    """Names for one forward-mode pass over a program with these symbols."""

    def __init__(self, symbols: Iterable[TensorSymbol]) -> None:
        """Take the next number that no symbol uses."""
        level = 1 + max((depth(s, ("tangent",)) for s in symbols), default=0)
        self.suffix = "_dot" if level == 1 else f"_dot{level}"

    def tangent(self, of: TensorSymbol) -> TensorSymbol:
        """The tangent of a value."""
        return TensorSymbol(f"{of.name}{self.suffix}", of.axes, origin=("tangent", (of,)))


def jacobian_name(of: TensorSymbol, by: TensorSymbol) -> TensorSymbol:
    """∂of/∂by, with the axes of `of` and then those of `by`."""
    return TensorSymbol(
        f"d{of.name}_d{by.name}", (*of.axes, *by.axes), origin=("jacobian", (of, by))
    )
