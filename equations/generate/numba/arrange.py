"""What of a schedule is left to NumPy, and what one step of the compiled loop does.

NumPy computes the products of all steps at once, before the loop and after it, and what these need.
All else is in the loop: products of one step, and between them segments, which are scalar code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

from equations.generate.numba.products import Members, Product, grouped, split
from equations.generate.planning.roles import base, is_batched, is_gradient, is_parameter
from equations.generate.planning.schedule import Schedule
from equations.language import Contract, TensorSymbol
from equations.program import Equation

Symbols = frozenset[TensorSymbol]
Item = Equation | Product


@dataclass(frozen=True)
class Stage:
    """Part of a step: a segment of scalar code, and then the products that can follow it."""

    segment: tuple[Equation, ...]
    products: tuple[Product, ...]

    @property
    def made(self) -> Members:
        """What it computes."""
        own = (equation.symbol for equation in self.segment)
        return (*own, *(result for product in self.products for result in product.results))


@dataclass(frozen=True)
class Arrangement:
    """A recurrence around and in its loop.

    Args:
        before: what NumPy computes before the loop, for all steps.
        stages: one step.
        after: what NumPy computes after the loop, for all steps.
        stored: values of the loop that are kept for every step.
        homes: those of them that lie side by side, for products after the loop.
        batched: which symbols have a batch axis.
    """

    before: tuple[Item, ...]
    stages: tuple[Stage, ...]
    after: tuple[Item, ...]
    stored: Members
    homes: tuple[Members, ...]
    batched: dict[TensorSymbol, bool]

    @cached_property
    def products(self) -> tuple[Product, ...]:
        """The products of a step."""
        return tuple(product for stage in self.stages for product in stage.products)

    @cached_property
    def made(self) -> Symbols:
        """What the loop computes."""
        return frozenset(symbol for stage in self.stages for symbol in stage.made)

    @cached_property
    def given(self) -> Symbols:
        """What the loop reads and does not compute, but the matrices of its products."""
        items: list[Item] = []
        for stage in self.stages:
            items += [*stage.segment, *stage.products]
        return frozenset(values_read(items) - self.made)

    @cached_property
    def around(self) -> Symbols:
        """What is read before the loop and after it."""
        items = (*self.before, *self.after)
        matrices = {m for item in items if isinstance(item, Product) for m in item.matrices}
        return frozenset(values_read(items) | matrices)


def results_of(item: Item) -> Members:
    """What is computed."""
    return item.results if isinstance(item, Product) else (item.symbol,)


def values_read(items: Iterable[Item]) -> set[TensorSymbol]:
    """What is read, but the matrices of products."""
    found: set[TensorSymbol] = set()
    for item in items:
        found.update(item.operands if isinstance(item, Product) else item.value.atoms(TensorSymbol))
    return found


def outer(equation: Equation) -> Members | None:
    """The two values of a gradient that is the sum of their outer products."""
    value = equation.value
    if not isinstance(value, Contract) or value.letters != (("i", "j"), "ij"):
        return None
    return value.operands if all(isinstance(v, TensorSymbol) for v in value.operands) else None


def arranged(
    schedule: Schedule,
    wanted: Iterable[TensorSymbol],
    sent: Iterable[TensorSymbol],
    parameters: Members,
) -> Arrangement:
    """Arrange a schedule.

    Args:
        schedule: of a recurrence.
        wanted: the values wanted for every step.
        sent: the values that a step sends to the next.
        parameters: of the cell, in the order in which they are put together.
    """
    parts = (schedule.before, schedule.loop, schedule.after)
    taken = {symbol.name for part in parts for symbol in part.symbols}
    batched = {s: not is_parameter(s) for part in parts for s in part.arguments}
    for part in parts:
        for equation in part:
            batched[equation.symbol] = is_batched(equation, batched)

    def new(name: str) -> str:
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    ahead, loop, behind = (
        [i for eq in part for i in split(eq, batched, parameters, new)] for part in parts
    )
    for item in (*ahead, *loop, *behind):
        for symbol in results_of(item):
            batched.setdefault(symbol, True)
    early = _early(ahead, batched)
    late = _late(behind, [*ahead, *loop, *behind])
    before = [item for item in ahead if results_of(item)[0] in early]
    after = [item for item in (*ahead, *loop, *behind) if results_of(item)[0] in late]
    step = [i for i in (*ahead, *loop, *behind) if results_of(i)[0] not in early | late]
    read = values_read(after) | set(wanted)
    stored = tuple(s for item in step for s in results_of(item) if s in read)
    step = _needed(step, {*stored, *sent})
    used = values_read([*step, *after]) | _matrices([*step, *after]) | set(wanted)
    before = _needed(before, used)
    numbers = [item for item in before if isinstance(item, Equation)]
    joint = grouped((item for item in before if isinstance(item, Product)), parameters)
    return Arrangement(
        tuple(_in_order([*numbers, *joint])),
        _stages(step, parameters),
        tuple(after),
        stored,
        _homes(after, stored, parameters),
        batched,
    )


def _matrices(items: Iterable[Item]) -> set[TensorSymbol]:
    return {m for item in items if isinstance(item, Product) for m in item.matrices}


def _early(items: list[Item], batched: dict[TensorSymbol, bool]) -> set[TensorSymbol]:
    """What is computed before the loop: parameters, products, and what products need."""
    own = {s: i for i in items for s in results_of(i) if not is_gradient(s)}
    early: set[TensorSymbol] = set()
    todo = [s for s, item in own.items() if isinstance(item, Product) or not batched[s]]
    while todo:
        symbol = todo.pop()
        if symbol not in early:
            early.add(symbol)
            todo += [s for s in values_read([own[symbol]]) | _matrices([own[symbol]]) if s in own]
    return early


def _late(after: list[Item], every: list[Item]) -> set[TensorSymbol]:
    """What is computed after the loop: gradients, products, and what needs these."""
    late = {s for item in every for s in results_of(item) if is_gradient(s)}
    for item in after:
        if isinstance(item, Product) or values_read([item]) & late:
            late.update(results_of(item))
    return late


def _needed(items: list[Item], wanted: Iterable[TensorSymbol]) -> list[Item]:
    """Those that something wanted depends on."""
    needed = set(wanted)
    kept: list[Item] = []
    for item in reversed(items):
        if needed.intersection(results_of(item)):
            kept.append(item)
            needed |= values_read([item]) | _matrices([item])
    return kept[::-1]


def _in_order(items: list[Item]) -> list[Item]:
    """Each after what it reads."""
    waiting = {s for item in items for s in results_of(item)}
    done: list[Item] = []
    while items:
        ready = next(
            item
            for item in items
            if not (values_read([item]) | _matrices([item])) & waiting - set(results_of(item))
        )
        items = [item for item in items if item is not ready]
        waiting -= set(results_of(ready))
        done.append(ready)
    return done


def _stages(items: list[Item], parameters: Members) -> tuple[Stage, ...]:
    """A step, split at its products; everything as late as it can be."""
    products = {s for item in items if isinstance(item, Product) for s in item.results}
    place: dict[TensorSymbol, int] = {}
    reads = {results_of(item)[0]: values_read([item]) for item in items}
    for symbol, read in reads.items():
        place[symbol] = max((place[s] + (s in products) for s in read if s in place), default=0)
    for symbol in reversed(reads):
        users = [place[user] for user, read in reads.items() if symbol in read]
        if symbol not in products and users:
            place[symbol] = min(users)
    stages = []
    for k in range(max(place.values(), default=-1) + 1):
        here = [item for item in items if place[results_of(item)[0]] == k]
        segment = tuple(item for item in here if isinstance(item, Equation))
        joint = grouped((item for item in here if isinstance(item, Product)), parameters)
        stages.append(Stage(segment, tuple(joint)))
    return tuple(stages)


def _homes(after: Iterable[Item], stored: Members, parameters: Members) -> tuple[Members, ...]:
    """Values that lie side by side: those that a product after the loop reads as one matrix."""
    groups: dict[TensorSymbol, list[tuple[int, TensorSymbol]]] = {}
    found: list[Members] = []
    for item in after:
        if isinstance(item, Product):
            found.append(item.operands)
        elif (factors := outer(item)) is not None:
            place = parameters.index(base(item.symbol))
            groups.setdefault(factors[1], []).append((place, factors[0]))
    found += [
        tuple(value for _, value in sorted(group, key=itemgetter(0))) for group in groups.values()
    ]
    homes: list[Members] = []
    for members in sorted(found, key=len, reverse=True):
        apart = len(set(members)) == len(members) > 1 and set(members) <= set(stored)
        alike = len({member.axes for member in members}) == 1
        if apart and alike and not any(set(members) & set(home) for home in homes):
            homes.append(members)
    return tuple(homes)
