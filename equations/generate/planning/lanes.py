"""Lanes: which values lie side by side, and in what order.

A lane is one gate's place through all statements. Values that a statement computes or reads
together have to lie side by side in one array, in the same order in all of its arrays: on the same
lanes, or, where two of these are parts of one array, on others in the same order. Each such wish is
accepted if some order of the lanes grants it and all that were accepted before.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations, pairwise

from equations.language import TensorSymbol

Members = tuple[TensorSymbol, ...]
Columns = tuple[Members, ...]


@dataclass(frozen=True)
class Wish:
    """Runs of equal length that are to lie side by side, each in the same order.

    Args:
        columns: the runs; the first values of all belong together, and so on.
        over: whether the first takes the place of the second.
    """

    columns: Columns
    over: bool = False

    def is_apart(self, home: Mapping[TensorSymbol, TensorSymbol]) -> bool:
        """Whether some of the runs are parts of one array: then each has lanes of its own."""
        return not self.over and len({_root(home, run[0]) for run in self.columns}) < len(
            self.columns
        )


@dataclass
class Lanes:
    """The wishes that were accepted.

    Args:
        placed: the values whose place can be chosen, in the order of their computation.
        separate: those of them that share no array with the others.
    """

    placed: Sequence[TensorSymbol]
    separate: Container[TensorSymbol] = frozenset()
    _wishes: list[Wish] = field(default_factory=list)
    _lane: dict[TensorSymbol, TensorSymbol] = field(default_factory=dict)
    _home: dict[TensorSymbol, TensorSymbol] = field(default_factory=dict)
    _places: dict[TensorSymbol, int] = field(init=False)

    def __post_init__(self) -> None:
        """Every value has a lane of its own before there are wishes."""
        self._places = {symbol: place for place, symbol in enumerate(self.placed)}

    def accept(self, columns: Iterable[Members], instead: Iterable[Members] = ()) -> bool:
        """Let columns of equal length lie side by side, each in the same order, if that can be.

        Args:
            columns: the wish.
            instead: an earlier wish that this one replaces.
        """
        wish = Wish(tuple(columns))
        if not all(symbol in self.placed for column in wish.columns for symbol in column):
            return False
        earlier = list(self._wishes)
        replaced = next((old for old in earlier if old.columns == tuple(instead)), None)
        if replaced is not None:
            earlier.remove(replaced)
        return self._granted([*earlier, wish])

    def alias(self, pairs: Iterable[tuple[TensorSymbol, TensorSymbol]]) -> bool:
        """Let values take the place of others, which are read for the last time, if that can be."""
        new, old = zip(*pairs, strict=True)
        return self._granted([*self._wishes, Wish((new, old), over=True)])

    def _granted(self, wishes: list[Wish]) -> bool:
        """Grant these wishes, if all of them can be."""
        lane: dict[TensorSymbol, TensorSymbol] = {}
        home: dict[TensorSymbol, TensorSymbol] = {}
        same: set[frozenset[TensorSymbol]] = set()
        for wish in wishes:
            for column in wish.columns:
                for symbol, first in zip(column, wish.columns[0], strict=True):
                    _unite(home, symbol, first if wish.over else column[0])
            if wish.over:
                same |= set(map(frozenset, zip(*wish.columns, strict=True)))
        apart = [wish for wish in wishes if wish.is_apart(home)]
        for wish in wishes:
            for column in () if wish in apart else wish.columns:
                for symbol, first in zip(column, wish.columns[0], strict=True):
                    _unite(lane, symbol, first)
        fits = self._distinct(lane, home, same)
        places = self._ordered(lane, wishes, apart) if fits else None
        if places is None:
            return False
        self._wishes, self._lane, self._home, self._places = wishes, lane, home, places
        return True

    def _distinct(
        self,
        lane: Mapping[TensorSymbol, TensorSymbol],
        home: Mapping[TensorSymbol, TensorSymbol],
        same: Container[frozenset[TensorSymbol]],
    ) -> bool:
        """Whether no two values would lie at one place, or in one array, except those that may."""
        kinds: dict[TensorSymbol, bool] = {}
        for symbol in self.placed:
            kind = symbol in self.separate
            if kinds.setdefault(_root(home, symbol), kind) != kind:
                return False
        held: dict[tuple[TensorSymbol, TensorSymbol], list[TensorSymbol]] = {}
        for symbol in self.placed:
            held.setdefault((_root(home, symbol), _root(lane, symbol)), []).append(symbol)
        return all(
            frozenset(pair) in same for symbols in held.values() for pair in pairwise(symbols)
        )

    def _ordered(
        self,
        lane: Mapping[TensorSymbol, TensorSymbol],
        wishes: Iterable[Wish],
        apart: Iterable[Wish],
    ) -> dict[TensorSymbol, int] | None:
        """The places of the lanes, so that no run has a gap; None if that cannot be."""

        def on_lanes(wish: Wish) -> Columns:
            return tuple(tuple(_root(lane, symbol) for symbol in run) for run in wish.columns)

        runs = [frozenset(run) for wish in wishes if not wish.over for run in on_lanes(wish)]
        alike = list(map(on_lanes, apart))
        if any(_overlap(*pair) for columns in alike for pair in combinations(columns, 2)):
            return None
        lanes = list(dict.fromkeys(_root(lane, symbol) for symbol in self.placed))
        order: list[TensorSymbol] = []
        together = [frozenset(chain.from_iterable(columns)) for columns in alike]
        for part in _connected(lanes, [*runs, *together]):
            inside = set(part)
            found = _arranged(
                part,
                [run for run in runs if run <= inside],
                [columns for columns in alike if inside.issuperset(columns[0])],
            )
            if found is None:
                return None
            order += found
        return {lane: place for place, lane in enumerate(order)}

    def place(self, symbol: TensorSymbol) -> int:
        """Where the lane of a value stands among all of them."""
        return self._places.get(_root(self._lane, symbol), 0)

    def home(self, symbol: TensorSymbol) -> list[list[TensorSymbol]]:
        """The array of a value: at every place the values that lie there, one after another."""
        root = _root(self._home, symbol)
        slots: dict[int, list[TensorSymbol]] = {}
        for other in self.placed:
            if _root(self._home, other) == root:
                slots.setdefault(self.place(other), []).append(other)
        return [slots[place] for place in sorted(slots)]


def _connected(
    lanes: Iterable[TensorSymbol], runs: Iterable[frozenset[TensorSymbol]]
) -> list[list[TensorSymbol]]:
    """The lanes in groups that no run reaches across."""
    joined: dict[TensorSymbol, TensorSymbol] = {}
    for run in runs:
        first, *others = sorted(run, key=str)
        for other in others:
            _unite(joined, other, first)
    groups: dict[TensorSymbol, list[TensorSymbol]] = {}
    for lane in lanes:
        groups.setdefault(_root(joined, lane), []).append(lane)
    return list(groups.values())


def _arranged(
    lanes: Sequence[TensorSymbol],
    runs: Sequence[frozenset[TensorSymbol]],
    alike: Sequence[Columns],
) -> list[TensorSymbol] | None:
    """The first order, by declaration, in which no run has a gap and those alike have one order."""
    ordered = frozenset(symbol for columns in alike for run in columns for symbol in run)
    kinds, counterparts = _kinds(lanes, runs, alike)
    hopeless: set[tuple[frozenset[TensorSymbol], Members]] = set()

    def rest(order: Members) -> Members | None:
        """What can follow: that depends on which lanes are placed, and on the order of few."""
        if len(order) == len(lanes):
            return order
        placed = frozenset(order)
        key = (placed, tuple(lane for lane in order if lane in ordered))
        # A run that has begun and is not complete goes on with the very next lane.
        begun = [run for run in runs if run & placed and not run <= placed]
        if key in hopeless:
            return None
        tried: set[Hashable] = set()
        for lane in lanes:
            if lane in placed or not all(lane in run for run in begun):
                continue
            if placed.isdisjoint(counterparts[lane]):
                if kinds[lane] in tried:
                    continue
                tried.add(kinds[lane])
            after = (*order, lane)
            found = rest(after) if all(_agree(after, columns) for columns in alike) else None
            if found is not None:
                return found
        hopeless.add(key)
        return None

    found = rest(())
    return None if found is None else list(found)


def _kinds(
    lanes: Iterable[TensorSymbol],
    runs: Sequence[frozenset[TensorSymbol]],
    alike: Sequence[Columns],
) -> tuple[dict[TensorSymbol, Hashable], dict[TensorSymbol, set[TensorSymbol]]]:
    """What no wish tells apart: of such lanes any may go first, with its counterparts."""
    together: dict[TensorSymbol, TensorSymbol] = {}
    for columns in alike:
        for members in zip(*columns, strict=True):
            for member in members:
                _unite(together, member, members[0])
    groups: dict[TensorSymbol, set[TensorSymbol]] = {}
    own: dict[TensorSymbol, Hashable] = {}
    for lane in lanes:
        groups.setdefault(_root(together, lane), set()).add(lane)
        inside = frozenset(k for k, run in enumerate(runs) if lane in run)
        rows = [
            (n, k) for n, columns in enumerate(alike) for k, r in enumerate(columns) if lane in r
        ]
        own[lane] = (inside, tuple(rows))
    counterparts = {lane: groups[_root(together, lane)] for lane in own}
    kinds: dict[TensorSymbol, Hashable] = {
        lane: (own[lane], frozenset(own[other] for other in counterparts[lane])) for lane in own
    }
    return kinds, counterparts


def _agree(order: Members, columns: Columns) -> bool:
    """Whether runs are in the same order, as far as their counterparts are placed as well."""
    full = [k for k in range(len(columns[0])) if all(run[k] in order for run in columns)]
    ranks = [sorted(full, key=lambda k: order.index(run[k])) for run in columns]
    return all(rank == ranks[0] for rank in ranks)


def _overlap(first: Members, second: Members) -> bool:
    """Whether two runs share lanes without being the same."""
    return first != second and not set(first).isdisjoint(second)


def _root(parents: Mapping[TensorSymbol, TensorSymbol], symbol: TensorSymbol) -> TensorSymbol:
    while parents.get(symbol, symbol) != symbol:
        symbol = parents[symbol]
    return symbol


def _unite(
    parents: dict[TensorSymbol, TensorSymbol], symbol: TensorSymbol, other: TensorSymbol
) -> None:
    first, second = _root(parents, symbol), _root(parents, other)
    if first != second:
        parents[first] = second
