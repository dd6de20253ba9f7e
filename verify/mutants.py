"""Planted errors: the mistakes people make in cells, made in derived equations and around them.

An equation is changed in one term: a sign, a factor, a transposed matrix, a neighbour's gate, an
old value for a new one, a factor wrong by 5e-4. A wrapper changes what a subject returns: a mean
for a sum over the batch, a carry that is dropped, one sample's result for all. A route is worth
its name if it finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest

import numpy as np
import sympy as sp

from equations.cell import Cell
from equations.language import Contract, TensorSymbol
from equations.order import Order
from equations.printing import expressions
from equations.program import Equation, Program
from verify.evidence.case import Array, Case
from verify.evidence.derived import Function, Programs, programs_of
from verify.evidence.subject import Subject
from verify.routes.laws import chained_vjp

Kind = str
Make = Callable[[Programs], Subject]
Show = Callable[[sp.Expr], str]
Results = Mapping[str, Array]

SLIGHT = sp.Rational(10005, 10000)
"""A factor wrong by 5e-4: a rounded constant, a clipped derivative."""


@dataclass(frozen=True, eq=False)
class Mutant:
    """A planted error.

    Attributes:
        name: what is wrong, such as `da_u: factor 1 - u dropped`.
        kind: `equation`, `batch`, `sequence`, `checkpoints` or `linear`; routes say which kinds
            they claim to see.
        functions: the functions it changes.
        subject: the wrong subject, given how programs are evaluated.
    """

    name: str
    kind: Kind
    functions: tuple[Function, ...]
    subject: Callable[[Make], Subject]


@dataclass(frozen=True)
class Change:
    """One term of one equation, and what it becomes."""

    what: str
    equation: str
    term: sp.Expr
    becomes: sp.Expr
    reads: tuple[TensorSymbol, ...] = ()

    def apply(self, program: Program) -> Program:
        """The program with the change, where it has that equation and term; else as it was."""
        equations = []
        for equation in program:
            terms = list(sp.Add.make_args(equation.value))
            if equation.symbol.name == self.equation and self.term in terms:
                terms[terms.index(self.term)] = self.becomes
                equations.append(Equation(equation.symbol, sp.Add(*terms)))
            else:
                equations.append(equation)
        known = set(program.symbols)
        arguments = (*program.arguments, *(s for s in self.reads if s not in known))
        return replace(program, arguments=arguments, equations=tuple(equations))


def changes(
    program: Program,
    cell: Cell,
    handed: Sequence[TensorSymbol] = (),
    skip: Sequence[str] = (),
) -> Iterator[Change]:
    """All changes of a program's equations, those of one equation after those of the one before.

    Args:
        program: what is changed.
        cell: the cell it belongs to.
        handed: symbols it could be given besides its arguments, for a neighbour's place.
        skip: equations that stay as they are.
    """
    order = Order(program.position)
    show = expressions(order, "unicode")
    known = {*program.arguments, *handed}
    for equation in program:
        fixed = equation.symbol.name in skip or equation.symbol.role == "shift"
        parts = [] if fixed or not equation.value else order.terms(equation.value)
        terms = [number * rest for number, rest in parts]
        for term in terms:
            for what, becomes, reads in _variants(term, cell, order, show):
                if not known.issuperset(reads):
                    continue
                name = f"{equation.symbol}: {what}"
                yield Change(name, equation.symbol.name, term, becomes, reads)
            if len(terms) > 1:
                what = f"{equation.symbol}: term {show(term)} dropped"
                yield Change(what, equation.symbol.name, term, sp.S.Zero)
        known.add(equation.symbol)


Variant = tuple[str, sp.Expr, tuple[TensorSymbol, ...]]
"""What is wrong, the term as it becomes, and the symbols it reads now."""


def _variants(term: sp.Expr, cell: Cell, order: Order, show: Show) -> Iterator[Variant]:
    yield f"sign of {show(term)} flipped", -term, ()
    yield f"{show(term)} scaled by 1.0005", SLIGHT * term, ()
    yield from _factors(term, order, show)
    for node in sorted(term.atoms(Contract), key=sp.srepr):
        yield from _transposed(term, node, show)
    for symbol in sorted(term.atoms(TensorSymbol), key=lambda s: order.position.get(s, 0)):
        for other, why in _neighbours(symbol, cell):
            what = f"{why} {show(other)} for {show(symbol)} in {show(term)}"
            yield what, term.xreplace({symbol: other}), (other,)


def _factors(term: sp.Expr, order: Order, show: Show) -> Iterator[Variant]:
    """Dropped factors, and 1 - s written as s."""
    for product in (term, *(p for node in term.atoms(Contract) for p in node.operands)):
        number, rest = product.as_coeff_Mul()
        if not isinstance(rest, sp.Mul):
            continue
        factors = order.factors(rest)
        for factor in factors:
            if factor.is_Number or not factor.free_symbols:
                continue
            left = number * sp.Mul(*(f for f in factors if f != factor))
            yield f"factor {show(factor)} dropped", term.xreplace({product: left}), ()
            if isinstance(factor, sp.Add) and factor.args[0] is sp.S.One and len(factor.args) == 2:
                wrong = product.xreplace({factor: -factor.args[1]})
                what = f"{show(-factor.args[1])} for {show(factor)}"
                yield what, term.xreplace({product: wrong}), ()


def _transposed(term: sp.Expr, node: Contract, show: Show) -> Iterator[Variant]:
    """A square matrix the other way round."""
    inputs, output = node.letters
    for k, operand in enumerate(node.operands):
        axes = operand.axes if isinstance(operand, TensorSymbol) else ()
        if len(axes) == 2 and len(set(axes)) == 1:
            letters = [*inputs]
            letters[k] = letters[k][::-1]
            turned = Contract(f"{','.join(letters)}->{output}", *node.operands)
            what = f"{show(operand)} transposed in {show(node)}"
            yield what, term.xreplace({node: turned}), ()


def _neighbours(symbol: TensorSymbol, cell: Cell) -> Iterator[tuple[TensorSymbol, str]]:
    """Another value of the cell with the same axes: the next of its role, or the other time."""
    for old, new in cell.carried:
        if symbol in (old, new):
            yield (new, "new") if symbol == old else (old, "old")
    if symbol.origin is not None:
        return
    peers = [
        s
        for s in cell.program.symbols
        if s.role == symbol.role and s.axes == symbol.axes and s not in cell.next_states
    ]
    if symbol in peers and len(peers) > 1:
        yield peers[(peers.index(symbol) + 1) % len(peers)], "neighbour"


TARGETS: tuple[tuple[tuple[str, ...], tuple[Function, ...], int], ...] = (
    (("backward", "bptt"), ("step_vjp", "unroll_vjp"), 12),
    (("tangent", "tangent_sequence"), ("step_jvp", "unroll_jvp"), 6),
    (("second",), ("step_hvp",), 6),
    (("jacobian",), ("step_jacobian",), 4),
    (("forward", "sequence"), ("step", "unroll"), 4),
)
"""Which programs are changed together, what that changes, and how many changes are drawn."""


def equation_mutants(cell: Cell, seed: int = 0) -> Iterator[Mutant]:
    """A draw from the changes of every derived program, spread over kinds and equations."""
    programs = programs_of(cell)
    for parts, functions, count in TARGETS:
        program = getattr(programs, parts[0])
        skip = [eq.symbol.name for p in (programs.forward, programs.backward) for eq in p]
        alone = parts[0] in ("second", "forward")
        handed = () if alone else programs.forward.symbols
        found = list(changes(program, cell, handed, skip if parts[0] == "second" else ()))
        for change in _spread(found, np.random.default_rng(seed), count):
            wrong = programs.mapped(parts, change.apply)
            yield Mutant(f"{functions[0]}, {change.what}", "equation", functions, _given(wrong))


def _given(programs: Programs) -> Callable[[Make], Subject]:
    return lambda make: make(programs)


def _spread(found: Sequence[Change], rng: np.random.Generator, count: int) -> Iterator[Change]:
    """Changes of different kinds in turn, each from a random equation."""
    by_kind: dict[str, list[Change]] = {}
    for change in found:
        by_kind.setdefault(_sort(change.what.partition(": ")[2]), []).append(change)
    shuffled = [[kind[k] for k in rng.permutation(len(kind))] for kind in by_kind.values()]
    turns = [change for turn in zip_longest(*shuffled) for change in turn if change is not None]
    yield from turns[:count]


def _sort(what: str) -> str:
    """The kind of a change, by how it is named."""
    words = what.split()
    if words[0] in ("sign", "factor", "term", "neighbour", "new", "old"):
        return words[0]
    return words[-1] if words[-1] == "1.0005" else words[1]


Wrap = Callable[[Subject, Function, Case], Results]


def _altered(
    name: str, kind: Kind, functions: tuple[Function, ...], wrap: Wrap, cell: Cell
) -> Mutant:
    """A mutant that changes what a right subject returns."""

    def subject(make: Make) -> Subject:
        base = make(programs_of(cell))

        @lru_cache(maxsize=256)
        def results(function: Function, case: Case) -> Results:
            if function in functions:
                return wrap(base, function, case)
            return base.compute(function, case)

        return Subject(name, results)

    return Mutant(name, kind, functions, subject)


def system_mutants(cell: Cell) -> Iterator[Mutant]:
    """Mistakes around the equations: in the batch, over time, in how a derivative is used."""
    parameters = {s.name for s in cell.parameters}
    rest = {s.name for s in (*cell.inputs, *cell.states)}
    gradients: tuple[Function, ...] = ("step_vjp", "unroll_vjp")

    def each(change: Callable[[str, Array, Case], Array]) -> Wrap:
        def wrap(base: Subject, function: Function, case: Case) -> Results:
            found = base.compute(function, case)
            return {name: change(name, value, case) for name, value in found.items()}

        return wrap

    def seeded(change: Callable[[Array], Array]) -> Wrap:
        def wrap(base: Subject, function: Function, case: Case) -> Results:
            return base.compute(function, _with_cotangents(case, change))

        return wrap

    def sampled(name: str, value: Array, case: Case) -> Array:
        axis = (
            1 if name in {s.name for s in cell.inputs} and value.ndim > _rank(cell, name) + 1 else 0
        )
        return np.repeat(value.take([0], axis), case.sizes["B"], axis) if name in rest else value

    def averaged(name: str, value: Array, case: Case) -> Array:
        return value / case.sizes["B"] if name in parameters else value

    yield _altered("mean over the batch for the sum", "batch", gradients, each(averaged), cell)
    yield _altered("the first sample's gradient for all", "batch", gradients, each(sampled), cell)
    yield _altered(
        "the batch reversed",
        "batch",
        ("step", "step_jvp"),
        each(lambda _name, value, _case: value[::-1]),
        cell,
    )
    yield _altered("cotangents squared", "linear", gradients, seeded(np.square), cell)
    yield _altered("cotangents without their sign", "linear", gradients, seeded(np.abs), cell)
    yield _altered(
        "gradients clipped at 1",
        "linear",
        gradients,
        each(lambda _name, value, _case: np.clip(value, -1, 1)),
        cell,
    )
    yield _altered(
        "one part in a thousand of the results added to the tangents",
        "linear",
        ("step_jvp", "unroll_jvp"),
        _leaking,
        cell,
    )
    yield _altered(
        "mean over the steps for the sum",
        "sequence",
        ("unroll_vjp",),
        each(lambda n, value, case: value / case.sizes["T"] if n in parameters else value),
        cell,
    )
    if cell.states:
        yield _altered(
            "the carried cotangent dropped", "sequence", ("unroll_vjp",), _without_carry, cell
        )
        yield _altered("the state reset at every step", "sequence", ("unroll",), _reset, cell)
        yield _altered(
            "no cotangent handed to the segment before",
            "checkpoints",
            ("unroll_vjp",),
            _cut,
            cell,
        )


def _rank(cell: Cell, name: str) -> int:
    return len(cell[name].axes)


@lru_cache(maxsize=256)
def _with_cotangents(case: Case, change: Callable[[Array], Array]) -> Case:
    return replace(case, cotangents={name: change(v) for name, v in case.cotangents.items()})


def _leaking(base: Subject, function: Function, case: Case) -> Results:
    forward: Function = "unroll" if function.startswith("unroll") else "step"
    values = base.compute(forward, case)
    return {n: v + 1e-3 * values[n] for n, v in base.compute(function, case).items()}


def _without_carry(base: Subject, _function: Function, case: Case) -> Results:
    def compute(function: Function, at: Case) -> Results:
        found = base.compute(function, at)
        states = {s.name for s in case.cell.states}
        return (
            {n: np.zeros_like(v) if n in states else v for n, v in found.items()}
            if (function == "step_vjp")
            else found
        )

    return chained_vjp(Subject("no carry", compute), case)


def _cut(base: Subject, function: Function, case: Case) -> Results:
    if case.checkpoint_every is None:
        return base.compute(function, case)
    return _without_carry(base, function, case)


def _reset(base: Subject, _function: Function, case: Case) -> Results:
    steps = [
        base.compute("step", case.at(t, {}, {n: v[t] for n, v in case.cotangents.items()}, {}))
        for t in range(case.sizes["T"])
    ]
    return {name: np.stack([values[name] for values in steps]) for name in steps[0]}


def mutants(cell: Cell, seed: int = 0) -> tuple[Mutant, ...]:
    """All planted errors of a cell."""
    return (*equation_mutants(cell, seed), *system_mutants(cell))
