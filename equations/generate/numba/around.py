"""What NumPy computes before and after a compiled loop: all steps in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from equations.generate.numba.arrange import Item, outer, results_of, values_read
from equations.generate.numba.products import Members, Product
from equations.generate.numba.rooms import Rooms, part
from equations.generate.planning.layout import joined
from equations.generate.planning.roles import base, is_gradient
from equations.generate.text.expression import Writer
from equations.generate.text.source import Lines, call, comment
from equations.generate.text.statements import Statements
from equations.language import TensorSymbol
from equations.order import Order
from equations.program import Equation, Program


@dataclass(frozen=True)
class Around:
    """Writes the statements on the rows of all steps.

    Args:
        statements: writes equations, and the comments above them.
        order: the order of terms and factors.
        rooms: where values are.
        wanted: the values wanted of them, which need memory of their own.
    """

    statements: Statements
    order: Order
    rooms: Rooms
    wanted: Members

    def before(self) -> Lines:
        """What precedes the loop: parameters put together, and products."""
        arrangement = self.rooms.arrangement
        every = (*arrangement.before, *arrangement.products, *arrangement.after)
        stacks = {
            item.weights: call(
                f"{item.weights} = np.concatenate", [_tuple(map(str, item.matrices)), "axis=0"], 1
            )
            for item in every
            if isinstance(item, Product) and len(item.matrices) > 1
        }
        lines = [line for stack in stacks.values() for line in stack]
        # Of parameters alone, so that a matrix among them can be put together with others.
        own = [item for item in arrangement.before if self.is_fixed(item)]
        others = [item for item in arrangement.before if item not in own]
        return [*self.items(own), *lines, *self.items(others)]

    def is_fixed(self, item: Item) -> bool:
        """Whether a value is the same at every step and for every sample."""
        return isinstance(item, Equation) and not self.rooms.arrangement.batched[item.symbol]

    def after(self) -> Lines:
        """What follows the loop: products, and gradients, those together that can be."""
        items = list(self.rooms.arrangement.after)
        lines: Lines = []
        while items:
            item = items.pop(0)
            group = [item, *(other for other in items if self.goes_with(item, other))]
            group = self.in_a_row(group)
            if len(group) > 1:
                items = [other for other in items if other not in group]
                lines += self.gradients(group)
            else:
                lines += self.items([item])
        return lines

    def items(self, items: Sequence[Item]) -> Lines:
        """Statements one after another."""
        lines: Lines = []
        for item in items:
            lines += self.product(item) if isinstance(item, Product) else self.equation(item)
        return lines

    def product(self, product: Product) -> Lines:
        """A product for all steps."""
        rows = self.rooms.together(product.operands)
        if rows is None:
            rows = f"np.concatenate({_tuple(map(self.name, product.operands))}, axis=1)"
        above = [
            line for text in self.statements.above(product.results) for line in comment(text, 1)
        ]
        matrix = f"{product.weights}.T" if product.transposed else product.weights
        return [*above, f"{product.name}_all = {rows} @ {matrix}"]

    def equation(self, equation: Equation) -> Lines:
        """An equation for all steps."""
        batched = self.rooms.arrangement.batched
        read = sorted(values_read([equation]), key=lambda s: self.order.position[s])
        names = {s: self.name(s) for s in (*read, equation.symbol) if batched[s]}
        kept = tuple(s for s in results_of(equation) if s in self.wanted)
        program = Program(str(equation.symbol), tuple(read), (equation,), kept)
        writer = Writer(self.order, batched, names)
        return self.statements.write(program, 1, writer, rows="T * B")

    def goes_with(self, first: Item, second: Item) -> bool:
        """Whether two gradients are parts of one product, or of one sum."""
        if not isinstance(first, Equation) or not isinstance(second, Equation):
            return False
        if first.symbol.axes != second.symbol.axes:
            return False
        one, other = outer(first), outer(second)
        if one is not None and other is not None:
            return one[1] == other[1]
        return _is_sum(first) and _is_sum(second)

    def in_a_row(self, group: list[Item]) -> list[Item]:
        """Those gradients, in the order of the parameters, if what they read lies side by side."""
        if len(group) < 2:
            return group
        parameters = self.statements.plan.cell.parameters
        ordered = sorted(group, key=lambda item: parameters.index(base(results_of(item)[0])))
        return ordered if self.rooms.together(_values(ordered)) is not None else group[:1]

    def gradients(self, group: Sequence[Item]) -> Lines:
        """Gradients of several parameters as one, and its parts."""
        symbols = [results_of(item)[0] for item in group]
        rows, name = self.rooms.together(_values(group)), joined([str(s) for s in symbols])
        first = group[0]
        factors = outer(first) if isinstance(first, Equation) else None
        text = f"{rows}.T @ {self.name(factors[1])}" if factors else f"{rows}.sum(axis=0)"
        above = [line for text in self.statements.above(symbols) for line in comment(text, 1)]
        axis = symbols[0].axes[0]
        parts = [f"{s} = {name}[{part(k, 1, axis)}]" for k, s in enumerate(symbols)]
        return [*above, f"{name} = {text}", *parts]

    def name(self, symbol: TensorSymbol) -> str:
        """The rows of all steps of a value."""
        return self.rooms.read(symbol).whole()


def _is_sum(equation: Equation) -> bool:
    """Whether it is a sum over the batch of a value as it is."""
    return is_gradient(equation.symbol) and isinstance(equation.value, TensorSymbol)


def _values(gradients: Iterable[Item]) -> Members:
    """The values that gradients are the products or sums of."""
    found = []
    for item in gradients:
        if isinstance(item, Equation):
            factors = outer(item)
            found.append(factors[0] if factors else item.value)
    return tuple(found)


def _tuple(names: Iterable[str]) -> str:
    return f"({', '.join(names)})"
