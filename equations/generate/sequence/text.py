"""The statements of a recurrence as text: before, in and after its loop over time.

Arrays of all steps are named `v_all` and have the shape (T, B, n), or (T, G, B, n) where the values
of several gates lie in one; in the loop, `v` is what belongs to one step. Where a product needs the
rows of all steps in one matrix, that is named `v_rows`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import sympy as sp

from equations.generate.einsum import BATCH
from equations.generate.expression import Writer
from equations.generate.roles import is_gradient, is_parameter
from equations.generate.sequence.calls import Calls, NotCallsError
from equations.generate.sequence.joint import Joined, Joint, factors
from equations.generate.sequence.lanes import Members
from equations.generate.sequence.layout import Home, Layout, joined
from equations.generate.source import WIDTH, Lines, assign, comment, indented
from equations.generate.statements import Statements, statement
from equations.language import LETTERS, Contract, TensorSymbol
from equations.program import Equation


@dataclass
class Text:
    """Writes one recurrence.

    Args:
        statements: writes equations in one piece.
        layout: the statements and where their values lie.
        given: the arrays of all steps that come from outside.
        states: the old state of each new one that the loop writes into an array of its own.
        backwards: whether time runs from T to 1.
    """

    statements: Statements
    layout: Layout
    given: Mapping[TensorSymbol, str]
    states: Mapping[TensorSymbol, TensorSymbol]
    backwards: bool
    _bound: set[str] = field(default_factory=set)
    _views: dict[str, str] = field(default_factory=dict)
    _in_place: dict[str, str] = field(default_factory=dict)
    _ahead: Lines = field(default_factory=list)
    weights: Lines = field(default_factory=list)
    _by_rows: set[TensorSymbol] = field(default_factory=set)
    _extra: dict[TensorSymbol, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Collect what names expressions are written with."""
        symbols = [*self.layout.batched]
        self.writer = Writer(self.statements.order(symbols), self.layout.batched)

    # What there is: arrays, views and parameters, each under a name of its own.

    def storage(self) -> Lines:
        """Room for everything that the loop writes, and for what precedes it."""
        lines: Lines = []
        for home in self.layout.homes:
            if home.members & (self._by_rows | self.layout.resumed.keys()):
                continue
            everywhere = self.layout.everywhere(home)
            lead = "steps" if self.is_chunk(home) else "T" if everywhere else ""
            name = f"{home.name}_chunk" if self.is_chunk(home) else f"{home.name}_all"
            lines += _room(name if everywhere else home.name, home, lead)
        return lines

    def is_chunk(self, home: Home) -> bool:
        """Whether an array holds what precedes the loop, for some steps at a time."""
        before = {equation.symbol for equation in self.layout.schedule.before}
        return self.layout.in_chunks and bool(home.members & before)

    def all_of(self, members: Members) -> tuple[str, str]:
        """A name for values of all steps that lie side by side, and the expression for it."""
        name = f"{joined([symbol.name for symbol in members])}_all"
        place = self.layout.place(members)
        if members[0] in self._by_rows:
            lengths = ", ".join(["T", "B", *members[0].axes])
            return name, f"{members[0]}_rows.reshape({lengths})"
        if place is None:
            return name, name
        index = f"[:, {place.index}]" if place.index else ""
        return name, f"{place.array}_all{index}"

    def bulk(self, members: Members, lines: Lines) -> str:
        """The name of values of all steps, bound where it is not yet."""
        name, expression = self.all_of(members)
        if name not in self._bound:
            self._bound.add(name)
            if name != expression:
                lines.append(f"{name} = {expression}")
        return name

    def step(self, members: Members) -> str:
        """The name of values of one step; the loop binds it, or what precedes it."""
        name = joined([symbol.name for symbol in members])
        place = self.layout.place(members)
        if name in self._views or (place is None and not self.over_time(members[0])):
            return name
        if place is None:
            self._views[name] = self.sliced(f"{name}_all", chunk=self.layout.in_chunks)
            return name
        home = self.layout.home(members[0])
        if members[0] in self._by_rows:
            self._views[name] = self.sliced(self.bulk(members, self._ahead), chunk=False)
            return name
        if home is not None and not self.layout.everywhere(home):
            self._views[name] = ""
            if place.index:
                self._ahead.append(f"{name} = {place.array}[{place.index}]")
            elif name != place.array:
                self._ahead.append(f"{name} = {place.array}")
            return name
        chunk = home is not None and self.is_chunk(home)
        source = self.sliced(f"{place.array}_all", place.index, chunk=chunk)
        known = next((other for other, there in self._views.items() if there == source), None)
        self._views[name] = source
        if known is not None:
            self._in_place[name] = known
        return name

    def over_time(self, symbol: TensorSymbol) -> bool:
        """Whether a value without a place is there for all steps."""
        return symbol in self.given or symbol in self.states or symbol in self.states.values()

    def sliced(self, array: str, index: str = "", *, chunk: bool) -> str:
        """An array to go through step by step, in the order of the loop."""
        own = self.layout.in_chunks and not chunk
        steps = "back" if own else "::-1" if self.backwards else ""
        if not steps:
            return f"{array}[:, {index}]" if index else array
        return f"{array}[{steps}, {index}]" if index else f"{array}[{steps}]"

    def rows(self, members: Members, lines: Lines) -> str:
        """The rows of all steps as one matrix, the values of several gates side by side."""
        name = f"{joined([symbol.name for symbol in members])}_rows"
        if name in self._bound:
            return name
        self._bound.add(name)
        symbol = members[0]
        home, place = self.layout.home(symbol), self.layout.place(members)
        if home is None or place is None or not (home.flat and place.total):
            array = self.given.get(symbol) or self.bulk(members, lines)
            lines.append(f"{name} = {array}.reshape({', '.join(['T * B', *symbol.axes])})")
            return name
        axis, *others = symbol.axes
        lengths = ["T * B", _times(place.total, axis), *others]
        part = _part(place.first, place.count, place.total, axis)
        index = f"[:, {part}]" if part else ""
        lines.append(f"{name} = {home.name}_flat.reshape({', '.join(lengths)}){index}")
        return name

    def stacked(self, members: Members, form: str) -> str:
        """Parameters as one: the name of it, bound before the loop."""
        if len(members) == 1 and not form.startswith("_columns"):
            return str(members[0])
        name = joined([symbol.name for symbol in members])
        name += "_columns" if form.startswith("_columns") else ""
        if name not in self._bound:
            self._bound.add(name)
            self.weights.append(f"{name} = {form}")
        return name

    # Statements.

    def comments(self, joint: Joint, last: Lines) -> tuple[Lines, Lines]:
        """The equations that a statement computes, unless they stand above the last one too."""
        above = self.statements.above(joint.targets)
        return ([] if above == last else above), above

    def before(self) -> Lines:
        """What precedes the loop, for all steps."""
        return self._all(self.layout.before, [])

    def after(self) -> Lines:
        """What follows the loop, for all steps."""
        return self._all(self.layout.after, [])

    def _all(self, joints: Iterable[Joint], lines: Lines) -> Lines:
        last: Lines = []
        for joint in joints:
            shown, last = self.comments(joint, last)
            text = self.gradient(joint) if is_gradient(joint.first) else self.all_steps(joint)
            lines += [line for part in shown for line in comment(part, 1)]
            lines += text
        return lines

    def all_steps(self, joint: Joint) -> Lines:
        """One statement for all steps."""
        lines: Lines = []
        if not self.layout.batched[joint.first]:
            return statement(Equation(joint.first, joint.value), self.writer, 1)
        if self.layout.place(joint.targets) is None and joint.first not in self.states:
            return self.in_one_piece(joint, lines)
        bound = set(self._bound)
        out = self.bulk(joint.targets, lines)
        many = len(joint.targets) > 1

        def name(symbol: TensorSymbol) -> str:
            column = joint.column(symbol)
            if is_parameter(symbol):
                return self.elementwise(column, len(joint.targets))
            text = self.bulk(column, lines)
            return f"{text}[:, None]" if many and len(column) == 1 else text

        def product(node: sp.Expr, into: str) -> str:
            matrix, vector = self.product_of(node)
            weights = ", ".join(symbol.name for symbol in joint.column(matrix))
            comma = "," if len(joint.column(matrix)) == 1 else ""
            target = into if many else f"{into}[:, None]"
            return f"_product({self.bulk((vector,), lines)}, ({weights}{comma}), {target})"

        def spare(number: int) -> str:
            made = f"spare_{LETTERS[number]}" if number else "spare"
            lines.append(f"{made} = np.empty_like({out})")
            return made

        calls = Calls(self.writer.order, name, product, spare, self.over(joint))
        try:
            calls.into(joint.value, out)
        except NotCallsError:
            self._bound = bound
            return self.in_one_piece(joint, [])
        return [*lines, *calls.lines]

    def product_of(self, node: sp.Expr) -> tuple[TensorSymbol, TensorSymbol]:
        """The matrix and the vector of a plain product."""
        if isinstance(node, Joined):
            raise NotCallsError(str(node))
        return factors(node)

    def over(self, joint: Joint) -> TensorSymbol | None:
        """The symbol of a right-hand side in whose place the result lies."""
        place = self.layout.place(joint.targets)
        for symbol in sorted(joint.value.atoms(TensorSymbol), key=str):
            if place is not None and self.layout.place(joint.column(symbol)) == place:
                found: TensorSymbol = symbol
                return found
        return None

    def elementwise(self, column: Members, count: int) -> str:
        """Parameters that values are multiplied by, or added to, component by component."""
        if len(column) == 1:
            return str(column[0])
        shape = ", ".join([str(count), "1", *column[0].axes])
        return self.stacked(column, f"{_on_top(column)}.reshape({shape})")

    def in_one_piece(self, joint: Joint, lines: Lines) -> Lines:
        """A statement for all steps on the rows of all steps, as that of a step is written."""
        symbol = joint.first
        value, names = self.by_rows(joint.value, lines)
        letters = BATCH + LETTERS[: len(symbol.axes)]
        writer = replace(self.writer, names=names, batched={**self.layout.batched, **self._extra})
        made = f"{symbol}_rows"
        self._bound.add(made)
        if value.is_number:
            lengths = ", ".join(["T * B", *symbol.axes]) + ("," if not symbol.axes else "")
            lines.append(f"{made} = np.full(({lengths}), {value}, dtype=dtype)")
        else:
            text = assign(made, writer.terms(value, letters), 1)
            if isinstance(value, TensorSymbol):
                text = [f"{text[0]}.copy()"]
            lines += text
        shaped = f"{made}.reshape({', '.join(['T', 'B', *symbol.axes])})"
        home = self.layout.home(symbol)
        if symbol in self.states or (home is not None and len(home.members) > 1):
            lines.append(f"{self.bulk((symbol,), lines)}[...] = {shaped}")
        else:
            self._by_rows.add(symbol)
        return lines

    def by_rows(
        self, value: sp.Expr, lines: Lines, columns: Mapping[TensorSymbol, Members] | None = None
    ) -> tuple[sp.Expr, dict[TensorSymbol, str]]:
        """An expression on the rows of all steps, and what its symbols are called there."""
        names: dict[TensorSymbol, str] = {}
        swaps: dict[sp.Expr, sp.Expr] = {}
        for node in sorted(value.atoms(Joined), key=str):
            matrix = self.symbol(node.parameters, "parameter")
            vector = self.symbol(node.values, "value")
            names[vector] = self.rows(node.values, lines)
            names[matrix] = self.stacked_here(node.parameters, lines)
            swaps[node] = Contract("ij,i->j", matrix, vector)
        value = value.xreplace(swaps)
        for symbol in sorted(value.atoms(TensorSymbol), key=str):
            if symbol in names or not self.layout.batched.get(symbol, False):
                continue
            members = (columns or {}).get(symbol, (symbol,))
            names[symbol] = self.rows(members, lines)
        return value, names

    def stacked_here(self, members: Members, lines: Lines) -> str:
        """Matrices on top of each other, as an operand of one product."""
        if len(members) == 1:
            return str(members[0])
        name = joined([symbol.name for symbol in members])
        if name not in self._bound:
            self._bound.add(name)
            lines.append(f"{name} = {_on_top(members)}")
        return name

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
        self._extra[symbol] = role != "parameter"
        return symbol

    def gradient(self, joint: Joint) -> Lines:
        """Gradients of parameters: one product over the rows of all steps."""
        lines: Lines = []
        stacks = {
            column[0]: self.symbol(column, "value")
            for column in joint.columns
            if not is_parameter(column[0])
        }
        columns = {stacks[column[0]]: column for column in joint.columns if column[0] in stacks}
        for stack in stacks.values():
            self._extra[stack] = True
        value = joint.value.xreplace(stacks)
        names: dict[TensorSymbol, str] = {}
        for stack, column in columns.items():
            names[stack] = self.rows(column, lines)
        value, others = self.by_rows(value, lines)
        target = self.symbol(joint.targets, "value")
        self._extra[target] = False
        writer = replace(
            self.writer,
            names={**others, **names},
            batched={**self.layout.batched, **self._extra},
        )
        copy = not any(stacks)
        lines += statement(Equation(target, value), writer, 1, copy=copy, rows="T * B")
        if len(joint.targets) > 1:
            axis = joint.first.axes[0]
            for k, symbol in enumerate(joint.targets):
                part = _part(k, 1, len(joint.targets), axis)
                lines.append(f"{symbol} = {target}[{part}]")
        return lines

    def loop(self, first: Mapping[TensorSymbol, str]) -> tuple[Lines, Lines]:
        """What a loop over time needs ahead of it, and the loop; nothing where none is carried."""
        if not first:
            return [], []
        body: Lines = []
        last: Lines = []
        for joint in self.layout.loop:
            shown, last = self.comments(joint, last)
            body += [line for part in shown for line in comment(part, 3 if self.chunks else 2)]
            body += self.one_step(joint)
        ends = []
        starts = []
        for argument, result in self.layout.carried:
            if argument in self.states.values():
                continue
            starts.append(f"{argument} = {first[argument]}")
            ends += self.handed_on(argument, result)
        body += ends
        head = self.heading(body)
        return [*starts, *self.resumed(), *self._ahead], [*head, *indented(body or ["pass"])]

    def resumed(self) -> Lines:
        """Results that lie where the argument lies that they become in the next step."""
        return [f"{result} = {argument}" for result, argument in self.layout.resumed.items()]

    @property
    def chunks(self) -> bool:
        """Whether what precedes the loop is computed for some steps at a time."""
        return self.layout.in_chunks

    def handed_on(self, argument: TensorSymbol, result: TensorSymbol) -> Lines:
        """What one step sends to the next."""
        if result in self.layout.resumed:
            return []
        home = self.layout.home(result)
        used = any(result in joint.targets for joint in self.layout.loop)
        if not used or (home is not None and self.layout.everywhere(home)):
            name = self.step((result,))
            return [] if name == str(argument) else [f"{argument} = {name}"]
        if home is None:
            return [f"{argument} = {result}"]
        return [f"copyto({argument}, {self.step((result,))})"]

    def one_step(self, joint: Joint) -> Lines:
        """One statement of a step."""
        symbol, many = joint.first, len(joint.targets) > 1
        if not self.layout.batched[symbol]:
            self._ahead += statement(Equation(symbol, joint.value), self.writer, 1)
            return []
        home = self.layout.home(symbol)
        if home is None and symbol not in self.states:
            return self.step_in_one_piece(joint)
        ahead, views, before = list(self._ahead), dict(self._views), dict(self._in_place)
        weights, bound = list(self.weights), set(self._bound)

        def name(part: TensorSymbol) -> str:
            column = joint.column(part)
            if is_parameter(part):
                return self.elementwise(column, len(joint.targets))
            return self.step(column)

        over = self.over(joint)
        if over is not None:
            name(over)
        out = self.step(joint.targets)

        def product(node: sp.Expr, into: str) -> str:
            if isinstance(node, Joined):
                vector = self.side_by_side(node.values)
                parameters = node.parameters
                text = f"{_on_top(parameters)}.T"
                weights = self.stacked(parameters, f"_columns({text}, 1, B)")
            else:
                matrix, value = factors(node)
                parameters = joint.column(matrix)
                vector = self.step((value,))
                text = f"{_on_top(parameters)}, {len(parameters)}"
                weights = self.stacked(parameters, f"_columns({text}, B)")
            return f"matmul({vector}, {weights}, out={self.blocks(into, weights, many=many)})"

        def spare(number: int) -> str:
            return self.spare(joint, number)

        calls = Calls(self.writer.order, name, product, spare, over, apart=many)
        try:
            calls.into(joint.value, out)
        except NotCallsError:
            self._ahead, self._views, self._in_place = ahead, views, before
            self.weights, self._bound = weights, bound
            return self.step_in_one_piece(joint)
        return [*self.in_place(before), *calls.lines]

    def in_place(self, before: Mapping[str, str]) -> Lines:
        """New names for what already has one, where a value takes the place of another."""
        fresh = {name: other for name, other in self._in_place.items() if name not in before}
        return [f"{name} = {other}" for name, other in fresh.items()]

    def spare(self, joint: Joint, number: int) -> str:
        """Room for what one step computes on the way."""
        count, axes = len(joint.targets), joint.first.axes
        lengths = [*([str(count)] if count > 1 else []), "B", *axes]
        shape = "_".join(lengths[:1] if count > 1 else []) + "".join(f"_{axis}" for axis in axes)
        key = f"spare{f'_{LETTERS[number]}' if number else ''}_{shape.strip('_')}".rstrip("_")
        if key not in self._bound:
            self._bound.add(key)
            comma = "," if len(lengths) == 1 else ""
            self._ahead.append(f"{key} = np.empty(({', '.join(lengths)}{comma}), dtype=dtype)")
        self._views.setdefault(key, "")
        return key

    def side_by_side(self, members: Members) -> str:
        """Values of one step as one row per sample."""
        if len(members) == 1:
            return self.step(members)
        name = f"{joined([symbol.name for symbol in members])}_row"
        home, place = self.layout.home(members[0]), self.layout.place(members)
        if name in self._views or home is None or place is None:
            return name
        axis = members[0].axes[0]
        length = _times(place.total, axis)
        part = _part(place.first, place.count, place.total, axis)
        if self.layout.everywhere(home):
            lead = "back" if self.chunks else "::-1" if self.backwards else ":"
            index = f"[{lead}, :, {part}]" if part else f"[{lead}]"
            self._views[name] = f"{home.name}_flat.reshape(T, B, {length}){index}"
        else:
            self._views[name] = ""
            index = f"[:, {part}]" if part else ""
            self._ahead.append(f"{name} = {home.name}_flat.reshape(B, {length}){index}")
        return name

    def blocks(self, out: str, weights: str, *, many: bool) -> str:
        """A result as a product by blocks of columns fills it."""
        name = f"{out}_blocks"
        if name in self._views:
            return name
        source = self._views[out]
        if source:
            self._views[name] = f"_blocks({source if many else f'{source}[:, None]'}, {weights})"
        else:
            self._views[name] = ""
            self._ahead.append(f"{name} = _blocks({out if many else f'{out}[None]'}, {weights})")
        return name

    def step_in_one_piece(self, joint: Joint) -> Lines:
        """A statement of a step as the step function writes it."""
        symbol = joint.first
        value = joint.value.xreplace({node: _apart(node) for node in joint.value.atoms(Joined)})
        before = dict(self._in_place)
        for part in sorted(value.atoms(TensorSymbol), key=str):
            if self.layout.batched[part]:
                self.step((part,))
        placed = self.layout.home(symbol) is not None or symbol in self.states
        target = f"{self.step((symbol,))}[...]" if placed else str(symbol)
        if value.is_number:
            lengths = ", ".join(["B", *symbol.axes]) + ("," if not symbol.axes else "")
            made = f"np.full(({lengths}), {value}, dtype=dtype)"
            text = [f"{target} = {value}" if placed else f"{target} = {made}"]
        else:
            letters = BATCH + LETTERS[: len(symbol.axes)]
            text = assign(target, self.writer.terms(value, letters), 3 if self.chunks else 2)
        return [*self.in_place(before), *text]

    def heading(self, body: Lines) -> Lines:
        """The head of the loop: every array that it goes through, step by step."""
        words = set(re.findall(r"\w+", "\n".join(body)))
        used = {
            name: source
            for name, source in self._views.items()
            if source and name in words and name not in self._in_place
        }
        if not used:
            order = "reversed(range(T))" if self.backwards else "range(T)"
            return [f"for _ in {order}:"]
        if len(used) == 1:
            ((name, source),) = used.items()
            return [f"for {name} in {source}:"]
        names = ", ".join(used)
        width = WIDTH - (8 if self.chunks else 4)
        line = f"for {names} in zip({', '.join(used.values())}, strict=True):"
        if len(line) <= width:
            return [line]
        head = [f"for {names} in zip("]
        if len(head[0]) > width:
            head = ["for (", *(f"    {name}," for name in used), ") in zip("]
        return [*head, *(f"    {source}," for source in used.values()), "    strict=True,", "):"]


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
    return [f"{name} = _gates({', '.join([lead, str(count), *lengths[1:]])}, dtype=dtype)"]


def _apart(node: Joined) -> sp.Expr:
    pairs = zip(node.parameters, node.values, strict=True)
    return sp.Add(*(Contract("ij,i->j", matrix, value) for matrix, value in pairs))


def _on_top(members: Members) -> str:
    """Parameters on top of each other."""
    if len(members) == 1:
        return str(members[0])
    return f"np.concatenate(({', '.join(symbol.name for symbol in members)}))"


def _times(count: int, axis: str) -> str:
    return axis if count == 1 else f"{count} * {axis}"


def _part(first: int, count: int, total: int, axis: str) -> str:
    """A slice of adjacent gates in a row; empty for all."""
    if count == total:
        return ""
    start = _times(first, axis) if first else ""
    stop = _times(first + count, axis) if first + count < total else ""
    colon = " : " if "*" in start + stop else ":"
    return f"{start}{colon}{stop}".strip()
