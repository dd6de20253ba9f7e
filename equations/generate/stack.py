"""Stacking: equations that differ only in their parameters are computed as one, on stacked arrays.

`a_u = W_u x + b_u` and `a_r = W_r x + b_r` are one product with the matrices on top of each other;
the results lie side by side in one array, of which each is a part. A sum of products with parts of
one array, such as `U_uᵀ δa_u + U_rᵀ δa_r`, is one product as well. Two nodes of the generator's own
say so: `Stacked` puts values side by side, and `Part` takes adjacent ones out again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import sympy as sp

from equations.generate.parallel import parallel
from equations.generate.roles import base, is_gradient, is_parameter
from equations.generate.schedule import Schedule, reparted
from equations.language import Contract, Role, TensorSymbol, constant_factor
from equations.program import Equation

Members = tuple[TensorSymbol, ...]


class Stacked(sp.Expr):  # type: ignore[misc]
    """Values with equal axes side by side along the first of them."""

    is_commutative = True

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes, the first of them as long as all members together."""
        return stacked_axes(self.args)


class Part(sp.Expr):  # type: ignore[misc]
    """Adjacent members of a stack: the stack, the first, how many, and of how many in all."""

    is_commutative = True

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes, the first of them as long as the members taken."""
        stack, _, count, total = self.args
        axis = str(stack.axes[0]).removeprefix(f"{total} * ")
        return (times(int(count), axis), *stack.axes[1:])

    @property
    def bounds(self) -> tuple[str, str]:
        """Where it starts and stops, empty at the ends of the stack."""
        stack, first, count, total = self.args
        axis = str(stack.axes[0]).removeprefix(f"{total} * ")
        start = "" if first == 0 else times(int(first), axis)
        stop = "" if first + count == total else times(int(first + count), axis)
        return start, stop


def times(count: int, axis: str) -> str:
    """The length of so many axes together."""
    return axis if count == 1 else f"{count} * {axis}"


def stacked_axes(members: Sequence[TensorSymbol]) -> tuple[str, ...]:
    """The axes of a stack of these."""
    return (times(len(members), members[0].axes[0]), *members[0].axes[1:])


def stack(
    schedule: Schedule, wanted: Iterable[TensorSymbol], alone: Iterable[TensorSymbol] = ()
) -> Schedule:
    """The same schedule with what can be computed together computed together.

    Args:
        schedule: three programs.
        wanted: the values that are wanted from it.
        alone: values that must not become part of a stack.
    """
    return _Stacking(schedule, frozenset(wanted), frozenset(alone)).run()


class _Stacking:
    def __init__(
        self,
        schedule: Schedule,
        wanted: frozenset[TensorSymbol],
        alone: frozenset[TensorSymbol],
    ) -> None:
        self.parts = (schedule.before, schedule.loop, schedule.after)
        self.wanted = wanted
        self.alone = alone
        self.taken = {symbol.name for part in self.parts for symbol in part.symbols}
        self.homes: dict[TensorSymbol, tuple[TensorSymbol, Members]] = {}
        self.weights: dict[Members, Equation] = {}
        self.gathered = self.to_gather()

    def run(self) -> Schedule:
        """All three parts, with what each hands to the next."""
        known = {s for part in self.parts for s in part.arguments}
        known -= {eq.symbol for part in self.parts for eq in part}
        found: list[list[Equation]] = []
        for part in self.parts:
            earlier = {s: self.part([s]) for s in self.homes}
            equations = [
                Equation(eq.symbol, eq.value.xreplace(earlier))
                for eq in self.joined(part.equations, known)
            ]
            known |= {equation.symbol for equation in part.equations}
            found.append(self.with_members(equations, looped=part is self.parts[1]))
        before, loop, after = found
        for symbol, (home, _) in self.homes.items():
            if symbol in self.wanted and home in {eq.symbol for eq in loop}:
                after.insert(0, Equation(symbol, self.part([symbol])))
        weights = sorted(self.weights.values(), key=lambda eq: self.place(eq.value.args[0]))
        return reparted(self.parts, ([*weights, *before], loop, after), self.wanted)

    def place(self, symbol: TensorSymbol) -> int:
        """Where a parameter was declared."""
        return next(
            (part.arguments.index(symbol) for part in self.parts if symbol in part.arguments), 0
        )

    def to_gather(self) -> list[Members]:
        """Cotangents that meet one value in the gradients of several parameters.

        They are computed one by one, and put side by side for the products they have in common.
        """
        own = {equation.symbol for equation in self.parts[1]}
        groups: dict[tuple[object, ...], list[Equation]] = {}
        for equation in (eq for part in self.parts for eq in part if is_gradient(eq.symbol)):
            value = equation.value
            if isinstance(value, Contract) and len(value.operands) == 2:
                first, other = value.operands
                if first in own:
                    groups.setdefault((value.signature, first.axes, other), []).append(equation)
        found: list[Members] = []
        for group in sorted(groups.values(), key=len, reverse=True):
            ordered = sorted(group, key=lambda eq: self.place(base(eq.symbol)))
            members = tuple(eq.value.operands[0] for eq in ordered)
            if len(members) > 1 and not any(set(members) & set(other) for other in found):
                found.append(members)
        return found

    def joined(
        self, equations: Sequence[Equation], known: Iterable[TensorSymbol]
    ) -> Iterator[Equation]:
        """The equations in an order in which they can be computed, as one those that can be."""
        todo = list(equations)
        available = set(known)
        while todo:
            group = [todo.pop(0)]
            columns: list[Members] = []
            for other in list(todo):
                longer = self.extended(group, columns, other)
                if longer and other.value.atoms(TensorSymbol) <= available:
                    group.append(other)
                    columns = longer
                    todo.remove(other)
            available |= {equation.symbol for equation in group}
            if len(group) > 1:
                yield self.one(group, columns)
            else:
                yield Equation(group[0].symbol, self.joined_sum(group[0].value))
            for members in self.gathered:
                if members[0] not in self.homes and available.issuperset(members):
                    yield Equation(self.new(members), Stacked(*members))

    def extended(
        self, group: list[Equation], columns: list[Members], other: Equation
    ) -> list[Members] | None:
        """The columns of leaves when another equation joins a group; None where it cannot."""
        first = group[0]
        if first.symbol.axes != other.symbol.axes or self.alone & {first.symbol, other.symbol}:
            return None
        found = parallel(first.value, other.value)
        if not found or _multiplies(first.value):
            return None
        old = {column[0]: column for column in columns} or {a: (a,) for a, _ in found}
        if [a for a, _ in found if a not in old] or len(found) != len(old):
            return None
        longer = [(*old[a], b) for a, b in found]
        return longer if all(map(self.stackable, longer)) else None

    def stackable(self, members: Members) -> bool:
        """Whether these are parameters, or lie side by side."""
        if all(map(is_parameter, members)):
            return True
        home = self.homes.get(members[0])
        if home is None or not set(members) <= set(home[1]):
            return False
        places = sorted(map(home[1].index, members))
        return places == list(range(places[0], places[0] + len(members)))

    def leaf(self, members: Members) -> sp.Expr:
        """One leaf for several that are stackable."""
        if not all(map(is_parameter, members)):
            return self.part(members)
        if members not in self.weights:
            self.weights[members] = Equation(self.symbol(members, "parameter"), Stacked(*members))
        return self.weights[members].symbol

    def part(self, members: Sequence[TensorSymbol]) -> sp.Expr:
        """Adjacent members of a stack."""
        home, all_members = self.homes[members[0]]
        if len(members) == len(all_members):
            return home
        first = all_members.index(members[0])
        return Part(home, *map(sp.Integer, (first, len(members), len(all_members))))

    def one(self, group: list[Equation], columns: list[Members]) -> Equation:
        """Parallel equations as one, in the order in which what they read lies."""
        lying = [column for column in columns if column[0] in self.homes]
        if lying:
            place = self.homes[lying[0][0]][1].index
            order = sorted(range(len(group)), key=lambda k: place(lying[0][k]))
            group = [group[k] for k in order]
            columns = [tuple(column[k] for k in order) for column in columns]
        value = group[0].value.xreplace({column[0]: self.leaf(column) for column in columns})
        return Equation(self.new(tuple(equation.symbol for equation in group)), value)

    def new(self, members: Members) -> TensorSymbol:
        """A stack of values."""
        symbol = self.symbol(members, "value")
        self.homes |= dict.fromkeys(members, (symbol, members))
        return symbol

    def symbol(self, members: Members, role: Role) -> TensorSymbol:
        """A name for a stack that nothing else has."""
        name = _joined([member.name for member in members])
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return TensorSymbol(name, stacked_axes(members), role=role, origin=("stack", members))

    def joined_sum(self, value: sp.Expr) -> sp.Expr:
        """A sum of products with adjacent parts of one stack, as one product."""
        terms = list(sp.Add.make_args(value))
        nodes = [term for term in terms if isinstance(term, Contract) and len(term.operands) == 2]
        for signature in sorted({node.signature for node in nodes}):
            alike = [node for node in nodes if node.signature == signature]
            columns = self.columns(alike)
            if columns and all(map(self.stackable, columns)):
                rest = [term for term in terms if term not in alike]
                return sp.Add(*rest, Contract(signature, *map(self.leaf, columns)))
        return value

    def columns(self, nodes: list[Contract]) -> list[Members]:
        """The operands of products position by position, ordered as the values lie."""
        inputs, output = nodes[0].letters
        summed = set("".join(inputs)) - set(output)
        if len(nodes) < 2 or len(summed) != 1 or any(part[:1] not in summed for part in inputs):
            return []
        values = [k for k in (0, 1) if nodes[0].operands[k] in self.homes]
        if len(values) != 1:
            return []
        members = self.homes[nodes[0].operands[values[0]]][1]
        if any(node.operands[values[0]] not in members for node in nodes):
            return []
        ordered = sorted(nodes, key=lambda node: members.index(node.operands[values[0]]))
        return [tuple(node.operands[k] for node in ordered) for k in (0, 1)]

    def with_members(self, equations: list[Equation], *, looped: bool) -> list[Equation]:
        """After each stack its members, as far as they are used by themselves."""
        own = {equation.symbol for equation in equations}
        uses = Counter(
            node
            for eq in equations
            for node in sp.preorder_traversal(eq.value)
            if node in self.homes
        )
        inner = {
            member: self.part([member])
            for member, (home, _) in self.homes.items()
            if home in own and member not in own
        }
        named = {s for s in inner if uses[s] > 1 or (s in self.wanted and not looped)}
        once = {member: part for member, part in inner.items() if member not in named}
        made: list[Equation] = []
        for equation in equations:
            made.append(Equation(equation.symbol, equation.value.xreplace(once)))
            made += [
                Equation(member, part)
                for member, part in inner.items()
                if member in named and self.homes[member][0] == equation.symbol
            ]
        return made


def _multiplies(value: sp.Expr) -> bool:
    """Whether values are multiplied in it, or raised to a power."""
    products = (constant_factor(node)[1] for node in value.atoms(sp.Mul))
    return value.has(sp.Pow) or any(isinstance(rest, sp.Mul) for rest in products)


def _joined(names: Sequence[str]) -> str:
    """A name for several: the words they share at both ends, once, around what tells them apart."""
    words = [name.split("_") for name in names]
    first = words[0]
    shortest = min(map(len, words))
    start = next((k for k in range(shortest) if len({w[k] for w in words}) > 1), shortest - 1)
    room = shortest - start - 1
    end = next((k for k in range(room) if len({w[-1 - k] for w in words}) > 1), room)
    middle = [word for w in words for word in w[start : len(w) - end]]
    return "_".join([*first[:start], *middle, *first[len(first) - end :]])
