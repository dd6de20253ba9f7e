"""The arrays of a recurrence in its text: room for values, views of them, and what they are called.

Arrays of all steps are named `v_all` and have the shape (T, B, n), or (T, G, B, n) where the values
of several gates lie in one; in the loop, `v` is what belongs to one step. Where a product needs the
rows of all steps in one matrix, that is named `v_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

import sympy as sp

from equations.generate.planning.joint import Joint
from equations.generate.planning.lanes import Members
from equations.generate.planning.layout import Home, Layout, Place, joined
from equations.generate.text.source import Lines, assign, unpack
from equations.generate.text.statements import repeated
from equations.language import LETTERS, TensorSymbol

CHUNK = "steps"
"""How many steps are computed at once, in generated code."""


@dataclass
class Names:
    """What has a name so far.

    Attributes:
        bound: names that statements before the loop have bound.
        views: what the loop goes through, by the name of one step of it; empty for what is not.
        renamed: names of a step for what another name stands for already.
        ahead: statements that precede the loop.
        weights: statements that put parameters together.
        in_rows: values of which the rows of all steps are computed in one piece.
        extra: symbols that stand for several, and whether they have a batch.
    """

    bound: set[str] = field(default_factory=set)
    views: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    ahead: Lines = field(default_factory=list)
    weights: Lines = field(default_factory=list)
    in_rows: set[TensorSymbol] = field(default_factory=set)
    extra: dict[TensorSymbol, bool] = field(default_factory=dict)


@dataclass
class Arrays:
    """The arrays of one recurrence.

    Args:
        layout: the statements and where their values lie.
        given: the arrays of all steps that come from outside.
        states: the old state of each new one that the loop writes into an array of its own.
        optional: what tells whether a value was given, for each that may be zero instead.
    """

    layout: Layout
    given: Mapping[TensorSymbol, str]
    states: Mapping[TensorSymbol, TensorSymbol]
    optional: Mapping[sp.Expr, str] = field(default_factory=dict)
    names: Names = field(default_factory=Names)

    @property
    def chunks(self) -> bool:
        """Whether what precedes the loop is computed for some steps at a time."""
        return self.layout.in_chunks

    def storage(self) -> Lines:
        """Room for everything that the loop writes, and for what precedes it.

        What is kept of all steps is one piece of memory, for which systems have large pages: small
        ones can cost more than what is written into them. What is handed to the user is apart, and
        so is what only this call needs: a tape would keep it alive.
        """
        lines: Lines = []
        pieces: dict[tuple[str, tuple[str, ...]], list[Home]] = {}
        for home in self.layout.homes:
            if home.members & (self.names.in_rows | self.layout.resumed.keys()):
                continue
            everywhere = self.layout.everywhere(home)
            if everywhere and not (
                home.flat or self.is_chunk(home) or home.members & self.layout.returned
            ):
                purpose = "room" if home.members & self.layout.kept else "work"
                pieces.setdefault((purpose, home.axes), []).append(home)
                continue
            lead = CHUNK if self.is_chunk(home) else "T" if everywhere else ""
            name = f"{home.name}_chunk" if self.is_chunk(home) else f"{home.name}_all"
            lines += _room(name if everywhere else home.name, home, lead)
        found = [_piece(purpose, homes) for (purpose, _), homes in pieces.items()]
        return [line for piece in found for line in piece] + lines

    def is_chunk(self, home: Home) -> bool:
        """Whether an array holds what precedes the loop, for some steps at a time."""
        before = {equation.symbol for equation in self.layout.schedule.before}
        return self.layout.in_chunks and bool(home.members & before)

    def all_of(self, members: Members) -> tuple[str, str]:
        """A name for values of all steps that lie side by side, and the expression for it."""
        name = f"{joined([symbol.name for symbol in members])}_all"
        place = self.layout.place(members)
        if members[0] in self.names.in_rows:
            lengths = ", ".join(["T", "B", *members[0].axes])
            return name, f"{members[0]}_rows.reshape({lengths})"
        if place is None:
            return name, name
        index = f"[:, {place.index}]" if place.index else ""
        return name, f"{place.array}_all{index}"

    def handed_out(self, symbol: TensorSymbol) -> str:
        """A value of all steps for the user; one of parameters alone is the same at every step."""
        if self.layout.batched.get(symbol, True):
            return self.all_of((symbol,))[1]
        return repeated(symbol, ("T", "B"))

    def bulk(self, members: Members, lines: Lines) -> str:
        """The name of values of all steps, bound where it is not yet."""
        name, expression = self.all_of(members)
        if name not in self.names.bound:
            self.names.bound.add(name)
            if name != expression:
                lines.append(f"{name} = {expression}")
        return name

    def step(self, members: Members) -> str:
        """The name of values of one step; the loop binds it, or what precedes it."""
        name = joined([symbol.name for symbol in members])
        place = self.layout.place(members)
        if name in self.names.views or (place is None and not self.over_time(members[0])):
            return name
        if place is None:
            self.names.views[name] = self.sliced(f"{name}_all", chunk=self.layout.in_chunks)
            return name
        home = self.layout.home(members[0])
        if members[0] in self.names.in_rows:
            self.names.views[name] = self.sliced(self.bulk(members, self.names.ahead), chunk=False)
            return name
        if home is not None and not self.layout.everywhere(home):
            self.names.views[name] = ""
            if place.index:
                self.names.ahead.append(f"{name} = {place.array}[{place.index}]")
            elif name != place.array:
                self.names.ahead.append(f"{name} = {place.array}")
            return name
        chunk = home is not None and self.is_chunk(home)
        source = self.sliced(f"{place.array}_all", place.index, chunk=chunk)
        known = next((other for other, there in self.names.views.items() if there == source), None)
        self.names.views[name] = source
        if known is not None:
            self.names.renamed[name] = known
        return name

    def over_time(self, symbol: TensorSymbol) -> bool:
        """Whether a value without a place is there for all steps."""
        return symbol in self.given or symbol in self.states

    def sliced(self, array: str, index: str = "", *, chunk: bool) -> str:
        """An array to go through step by step, in the order of the loop."""
        own = self.layout.in_chunks and not chunk
        steps = "back" if own else "::-1" if self.layout.backwards else ""
        if not steps:
            return f"{array}[:, {index}]" if index else array
        return f"{array}[{steps}, {index}]" if index else f"{array}[{steps}]"

    def rows(self, members: Members, lines: Lines) -> str:
        """The rows of all steps as one matrix, the values of several gates side by side."""
        name = f"{joined([symbol.name for symbol in members])}_rows"
        if name in self.names.bound:
            return name
        self.names.bound.add(name)
        symbol = members[0]
        home, place = self.layout.home(symbol), self.layout.place(members)
        if home is None or place is None or not (home.flat and place.total):
            array = self.given.get(symbol) or self.bulk(members, lines)
            lines.append(f"{name} = {array}.reshape({', '.join(['T * B', *symbol.axes])})")
            return name
        axis, *others = symbol.axes
        lengths = ["T * B", _times(place.total, axis), *others]
        part = part_of(place.first, place.count, place.total, axis)
        index = f"[:, {part}]" if part else ""
        lines.append(f"{name} = {home.name}_flat.reshape({', '.join(lengths)}){index}")
        return name

    def stacked(self, members: Members, form: str) -> str:
        """Parameters as one: the name of it, bound before the loop."""
        if len(members) == 1 and not form.startswith("_columns"):
            return str(members[0])
        name = joined([symbol.name for symbol in members])
        name += "_columns" if form.startswith("_columns") else ""
        if name not in self.names.bound:
            self.names.bound.add(name)
            self.names.weights += assign(name, [form], 1)
        return name

    def stacked_here(self, members: Members, lines: Lines) -> str:
        """Matrices on top of each other, as an operand of one product."""
        if len(members) == 1:
            return str(members[0])
        name = joined([symbol.name for symbol in members])
        if name not in self.names.bound:
            self.names.bound.add(name)
            lines.append(f"{name} = {on_top(members)}")
        return name

    def elementwise(self, column: Members, count: int) -> str:
        """Parameters that values are multiplied by, or added to, component by component."""
        if len(column) == 1:
            return str(column[0])
        shape = ", ".join([str(count), "1", *column[0].axes])
        return self.stacked(column, f"{on_top(column)}.reshape({shape})")

    def symbol(self, members: Members, role: str) -> TensorSymbol:
        """One symbol for several, side by side along their first axis."""
        if len(members) == 1:
            return members[0]
        axis, *others = members[0].axes
        name = joined([symbol.name for symbol in members])
        symbol = TensorSymbol(
            name,
            (_times(len(members), axis), *others),
            role="parameter" if role == "parameter" else "value",
            origin=("stack", members),
        )
        self.names.extra[symbol] = role != "parameter"
        return symbol

    def over(self, joint: Joint) -> TensorSymbol | None:
        """The symbol of a right-hand side in whose place the result lies."""
        place = self.layout.place(joint.targets)
        for symbol in sorted(joint.value.atoms(TensorSymbol), key=str):
            if place is not None and self.layout.place(joint.column(symbol)) == place:
                found: TensorSymbol = symbol
                return found
        return None

    def spare(self, joint: Joint, number: int) -> str:
        """Room for what one step computes on the way."""
        count, axes = len(joint.targets), joint.first.axes
        lengths = [*([str(count)] if count > 1 else []), "B", *axes]
        shape = "_".join(lengths[:1] if count > 1 else []) + "".join(f"_{axis}" for axis in axes)
        key = f"spare{f'_{LETTERS[number]}' if number else ''}_{shape.strip('_')}".rstrip("_")
        if key not in self.names.bound:
            self.names.bound.add(key)
            comma = "," if len(lengths) == 1 else ""
            self.names.ahead.append(f"{key} = np.empty(({', '.join(lengths)}{comma}), dtype=dtype)")
        self.names.views.setdefault(key, "")
        return key

    def side_by_side(self, members: Members) -> str:
        """Values of one step as one row per sample."""
        if len(members) == 1:
            return self.step(members)
        name = f"{joined([symbol.name for symbol in members])}_row"
        home, place = self.layout.home(members[0]), self.layout.place(members)
        if name in self.names.views or home is None or place is None:
            return name
        axis = members[0].axes[0]
        length = _times(place.total, axis)
        part = part_of(place.first, place.count, place.total, axis)
        if self.layout.everywhere(home):
            lead = "back" if self.chunks else "::-1" if self.layout.backwards else ":"
            index = f"[{lead}, :, {part}]" if part else f"[{lead}]"
            self.names.views[name] = f"{home.name}_flat.reshape(T, B, {length}){index}"
        else:
            self.names.views[name] = ""
            index = f"[:, {part}]" if part else ""
            self.names.ahead.append(f"{name} = {home.name}_flat.reshape(B, {length}){index}")
        return name

    def blocks(self, out: str, weights: str, *, many: bool) -> str:
        """A result as a product by blocks of columns fills it."""
        name = f"{out}_blocks"
        if name in self.names.views:
            return name
        source = self.names.views[out]
        if source:
            self.names.views[name] = (
                f"_blocks({source if many else f'{source}[:, None]'}, {weights})"
            )
        else:
            self.names.views[name] = ""
            self.names.ahead.append(
                f"{name} = _blocks({out if many else f'{out}[None]'}, {weights})"
            )
        return name

    def in_place(self, before: Mapping[str, str]) -> Lines:
        """New names for what already has one, where a value takes the place of another."""
        fresh = {name: other for name, other in self.names.renamed.items() if name not in before}
        return [f"{name} = {other}" for name, other in fresh.items()]


def _room(name: str, home: Home, lead: str) -> Lines:
    """An empty array: gates first, or with the gates of a row side by side."""
    count = len(home.slots)
    lengths = [*([lead] if lead else []), "B", *home.axes]
    if count == 1:
        comma = "," if len(lengths) == 1 else ""
        return [f"{name} = np.empty(({', '.join(lengths)}{comma}), dtype=dtype)"]
    if home.flat:
        at = 2 if lead else 1
        flat = [*lengths[:at], str(count), *lengths[at:]]
        base = name.removesuffix("_all") + "_flat"
        return [
            f"{base} = np.empty(({', '.join(flat)}), dtype=dtype)",
            f"{name} = {base}.swapaxes({at - 1}, {at})",
        ]
    if not lead:
        return [f"{name} = np.empty(({', '.join([str(count), *lengths])}), dtype=dtype)"]
    if lead == CHUNK:
        # Computed for all of its steps at once: then each gate in one piece is faster, always.
        gates_first = ", ".join([str(count), *lengths])
        return [f"{name} = np.empty(({gates_first}), dtype=dtype).swapaxes(0, 1)"]
    return [f"{name} = _gates({', '.join([lead, str(count), *lengths[1:]])}, dtype=dtype)"]


def _piece(purpose: str, homes: Sequence[Home]) -> Lines:
    """Room for several arrays of all steps, side by side."""
    names = [f"{home.name}_all" for home in homes]
    if len(homes) == 1:
        return _room(names[0], homes[0], "T")
    axes = homes[0].axes
    piece = "_".join([purpose, *axes])
    ends = list(accumulate((len(home.slots) for home in homes), initial=0))
    total = ends[-1]
    lengths = ", ".join(["T", str(total), "B", *axes])
    places = [Place(piece, start, stop - start, total).index for start, stop in pairwise(ends)]
    parts = [f"{piece}[:, {place}]" for place in places]
    return [f"{piece} = _gates({lengths}, dtype=dtype)", *unpack(names, parts, 1)]


def on_top(members: Members) -> str:
    """Parameters on top of each other."""
    if len(members) == 1:
        return str(members[0])
    return f"np.concatenate(({', '.join(symbol.name for symbol in members)}))"


def _times(count: int, axis: str) -> str:
    return axis if count == 1 else f"{count} * {axis}"


def part_of(first: int, count: int, total: int, axis: str) -> str:
    """A slice of adjacent gates in a row; empty for all."""
    if count == total:
        return ""
    start = _times(first, axis) if first else ""
    stop = _times(first + count, axis) if first + count < total else ""
    colon = " : " if "*" in start + stop else ":"
    return f"{start}{colon}{stop}".strip()
