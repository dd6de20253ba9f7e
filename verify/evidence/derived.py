"""The derived programs of a cell in any arithmetic: every function of the public surface.

This is what is generated, before generation: the interpreter walks the same equations. In float64
it is a subject to check, with mutated programs a wrong subject; in many digits it is the true
value of the derived equations; in running error analysis it tells how far rounding can lead away.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, Literal, Protocol

import numpy as np
import sympy as sp

from equations.cell import Cell
from equations.derive.normalised import difference_in, normalised
from equations.derive.sequence import Recurrence
from equations.language import (
    Contract,
    Identity,
    Ones,
    TensorSymbol,
    axes_of,
    outer,
    sigmoid,
    tanh,
)
from equations.program import Equation, Program
from verify.arithmetic.floats import Floats
from verify.evidence.case import Array, Case, first_step
from verify.interpret import Arithmetic, Values, evaluate, run

Function = Literal[
    "step",
    "step_vjp",
    "step_jvp",
    "step_hvp",
    "step_jacobian",
    "unroll",
    "unroll_vjp",
    "unroll_jvp",
]
FUNCTIONS: tuple[Function, ...] = (
    "step",
    "step_vjp",
    "step_jvp",
    "step_hvp",
    "step_jacobian",
    "unroll",
    "unroll_vjp",
    "unroll_jvp",
)


class Numbers(Arithmetic, Hashable, Protocol):
    """An arithmetic that also brings arrays in and puts them together."""

    def lift(self, values: Array) -> Any:  # noqa: ANN401 - whatever the arithmetic computes with
        """An array of floats as numbers of this arithmetic."""

    def stack(self, parts: Sequence[Any]) -> Any:  # noqa: ANN401
        """Arrays along a new first axis."""

    def spread(self, value: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401
        """The value repeated to that shape."""


class Textbook(Floats):
    """float64 with σ by the exponential, which keeps its digits at both ends."""

    def __init__(self, namespace: Any = np) -> None:  # noqa: ANN401 - numpy or autograd.numpy
        """Use the functions of `namespace`."""
        super().__init__(namespace)
        self.functions = {**self.functions, "sigmoid": self._sigmoid}

    def _sigmoid(self, a: Array) -> Array:
        """1/(1 + e^-a), or e^a/(1 + e^a) where a is negative, so that nothing overflows.

        The branch goes by the real part, so that a complex step passes through.
        """
        positive = self.np.real(a) >= 0
        small = self.np.exp(-a * self.np.where(positive, 1.0, -1.0))
        value: Array = self.np.where(positive, 1.0, small) / (1 + small)
        return value

    def lift(self, values: Array) -> Array:
        """Floats as float64."""
        return np.asarray(values, float)

    def stack(self, parts: Sequence[Array]) -> Array:
        """Arrays along a new first axis."""
        return np.stack(parts)

    def spread(self, value: Array, shape: tuple[int, ...]) -> Array:
        """The value repeated to that shape."""
        return np.broadcast_to(value, shape)


@dataclass(frozen=True)
class Programs:
    """A cell's definition in normal form and everything derived from it."""

    forward: Program
    backward: Program
    tangent: Program
    second: Program
    jacobian: Program
    sequence: Recurrence
    bptt: Recurrence
    tangent_sequence: Recurrence

    def mapped(self, names: Iterable[str], change: Callable[[Program], Program]) -> Programs:
        """The programs of these names changed, inside recurrences as well."""
        changed: dict[str, Program | Recurrence] = {}
        for name in names:
            part = getattr(self, name)
            if isinstance(part, Recurrence):
                changed[name] = replace(part, body=change(part.body))
            else:
                changed[name] = change(part)
        return replace(self, **changed)  # type: ignore[arg-type]


PARTS = tuple(field.name for field in fields(Programs))

USED: Mapping[Function, tuple[str, ...]] = {
    "step": ("forward",),
    "step_vjp": ("forward", "backward"),
    "step_jvp": ("forward", "tangent"),
    "step_hvp": ("second",),
    "step_jacobian": ("forward", "jacobian"),
    "unroll": ("sequence",),
    "unroll_vjp": ("sequence", "bptt"),
    "unroll_jvp": ("sequence", "tangent_sequence"),
}
"""The programs each function is computed with."""


_derived: dict[Program, Programs] = {}
"""What was derived already, by the program that defines the cell."""


def programs_of(cell: Cell) -> Programs:
    """What is derived from a cell."""
    if cell.program not in _derived:
        _derived[cell.program] = _derive(cell)
    return _derived[cell.program]


def _derive(cell: Cell) -> Programs:
    return Programs(
        cell.forward(),
        cell.backward(),
        cell.tangent(),
        cell.second(),
        cell.jacobian(),
        cell.sequence(),
        cell.bptt(),
        cell.tangent_sequence(),
    )


def compute(function: Function, programs: Programs, case: Case, numbers: Numbers) -> Values:
    """One function at a case, by field: `W_u` of step_vjp, `h` of unroll, `h.c` of the Jacobian."""
    parts = tuple(getattr(programs, name) for name in USED[function])
    return _computed(function, parts, case, numbers)


@lru_cache(maxsize=4096)
def _computed(
    function: Function, parts: tuple[Program | Recurrence, ...], case: Case, numbers: Numbers
) -> Values:
    """Kept, since a mutant changes one program and all routes ask for the same values."""
    return (_sequence if function.startswith("unroll") else _step)(parts, case, numbers)


def _step(parts: tuple[Program | Recurrence, ...], case: Case, numbers: Numbers) -> Values:
    """The last of the programs at the first step, after the others."""
    case = first_step(case)
    known: Values = {}
    for part in parts:
        program = part.body if isinstance(part, Recurrence) else part
        if part is parts[0]:
            known = _forward(program, case, numbers)
        else:
            seeds = _seeds(program, case, 0, known, numbers)
            known = evaluate(program, {**known, **seeds}, case.sizes, numbers)
    found: Values = {}
    for symbol in program.results:
        name = field_of(symbol, case.cell)
        if name is not None:
            found[name] = _shaped(known[symbol.name], symbol, case, numbers)
    return found


@lru_cache(maxsize=1024)
def _forward(program: Program, case: Case, numbers: Numbers) -> Values:
    """All values of the first program at the first step."""
    point = {
        s.name: numbers.lift(case.point[s.name][0] if s.role == "input" else case.point[s.name])
        for s in case.cell.program.arguments
    }
    seeds = _seeds(program, case, 0, point, numbers)
    return evaluate(program, {**point, **seeds}, case.sizes, numbers)


@lru_cache(maxsize=1024)
def _unrolled(sequence: Recurrence, case: Case, numbers: Numbers) -> list[Values]:
    """All values of each step."""
    cell = case.cell
    steps = {s.name: [numbers.lift(x) for x in case.point[s.name]] for s in cell.inputs}
    constant = {s.name: numbers.lift(case.point[s.name]) for s in (*cell.parameters, *cell.states)}
    return run(sequence, constant, steps, case.sizes, numbers)[1]


def _sequence(parts: tuple[Program | Recurrence, ...], case: Case, numbers: Numbers) -> Values:
    """The last of the recurrences over all steps, after the others."""
    recurrences = [part for part in parts if isinstance(part, Recurrence)]
    trace = _unrolled(recurrences[0], case, numbers)
    recurrence, final = recurrences[0], Values()
    for other in recurrences[1:]:
        recurrence = other
        constant, steps = _handed(recurrence, trace, case, numbers)
        final, trace = run(recurrence, constant, steps, case.sizes, numbers)
    found: Values = {}
    at_start = {result for _, result in recurrence.carried} if recurrence.backwards else set()
    for symbol in recurrence.body.results:
        name = field_of(symbol, case.cell)
        if name is None:
            continue
        if symbol in recurrence.summed:
            found[name] = final[symbol.name]
        elif symbol in at_start:
            found[name] = _shaped(trace[0][symbol.name], symbol, case, numbers)
        else:
            each = [_shaped(values[symbol.name], symbol, case, numbers) for values in trace]
            found[name] = numbers.stack(each)
    return found


def _handed(
    recurrence: Recurrence, trace: list[Values], case: Case, numbers: Numbers
) -> tuple[Values, dict[str, list[Any]]]:
    """What a derived recurrence is given: the same at every step, and step by step."""
    constant: Values = {}
    steps: dict[str, list[Any]] = {}
    carried = {argument for argument, _ in recurrence.carried}
    seeds = [_seeds(recurrence.body, case, t, values, numbers) for t, values in enumerate(trace)]
    for symbol in recurrence.body.arguments:
        name = symbol.name
        if symbol in carried:
            constant[name] = _carry(symbol, case, numbers)
        elif name not in trace[0]:
            steps[name] = [of_step[name] for of_step in seeds]
        elif symbol.role == "parameter":
            constant[name] = trace[0][name]
        else:
            steps[name] = [values[name] for values in trace]
    return constant, steps


def _seeds(program: Program, case: Case, t: int, known: Values, numbers: Numbers) -> Values:
    """The cotangents and tangents a program asks for at a step."""
    seeds: Values = {}
    for symbol in program.arguments:
        if symbol.name in known or symbol.origin is None:
            continue
        kind, (of, *_) = symbol.origin
        if kind in ("cotangent", "seed"):
            seeds[symbol.name] = numbers.lift(case.cotangents[of.name][t])
        elif kind == "tangent":
            value = case.tangents[of.name]
            seeds[symbol.name] = numbers.lift(value[t] if of.role == "input" else value)
    return seeds


def _carry(symbol: TensorSymbol, case: Case, numbers: Numbers) -> Any:  # noqa: ANN401
    """What is carried into the first step taken: a state's tangent, or a cotangent of zero."""
    kind, (of, *_) = symbol.origin or ("carry", (symbol,))
    if kind == "tangent":
        return numbers.lift(case.tangents[of.name])
    return numbers.lift(np.zeros([case.sizes[axis] for axis in ("B", *symbol.axes)]))


def _shaped(value: Any, symbol: TensorSymbol, case: Case, numbers: Numbers) -> Any:  # noqa: ANN401
    """A result at one step: summed over the batch for a parameter, else with its batch."""
    batched = getattr(value, "ndim", 0) > len(symbol.axes)
    if _argument_of(symbol).role == "parameter":
        return value.sum(axis=0) if batched else value
    if batched:
        return value
    return numbers.spread(value, tuple(case.sizes[axis] for axis in ("B", *symbol.axes)))


def _argument_of(symbol: TensorSymbol) -> TensorSymbol:
    while symbol.origin is not None and isinstance(symbol.origin[1][0], TensorSymbol):
        symbol = symbol.origin[1][0]
    return symbol


def field_of(symbol: TensorSymbol, cell: Cell) -> str | None:
    """The field of the public surface that a result is; None for an inner value.

    A new state has the name of its state; the derivative of a new state by an old one has both.
    """
    fields_of: dict[Any, str] = {new: old.name for old, new in cell.carried}
    fields_of.update({output: output.name for output in cell.outputs})
    if symbol in fields_of:
        return fields_of[symbol]
    if symbol.origin is None:
        return None
    kind, sources = symbol.origin
    if kind == "jacobian":
        return f"{fields_of[sources[0]]}.{sources[1].name}" if sources[0] in fields_of else None
    if kind == "cotangent" and sources[0] in cell.program.arguments:
        return str(sources[0].name)
    if kind == "tangent":
        return field_of(sources[0], cell)
    return None


@lru_cache(maxsize=64)
def with_companions(programs: Programs) -> Programs:
    """The same programs with 1 - σ(a) computed as σ(-a), and 1 - tanh² as 4 σ(2a) σ(-2a).

    Both keep their digits where the activation saturates: a well-conditioned way to compute the
    same derivatives, which tells how accurate a careful computation can be. So does a difference
    between a component and a mean of all, taken as one between it and the others.
    """
    slopes: dict[Any, TensorSymbol] = {}
    extra: list[Equation] = []
    shares = [each.share for each in normalised(programs.forward) if len(each.share.axes) == 1]
    for share in shares:
        off = TensorSymbol(f"{share}_off", share.axes)
        slopes[1 - share] = off
        extra.append(Equation(off, _others(share)))
    for equation in programs.forward:
        symbol, value = equation.symbol, equation.value
        if isinstance(value, sigmoid):
            other: sp.Expr = sigmoid(-value.args[0])
            left, name = 1 - symbol, f"{symbol}_off"
        elif isinstance(value, tanh):
            twice = 2 * value.args[0]
            other = 4 * sigmoid(twice) * sigmoid(-twice)
            left, name = 1 - symbol**2, f"{symbol}_slope"
        else:
            continue
        slopes[left] = TensorSymbol(name, symbol.axes)
        extra.append(Equation(slopes[left], other))

    def change(program: Program) -> Program:
        known, waiting, own = set(program.arguments), list(extra), []
        for equation in (None, *program):
            if equation is not None:
                value = _among_others(equation, program, slopes, shares)
                own.append(Equation(equation.symbol, value.xreplace(slopes)))
                known.add(equation.symbol)
            ready = [c for c in waiting if known.issuperset(c.value.atoms(TensorSymbol))]
            waiting = [c for c in waiting if c not in ready]
            own += ready
        read = {s for eq in own for s in eq.value.atoms(TensorSymbol)}
        handed = tuple(c.symbol for c in waiting if c.symbol in read)
        return replace(program, arguments=(*program.arguments, *handed), equations=tuple(own))

    return programs.mapped(PARTS, change)


def _among_others(
    equation: Equation,
    program: Program,
    slopes: Mapping[Any, TensorSymbol],
    shares: Iterable[TensorSymbol],
) -> sp.Expr:
    """A right-hand side in which no component meets itself in a mean: p x - pᵀx is Σ p (x - x')."""
    value = equation.value
    for share in shares:
        if found := difference_in(equation, program, share):
            others = found.weight * _others(found.summed)
            value += slopes[1 - share] * found.value - others - found.value - found.taken
    return value


def _others(value: sp.Expr) -> sp.Expr:
    """For every component the sum of the others."""
    (axis,) = axes_of(value) or ()
    apart = outer(Ones(axis), Ones(axis)) - Identity(axis)
    return Contract("ij,j->i", apart, value)
