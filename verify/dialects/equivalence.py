"""Whether one cell can compute what another does, by what choice of its parameters.

A choice gives every parameter of the target a parameter of the source, with a sign, or zero, or the
identity; it may hold only where some parameters of the source have such a value themselves. That
it is right is proved on the definitions: both are written out in terms of the source's arguments,
with σ(-a) = 1 - σ(a), tanh(-a) = -tanh(a) and the same of clips between such ends, and their
difference must expand to zero. Nothing in that argument depends on the sizes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from equations import cells
from equations.cell import Cell
from equations.language import Contract, Identity, TensorSymbol, constant_factor, ramp, sigmoid
from equations.program import Program
from verify.arithmetic.floats import Floats
from verify.dialects.layout import Array
from verify.interpret import evaluate

Name = str


@dataclass(frozen=True)
class Term:
    """What a parameter is: another one with a sign; with no other, zero or the identity."""

    parameter: Name = ""
    sign: int = 1
    identity: bool = False

    def __str__(self) -> str:
        """Such as `-W_u`, `0` or `I`."""
        if not self.parameter:
            return "I" if self.identity else "0"
        return f"{'-' if self.sign < 0 else ''}{self.parameter}"

    def symbolic(self, cell: Cell, like: TensorSymbol) -> sp.Expr:
        """It as an expression; `like` is the parameter whose place it takes."""
        if self.parameter:
            return self.sign * cell[self.parameter]
        return Identity(like.axes[-1]) if self.identity else sp.S.Zero

    def value(self, values: Mapping[Name, Array], shape: tuple[int, ...]) -> Array:
        """It as an array."""
        if self.parameter:
            return values[self.parameter] if self.sign > 0 else -values[self.parameter]
        dtype = next(iter(values.values())).dtype
        return np.eye(shape[0], dtype=dtype) if self.identity else np.zeros(shape, dtype)


ZERO, IDENTITY = Term(), Term(identity=True)


@dataclass(frozen=True)
class Choice:
    """How the target's parameters come from the source's.

    Attributes:
        source, target: the names of the cells.
        parameters: for each parameter of the target what it is.
        conditions: what some parameters of the source must be for it to hold.
        tried: how many choices were tried before.
    """

    source: Name
    target: Name
    parameters: Mapping[Name, Term]
    conditions: Mapping[Name, Term] = field(default_factory=dict)
    tried: int = 0

    @property
    def changed(self) -> tuple[str, ...]:
        """What is not simply moved, in words."""
        return tuple(
            f"{name} = {term}" for name, term in self.parameters.items() if str(term) != name
        )

    def unmet(self, values: Mapping[Name, Array]) -> str:
        """The first condition that these parameters of the source do not satisfy; else nothing."""
        for name, term in self.conditions.items():
            value = values[name]
            square = not term.identity or value.shape[0] == value.shape[-1]
            if not square or not np.array_equal(value, term.value(values, value.shape)):
                return f"{name} = {term}"
        return ""

    def apply(self, values: Mapping[Name, Array]) -> dict[Name, Array]:
        """The target's parameters from the source's."""
        sizes = {
            axis: n
            for symbol in cells[self.source].parameters
            for axis, n in zip(symbol.axes, values[str(symbol)].shape, strict=True)
        }
        found = {}
        for symbol in cells[self.target].parameters:
            # An axis that only the target has, such as that of a projection, is as long as n_h.
            shape = tuple(sizes.get(axis, sizes["n_h"]) for axis in symbol.axes)
            found[str(symbol)] = self.parameters[str(symbol)].value(values, shape)
        return found


@cache
def choice(source: Name, target: Name) -> Choice | None:
    """The choice under which the target computes what the source does; None where none was found.

    Those without a condition come first, and then those with few changes.
    """
    if source == target:
        return Choice(source, target, {str(s): Term(str(s)) for s in cells[source].parameters})
    one, other = cells[source], cells[target]
    if {str(s) for s in one.states} != {str(s) for s in other.states}:
        return None
    for tried, found in enumerate(candidates(one, other)):
        if plausible(one, other, found) and agrees(one, other, found):
            return Choice(source, target, found.parameters, found.conditions, tried + 1)
    return None


def candidates(source: Cell, target: Cell) -> Iterator[Choice]:
    """The choices that are tried, the plainest first."""
    own, wanted = gates(source), gates(target)
    options = [_sources(gate, letters, own) for gate, letters in wanted.items()]
    plans = sorted(
        itertools.product(*options), key=lambda plan: sum(len(str(t)) for g in plan for t in g)
    )
    without: list[tuple[Choice, set[Name]]] = []
    within: list[tuple[Choice, set[Name]]] = []
    for plan in plans:
        parameters = {
            f"{letter}_{gate}": term
            for (gate, letters), terms in zip(wanted.items(), plan, strict=True)
            for letter, term in zip(letters, terms, strict=True)
        }
        free = {str(s) for s in source.parameters} - {t.parameter for t in parameters.values()}
        made = Choice(source.name, target.name, parameters)
        (within if free else without).append((made, free))
    yield from (made for made, _ in without)
    for made, free in within:
        rest = {g: [a for a in ls if f"{a}_{g}" in free] for g, ls in own.items()}
        rest = {gate: letters for gate, letters in rest.items() if letters}
        others = {gate: letters for gate, letters in own.items() if gate not in rest}
        yield made
        for plan in itertools.product(*(_sources(g, ls, others) for g, ls in rest.items())):
            conditions = {
                f"{letter}_{gate}": term
                for (gate, letters), terms in zip(rest.items(), plan, strict=True)
                for letter, term in zip(letters, terms, strict=True)
            }
            yield Choice(source.name, target.name, made.parameters, conditions)


def gates(cell: Cell) -> dict[str, list[str]]:
    """The letters of the parameters of each gate: W_u, U_u and b_u are W, U and b of u."""
    found: dict[str, list[str]] = {}
    for symbol in cell.parameters:
        letter, _, gate = str(symbol).partition("_")
        found.setdefault(gate, []).append(letter)
    return found


def _sources(gate: str, letters: list[str], own: Mapping[str, list[str]]) -> list[list[Term]]:
    """What the parameters of a gate can be: those of one gate with one sign, or none."""
    options = [
        [Term(f"{letter}_{name}", sign) if letter in own[name] else ZERO for letter in letters]
        for name in ([gate] if gate in own else own)
        for sign in (1, -1)
    ]
    if gate not in own:
        options.append([ZERO] * len(letters))
        options += [[IDENTITY]] if letters == ["W"] else []
    return options


def plausible(source: Cell, target: Cell, made: Choice) -> bool:
    """Whether both are equal at a random point; where they are not, there is nothing to prove."""
    rng = np.random.default_rng(0)
    sizes = dict.fromkeys((*source.axes, *target.axes), 2)
    values = {str(s): rng.standard_normal([2] * len(s.axes)) for s in source.program.arguments}
    for name, term in made.conditions.items():
        values[name] = term.value(values, values[name].shape)
    others = {str(s): values[str(s)] for s in (*target.inputs, *target.states)}
    for symbol in target.parameters:
        others[str(symbol)] = made.parameters[str(symbol)].value(values, (2,) * len(symbol.axes))
    one = evaluate(source.program, values, sizes, Floats())
    other = evaluate(target.program, others, sizes, Floats())
    return all(np.allclose(one[str(s)], other[str(s)], atol=1e-9) for s in source.next_states)


def agrees(source: Cell, target: Cell, made: Choice) -> bool:
    """Whether both compute the same under a choice, proved by expansion."""
    held = {source[name]: t.symbolic(source, source[name]) for name, t in made.conditions.items()}
    moved = {target[str(s)]: source[str(s)] for s in (*target.inputs, *target.states)}
    for name, term in made.parameters.items():
        moved[target[name]] = term.symbolic(source, target[name])
    one, other = (
        written_out(source.program, held),
        written_out(target.program, {k: v.xreplace(held) for k, v in moved.items()}),
    )
    return all(sp.expand(one[name] - other[name]) == 0 for name in one)


def written_out(program: Program, given: Mapping[TensorSymbol, sp.Expr]) -> dict[Name, sp.Expr]:
    """Each result in terms of the arguments, in a form in which equal functions look alike."""
    known: dict[sp.Expr, sp.Expr] = dict(given)
    for equation in program:
        known[equation.symbol] = canonical(equation.value.xreplace(known))
    return {str(symbol): known[symbol] for symbol in program.results}


def canonical(expression: sp.Expr) -> sp.Expr:
    """An expression expanded, with contractions of sums as sums and no symmetric function of -a."""
    if not expression.args or isinstance(expression, TensorSymbol | Identity):
        return expression
    if isinstance(expression, Contract):
        return _distributed(expression.signature, [canonical(o) for o in expression.operands])
    arguments = [canonical(a) if isinstance(a, sp.Expr) else a for a in expression.args]
    if isinstance(expression, sigmoid | sp.tanh | ramp):
        argument, *line = arguments
        both = _both_sides(expression)
        if both is not None and _leads_negative(argument):
            return both - expression.func(sp.expand(-argument), *line)
        return expression.func(argument, *line)
    return sp.expand(expression.func(*arguments))


def _both_sides(expression: sp.Expr) -> sp.Expr | None:
    """What f(a) and f(-a) add up to, if that is the same for all a."""
    if isinstance(expression, ramp):
        _, _, offset, low, high = expression.args
        return low + high if 2 * offset == low + high else None
    return sp.Integer(isinstance(expression, sigmoid))


def _distributed(signature: str, operands: list[sp.Expr]) -> sp.Expr:
    terms = [sp.Add.make_args(operand) for operand in operands]
    return sp.Add(*(Contract(signature, *picked) for picked in itertools.product(*terms)))


def _leads_negative(expression: sp.Expr) -> bool:
    """Whether the first term, in an order that knows no signs, is negative."""
    split = [constant_factor(term) for term in sp.Add.make_args(expression)]
    number, _ = min(split, key=lambda pair: sp.srepr(pair[1]))
    return bool(number.is_negative)


def differing(source: Name, target: Name) -> tuple[str, str] | None:
    """The first equations of the same name that are written differently, as text."""
    one, other = cells[source], cells[target]
    for equation in one.program:
        name = str(equation.symbol)
        twin = next((e for e in other.program if str(e.symbol) == name), None)
        if twin is not None and str(twin.value) != str(equation.value):
            return line(one, name), line(other, name)
    return None


def line(cell: Cell, name: str) -> str:
    """An equation as it is printed."""
    lines = str(cell.program).rstrip().split("\n")
    place = [str(equation.symbol) for equation in cell.program].index(name)
    return " ".join(lines[place].split())


def values_of(params: Any) -> dict[Name, Array]:  # noqa: ANN401 - the NamedTuple of any cell
    """The fields of `Params` by name."""
    return {name: np.asarray(value) for name, value in params._asdict().items()}
