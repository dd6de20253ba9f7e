"""Where the values of a compiled loop are: in arrays of all steps, of one step, or in registers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from equations.generate.numba.arrange import Arrangement, Stage
from equations.generate.numba.products import Members, Product
from equations.generate.planning.layout import joined
from equations.language import Contract, Largest, TensorSymbol
from equations.program import Equation

Pairs = tuple[tuple[TensorSymbol, TensorSymbol], ...]


@dataclass(frozen=True)
class Room:
    """A place in an array.

    Args:
        array: the name of the array.
        steps: whether it has rows of all steps, or of one.
        axes: of the value, after the rows.
        first: how many such values lie before it, side by side along the first axis.
        total: how many there are side by side.
    """

    array: str
    steps: bool
    axes: tuple[str, ...]
    first: int = 0
    total: int = 1

    def at(self, *indices: str) -> str:
        """A component of one sample."""
        row = "row" if self.steps else "sample"
        if self.first:
            indices = (f"{times(self.first, self.axes[0])} + {indices[0]}", *indices[1:])
        return f"{self.array}[{', '.join([row, *indices])}]"

    def whole(self, count: int = 1) -> str:
        """All rows of it, or of so many values."""
        return self.array if count == self.total else self.slice(":", count)

    def slice(self, rows: str, count: int = 1) -> str:
        """These rows of it, or of so many values."""
        if count == self.total:
            return f"{self.array}[{rows}]"
        return f"{self.array}[{rows}, {part(self.first, count, self.axes[0])}]"


def times(count: int, axis: str) -> str:
    """The length of so many axes together."""
    return axis if count == 1 else f"{count} * {axis}"


def part(first: int, count: int, axis: str) -> str:
    """A slice of so many lengths of an axis."""
    start = times(first, axis) if first else ""
    stop = times(first + count, axis)
    colon = " : " if "*" in start + stop else ":"
    return f"{start}{colon}{stop}".strip()


@dataclass(frozen=True)
class Nest:
    """Equations with the same axes that one loop over those axes computes."""

    axes: tuple[str, ...]
    equations: tuple[Equation, ...]


@dataclass(frozen=True)
class Rooms:
    """The arrays of one arrangement.

    Args:
        arrangement: of a recurrence.
        carried: pairs (argument, result): what one step sends to the next.
        backwards: whether time runs from T to 1.
    """

    arrangement: Arrangement
    carried: Pairs
    backwards: bool

    @cached_property
    def nests(self) -> dict[Stage, tuple[Nest, ...]]:
        """The loops of each segment."""
        return {stage: tuple(_nests(stage.segment)) for stage in self.arrangement.stages}

    @cached_property
    def sent(self) -> Pairs:
        """What is carried in an array of one step, since its values of all steps are not kept."""
        stored, made = self.arrangement.stored, self.arrangement.made
        return tuple(
            (argument, result)
            for argument, result in self.carried
            if result not in stored and (self.backwards or result in made)
        )

    @cached_property
    def results(self) -> dict[TensorSymbol, Room]:
        """Where products put their results."""
        found = {}
        for product in (*self.arrangement.before, *self.arrangement.products):
            if isinstance(product, Product):
                steps = product in self.arrangement.before
                name = f"{product.name}_all" if steps else f"{product.name}_step"
                for k, result in enumerate(product.results):
                    found[result] = Room(name, steps, result.axes, k, len(product.results))
        return found

    def read(self, symbol: TensorSymbol) -> Room:
        """Where a value of another loop is read."""
        if any(symbol == argument for argument, _ in self.sent):
            return Room(str(symbol), steps=False, axes=symbol.axes)
        for home in self.arrangement.homes:
            if symbol in home:
                return self._in_home(home, symbol)
        if symbol in self.arrangement.made and symbol not in self.arrangement.stored:
            own = Room(f"{symbol}_step", steps=False, axes=symbol.axes)
            return self.results.get(symbol, own)
        own = Room(f"{symbol}_all", steps=True, axes=symbol.axes)
        return own if symbol in self.arrangement.made else self.results.get(symbol, own)

    def together(self, members: Members) -> str | None:
        """Values as one matrix with the rows of all steps, where they lie side by side."""
        if len(members) == 1:
            return self.read(members[0]).whole()
        for home in self.arrangement.homes:
            if members[0] in home:
                first = home.index(members[0])
                if home[first : first + len(members)] == members:
                    return self._in_home(home, members[0]).whole(len(members))
        return None

    def written(self, symbol: TensorSymbol) -> Iterator[Room]:
        """The places where a value of the loop goes."""
        if symbol in self.arrangement.stored:
            yield self.read(symbol)
        if symbol in self._apart:
            yield Room(f"{symbol}_step", steps=False, axes=symbol.axes)
        for product in self.gathered:
            if symbol in product.operands:
                place, total = product.operands.index(symbol), len(product.operands)
                yield Room(f"{product.name}_of", False, symbol.axes, place, total)  # noqa: FBT003

    def target(self, product: Product) -> Room:
        """Where a product of one step puts its results."""
        first = product.results[0]
        if len(product.results) == 1 and first in self.arrangement.stored:
            room = self.read(first)
            if room.total == 1:
                return room
        return self.results[first]

    def operand(self, product: Product) -> str:
        """The matrix that a product of one step reads."""
        if product in self.gathered:
            return f"{product.name}_of"
        if len(product.operands) > 1:
            return f"{self._home_name(product.operands)}_all[first:last]"
        symbol = product.operands[0]
        room = self.read(symbol)
        if room.total > 1:
            return f"{symbol}_step"
        return f"{room.array}[first:last]" if room.steps else room.array

    @cached_property
    def gathered(self) -> tuple[Product, ...]:
        """The products of a step whose operands are put side by side for them alone."""
        return tuple(
            product
            for product in self.arrangement.products
            if len(product.operands) > 1 and product.operands not in self.arrangement.homes
        )

    @property
    def steps(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The arrays of one step, but those that are carried: a name, and axes."""
        results = {result for _, result in self.sent}
        for stage in self.arrangement.stages:
            for equation in stage.segment:
                symbol = equation.symbol
                if symbol in self._apart and symbol not in results:
                    yield f"{symbol}_step", symbol.axes
            for product in stage.products:
                first, count = product.results[0], len(product.results)
                if count > 1 or not (first in results or self.target(product).steps):
                    yield f"{product.name}_step", _stacked(first.axes, count)
                # A part of a stack that a product reads is copied, since it has gaps.
                for symbol in product.results:
                    if symbol in self._apart and symbol not in results:
                        yield f"{symbol}_step", symbol.axes
        for product in self.gathered:
            axes = product.operands[0].axes
            yield f"{product.name}_of", _stacked(axes, len(product.operands))

    @property
    def stored(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The arrays of all steps that the loop fills, but those of carried states."""
        carried = {result for _, result in self.carried}
        homes = {member for home in self.arrangement.homes for member in home}
        for symbol in self.arrangement.stored:
            if symbol not in homes and symbol not in carried:
                yield f"{symbol}_all", symbol.axes
        for home in self.arrangement.homes:
            yield f"{self._home_name(home)}_all", _stacked(home[0].axes, len(home))

    def _home_name(self, home: Members) -> str:
        return joined([str(member) for member in home])

    def _in_home(self, home: Members, symbol: TensorSymbol) -> Room:
        name = f"{self._home_name(home)}_all"
        return Room(name, steps=True, axes=symbol.axes, first=home.index(symbol), total=len(home))

    @cached_property
    def _apart(self) -> frozenset[TensorSymbol]:
        """What has an array of one step: another loop reads it, or a product, or the next step."""
        read = {result for _, result in self.sent}
        for nests in self.nests.values():
            local = {eq.symbol for nest in nests if not nest.axes for eq in nest.equations}
            for nest in nests:
                own = {equation.symbol for equation in nest.equations}
                for equation in nest.equations:
                    read |= equation.value.atoms(TensorSymbol) - own - local
                    read |= {s for s in _mixed(equation.value) if s.axes}
        apart = (read & self.arrangement.made) - set(self.arrangement.stored) - set(self.results)
        apart |= {r for _, r in self.sent if r in self.results and self.results[r].total > 1}
        for product in self.arrangement.products:
            if len(product.operands) == 1 and product.operands[0] in self.arrangement.made:
                symbol = product.operands[0]
                # BLAS reads a value only where it lies without gaps.
                whole = symbol in self.results and self.results[symbol].total == 1
                kept = symbol in self.arrangement.stored and self.read(symbol).total == 1
                apart |= set() if whole or kept else {symbol}
        return frozenset(apart)


def _stacked(axes: tuple[str, ...], count: int) -> tuple[str, ...]:
    return axes if count == 1 else (times(count, axes[0]), *axes[1:])


def _nests(equations: Iterable[Equation]) -> Iterator[Nest]:
    """Loops in an order in which they can run."""
    level: dict[TensorSymbol, int] = {}
    groups: dict[tuple[int, tuple[str, ...]], list[Equation]] = {}
    for equation in equations:
        mixed = _mixed(equation.value)
        here = 0
        for symbol in equation.value.atoms(TensorSymbol):
            if symbol in level:
                alike = symbol.axes == equation.symbol.axes and symbol not in mixed
                here = max(here, level[symbol] + (not alike))
        level[equation.symbol] = here
        groups.setdefault((here, equation.symbol.axes), []).append(equation)
    for (_, axes), group in sorted(groups.items(), key=lambda item: item[0][0]):
        yield Nest(axes, tuple(group))


def _mixed(value: sp.Expr) -> set[TensorSymbol]:
    """What is read at other components than the one that is computed."""
    nodes = value.atoms(Contract, Largest)
    return {symbol for node in nodes for symbol in node.atoms(TensorSymbol)}
