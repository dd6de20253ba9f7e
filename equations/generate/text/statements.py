"""The equations of a program as statements, each derivative under the equation it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from equations.generate.planning.plan import Plan
from equations.generate.planning.roles import is_batched, is_parameter
from equations.generate.text.einsum import BATCH
from equations.generate.text.expression import Writer
from equations.generate.text.source import Lines, assign, comment
from equations.language import LETTERS, TensorSymbol
from equations.order import Order
from equations.printing import expressions
from equations.program import Equation, Program


@dataclass(frozen=True)
class Statements:
    """Writes the equations of the programs of one plan."""

    plan: Plan

    def write(
        self, program: Program, indent: int, writer: Writer | None = None, rows: str = BATCH
    ) -> Lines:
        """The statements of a program in its order, each under the equation it came from.

        Args:
            program: what to write.
            indent: how many levels in the statements will stand.
            writer: how expressions are written; that of one step unless told otherwise.
            rows: the length of the batch.
        """
        writer = writer or self.writer(program)
        lines: Lines = []
        last: Lines = []
        for equation in program:
            above = self.above([equation.symbol])
            lines += (
                [] if above == last else [line for text in above for line in comment(text, indent)]
            )
            last = above
            copy = equation.symbol in program.results
            lines += statement(equation, writer, indent, copy=copy, rows=rows)
        return lines

    def writer(self, program: Program) -> Writer:
        """A writer that knows which symbols of the program are batched."""
        batched = {symbol: not is_parameter(symbol) for symbol in program.arguments}
        for equation in program:
            batched[equation.symbol] = is_batched(equation, batched)
        return Writer(self.order(program.symbols), batched)

    def order(self, symbols: Iterable[TensorSymbol]) -> Order:
        """The writing order: that of the cell, then of the symbols given."""
        position = dict(self.plan.cell.forward().position)
        for symbol in symbols:
            beside = shown_for(symbol).atoms(TensorSymbol) if is_beside(symbol) else ()
            place = max((position.get(of, len(position)) for of in beside), default=len(position))
            position.setdefault(symbol, place)
        return Order(position)

    def above(self, symbols: Iterable[TensorSymbol]) -> Lines:
        """The equations that a statement for these symbols came from, printed."""
        lines: Lines = []
        for symbol in symbols:
            if symbol.origin is not None and symbol.origin[0] == "stack":
                lines += self.above(symbol.origin[1])
            elif not is_parameter(symbol):
                lines += filter(None, [self.origin(symbol)])
        return list(dict.fromkeys(lines))

    def origin(self, symbol: TensorSymbol) -> str | None:
        """The equation of the cell that a statement came from, printed."""
        if symbol.origin is None or symbol.origin[0] in ("argument", "expression"):
            known = self.plan.cell.forward().value_of(symbol) is not None
            return self.defining(symbol) if known else self.part(symbol)
        kind, (of, *_) = symbol.origin
        if isinstance(-of, TensorSymbol):
            name, _, text = (self.defining(-of) or "").partition(" = ")
            return f"-{name} = -({text})"
        if not isinstance(of, TensorSymbol):
            return self.show(of) if kind == "beside" else None
        if kind == "copy":
            return self.show(of)
        if kind != "cotangent":
            derived = of.origin is not None and of.origin[0] == "cotangent"
            return self.origin(of) if derived else self.defining(of)
        users = [eq.symbol for eq in self.plan.cell.forward() if eq.value.has(of)]
        if len(users) == 1:
            return self.defining(users[0])
        return f"{self.show(of)} is in {', '.join(map(self.show, users))}" if users else None

    def defining(self, symbol: TensorSymbol) -> str | None:
        """The equation of a value of the cell, printed."""
        value = self.plan.cell.forward().value_of(symbol)
        if value is None:
            return None
        name, text = self.show(symbol), self.show(value)
        return text if name == text else f"{name} = {text}"

    def part(self, symbol: TensorSymbol) -> str | None:
        """The part of an equation that a schedule gave a name of its own, printed."""
        return None if symbol.origin is None else self.show(symbol.origin[1][0])

    def show(self, value: sp.Expr) -> str:
        """An expression of the cell, printed as people write it."""
        beside = {s: shown_for(s) for s in value.atoms(TensorSymbol) if is_beside(s)}
        return self._printed(value.xreplace(beside))

    @cached_property
    def _printed(self) -> Callable[[sp.Expr], str]:
        return expressions(Order(self.plan.cell.forward().position), "unicode")


def is_beside(symbol: TensorSymbol) -> bool:
    """Whether it is computed beside what is printed, and has no name in print."""
    return symbol.origin is not None and symbol.origin[0] in ("beside", "copy")


def shown_for(symbol: TensorSymbol) -> sp.Expr:
    """What is printed where a value stands that has no name in print."""
    return symbol if symbol.origin is None else symbol.origin[1][0]


def repeated(symbol: TensorSymbol, lead: Iterable[str]) -> str:
    """A value without a batch, read along these axes as well."""
    return f"np.broadcast_to({symbol}, ({', '.join([*lead, *symbol.axes])},))"


def statement(
    equation: Equation, writer: Writer, indent: int, *, copy: bool = False, rows: str = BATCH
) -> Lines:
    """An equation as an assignment.

    Args:
        equation: between symbols the writer knows.
        writer: how expressions are written.
        indent: how many levels in it will stand.
        copy: whether the value has to be one of its own, and share no memory with another.
        rows: the length of the batch.
    """
    symbol, value = equation.symbol, equation.value
    target = writer.name(symbol)
    batch = writer.batched[symbol]
    if value.is_number:
        shape = ", ".join([*([rows] if batch else []), *symbol.axes])
        shape += "," if shape.count(",") == 0 and shape else ""
        return [f"{target} = np.full(({shape}), {value}, dtype=dtype)"]
    letters = (BATCH if batch else "") + LETTERS[: len(symbol.axes)]
    if isinstance(value, TensorSymbol) and letters == writer.letters(value):
        return [f"{target} = {writer.name(value)}" + (".copy()" if copy else "")]
    return assign(target, writer.terms(value, letters), indent)
