"""The equations of a program as statements, each derivative under the equation it came from."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from equations.generate.einsum import BATCH
from equations.generate.expression import Writer
from equations.generate.plan import Plan, base, is_gradient
from equations.generate.source import Lines, assign, comment
from equations.language import LETTERS, TensorSymbol
from equations.order import Order
from equations.printing import expression as printed
from equations.program import Equation, Program


@dataclass(frozen=True)
class Statements:
    """Writes the equations of the programs of one plan."""

    plan: Plan

    def write(self, program: Program, indent: int, *, all_steps: bool = False) -> Lines:
        """The statements of a program in its order.

        Args:
            program: what to write.
            indent: how many levels in the statements will stand.
            all_steps: whether the batch holds the rows of all steps.
        """
        writer = self.writer(program, all_steps=all_steps)
        lines: Lines = []
        last: str | None = None
        for equation in program:
            origin = self.origin(equation.symbol)
            if origin and origin != last:
                lines += comment(origin, indent)
            last = origin
            lines += _statement(equation, writer, indent, program.results)
        return lines

    def writer(self, program: Program, *, all_steps: bool = False) -> Writer:
        """A writer that knows which symbols of the program are batched."""
        position = dict(self.plan.forward.position)
        for symbol in program.symbols:
            position.setdefault(symbol, len(position))
        batched = {symbol: base(symbol).role != "parameter" for symbol in program.arguments}
        for equation in program:
            batched[equation.symbol] = not is_gradient(equation.symbol) and any(
                batched[symbol] for symbol in equation.value.atoms(TensorSymbol)
            )
        return Writer(Order(position), batched, all_steps)

    def origin(self, symbol: TensorSymbol) -> str | None:
        """The equation of the cell that a statement came from, printed."""
        if symbol.origin is None or symbol.origin[0] in ("argument", "expression"):
            known = self.plan.forward.value_of(symbol) is not None
            return self.defining(symbol) if known else self.part(symbol)
        kind, (of, *_) = symbol.origin
        if not isinstance(of, TensorSymbol):
            return None
        if kind != "cotangent":
            derived = of.origin is not None and of.origin[0] == "cotangent"
            return self.origin(of) if derived else self.defining(of)
        users = [eq.symbol for eq in self.plan.forward if eq.value.has(of)]
        if len(users) == 1:
            return self.defining(users[0])
        return f"{self.show(of)} is in {', '.join(map(self.show, users))}" if users else None

    def defining(self, symbol: TensorSymbol) -> str | None:
        """The equation of a value of the cell, printed."""
        value = self.plan.forward.value_of(symbol)
        if value is None:
            return None
        name, text = self.show(symbol), self.show(value)
        return text if name == text else f"{name} = {text}"

    def part(self, symbol: TensorSymbol) -> str | None:
        """The part of an equation that a schedule gave a name of its own, printed."""
        return None if symbol.origin is None else self.show(symbol.origin[1][0])

    def show(self, value: sp.Expr) -> str:
        """An expression of the cell, printed as people write it."""
        return printed(value, Order(self.plan.forward.position), "unicode")


def _statement(
    equation: Equation, writer: Writer, indent: int, results: tuple[TensorSymbol, ...]
) -> Lines:
    symbol, value = equation.symbol, equation.value
    gradient = is_gradient(symbol)
    target = writer.name(symbol)
    if value.is_number:
        lead = [] if gradient else ["T * B" if writer.all_steps else BATCH]
        shape = ", ".join([*lead, *symbol.axes])
        shape += "," if shape.count(",") == 0 and shape else ""
        return [f"{target} = np.full(({shape}), {value}, dtype=dtype)"]
    batch = BATCH if writer.is_batched(value) and not gradient else ""
    letters = batch + LETTERS[: len(symbol.axes)]
    if isinstance(value, TensorSymbol) and letters == writer.letters(value):
        # A result is a value of its own: it shares no memory with another.
        return [f"{target} = {writer.name(value)}" + (".copy()" if symbol in results else "")]
    return assign(target, writer.terms(value, letters), indent)
