"""The compiled functions: the segments of a step, and the loop over time around them."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from equations.generate.numba.arrange import Stage
from equations.generate.numba.products import Product
from equations.generate.numba.rooms import Nest, Rooms
from equations.generate.numba.scalars import Indices, Scalars, looped
from equations.generate.text.source import WIDTH, Lines, assign, call, comment, indented
from equations.generate.text.statements import Statements
from equations.language import TensorSymbol
from equations.order import Order

INDICES = "jkmn"
LENGTHS = ("T", "B")


@dataclass(frozen=True)
class Kernel:
    """A compiled function.

    Args:
        name: of the function.
        numbers: the lengths it is called with, first.
        arrays: the arrays it is called with after them.
        lines: its text.
    """

    name: str
    numbers: tuple[str, ...]
    arrays: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Kernels:
    """Writes the compiled functions of one recurrence.

    Args:
        name: of the function they belong to.
        statements: writes the comments above them.
        order: the order of terms and factors.
        rooms: where values are.
    """

    name: str
    statements: Statements
    order: Order
    rooms: Rooms

    @cached_property
    def segments(self) -> dict[Stage, Kernel]:
        """The scalar code of each stage that has some."""
        stages = [stage for stage in self.rooms.arrangement.stages if stage.segment]
        return {
            stage: self.segment(stage, f"_{self.name}_{k}") for k, stage in enumerate(stages, 1)
        }

    def segment(self, stage: Stage, name: str) -> Kernel:
        """The scalar code of a stage, for all samples."""
        body: Lines = []
        for nest in self.rooms.nests[stage]:
            body += _Nesting(self, stage, nest).lines()
        body = ["row = first + sample", *body] if _uses(body, "row") else body
        body = looped(body, [("sample", "B")])
        swapped = self.swapped
        arrays = self.arrays(body)
        arrays = [*(a for a in arrays if a in swapped), *(a for a in arrays if a not in swapped)]
        if _uses(body, "real"):
            body = [f"real = {arrays[0]}.dtype.type", *body]
        numbers = [word for word in ("first", *LENGTHS, *self.axes) if _uses(body, word)]
        made = [str(eq.symbol) for eq in stage.segment if any(self.rooms.written(eq.symbol))]
        head = _head(name, [*map(_number, numbers), *map(_array, arrays)], "None")
        lines = (
            "@_segment",
            *head,
            *indented([*_docstring(f"One step: {', '.join(made)}."), *body]),
        )
        return Kernel(name, tuple(numbers), tuple(arrays), lines)

    @cached_property
    def loop(self) -> Kernel:
        """The loop over time: products, and between them segments."""
        body: Lines = []
        for stage in self.rooms.arrangement.stages:
            if stage.segment:
                body += self.run(stage)
            for product in stage.products:
                body += self.product(product)
        for argument, result in self.rooms.sent:
            if argument == result:
                continue
            if result in self.rooms.arrangement.made:
                body.append(f"{argument}, {result}_step = {result}_step, {argument}")
            else:
                body.append(f"{argument}[:] = {result}_all[first:last]")
        first = "first, last = t * B, (t + 1) * B" if _uses(body, "last") else "first = t * B"
        order = "range(T - 1, -1, -1)" if self.rooms.backwards else "range(T)"
        lines = [f"for t in {order}:", *indented([first, *body])]
        if self.rooms.sent:
            kept = [str(symbol) for symbol, _ in self.rooms.sent]
            lines.append(f"return ({kept[0]},)" if len(kept) == 1 else f"return {', '.join(kept)}")
        numbers = [word for word in (*LENGTHS, *self.axes) if _uses(lines, word)]
        arrays = self.arrays(lines)
        groups = [group for group in self.groups.values() if _uses(lines, group)]
        returned = "tuple[Array, ...]" if self.rooms.sent else "None"
        arguments = [*map(_number, numbers), *map(_array, arrays), *map(_group, groups)]
        head = _head(f"_{self.name}_steps", arguments, returned)
        about = f'"""All steps of `{self.name}`."""'
        lines = [*head, *indented([about, *lines])]
        return Kernel(f"_{self.name}_steps", tuple(numbers), (*arrays, *groups), tuple(lines))

    @property
    def groups(self) -> dict[Stage, str]:
        """The names of the arrays of each segment together."""
        return {stage: f"arrays_{k}" for k, stage in enumerate(self.segments, 1)}

    @property
    def swapped(self) -> frozenset[str]:
        """The arrays that change places from step to step."""
        return frozenset(
            name
            for argument, result in self.rooms.sent
            for name in (str(argument), f"{result}_step")
        )

    def grouped(self, stage: Stage) -> list[str]:
        """The arrays of a segment that are the same at every step."""
        return [name for name in self.segments[stage].arrays if name not in self.swapped]

    def run(self, stage: Stage) -> Lines:
        """The call of a segment."""
        kernel = self.segments[stage]
        arguments = [*kernel.numbers, *(name for name in kernel.arrays if name in self.swapped)]
        if self.grouped(stage):
            arguments.append(f"*{self.groups[stage]}")
        return call(kernel.name, arguments, 2)

    def product(self, product: Product) -> Lines:
        """A matrix product of one step, written into an array."""
        room = self.rooms.target(product)
        whole = f"{room.array}[first:last]" if room.steps else room.array
        lines = [
            line for text in self.statements.above(product.results) for line in comment(text, 2)
        ]
        lines.append(f"np.dot({self.rooms.operand(product)}, {weights_name(product)}, {whole})")
        for result in product.results:
            own = self.rooms.results[result]
            for other in self.rooms.written(result):
                if other.array != room.array:
                    rows = "first:last" if other.steps else ":"
                    lines.append(f"{other.slice(rows)} = {own.whole()}")
        return lines

    def arrays(self, lines: Iterable[str]) -> list[str]:
        """The arrays that some lines read or write, in the order of their first use."""
        code = [line for line in lines if not line.strip().startswith("#")]
        words = dict.fromkeys(re.findall(r"[^\W\d]\w*", "\n".join(code)))
        return [word for word in words if word in self.known]

    @cached_property
    def known(self) -> frozenset[str]:
        """The names of all arrays there may be."""
        rooms, arrangement = self.rooms, self.rooms.arrangement
        given = {str(s) for s in arrangement.given if not arrangement.batched[s]}
        rows = {rooms.read(s).array for s in arrangement.given if arrangement.batched[s]}
        made = {room.array for s in arrangement.made for room in (*rooms.written(s), rooms.read(s))}
        steps = {name for name, _ in (*rooms.steps, *rooms.stored)}
        matrices = {weights_name(product) for product in arrangement.products}
        sent = {f"{result}_all" for _, result in rooms.sent} | self.swapped
        return frozenset(given | rows | made | steps | matrices | sent)

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the lengths."""
        return tuple(self.statements.plan.cell.axes)


@dataclass
class _Nesting:
    """Writes one loop nest of a segment."""

    kernels: Kernels
    stage: Stage
    nest: Nest

    def __post_init__(self) -> None:
        symbols = {
            str(s) for eq in self.stage.segment for s in (eq.symbol, *eq.value.atoms(sp.Symbol))
        }
        self.taken = symbols
        self.at = tuple(self.index(n) for n in range(len(self.nest.axes)))
        self.own: set[TensorSymbol] = set()
        nests = self.kernels.rooms.nests[self.stage]
        self.local = {eq.symbol for nest in nests if not nest.axes for eq in nest.equations}

    def index(self, depth: int) -> str:
        """A name for an index that no value has."""
        name = INDICES[depth]
        while name in self.taken:
            name += "_"
        return name

    def lines(self) -> Lines:
        """The loops and their statements, each under the equation it came from."""
        depth = 2 + len(self.at)
        body: Lines = []
        last: Lines = []
        scalars = Scalars(self.kernels.order, self.element, self.index)
        for equation in self.nest.equations:
            symbol = equation.symbol
            above = self.kernels.statements.above([symbol])
            if above != last:
                body += [line for text in above for line in comment(text, depth)]
            last = above
            scalars.lines = []
            terms = scalars.terms(equation.value, self.at)
            body += [*scalars.lines, *_assign(str(symbol), terms, depth)]
            self.own.add(symbol)
            body += [
                f"{room.at(*self.at)} = {symbol}" for room in self.kernels.rooms.written(symbol)
            ]
        return looped(body, list(zip(self.at, self.nest.axes, strict=True)))

    def element(self, value: TensorSymbol, at: Indices) -> str:
        """A component of a value that is there already."""
        if not self.kernels.rooms.arrangement.batched[value]:
            return f"{value}[{', '.join(at) or '()'}]"
        if value in self.local or (value in self.own and tuple(at) == self.at):
            return str(value)
        return self.kernels.rooms.read(value).at(*at)


def weights_name(product: Product) -> str:
    """The name of the matrices of a product as the loop reads them."""
    return f"{product.weights}_T" if product.transposed else product.weights


def _uses(lines: Iterable[str], word: str) -> bool:
    return any(re.search(rf"\b{word}\b", line.partition("#")[0]) for line in lines)


def _assign(target: str, terms: Sequence[str], indent: int) -> Lines:
    """An assignment; a product that is too long has a line for each factor."""
    if len(terms) == 1 and _enclosed(terms[0]):
        terms = [terms[0][1:-1]]
    lines = assign(target, terms, indent)
    if len(terms) > 1 or len(lines) == 1 or len(lines[1]) + 4 * indent <= WIDTH:
        return lines
    depths = _depths(terms[0])
    breaks = [m.start() for m in re.finditer(r" [*/] ", terms[0]) if not depths[m.start()]]
    bounds = [0, *(at + 1 for at in breaks), len(terms[0]) + 1]
    parts = [terms[0][start : stop - 1] for start, stop in itertools.pairwise(bounds)]
    return [f"{target} = (", *indented(parts), ")"]


def _depths(text: str) -> list[int]:
    """How many brackets are open after each character."""
    return list(itertools.accumulate((c in "([") - (c in ")]") for c in text))


def _enclosed(text: str) -> bool:
    """Whether one pair of parentheses holds all of it."""
    return text.startswith("(") and 0 not in _depths(text)[:-1]


def _docstring(text: str) -> Lines:
    """A docstring, wrapped."""
    if len(text) + 10 <= WIDTH:
        return [f'"""{text}"""']
    first, *rest = textwrap.wrap(text, WIDTH - 7)
    return [f'"""{first}', *rest, '"""']


def _head(name: str, arguments: Sequence[str], result: str) -> Lines:
    """The head of a function."""
    whole = f"def {name}({', '.join(arguments)}) -> {result}:"
    if len(whole) <= WIDTH:
        return [whole]
    inner = "    " + ", ".join(arguments)
    if len(inner) <= WIDTH:
        return [f"def {name}(", inner, f") -> {result}:"]
    return [f"def {name}(", *(f"    {argument}," for argument in arguments), f") -> {result}:"]


def _number(name: str) -> str:
    return f"{name}: int"


def _array(name: str) -> str:
    return f"{name}: Array"


def _group(name: str) -> str:
    return f"{name}: tuple[Array, ...]"
