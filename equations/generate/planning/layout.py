"""The layout of one recurrence: its statements, and where each of its values lies.

Values that are computed or read together lie in one array, gates first: (T, G, B, n). A value takes
the place of another that it is computed from and that nothing reads any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from equations.generate.planning.joint import Joined, Joint, joints
from equations.generate.planning.lanes import Lanes, Members
from equations.generate.planning.roles import is_batched, is_parameter
from equations.generate.planning.schedule import Schedule
from equations.language import Contract, Largest, Select, TensorSymbol

READABLE = 28
"""How long a name made of others may be."""


@dataclass(frozen=True)
class Place:
    """Where values lie: an array, and which of the gates in it.

    Args:
        array: the name of the array.
        first: the first gate.
        count: how many.
        total: how many there are in the array; 0 for an array of one value, without gates.
    """

    array: str
    first: int
    count: int
    total: int

    @property
    def index(self) -> str:
        """The index of the gates; empty for all of the array."""
        if self.count == self.total or not self.total:
            return ""
        if self.count == 1:
            return str(self.first)
        start = str(self.first) if self.first else ""
        stop = str(self.first + self.count) if self.first + self.count < self.total else ""
        return f"{start}:{stop}"


@dataclass(frozen=True)
class Home:
    """One array.

    Args:
        name: its name.
        slots: the values at each of its places, one after another.
        flat: whether all gates of one row lie side by side, as a product that reads them needs it.
    """

    name: str
    slots: tuple[Members, ...]
    flat: bool

    @property
    def members(self) -> set[TensorSymbol]:
        """All values in it."""
        return {symbol for slot in self.slots for symbol in slot}

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of every value."""
        return self.slots[0][0].axes


class Layout:
    """Statements and places of a schedule.

    Args:
        schedule: of a recurrence.
        carried: pairs (argument, result) of the recurrence.
        kept: values wanted for every step.
        apart: new states, which have arrays of their own, made elsewhere.
        returned: values that are handed to the user, and so must not lie in a larger array.
        backwards: whether time runs from T to 1.
    """

    def __init__(
        self,
        schedule: Schedule,
        carried: Iterable[tuple[TensorSymbol, TensorSymbol]],
        kept: Iterable[TensorSymbol],
        apart: Iterable[TensorSymbol] = (),
        returned: Iterable[TensorSymbol] = (),
        *,
        backwards: bool = False,
    ) -> None:
        """Find the statements, and then the places that they wish for."""
        self.backwards = backwards
        self.schedule = schedule
        self.carried = tuple(carried)
        self.kept = set(kept)
        self.apart = set(apart)
        self.returned = set(returned)
        parts = (schedule.before, schedule.loop, schedule.after)
        self.batched: dict[TensorSymbol, bool] = {}
        for part in parts:
            for symbol in part.arguments:
                self.batched.setdefault(symbol, not is_parameter(symbol))
            for equation in part:
                self.batched[equation.symbol] = is_batched(equation, self.batched)
        self.lanes = Lanes(
            [
                eq.symbol
                for part in parts[:2]
                for eq in part
                if self.batched[eq.symbol] and eq.symbol not in self.apart
            ],
            separate=self._before if self.in_chunks else frozenset(),
        )
        known = {symbol for part in parts for symbol in part.arguments}
        known -= {eq.symbol for part in parts for eq in part}
        found: list[list[Joint]] = []
        for part in parts:
            found.append(list(joints(part, self.lanes, known, frozenset(self.apart))))
            known |= {equation.symbol for equation in part}
        self._alias(found[0] + found[1], found)
        self.before, self.loop, self.after = (
            [joint.ordered(self.lanes) for joint in part] for part in found
        )

    def _alias(self, statements: Sequence[Joint], parts: Sequence[Sequence[Joint]]) -> None:
        """Let values take the places of those that nothing reads any more."""
        everything = [joint for part in parts for joint in part]
        last = {s: k for k, joint in enumerate(everything) for s in joint.reads}
        results = {result for _, result in self.carried}
        for k, joint in enumerate(statements):
            for symbol in sorted(joint.value.atoms(TensorSymbol), key=str):
                column = joint.column(symbol)
                free = all(
                    old in self.lanes.placed
                    and last[old] == k
                    and old not in self.kept
                    and old not in results
                    and new not in self.returned
                    and old.axes == joint.first.axes
                    for old, new in zip(column, joint.targets, strict=False)
                )
                plain = not any(node.has(symbol) for node in joint.value.atoms(Joined))
                alike = len(column) == len(joint.targets) and free and plain
                if alike and self.lanes.alias(zip(joint.targets, column, strict=True)):
                    break

    @cached_property
    def in_chunks(self) -> bool:
        """Whether what precedes the loop is computed for some steps at a time.

        It is on the way back, where only the loop reads it and it needs no product: then it stays
        in the cache.
        """
        plain = not any(eq.value.has(Contract, Select, Largest) for eq in self.schedule.before)
        read = self._after_reads | self.kept
        return self.backwards and plain and bool(self._before) and not self._before & read

    @cached_property
    def _before(self) -> set[TensorSymbol]:
        return {equation.symbol for equation in self.schedule.before}

    @cached_property
    def _after_reads(self) -> set[TensorSymbol]:
        return {s for eq in self.schedule.after for s in eq.value.atoms(TensorSymbol)}

    def over_all(self, symbol: TensorSymbol) -> bool:
        """Whether a value is there for all steps, and not just for one."""
        return symbol in self._before or symbol in self.kept or symbol in self._after_reads

    @cached_property
    def homes(self) -> list[Home]:
        """All arrays, in the order in which they are first written."""
        found: list[Home] = []
        names: set[str] = set()
        seen: set[TensorSymbol] = set()
        operands = self._operands
        for symbol in self.lanes.placed:
            if symbol in seen:
                continue
            slots = tuple(map(tuple, self.lanes.home(symbol)))
            members = {s for slot in slots for s in slot}
            seen |= members
            depth = max(map(len, slots))
            first = [slots[0][min(level, len(slots[0]) - 1)].name for level in range(depth)]
            candidates = [
                joined([slot[min(level, len(slot) - 1)].name for slot in slots])
                for level in range(depth)
            ]
            name = min([*candidates, *(f"{name}_etc" for name in first)], key=len)
            if len(slots) == 1 or min(map(len, candidates)) <= READABLE:
                name = min(candidates, key=len)
            while name in names:
                name += "_"
            names.add(name)
            found.append(Home(name, slots, flat=bool(members & operands)))
        return found

    @cached_property
    def resumed(self) -> dict[TensorSymbol, TensorSymbol]:
        """Results that can lie where the argument lies that they become in the next step.

        They can if nothing reads the argument once they are written.
        """
        found = {}
        for argument, result in self.carried:
            home = self.home(result)
            if home is None or home.members != {result} or self.everywhere(home):
                continue
            written = next(k for k, joint in enumerate(self.loop) if result in joint.targets)
            read = max(
                (k for k, joint in enumerate(self.loop) if argument in joint.reads), default=-1
            )
            if read < written:
                found[result] = argument
        return found

    @cached_property
    def _operands(self) -> set[TensorSymbol]:
        """Values that products read side by side."""
        inner = {
            v
            for joint in (*self.before, *self.loop, *self.after)
            for node in joint.value.atoms(Joined)
            if len(node.values) > 1
            for v in node.values
        }
        return inner.union(*(c for j in self.after for c in j.columns if not is_parameter(c[0])))

    def home(self, symbol: TensorSymbol) -> Home | None:
        """The array of a value; None for one that is given, or has no place."""
        return self._home_of.get(symbol)

    @cached_property
    def _home_of(self) -> dict[TensorSymbol, Home]:
        return {symbol: home for home in self.homes for symbol in home.members}

    def place(self, members: Members) -> Place | None:
        """Where values that lie side by side are."""
        home = self.home(members[0])
        if home is None:
            return None
        first = next(k for k, slot in enumerate(home.slots) if members[0] in slot)
        total = len(home.slots) if len(home.slots) > 1 else 0
        return Place(home.name, first, len(members), total)

    def everywhere(self, home: Home) -> bool:
        """Whether an array holds all steps, and not just one."""
        return any(map(self.over_all, home.members))


def joined(names: Sequence[str]) -> str:
    """A name for several: the words they share at both ends, once, around what tells them apart.

    Where that is too long to read it names the first and the last.
    """
    words = [name.split("_") for name in names]
    first = words[0]
    shortest = min(map(len, words))
    start = next((k for k in range(shortest) if len({w[k] for w in words}) > 1), shortest - 1)
    room = shortest - start - 1
    end = next((k for k in range(room) if len({w[-1 - k] for w in words}) > 1), room)
    middle = [word for w in words for word in w[start : len(w) - end]]
    name = "_".join([*first[:start], *middle, *first[len(first) - end :]])
    if len(name) <= READABLE:
        return name
    return "_".join([*first[: len(first) - end], "to", *words[-1]])
