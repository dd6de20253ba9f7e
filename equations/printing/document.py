"""What is printed of a program or a recurrence: equations, and the words around them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from equations.language import TensorSymbol
from equations.order import Order
from equations.printing.layout import Layout
from equations.printing.notation import Compare, Name, Node, Prefixed, Sum, SumOver, Text
from equations.program import Equation, Program

if TYPE_CHECKING:
    from collections.abc import Iterable

    import sympy as sp

    from equations.derive.sequence import Recurrence

Line = tuple[Node, Node]  # the two sides of an equation
TIME = "t"


@dataclass(frozen=True)
class Paragraph:
    """Words and formulas in a line of text."""

    pieces: tuple[str | Node, ...]


@dataclass(frozen=True)
class Equations:
    """Equations aligned at their `=`, in groups; those of a loop are indented."""

    groups: tuple[tuple[Line, ...], ...]
    indented: bool = False

    @property
    def lines(self) -> tuple[Line, ...]:
        """All equations."""
        return tuple(line for group in self.groups for line in group)


Block = Paragraph | Equations


def program_blocks(program: Program) -> list[Block]:
    """The equations of a program and what a reader has to know about its names."""
    layout = Layout(Order(program.position))
    lines = [(eq.symbol, layout.equation(eq.symbol, eq.value)) for eq in _printed(program, layout)]
    return [Equations(_grouped(lines)), *_notes(program, layout)]


def recurrence_blocks(recurrence: Recurrence) -> list[Block]:
    """The loop over time, what it carries from step to step, and the sums over time."""
    program = recurrence.body
    layout = Layout(Order(program.position))
    inside: list[tuple[TensorSymbol, Line]] = []
    summed: list[Line] = []
    for equation in _printed(program, layout):
        line = layout.equation(equation.symbol, equation.value)
        if equation.symbol in recurrence.summed:
            summed.append((line[0], SumOver((TIME,), line[1]) if equation.value != 0 else line[1]))
        else:
            inside.append((equation.symbol, line))
    steps = Text("t = T, ..., 1" if recurrence.backwards else "t = 1, ..., T")
    blocks: list[Block] = [
        Paragraph(("for ", steps, ":")),
        Equations(_grouped(inside), indented=True),
    ]
    blocks += [Equations((tuple(summed),))] if summed else []
    carried = [_carry_note(recurrence, layout, *pair) for pair in recurrence.carried]
    return [*blocks, *carried, *_notes(program, layout)]


def _printed(program: Program, layout: Layout) -> Iterable[Equation]:
    """The equations worth a line: not those of inner values that are printed in place."""
    aliases: dict[sp.Expr, sp.Expr] = {}
    for equation in program.equations:
        value = equation.value.xreplace(aliases)
        symbol = equation.symbol
        jacobian = symbol.origin is not None and symbol.origin[0] == "jacobian"
        if jacobian and isinstance(value, TensorSymbol) and symbol not in program.results:
            aliases[symbol] = value
        elif not layout.inlined(symbol):
            yield Equation(symbol, value)


def _grouped(lines: Iterable[tuple[TensorSymbol, Line]]) -> tuple[tuple[Line, ...], ...]:
    """Values, cotangents, tangents and the Jacobians by each symbol are groups of their own."""
    found: list[tuple[object, list[Line]]] = []
    for symbol, line in lines:
        by = symbol.origin[1][1] if symbol.origin and symbol.origin[0] == "jacobian" else None
        key = (by, frozenset(_kinds(symbol)) & {"cotangent", "tangent"})
        if not found or found[-1][0] != key:
            found.append((key, []))
        found[-1][1].append(line)
    return tuple(tuple(group) for _, group in found)


def _notes(program: Program, layout: Layout) -> Iterable[Paragraph]:
    """What the names of a program stand for, where that is not plain; the facts it uses."""
    seeds = [s for s in program.arguments if _kind(s) == "seed"]
    if seeds:
        of = [layout.name(s) for s in seeds]
        whole = [Prefixed("delta", n.level, n.of) for n in of if isinstance(n, Prefixed)]
        verb = " are the loss's own parts of " if len(seeds) > 1 else " is the loss's own part of "
        yield Paragraph(("where ", *_listed(of), verb, *_listed(whole)))
    derived = [eq.symbol for eq in program.equations]
    if any(_kinds(s)[:2] == ["tangent", "cotangent"] for s in derived):
        v = Name("v")
        of_cotangent = Prefixed("delta", 1, v, ("dot",))
        yield Paragraph(
            (
                "where ",
                of_cotangent,
                " is the tangent of ",
                Prefixed("delta", 1, v),
                " for every ",
                v,
            )
        )
    for symbol in derived:
        if symbol.role == "shift":
            yield Paragraph(("where ", layout.name(symbol), " is a shift: no result depends on it"))
    # Facts are used where terms of a cotangent are collected.
    if any("cotangent" in _kinds(symbol) for symbol in derived):
        for fact in program.facts:
            claim = Compare("=", layout.expression(fact.left), layout.expression(fact.right))
            yield Paragraph(("using ", claim))


def _carry_note(
    recurrence: Recurrence, layout: Layout, argument: TensorSymbol, result: TensorSymbol
) -> Paragraph:
    """What an argument of a step is, in terms of the step before it."""
    into, out = layout.name(argument), layout.name(result)
    if recurrence.backwards:
        later = Sum(((False, Name("t")), (False, Text("1"))))
        ending = (", and zero at ", Compare("=", Name("t"), Name("T")))
        return Paragraph(("where ", into, " is the ", out, " of step ", later, *ending))
    step = Sum(((False, Name("t")), (True, Text("1"))))
    first = _at_start(into)
    given = ("; ", first, " is given") if first else ("; that of the first step is given",)
    return Paragraph(("where ", into, " is the ", out, " of step ", step, *given))


def _at_start(node: Node) -> Node | None:
    """The name at time 0 of what is named at time t-1."""
    if isinstance(node, Name) and "t-1" in node.sub:
        return replace(node, sub=tuple("0" if part == "t-1" else part for part in node.sub))
    return None


def _kind(symbol: sp.Expr) -> str:
    """How a derivation made the symbol; empty for one that was written."""
    made = isinstance(symbol, TensorSymbol) and symbol.origin is not None
    return str(symbol.origin[0]) if made else ""


def _kinds(symbol: TensorSymbol) -> list[str]:
    """All derivations that made the symbol, the last one first."""
    kinds = []
    while symbol.origin is not None and isinstance(symbol.origin[1][0], TensorSymbol):
        kinds.append(str(symbol.origin[0]))
        symbol = symbol.origin[1][0]
    return kinds


def _listed(nodes: Iterable[Node]) -> list[str | Node]:
    """`a, b and c`."""
    nodes = list(nodes)
    pieces: list[str | Node] = []
    for k, node in enumerate(nodes):
        pieces += [" and " if k == len(nodes) - 1 else ", "] if k else []
        pieces.append(node)
    return pieces
