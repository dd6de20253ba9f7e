"""What the generated functions have in common: checks, unpacking, and what they return."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import sympy as sp

from equations.cell import Cell
from equations.generate.numpy.sequence.calls import CONSTANTS
from equations.generate.numpy.templates.segments import SEGMENTS
from equations.generate.numpy.templates.sequence import UNROLL_OVERLOADS
from equations.generate.planning.exact import complements
from equations.generate.planning.plan import Plan
from equations.generate.text.source import Lines, assign, call, fill, indented, unpack
from equations.generate.text.statements import Statements
from equations.language import Size, TensorSymbol
from equations.program import Program

Group = str
"""A tuple of arrays, as it is written; checked at the head of a function."""


@dataclass(frozen=True)
class Writing:
    """Writes functions of one plan from their templates."""

    plan: Plan

    @property
    def cell(self) -> Cell:
        """The cell."""
        return self.plan.cell

    @property
    def statements(self) -> Statements:
        """Writes equations."""
        return Statements(self.plan)

    @property
    def next_type(self) -> str:
        """The named tuple of results."""
        return "Next" if self.cell.outputs else "State"

    def inputs_type(self, alone: str) -> str:
        """The named tuple of the inputs, or what a single one is."""
        return "Inputs" if len(self.cell.inputs) > 1 else alone

    def function(
        self,
        name: str,
        template: str,
        slots: dict[str, Lines],
        groups: Sequence[Group],
        words: dict[str, str] | None = None,
    ) -> Lines:
        """Fill a template; the check hands out those lengths of axes that the body uses."""
        described = {
            "x_type": self.inputs_type("Array"),
            "next_type": self.next_type,
            "input_shapes": shapes(self.cell.inputs, "B"),
            "input_shapes_over_time": shapes(self.cell.inputs, "T, B"),
            "state_shapes": shapes(self.cell.states, "B"),
            "next_shapes": self.result_shapes("B"),
            "next_shapes_over_time": self.result_shapes("T, B"),
            "floats": self.floats(),
            "next": self.made(self.plan.results, str),
            "moved_next": self.made(self.plan.results, lambda s: str(self.plan.moved(s))),
        }
        here = ["<check>"]
        lines = fill(template, {**slots, "check": here}, {**described, **(words or {})})
        at = next(k for k, line in enumerate(lines) if line.strip() == "<check>")
        body = lines[at + 1 :]
        lines[at + 1 : at + 1] = indented([*ufuncs(body), *constants(body)])
        overloads = fill(UNROLL_OVERLOADS, {}, described) if name == "unroll" else []
        return [
            *overloads,
            *self.quiet(lines),
            *lines[:at],
            *indented(self.check(name, groups, lines[at + 1 :])),
            *lines[at + 1 :],
        ]

    def floats(self) -> str:
        """How many numbers a tape holds, besides arguments and results."""
        there = {*self.cell.inputs, *self.cell.states, *self.plan.results}
        counted = Counter(symbol.axes for symbol in self.plan.saved if symbol not in there)
        terms = [
            " * ".join([*([str(n)] if n > 1 or not axes else []), *axes])
            for axes, n in counted.items()
        ]
        return f"{' + '.join(terms) or '0'} numbers"

    def segments(self) -> Lines:
        """The functions that keep the states of some steps alone."""
        many = len(self.cell.inputs) > 1
        words = {
            "x_type": self.inputs_type("Array"),
            "next_type": self.next_type,
            "xs_group": "xs" if many else "(xs,)",
            "xs_part": "Inputs(*(x[steps] for x in xs))" if many else "xs[steps]",
            "dxs_part": "Inputs(*dx)" if many else "dx[0]",
            "dx_group": "dx" if many else "(dx,)",
            "dxs_group": "dxs" if many else "(dxs,)",
            "dx_joined": "Inputs(*joined)" if many else "joined[0]",
            "first_x": "tape.x[0]" if many else "tape.x",
        }
        return fill(SEGMENTS, {}, words)

    def quiet(self, body: Lines) -> Lines:
        """The decorator of a function in which e^-a, or its inverse, may overflow to infinity."""
        made = {str(complement.ahead.symbol) for complement in complements(self.cell.forward())}
        used = any(name in line for name in made for line in body)
        return ['@np.errstate(over="ignore", divide="ignore")'] if used else []

    def check(self, name: str, groups: Sequence[Group], body: Lines) -> Lines:
        """The call that checks the arguments, with the lengths and the dtype that the body uses.

        Derivatives are given cotangents and tangents, which are zero where they are None.
        """
        used = set(re.findall(r"(?<![.\w])[A-Za-z]\w*", "\n".join(body)))
        assigned = set(re.findall(r"^\s*(\w+) = ", "\n".join(body), flags=re.MULTILINE))
        lengths = [a for a in ("T", "B", *self.cell.axes) if a in used and a not in assigned]
        found = ["sizes" if lengths else "_", "dtype" if "dtype" in used else "_"]
        filled = [group for group in groups if group.lstrip("(").startswith("d")]
        names = [*(found if found != ["_", "_"] else []), "*_", *filled]
        arguments = ", ".join([f'"{name}"', *groups])
        text = f"_check({arguments})"
        lines = assign(", ".join(names), [text], 1) if len(names) > 1 else [text]
        return lines + unpack(lengths, [f'sizes["{length}"]' for length in lengths], 1)

    def of_step(self, program: Program) -> Lines:
        """The statements of a step; it is a sequence of one, where an equation has the length."""
        uses = any(equation.value.has(Size("T")) for equation in program)
        return [*(["T = 1"] if uses else []), *self.statements.write(program, 1)]

    def input(self, symbol: TensorSymbol, source: str) -> str:
        """An input, taken from the argument that holds the inputs."""
        return f"{source}.{symbol}" if len(self.cell.inputs) > 1 else source

    def inputs(self, source: str) -> Lines:
        """The inputs of a step as local names."""
        names = [str(s) for s in self.cell.inputs]
        if len(names) > 1:
            return [f"{', '.join(names)} = {source}"]
        return [] if names == [source] else [f"{names[0]} = {source}"]

    def inputs_group(self, source: str) -> Group:
        """The inputs as a group to check."""
        return source if len(self.cell.inputs) > 1 else f"({source},)"

    def reads(self, program: Program) -> dict[str, Lines]:
        """Those parameters and saved values that a program reads, as local names."""
        parameters = [str(s) for s in self.cell.parameters if s in program.arguments]
        values = [str(s) for s in self.plan.saved if s in program.arguments]
        return {
            "params": unpack(parameters, [f"params.{s}" for s in parameters], 1),
            "saved": unpack(values, [f"saved.{s}" for s in values], 1),
        }

    def seeds(self, program: Program) -> Lines:
        """The cotangents of the results as local names."""
        names = [str(self.plan.seed(s, program)) for s in self.plan.results]
        return unpack_names("dnext", names, 1)

    def tangents(self, program: Program, dx: str | None, dstate: str | None) -> Lines:
        """The tangents of the arguments as local names; an underscore before what is not read."""
        lines = unpack_names("dparams", self._moved(self.cell.parameters, program), 1)
        if dx is not None:
            moved = self._moved(self.cell.inputs, program)
            pairs = zip(moved, self.cell.inputs, strict=True)
            lines += [f"{name} = {self.input(s, dx)}" for name, s in pairs if name[0] != "_"]
        if dstate is not None:
            lines += unpack_names(dstate, self._moved(self.cell.states, program), 1)
        return lines

    def _moved(self, symbols: Iterable[TensorSymbol], program: Program) -> list[str]:
        tangents = [self.plan.moved(s) for s in symbols]
        return [f"{'' if t in program.arguments else '_'}{t}" for t in tangents]

    def tangent_groups(self, dx: str, dstate: str) -> list[Group]:
        """The tangents of the arguments as groups to check."""
        return ["dparams", self.inputs_group(dx), dstate]

    def return_gradients(self, name: Callable[[TensorSymbol], TensorSymbol]) -> Lines:
        """Return what `name` makes of parameters, inputs and states."""
        inputs = [str(name(s)) for s in self.cell.inputs]
        pairs = ", ".join(f"{s}={d}" for s, d in zip(self.cell.inputs, inputs, strict=True))
        dx = f"Inputs({pairs})" if len(inputs) > 1 else inputs[0]
        state = ", ".join(f"{s}={name(s)}" for s in self.cell.states)
        return [
            *call("dparams = Params", [f"{s}={name(s)}" for s in self.cell.parameters], 1),
            f"return dparams, {dx}, State({state})",
        ]

    def made(self, symbols: Iterable[TensorSymbol], value: Callable[[TensorSymbol], str]) -> str:
        """The named tuple of results, with these values."""
        pairs = ", ".join(f"{self.plan.field(s)}={value(s)}" for s in symbols)
        return f"{self.next_type}({pairs})"

    def result_shapes(self, lead: str) -> str:
        """The shapes of the results in words."""
        return ", ".join(
            f"{self.plan.field(s)} ({', '.join([lead, *s.axes])})" for s in self.plan.results
        )


def ufuncs(body: Lines) -> Lines:
    """The functions that write into arrays, as local names: they are called at every step."""
    code = "\n".join(line for line in body if not line.strip().startswith("#"))
    called = set(re.findall(r"(?<![.\w])([a-z]+)\(", code))
    names = sorted(called & UFUNCS)
    return [
        *unpack(names, [f"np.{name}" for name in names], 1),
        *([PRODUCT_OF_ROWS] if "product" in called else []),
    ]


def constants(body: Lines) -> Lines:
    """Numbers as arrays of the dtype of the computation."""
    text = "\n".join(line for line in body if not line.strip().startswith("#"))
    return [
        f"{name} = np.array({_literal(value)}, dtype=dtype)"
        for value, name in CONSTANTS.items()
        if re.search(rf"(?<![.\w]){name}(?=[,)])", text)
    ]


def _literal(value: sp.Expr) -> str:
    return str(value) if value.is_Integer else repr(float(value))


PRODUCT_OF_ROWS = "product = np.dot if B == 1 else np.matmul  # of one row, dot is faster"
"""A product with what `_columns` returns, which is one matrix for a single row."""

UFUNCS = {
    *(
        "absolute",
        "add",
        "copyto",
        "divide",
        "exp",
        "log",
        "maximum",
        "minimum",
        "multiply",
        "negative",
    ),
    *("power", "reciprocal", "sqrt", "square", "subtract", "tanh"),
}


def shapes(symbols: Sequence[TensorSymbol], lead: str) -> str:
    """The shapes of symbols in words."""
    return ", ".join(f"{s} ({', '.join([lead, *s.axes])})" for s in symbols) or "nothing"


def shape(axes: Sequence[str]) -> str:
    """The inside of a tuple of lengths."""
    return ", ".join(axes) + ("," if len(axes) == 1 else "")


def unpack_whole(source: str, symbols: Sequence[TensorSymbol], indent: int) -> Lines:
    """The fields of a named tuple as local names."""
    return unpack_names(source, [str(s) for s in symbols], indent)


def unpack_names(source: str, names: Sequence[str], indent: int) -> Lines:
    """`a, b = source`, in parentheses when it is too long for a line."""
    if not names:
        return []
    if len(names) == 1:
        return [f"({names[0]},) = {source}"]
    line = f"{', '.join(names)} = {source}"
    if len(line) + 4 * indent <= 100:
        return [line]
    return ["(", *(f"    {name}," for name in names), f") = {source}"]
