"""A program: named equations in order, from arguments to results.

Every pass maps programs to programs. A cell's forward equations, its backward pass, its tangents
and their derivatives are all of this one form, so whatever prints, generates, evaluates or derives
one does it for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from equations.language import LanguageError, Largest, TensorSymbol, axes_of
from equations.printable import Printable


@dataclass(frozen=True)
class Equation:
    """`symbol = value`. The symbol of a shift is held constant by every derivation."""

    symbol: TensorSymbol
    value: sp.Expr

    def __str__(self) -> str:
        """The equation in plain SymPy notation, for messages."""
        return f"{self.symbol} = {self.value}"


@dataclass(frozen=True, repr=False)
class Program(Printable):
    """Equations that compute `results` from `arguments`.

    Args:
        name: what it is, for messages and headings.
        arguments: the symbols it is given, in declaration order.
        equations: in an order in which they can be computed.
        results: symbols among the equations or arguments.

    Raises:
        LanguageError: a name occurs twice, is used before its definition, or axes disagree.
    """

    name: str
    arguments: tuple[TensorSymbol, ...]
    equations: tuple[Equation, ...]
    results: tuple[TensorSymbol, ...]
    facts: tuple[Fact, ...] = ()

    def __post_init__(self) -> None:
        """Check names and axes; SymPy checks neither."""
        known: dict[str, TensorSymbol] = {}
        for symbol in self.arguments:
            self._define(symbol, known)
        for equation in self.equations:
            for used in ordered_symbols(equation.value, self.position):
                if known.get(used.name) != used:
                    raise LanguageError(
                        f"{self.name}: equation {equation.symbol} uses {used} before it is defined"
                    )
            if equation.symbol.role != "shift" and equation.value.has(Largest):
                raise LanguageError(
                    f"{self.name}: equation {equation.symbol}: largest(...) is only for a shift"
                )
            try:
                axes = axes_of(equation.value)
            except LanguageError as error:
                raise LanguageError(f"{self.name}: equation {equation.symbol}: {error}") from None
            if axes is not None and axes != equation.symbol.axes:
                raise LanguageError(
                    f"{self.name}: equation {equation.symbol}: expected axes "
                    f"({', '.join(equation.symbol.axes)}), got ({', '.join(axes)})"
                )
            self._define(equation.symbol, known)
        for symbol in self.results:
            if known.get(symbol.name) != symbol:
                raise LanguageError(f"{self.name}: result {symbol} is never defined")

    def _define(self, symbol: TensorSymbol, known: dict[str, TensorSymbol]) -> None:
        if symbol.name in known:
            raise LanguageError(f"{self.name}: {symbol} is defined twice")
        known[symbol.name] = symbol

    @cached_property
    def symbols(self) -> tuple[TensorSymbol, ...]:
        """All symbols in the order of their declaration."""
        return (*self.arguments, *(equation.symbol for equation in self.equations))

    @cached_property
    def position(self) -> dict[TensorSymbol, int]:
        """Where each symbol stands in the declaration order."""
        return {symbol: k for k, symbol in enumerate(self.symbols)}

    def __iter__(self) -> Iterator[Equation]:
        """The equations in order."""
        return iter(self.equations)

    def __getitem__(self, name: str) -> TensorSymbol:
        """The symbol of that name.

        Raises:
            KeyError: there is none; the message lists the names there are.
        """
        for symbol in self.symbols:
            if symbol.name == name:
                return symbol
        raise KeyError(f"{self.name} has no {name!r}; it has {', '.join(map(str, self.symbols))}")

    def value_of(self, symbol: TensorSymbol) -> sp.Expr | None:
        """The right-hand side that defines the symbol; None for an argument."""
        return self._values.get(symbol)

    @cached_property
    def _values(self) -> dict[TensorSymbol, sp.Expr]:
        return {equation.symbol: equation.value for equation in self.equations}

    def needed_for(self, results: Iterable[TensorSymbol]) -> Program:
        """Only the equations and arguments that those results depend on."""
        wanted = set(results)
        kept: list[Equation] = []
        for equation in reversed(self.equations):
            if equation.symbol in wanted:
                kept.append(equation)
                wanted |= equation.value.atoms(TensorSymbol)
        return replace(
            self,
            arguments=tuple(symbol for symbol in self.arguments if symbol in wanted),
            equations=tuple(reversed(kept)),
            results=tuple(results),
        )

    def given(self, known: Iterable[TensorSymbol]) -> Program:
        """The same program when some of its values are handed to it instead of computed."""
        known = set(known)
        equations = tuple(eq for eq in self.equations if eq.symbol not in known)
        moved = tuple(eq.symbol for eq in self.equations if eq.symbol in known)
        program = replace(self, arguments=(*self.arguments, *moved), equations=equations)
        return program.needed_for(self.results)

    def then(self, other: Program, name: str) -> Program:
        """One program that runs this and then `other`, which may read everything of this."""
        mine = set(self.symbols)
        extra = tuple(symbol for symbol in other.arguments if symbol not in mine)
        return Program(
            name,
            (*self.arguments, *extra),
            (*self.equations, *other.equations),
            (*self.results, *other.results),
            self.facts,
        )


@dataclass(frozen=True)
class Fact:
    """A declared equation, such as Σ y = 1: `left` may be replaced by `right`."""

    left: sp.Expr
    right: sp.Expr


def ordered_symbols(
    expression: sp.Expr, position: dict[TensorSymbol, int]
) -> tuple[TensorSymbol, ...]:
    """The tensor symbols in an expression, in declaration order (a set has none of its own)."""
    found = expression.atoms(TensorSymbol)
    return tuple(
        sorted(found, key=lambda symbol: (position.get(symbol, len(position)), symbol.name))
    )
