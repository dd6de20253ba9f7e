"""The schedule of a recurrence: what is computed for all steps at once, and what has to wait.

A step waits for what the step next to it sends. Whatever does not is computed before the loop, for
all steps in one statement; whatever nothing waits for is computed after it, again in one. Sums and
products that mix the two are split: in `W x + U h + b` the known part `W x + b` goes ahead, and in
`δh u (1 - h'²)` the known factor. Each part is a program, so it is written like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from equations.derive.sequence import Recurrence
from equations.generate.planning.parallel import parallel
from equations.generate.planning.roles import is_gradient
from equations.language import Contract, Select, TensorSymbol, constant_factor
from equations.program import Equation, Program


@dataclass(frozen=True)
class Schedule:
    """A recurrence as three programs.

    Args:
        before: on the values of all steps at once.
        loop: one step after another; its results are what is carried and what the others read.
        after: on the values of all steps at once.
    """

    before: Program
    loop: Program
    after: Program


def schedule(recurrence: Recurrence, kept: Iterable[TensorSymbol] = ()) -> Schedule:
    """Split the body of a recurrence.

    Args:
        recurrence: with a body in normal form.
        kept: values that are wanted for every step besides the results of the body.
    """
    sent = {result for _, result in recurrence.carried}
    wanted = {*recurrence.body.results, *kept}
    carried = {argument for argument, _ in recurrence.carried}
    waiting = _waiting(recurrence.body, carried)
    body = _fused(recurrence.body, waiting, wanted)
    needed = set(body.needed_for(sorted(sent, key=body.position.__getitem__)).symbols)
    needed |= _beside(body, needed, waiting)
    before: list[Equation] = []
    loop: list[Equation] = []
    after: list[Equation] = []
    for equation in body.equations:
        if equation.symbol not in waiting:
            before.append(equation)
        elif equation.symbol not in needed and not equation.value.atoms(TensorSymbol) & carried:
            after.append(equation)
        else:
            ahead, rest = _split(equation, waiting)
            before += ahead
            loop.append(rest)
    read_after = _read(after)
    made_after = {equation.symbol for equation in after}
    name, outside = body.name, body.arguments
    return Schedule(
        _part(f"{name}, before", outside, before, wanted | _read(loop) | read_after),
        _part(f"{name}, loop", outside, loop, (wanted - made_after) | read_after, before),
        _part(f"{name}, after", outside, after, wanted, before, loop),
    )


def _part(
    name: str,
    outside: Iterable[TensorSymbol],
    equations: list[Equation],
    wanted: set[TensorSymbol],
    *earlier: list[Equation],
) -> Program:
    """The program of one part: what it reads from outside, and which of its values are wanted."""
    own = {equation.symbol for equation in equations}
    read = _read(equations) - own
    known = dict.fromkeys([*outside, *(eq.symbol for part in earlier for eq in part)])
    return Program(
        name,
        tuple(symbol for symbol in known if symbol in read),
        tuple(equations),
        tuple(eq.symbol for eq in equations if eq.symbol in wanted),
    )


def _read(equations: Iterable[Equation]) -> set[TensorSymbol]:
    return {symbol for equation in equations for symbol in equation.value.atoms(TensorSymbol)}


def _waiting(program: Program, sources: Iterable[TensorSymbol]) -> set[TensorSymbol]:
    """What depends on what is carried."""
    waiting = set(sources)
    for equation in program.equations:
        if equation.value.atoms(TensorSymbol) & waiting:
            waiting.add(equation.symbol)
    return waiting


def _beside(
    program: Program, needed: set[TensorSymbol], waiting: set[TensorSymbol]
) -> set[TensorSymbol]:
    """What nothing waits for, but what can be one statement with something that is waited for.

    It must read nothing else: what is known would have to be brought to its side.
    """
    alone = [eq for eq in program if eq.symbol in needed and not eq.value.has(Contract, Select)]
    found: set[TensorSymbol] = set()
    for equation in program:
        symbol, read = equation.symbol, equation.value.atoms(TensorSymbol)
        if symbol in needed or is_gradient(symbol) or not read <= waiting & (needed | found):
            continue
        if any(
            eq.symbol.axes == symbol.axes and parallel(eq.value, equation.value) for eq in alone
        ):
            found.add(symbol)
    return found


def _fused(program: Program, waiting: set[TensorSymbol], wanted: set[TensorSymbol]) -> Program:
    """Put a product that waits and is used once into its use, so that its factors come together."""
    uses: dict[TensorSymbol, int] = {}
    for equation in program.equations:
        for symbol in equation.value.atoms(TensorSymbol):
            # A symbol inside a contraction or a selection has to keep its name.
            inside = any(
                node.has(symbol) for node in equation.value.atoms(Contract, Select, sp.Function)
            )
            uses[symbol] = uses.get(symbol, 0) + (2 if inside else 1)
    products: dict[TensorSymbol, sp.Expr] = {}
    equations = []
    for equation in program.equations:
        value = equation.value.xreplace(products)
        symbol = equation.symbol
        alone = symbol in waiting and symbol not in wanted and uses.get(symbol) == 1
        if alone and not isinstance(value, sp.Add) and not value.has(Contract, Select, sp.Function):
            products[symbol] = value
        else:
            equations.append(Equation(symbol, value))
    return Program(
        program.name, program.arguments, tuple(equations), program.results, program.facts
    )


def _split(equation: Equation, waiting: set[TensorSymbol]) -> tuple[list[Equation], Equation]:
    """The known parts of an equation that waits, under names of their own, and the rest of it."""
    ahead: list[Equation] = []

    def named(value: sp.Expr, name: str) -> sp.Expr:
        """A name for a known value, unless it is one already or a number."""
        constant, rest = constant_factor(value)
        if rest == 1 or isinstance(rest, TensorSymbol):
            return value
        symbol = TensorSymbol(name, equation.symbol.axes, origin=("expression", (rest,)))
        ahead.append(Equation(symbol, rest))
        return constant * symbol

    known: list[sp.Expr] = []
    terms: list[sp.Expr] = []
    scaled: dict[sp.Expr, list[sp.Expr]] = {}
    for term in sp.Add.make_args(equation.value):
        slow = term.atoms(TensorSymbol) & waiting
        if not slow:
            known.append(term)
        elif isinstance(constant_factor(term)[1], Contract | Select | sp.Function):
            terms.append(term)
        else:
            factors = sp.Mul.make_args(term)
            held = [f for f in factors if f.atoms(TensorSymbol) & waiting]
            rest = [f for f in factors if f not in held]
            scaled.setdefault(sp.Mul(*held), []).append(sp.Mul(*rest))
    names: list[str] = []
    for product, rests in scaled.items():
        by = "_".join(sorted(s.name for s in product.atoms(TensorSymbol) & waiting))
        names.append(f"{equation.symbol}_by_{by}")
        again = names.count(names[-1])
        name = names[-1] if again == 1 else f"{names[-1]}_{again}"
        terms.append(product * named(sp.Add(*rests), name))
    if known:
        terms.append(named(sp.Add(*known), f"{equation.symbol}_ahead"))
    return ahead, Equation(equation.symbol, sp.Add(*terms))
