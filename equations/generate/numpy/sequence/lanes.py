"""Lanes: which values lie side by side, and in what order.

A lane is one gate's place through all statements. Values that a statement computes or reads
together have to lie side by side in one array, in the same order in all of its arrays. Each such
wish is accepted if some order of the lanes grants it and all that were accepted before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from equations.language import TensorSymbol

Members = tuple[TensorSymbol, ...]


@dataclass
class Lanes:
    """The wishes that were accepted.

    Args:
        placed: the values whose place can be chosen, in the order of their computation.
    """

    placed: Sequence[TensorSymbol]
    _lane: dict[TensorSymbol, TensorSymbol] = field(default_factory=dict)
    _home: dict[TensorSymbol, TensorSymbol] = field(default_factory=dict)
    _runs: list[Members] = field(default_factory=list)
    _aliases: set[frozenset[TensorSymbol]] = field(default_factory=set)
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
        columns = list(columns)
        if not all(symbol in self.placed for column in columns for symbol in column):
            return False
        lane, home = dict(self._lane), dict(self._home)
        for column in columns:
            for symbol, first in zip(column, columns[0], strict=True):
                _unite(lane, symbol, first)
                _unite(home, symbol, column[0])
        runs = list(self._runs)
        for column in instead:
            if column in runs:
                runs.remove(column)
        runs += columns
        places = self._ordered(lane, runs) if self._distinct(lane, home) else None
        if places is None:
            return False
        self._lane, self._home, self._runs, self._places = lane, home, runs, places
        return True

    def alias(self, pairs: Iterable[tuple[TensorSymbol, TensorSymbol]]) -> bool:
        """Let values take the place of others, which are read for the last time, if that can be."""
        pairs = list(pairs)
        home = dict(self._home)
        for new, old in pairs:
            _unite(home, new, old)
        same = {frozenset(pair) for pair in pairs}
        lane = dict(self._lane)
        for new, old in pairs:
            _unite(lane, new, old)
        places = self._ordered(lane, self._runs) if self._distinct(lane, home, same) else None
        if places is None:
            return False
        self._lane, self._home, self._places = lane, home, places
        self._aliases |= same
        return True

    def _distinct(
        self,
        lane: Mapping[TensorSymbol, TensorSymbol],
        home: Mapping[TensorSymbol, TensorSymbol],
        same: Iterable[frozenset[TensorSymbol]] = (),
    ) -> bool:
        """Whether no two values would lie at one place, except those that may."""
        allowed = self._aliases.union(same)
        held: dict[tuple[TensorSymbol, TensorSymbol], list[TensorSymbol]] = {}
        for symbol in self.placed:
            held.setdefault((_root(home, symbol), _root(lane, symbol)), []).append(symbol)
        return all(
            frozenset(pair) in allowed for symbols in held.values() for pair in pairwise(symbols)
        )

    def _ordered(
        self, lane: Mapping[TensorSymbol, TensorSymbol], runs: Sequence[Members]
    ) -> dict[TensorSymbol, int] | None:
        """The places of the lanes, so that no run has a gap; None if that cannot be."""
        wanted = [frozenset(_root(lane, symbol) for symbol in run) for run in runs]
        lanes = list(dict.fromkeys(_root(lane, symbol) for symbol in self.placed))
        order: list[TensorSymbol] = []
        for part in _connected(lanes, wanted):
            found = _arranged(part, [run for run in wanted if run <= set(part)])
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
    lanes: Sequence[TensorSymbol], runs: Sequence[frozenset[TensorSymbol]]
) -> list[TensorSymbol] | None:
    """The first order, by declaration, in which every run is without a gap."""
    hopeless: set[frozenset[TensorSymbol]] = set()

    def rest(placed: frozenset[TensorSymbol]) -> list[TensorSymbol] | None:
        """What can follow: that depends on which lanes are placed, and not on their order."""
        if len(placed) == len(lanes):
            return []
        # A run that has begun and is not complete goes on with the very next lane.
        begun = [run for run in runs if run & placed and not run <= placed]
        for lane in lanes:
            after = placed | {lane}
            if lane in placed or after in hopeless or not all(lane in run for run in begun):
                continue
            found = rest(after)
            if found is not None:
                return [lane, *found]
        hopeless.add(placed)
        return None

    return rest(frozenset())


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
